"""Additions of an operator to the models that come with senseid: a folder with one sub-folder per addition.

Each sub-folder has a manifest of its own and the files that it describes. An embedding model comes beside those that
are there; a score curve and what it compares by take the place of the files of their names. No other can be replaced.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from senseid_models.errors import ManifestError
from senseid_models.registry import Registry

FOLDER = "models"
"""The name of the folder in senseid's data directory."""
EXCHANGEABLE = frozenset({"score-curve", "recognition"})
"""The data files whose place an addition may take: how faces are compared and scored. None that judges attacks."""
MANIFEST = "manifest.toml"
"""Name of the manifest of an addition."""


def added_names(folder: Path) -> tuple[str, ...]:
    """The names of the additions in `folder`, in order; none where there is no such folder. No file is opened.

    Raises `ManifestError` where it cannot be read: without what is in it, others would be used unnoticed.
    """
    try:
        return tuple(sorted(path.name for path in folder.iterdir() if (path / MANIFEST).exists()))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise ManifestError(
            Path(error.filename),
            f"cannot be read: {error.strerror or error}",
            remedy="check the path and its permissions",
        ) from error


def with_additions(registry: Registry, folder: Path) -> Registry:
    """The registry with all additions in `folder`. Opens manifests only.

    Raises:
        ManifestError: a manifest cannot be used, adds a model of a kind that cannot be exchanged, or uses a name that
            is taken.
    """
    for name in added_names(folder):
        path = folder / name / MANIFEST
        try:
            registry = joined(registry, Registry.load(path), path)
        except ManifestError as error:
            # It was good when it was imported: another version did that.
            remedy = f"`senseid models remove {name}`, then import it again"
            raise ManifestError(path, error.problem, remedy=remedy) from error
    return registry


def joined(registry: Registry, addition: Registry, path: Path) -> Registry:
    """The registry with one addition, whose manifest is at `path`.

    Raises:
        ManifestError: it adds a model of a kind that cannot be exchanged, or uses a name that is taken.
    """
    taken = {entry.id for entry in registry.entries} | {asset.name for asset in registry.assets}
    for entry in addition.entries:
        if entry.kind != "embedding":
            raise ManifestError(path, f"adds a model of kind {entry.kind}: only embedding models can be exchanged")
        if entry.id in taken:
            raise ManifestError(path, f"another model or data file is called {entry.id}")
    replaced = {asset.name: asset for asset in addition.assets}
    unknown = replaced.keys() - (EXCHANGEABLE & {asset.name for asset in registry.assets})
    if unknown:
        raise ManifestError(path, f"there is no data file called {min(unknown)} whose place can be taken")
    return replace(
        registry,
        entries=(*registry.entries, *addition.entries),
        assets=tuple(replaced.get(asset.name, asset) for asset in registry.assets),
    )
