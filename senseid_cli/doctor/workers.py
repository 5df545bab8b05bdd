"""The workers behind an API, and whether they answer."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from senseid_cli.doctor.finding import Finding, ok, problem
from senseid_service.endpoints import HEALTH_PATH

if TYPE_CHECKING:
    from pathlib import Path

    from senseid_service.settings import WorkerAddress

_CHECK = "worker"
_PATIENCE = 3


def check_worker(worker: WorkerAddress, ca: Path | None) -> Finding:
    """Ask a worker for its health.

    Args:
        worker: its address.
        ca: certificates to check it against; the system's if None.
    """
    url = worker.url
    context = ssl.create_default_context(cafile=ca) if worker.scheme == "https" else None
    # A proxy from the environment would answer in place of a worker that is down.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context), urllib.request.HTTPHandler()
    )
    try:
        with opener.open(url + HEALTH_PATH, timeout=_PATIENCE):
            return ok(_CHECK, f"{url} answers")
    except urllib.error.HTTPError as error:
        error.close()
        return problem(_CHECK, f"{url} answers HTTP {error.code}: it is not ready", "run `senseid doctor` there")
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        return problem(
            _CHECK, f"{url} does not answer ({reason})", "start it there, and open its port to this machine alone"
        )
