"""How much of each eye, of the nose and of the mouth can be seen, by a small network that was trained for senseid.

docs/models/occlusion.md says what it was trained on and how well it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.align import MeshAlignment
from senseid_engine.device import Device
from senseid_engine.finder import model_of_kind
from senseid_engine.session import Session

if TYPE_CHECKING:
    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.faces import Face
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import Registry

SIDE = 96
"""Side of the chip, pixels."""

ALIGNMENT = MeshAlignment(
    mesh_points=(33, 133, 362, 263, 1, 61, 291),
    template=np.array(
        [[24.8, 32.0], [39.2, 32.0], [56.8, 32.0], [71.2, 32.0], [48.0, 50.8], [34.4, 65.5], [61.6, 65.5]], np.float32
    ),
    side=SIDE,
)
"""How a face is cut out: corners of the eyes and of the mouth and the tip of the nose go to their median place on LFW,
with the eye centres 32 pixels apart. Forehead and chin are just inside."""

REGIONS: dict[str, tuple[int, ...]] = {
    "left_eye": (130, 247, 30, 29, 27, 28, 56, 190, 243, 112, 26, 22, 23, 24, 110, 25),
    "right_eye": (359, 467, 260, 259, 257, 258, 286, 414, 463, 341, 256, 252, 253, 254, 339, 255),
    "nose": (6, 217, 437, 129, 358, 98, 327, 2),
    "mouth": (61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91),
}
"""The regions whose visible share is told, each the convex hull of these points of the mesh: an eye with its lids, the
nose from between the eyes to its base, the mouth with its lips."""

MIRRORED = [1, 0, 2, 3]
"""The same regions in a mirror: the eyes change places."""

LEAST_VISIBLE = 0.5
"""A feature of which less can be seen is covered. Chosen on synthetic faces; see the model card."""


@dataclass(frozen=True, slots=True)
class Occlusion:
    """The share of each feature that can be seen, in [0, 1]. Left and right are those of the picture, as everywhere.

    Attributes:
        left_eye: of the eye at the left of the picture, the subject's right one.
        right_eye: of the eye at the right of the picture.
        nose: of the nose, from between the eyes to its base.
        mouth: of the mouth and its lips.
    """

    left_eye: float
    right_eye: float
    nose: float
    mouth: float

    @property
    def covered(self) -> tuple[str, ...]:
        """The features of which less than `LEAST_VISIBLE` can be seen, in words: `("left eye", "mouth")`."""
        return tuple(name.replace("_", " ") for name in REGIONS if getattr(self, name) < LEAST_VISIBLE)


class OcclusionEstimator:
    """The occlusion network. Loaded once; may be shared between threads."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    @classmethod
    def open(
        cls, registry: Registry, licences: VerifiedLicences, *, threads: int, device: Device = Device.CPU
    ) -> OcclusionEstimator:
        """Load the model.

        Args:
            registry: which models there are.
            licences: the verified licences of this run; they are asked before the model's file is opened.
            threads: threads that the model may use, at least 1.
            device: where it runs.

        Raises:
            LicensingError: no verified licence for the model's product.
            ModelsError: the registry has no such model, or its file is missing or is not the one of the manifest.
            ModelError: onnxruntime refuses the model.
            DeviceError: the processor cannot be used, or gives other values than the CPU.
        """
        return cls(Session.open(model_of_kind(registry, "occlusion"), licences, threads=threads, device=device))

    def estimate(self, pixels: Pixels, face: Face) -> Occlusion:
        """The visible features of a face.

        Args:
            pixels: uint8 (height, width, 3), RGB.
            face: a face of that photo.
        """
        return Occlusion(*self.shares(ALIGNMENT.chip(pixels, face)[None])[0].tolist())

    def shares(self, chips: Pixels) -> Floats:
        """The visible features of faces that are cut out already: the mean of what the chip and its mirror image tell.

        Args:
            chips: uint8 (n, SIDE, SIDE, 3), RGB, cut out by `ALIGNMENT`.

        Returns:
            float32 (n, 4), the visible shares in the order of `REGIONS`.
        """
        plain, mirrored = np.split(self._session.run(np.concatenate([chips, chips[:, :, ::-1]]))[0], 2)
        shares: Floats = (plain + mirrored[:, MIRRORED]) / np.float32(2)
        return shares
