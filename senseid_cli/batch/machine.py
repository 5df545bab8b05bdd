"""The part that runs on a worker of a Dask cluster. Imported only where Dask is used."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from distributed import WorkerPlugin, get_worker

from senseid import heap, installation, outcomes
from senseid.batch_errors import ClusterError
from senseid.models import Models
from senseid.remote_error import RemoteError
from senseid.version import __version__
from senseid_cli.batch.work import perform

if TYPE_CHECKING:
    from distributed import Worker

    from senseid.models import ModelKind
    from senseid_cli.batch.work import Work
    from senseid_engine.device import Device


class Machine(WorkerPlugin):
    """The models that a worker keeps for a run."""

    def __init__(self, name: str, version: str, models: str, model_kinds: frozenset[ModelKind], device: Device) -> None:
        """Nothing is opened before there is work.

        Args:
            name: of the plugin.
            version: of senseid where the run was started.
            models: the digest of its models.
            model_kinds: the models that the work needs.
            device: where the networks run.
        """
        self.name = name
        self._same = (version, models)
        self._model_kinds = model_kinds
        self._device = device
        self._models: Models | None = None
        self._place = ""

    def setup(self, worker: Worker) -> None:
        """The worker is there. Called by Dask."""
        self._place = worker.address
        self._lock = threading.Lock()

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002  Dask passes it by name
        """The run is over, or the worker. Called by Dask."""
        self._models = None

    def run(self, work: Work, data: bytes) -> Any:
        """Do work here.

        Returns:
            What the work gives, a `Refusal`, or a `RemoteError`.
        """
        try:
            return perform(work, self._open(), data)
        except Exception as error:
            if outcomes.is_expected(error):
                return RemoteError.of(error, self._place)
            raise

    def _open(self) -> Models:
        with self._lock:
            if self._models is None:
                if (__version__, installation.models_digest()) != self._same:
                    raise ClusterError(
                        "has another version of senseid, or other models", remedy="install the same on every machine"
                    )
                licences = installation.verify_licences()
                # Dask has its workers give back whatever 64 KiB are free: a quarter of the time would go into pages.
                heap.use_huge_pages()
                models = Models(lambda: licences, threads=1, device=self._device)
                for kind in self._model_kinds:
                    models.open(kind)
                self._models = models
            return self._models


def work_here(name: str, pieces: list[tuple[Work, bytes]]) -> list[Any]:
    """Do pieces of work, one after another, on the worker that this runs on. Called by Dask."""
    machine: Any = get_worker().plugins[name]
    return [machine.run(work, data) for work, data in pieces]
