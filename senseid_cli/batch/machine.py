"""What runs on a worker of a Dask cluster. Imported only where Dask is used."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from distributed import WorkerPlugin, get_worker

from senseid_cli import __version__, exits, wiring
from senseid_cli.batch.errors import ClusterError
from senseid_cli.batch.work import Tools, perform

if TYPE_CHECKING:
    from distributed import Worker

    from senseid_cli.batch.work import Want, Work


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error that would be the same for every photo, on its way home. Few exceptions survive being pickled.

    Attributes:
        kind: its class.
        args: its arguments.
        state: its attributes.
    """

    kind: type[Exception]
    args: tuple[Any, ...]
    state: dict[str, Any]

    @classmethod
    def of(cls, error: Exception, place: str) -> Trouble:
        """The error with the machine that it happened on in front of its text."""
        state = dict(error.__dict__)
        if "name" in state:
            state["name"] = f"worker {place}: {state['name']}"
        return cls(type(error), (f"worker {place}: {error}", *error.args[1:]), state)

    def revive(self) -> Exception:
        """The error, as it was raised."""
        error = self.kind.__new__(self.kind, *self.args)
        error.__dict__.update(self.state)
        return error


class Machine(WorkerPlugin):
    """What a worker keeps for a run: its models."""

    def __init__(self, name: str, version: str, models: str, wants: frozenset[Want]) -> None:
        """Nothing is opened before there is work.

        Args:
            name: of the plugin.
            version: of senseid where the run was started.
            models: the digest of its models.
            wants: the models that the work needs.
        """
        self.name = name
        self._same = (version, models)
        self._wants = wants
        self._tools: Tools | None = None
        self._place = ""

    def setup(self, worker: Worker) -> None:
        """The worker is there. Called by Dask."""
        self._place = worker.address
        self._lock = threading.Lock()

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002  Dask passes it by name
        """The run is over, or the worker. Called by Dask."""
        self._tools = None

    def run(self, work: Work, data: bytes) -> Any:
        """Do work here.

        Returns:
            What the work gives, a `Refusal`, or a `Trouble`.
        """
        try:
            return perform(work, self._open(), data)
        except Exception as error:
            if exits.is_expected(error):
                return Trouble.of(error, self._place)
            raise

    def _open(self) -> Tools:
        with self._lock:
            if self._tools is None:
                if (__version__, wiring.models_digest()) != self._same:
                    raise ClusterError(
                        "has another version of senseid, or other models", remedy="install the same on every machine"
                    )
                self._tools = Tools(wiring.verify_licences(), self._wants, threads=1)
            return self._tools


def work_here(name: str, work: Work, data: bytes) -> Any:
    """Do work on the worker that this runs on. Called by Dask."""
    machine: Any = get_worker().plugins[name]
    return machine.run(work, data)
