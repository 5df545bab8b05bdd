"""The places of the work: an interface, and threads of this process, that share one set of models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from senseid_cli.batch.work import perform

if TYPE_CHECKING:
    from senseid.models import Models
    from senseid_cli.batch.work import Work


class Executor(Protocol):
    """Does work on the bytes of photos and videos."""

    @property
    def slots(self) -> int:
        """How many pieces of work it can take at the same time, each from a thread of its own."""

    def run(self, work: Work, data: bytes, digest: str) -> Any:
        """Do one piece of work and wait for it.

        Args:
            work: what is done.
            data: the photo or video.
            digest: its SHA-256, hex.

        Returns:
            What the work gives, or a `Refusal`.
        """

    def close(self) -> None:
        """Let go of what is held; work that is under way ends with an error or not at all."""


@dataclass(frozen=True, slots=True)
class Local:
    """Threads of this process: onnxruntime and OpenCV let go of the interpreter while they work.

    Attributes:
        models: the models.
        slots: see `Executor`.
    """

    models: Models
    slots: int

    def run(self, work: Work, data: bytes, digest: str) -> Any:  # noqa: ARG002  others tell work apart by it
        """Do one piece of work in the thread that asks."""
        return perform(work, self.models, data)

    def close(self) -> None:
        """Nothing is held."""
