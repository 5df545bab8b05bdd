"""Face verification on one's own machine, from Python, with the results and errors of the `senseid` command.

::

    import senseid

    faces = senseid.Senseid()
    result = faces.compare("anna.jpg", "passport.jpg")
    print(result.score, result.score >= senseid.DEFAULT_THRESHOLD)

Here belongs what the command line and the service share: an opened installation (data directory, licences, models,
keys), the table of outcomes, the bodies of results. Nothing here prints, exits, reads options or knows a socket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid.version import __version__

if TYPE_CHECKING:
    from senseid.api import ERRORS, Senseid
    from senseid.bodies import DEFAULT_THRESHOLD
    from senseid_engine.photo_options import PhotoOptions

_PLACES = {
    "DEFAULT_THRESHOLD": "senseid.bodies",
    "ERRORS": "senseid.api",
    "PhotoOptions": "senseid_engine.photo_options",
    "Senseid": "senseid.api",
}

__all__ = ["DEFAULT_THRESHOLD", "ERRORS", "PhotoOptions", "Senseid", "__version__"]


def __getattr__(name: str) -> object:
    """Import a name on first use: `senseid license check` needs none of them."""
    from importlib import import_module

    if name not in _PLACES:
        raise AttributeError(f"module 'senseid' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
