"""The recognition: the model that compares faces, and the curve from similarity to score. Registry data."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from senseid_engine.errors import ModelError

if TYPE_CHECKING:
    from senseid_models.registry import Registry

FORMAT = 2
ASSET = "recognition"
"""Name of the registry's data file."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """One way to compare faces.

    Attributes:
        model: id of the embedding model.
        curve: name of the score-curve asset.
    """

    model: str
    curve: str

    @classmethod
    def load(cls, registry: Registry) -> Recognition:
        """Load the recognition of a registry.

        Raises:
            ModelsError: the file is missing or is not the one of the manifest.
            ModelError: it is not a recognition file.
        """
        return cls.parse(registry.asset(ASSET).read())

    @classmethod
    def parse(cls, data: bytes) -> Recognition:
        """Read the registry's `recognition.toml`.

        Raises:
            ModelError: it is not a recognition file.
        """
        try:
            table = tomllib.loads(data.decode())
            if table["format"] != FORMAT:
                raise ModelError(
                    "recognition", f"format {table['format']} is not {FORMAT}: import the curve again with this senseid"
                )
            return cls(model=str(table["model"]), curve=str(table["curve"]))
        except (ValueError, KeyError) as error:
            raise ModelError("recognition", f"not a recognition file ({error})") from error

    def dump(self) -> bytes:
        """The file that `parse` reads back."""
        import tomli_w

        return tomli_w.dumps({"format": FORMAT, **asdict(self)}).encode()
