"""`senseid version`, which is also `senseid --version` and `-V`."""

from __future__ import annotations

import typer

from senseid.version import __version__


def version() -> None:
    """Print the version.

    Examples:
        senseid version
        senseid -V
    """
    typer.echo(f"senseid {__version__}")
