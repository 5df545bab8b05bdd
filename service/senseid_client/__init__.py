"""A client of the HTTP service: encrypts photos and videos, posts them, and gives typed results.

::

    from pathlib import Path
    from senseid_client import Client
    from senseid_crypto.key import parse_key

    client = Client("https://faces.example:3000", parse_key(secret, iv))
    if client.compare(Path("a.jpg"), Path("b.jpg")).verification_score >= 0.7: ...

It needs the standard library and `cryptography` only, keeps no connection and no state, and may be used by several
threads at once. Names of fields are those of the service's bodies.
"""

from senseid_client.client import Client, Media
from senseid_client.errors import AnswerError, BusyError, ClientError, ServiceError, UnreachableError
from senseid_client.results import Box, Comparison, FaceQuality, Liveness, Occlusion, OmniComparison, Pose, Quality

__all__ = [
    "AnswerError",
    "Box",
    "BusyError",
    "Client",
    "ClientError",
    "Comparison",
    "FaceQuality",
    "Liveness",
    "Media",
    "Occlusion",
    "OmniComparison",
    "Pose",
    "Quality",
    "ServiceError",
    "UnreachableError",
]
