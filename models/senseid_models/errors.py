"""What can go wrong with a model.

ModelsError
├── ManifestError         the manifest does not parse, or says something it may not say
├── ModelNotFoundError    the registry has no entry of that name
├── ModelUnreadableError  an entry's file is missing or cannot be read
└── ModelCorruptError     an entry's file is not the one that the manifest describes
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class ModelsError(Exception):
    """Base of every error of the registry.

    Attributes:
        message: One line: what is wrong, with which file or model.
        remedy: One line: what to do about it.
    """

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class ManifestError(ModelsError):
    """The manifest at `path` cannot be used; `problem` says where and why."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            f"manifest {path}: {problem}", "correct the manifest, or reinstall senseid if you did not edit it"
        )
        self.path = path
        self.problem = problem


class ModelNotFoundError(ModelsError):
    """Nothing is registered under `name`; `known` lists what is."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(f"no model is called {name!r}", f"choose one of: {', '.join(self.known) or '(none)'}")


class ModelUnreadableError(ModelsError):
    """The file at `path` that belongs to `name` is missing or cannot be read."""

    def __init__(self, name: str, path: Path, reason: str) -> None:
        super().__init__(f"model {name}: cannot read {path}: {reason}", "reinstall senseid, or import the model again")
        self.name = name
        self.path = path
        self.reason = reason


class ModelCorruptError(ModelsError):
    """The file at `path` that belongs to `name` has other bytes than the manifest says. It was not used."""

    def __init__(self, name: str, path: Path, problem: str) -> None:
        super().__init__(f"model {name}: {path} {problem}", "reinstall senseid, or import the model again")
        self.name = name
        self.path = path
        self.problem = problem
