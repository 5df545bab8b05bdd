"""Errors of the model registry.

ModelsError
├── ManifestError          the manifest does not parse, or says something it may not say
├── ModelNotFoundError     the registry has no entry of that name
├── ModelKindMissingError  the registry has no model for a step
├── ModelFileMissingError  an entry's file is not there
├── ModelUnreadableError   an entry's file is there but cannot be read
├── ModelCorruptError      an entry's file is not the one that the manifest describes
└── ModelExpiredError      an entry may not be used any more
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable
    from pathlib import Path

_AGAIN = "reinstall senseid, or import the model again"


class ModelsError(Exception):
    """Base of every error of the registry.

    Attributes:
        message: What is wrong, with which file or model, in one line.
        remedy: What to do about it, in one line.
    """

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, ...]:
        """Let it be pickled, as process pools do. The constructor takes others than `args`, so it is not called."""
        return type(self).__new__, (type(self), *self.args), vars(self)


class ManifestError(ModelsError):
    """The manifest at `path` cannot be used; `problem` says where and why."""

    def __init__(
        self,
        path: Path,
        problem: str,
        *,
        remedy: str = "correct the manifest, or reinstall senseid if you did not edit it",
    ) -> None:
        super().__init__(f"manifest {path}: {problem}", remedy=remedy)
        self.problem = problem


class ModelNotFoundError(ModelsError):
    """Nothing is registered under `name`; `known` lists what is."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"no model is called {name!r}", remedy=f"choose one of: {', '.join(known) or '(none)'}")


class ModelKindMissingError(ModelsError):
    """No model of `kind` is registered, and a step of the engine needs one."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"the registry has no model of kind {kind}", remedy="reinstall senseid, or import such a model"
        )


class ModelFileMissingError(ModelsError):
    """There is no file at `path`, where that of `name` belongs."""

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(f"model {name}: there is no file {path}", remedy=_AGAIN)


class ModelUnreadableError(ModelsError):
    """The file at `path` that belongs to `name` is there but cannot be read."""

    def __init__(self, name: str, path: Path, reason: str) -> None:
        super().__init__(f"model {name}: cannot read {path}: {reason}", remedy=_AGAIN)


class ModelCorruptError(ModelsError):
    """The file at `path` that belongs to `name` has other bytes than the manifest says. It was not used."""

    def __init__(self, name: str, path: Path, problem: str) -> None:
        super().__init__(f"model {name}: {path} {problem}", remedy=_AGAIN)


class ModelExpiredError(ModelsError):
    """The last day on which `name` may be used has passed. Its file was not opened."""

    def __init__(self, name: str, last_day: datetime.date) -> None:
        super().__init__(
            f"model {name}: it may be used until {last_day.isoformat()} (UTC) and no longer",
            remedy="import a newer release of the model",
        )
