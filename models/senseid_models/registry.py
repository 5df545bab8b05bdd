"""The registry: the models and data files of one manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from senseid_models.errors import ManifestError, ModelNotFoundError
from senseid_models.manifest import parse_manifest
from senseid_models.open_file import open_regular

if TYPE_CHECKING:
    from senseid_models.entries import Asset, ModelEntry

LONGEST_MANIFEST = 1 << 20
"""The longest manifest, in bytes."""


@dataclass(frozen=True, slots=True)
class Registry:
    """Models and data files of one manifest, in its order.

    Making one opens the manifest only. A model's file is opened by its entry's `read`.
    """

    entries: tuple[ModelEntry, ...]
    assets: tuple[Asset, ...]

    @classmethod
    def load(cls, path: Path) -> Registry:
        """Read and check the manifest at `path`.

        Raises:
            ManifestError: It cannot be read, or says something it may not say.
        """
        try:
            with open_regular(path) as file:
                text = file.read(LONGEST_MANIFEST + 1)
        except OSError as error:
            raise ManifestError(path, f"cannot be read: {error.strerror}") from error
        if len(text) > LONGEST_MANIFEST:
            raise ManifestError(path, f"is longer than {LONGEST_MANIFEST >> 20} MiB")
        return cls(*parse_manifest(path, text))

    @classmethod
    def builtin(cls) -> Registry:
        """The registry that comes with the package.

        Raises:
            ManifestError: The installation is damaged.
        """
        return cls.load(Path(__file__).with_name("manifest.toml"))

    def get(self, model_id: str) -> ModelEntry:
        """The model of that id.

        Raises:
            ModelNotFoundError: There is none.
        """
        for entry in self.entries:
            if entry.id == model_id:
                return entry
        raise ModelNotFoundError(model_id, (entry.id for entry in self.entries))

    def asset(self, name: str) -> Asset:
        """The data file of that name.

        Raises:
            ModelNotFoundError: There is none.
        """
        for asset in self.assets:
            if asset.name == name:
                return asset
        raise ModelNotFoundError(name, (asset.name for asset in self.assets))
