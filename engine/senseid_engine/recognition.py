"""How embeddings become one number: which models, how they are fused, the cohort and the curve. Registry data."""

from __future__ import annotations

import math
import tomllib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from senseid_engine.errors import ModelError

if TYPE_CHECKING:
    from senseid_models.registry import Registry

FORMAT = 1
ASSET = "recognition"
"""Name of the registry's data file."""


@dataclass(frozen=True, slots=True)
class Part:
    """One embedding model's share in the fusion.

    Attributes:
        model: its id in the registry.
        weight: of its cosine similarity in the fused one; the weights sum to 1.
        affinity: how much of its cosine similarity is added to the normalised one. How much a face resembles
            strangers is known with an error of its own, and the plain similarity is not touched by it.
    """

    model: str
    weight: float
    affinity: float


@dataclass(frozen=True, slots=True)
class Recognition:
    """One recipe for comparing faces.

    Attributes:
        parts: the embedding models, in the order in which a template holds their embeddings.
        cohort: name of the cohort asset; none where similarities are not normalised.
        nearest: how many of the most similar strangers the cohort was learned from; 0 without one.
        curve: name of the score-curve asset.
    """

    parts: tuple[Part, ...]
    cohort: str | None
    nearest: int
    curve: str

    @classmethod
    def plain(cls, model: str, *, curve: str) -> Recognition:
        """The cosine similarity of one model's embeddings, as it is."""
        return cls((Part(model, weight=1.0, affinity=0.0),), cohort=None, nearest=0, curve=curve)

    @classmethod
    def load(cls, registry: Registry) -> Recognition:
        """What a registry says.

        Raises:
            ModelsError: the file is missing or is not the one of the manifest.
            ModelError: it is no recognition file.
        """
        return cls.parse(registry.asset(ASSET).read())

    @classmethod
    def parse(cls, data: bytes) -> Recognition:
        """Read the registry's `recognition.toml`.

        Raises:
            ModelError: it is not such a file.
        """
        try:
            table = tomllib.loads(data.decode())
            if table["format"] != FORMAT:
                raise ModelError("recognition", f"format {table['format']} is not {FORMAT}: update senseid")
            parts = tuple(
                Part(str(part["model"]), float(part["weight"]), float(part["affinity"])) for part in table["part"]
            )
            if not math.isclose(sum(part.weight for part in parts), 1.0) or any(part.weight <= 0 for part in parts):
                raise ModelError("recognition", "the weights of its parts are not positive with a sum of 1")
            return cls(
                parts=parts,
                cohort=str(table["cohort"]) if "cohort" in table else None,
                nearest=int(table["nearest"]) if "cohort" in table else 0,
                curve=str(table["curve"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError("recognition", f"not a recognition file ({error})") from error

    def dump(self) -> bytes:
        """The file that `parse` reads back."""
        import tomli_w

        cohort = {} if self.cohort is None else {"cohort": self.cohort, "nearest": self.nearest}
        table = {"format": FORMAT, **cohort, "curve": self.curve, "part": [asdict(part) for part in self.parts]}
        return tomli_w.dumps(table).encode()
