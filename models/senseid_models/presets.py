"""Inputs of the common families of embedding networks, which then need no manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from senseid_models.entries import InputContract

if TYPE_CHECKING:
    from collections.abc import Mapping

    from senseid_models.entries import Layout, Point, Shape


@dataclass(frozen=True, slots=True)
class Preset:
    """One family. All take RGB in float32.

    Attributes:
        side: Side of the picture, in pixels.
        mean: Subtracted from each value of 0..255.
        divisor: Divisor of the difference.
        template: Where the five points of a face belong, as `EmbeddingContract` has it; none where there is a crop.
        crop: As `InputContract` has it; none where there is a template.
    """

    side: int
    mean: float
    divisor: float
    template: tuple[Point, ...] | None = None
    crop: float | None = None

    def input(self, name: str = "input", layout: Layout = "NCHW", batch: int | str = "batch") -> InputContract:
        """The input of its networks; name, layout and batch are each network's own."""
        shape: Shape = (3, self.side, self.side) if layout == "NCHW" else (self.side, self.side, 3)
        return InputContract(
            name=name,
            shape=(batch, *shape),
            layout=layout,
            colour="RGB",
            dtype="float32",
            mean=(self.mean,) * 3,
            scale=(1 / self.divisor,) * 3,
            crop=self.crop,
        )


# InsightFace's, for 112x112 pixels.
_TEMPLATE: Final = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)

PRESETS: Final[Mapping[str, Preset]] = {
    # Takes raw pixels and normalises them itself.
    "sface": Preset(112, 0.0, 1.0, template=_TEMPLATE),
    "arcface": Preset(112, 127.5, 127.5, template=_TEMPLATE),
    # The box and a margin: of the 160 pixels, 32 are its.
    "facenet": Preset(160, 127.5, 128.0, crop=1.25),
}
"""The families by name."""
