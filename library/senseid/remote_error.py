"""An error on its way from one process to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RemoteError:
    """An error of another process. Not every exception can be pickled: pickle calls its constructor with `args`.

    Attributes:
        kind: its class.
        args: its arguments.
        state: its attributes.
    """

    kind: type[Exception]
    args: tuple[Any, ...]
    state: dict[str, Any]

    @classmethod
    def of(cls, error: Exception, place: str | None = None) -> RemoteError:
        """Take an error down.

        Args:
            error: as it was raised.
            place: the machine that it happened on, which is put in front of its text; None: this one.
        """
        state = dict(error.__dict__)
        if place is None:
            return cls(type(error), error.args, state)
        if "name" in state:
            state["name"] = f"worker {place}: {state['name']}"
        return cls(type(error), (f"worker {place}: {error}", *error.args[1:]), state)

    def revive(self) -> Exception:
        """Return the error, as it was raised."""
        error = self.kind.__new__(self.kind, *self.args)
        error.__dict__.update(self.state)
        return error
