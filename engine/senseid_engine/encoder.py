"""From a photo to its faces and their embeddings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine.align import Alignment, CropAlignment, TemplateAlignment
from senseid_engine.embed import Embedder
from senseid_engine.errors import ModelError
from senseid_engine.finder import FaceFinder
from senseid_engine.session import Session, open_sessions
from senseid_licensing.product import Product

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Floats
    from senseid_engine.faces import Face
    from senseid_engine.image import Image
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import ModelEntry, Registry

LARGEST_CHIP: Final = 2048
"""The longest side, in pixels, of the chips that an embedding model may ask for: more than any face has."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """The models that find and embed faces. Loaded once; may be shared between threads.

    Attributes:
        finder: finds faces.
        embedders: the embedding models.
    """

    finder: FaceFinder
    embedders: tuple[Embedder, ...]

    @classmethod
    def open(
        cls, registry: Registry, embedding_models: Sequence[str], licences: VerifiedLicences, *, threads: int
    ) -> Encoder:
        """Load the models.

        Args:
            registry: which models there are.
            embedding_models: ids of the embedding models.
            licences: the verified licences of this run; they are asked before any model file is opened.
            threads: threads that each model may use, at least 1.

        Raises:
            LicensingError: no verified licence for the models' products.
            ModelsError: a file is missing or is not the one of the manifest.
            ModelError: onnxruntime refuses a model.
        """
        for product in (Product.KESTREL, Product.FACE):
            licences.require(product)
        # While it is imported it changes sys.path and takes itself out of sys.modules: not beside other threads.
        import cv2  # noqa: F401

        models = [registry.get(model_id) for model_id in embedding_models]
        with ThreadPoolExecutor(1) as pool:
            finder = pool.submit(FaceFinder.open, registry, licences, threads=threads)
            sessions = open_sessions(models, licences, threads=threads)
            embedders = tuple(_embedder(session, model) for session, model in zip(sessions, models, strict=True))
            return cls(finder.result(), embedders)

    def embed(self, image: Image, face: Face) -> tuple[Floats, ...]:
        """The embeddings of one face of a photo, one a model: float32 (dimensions,), unit length."""
        return tuple(embedder.embed(image.pixels, face) for embedder in self.embedders)


def try_embedding_model(model: ModelEntry, licences: VerifiedLicences) -> None:
    """Run an embedding model once, on noise, and return if it does what its manifest says.

    Args:
        model: the registry's entry.
        licences: the verified licences of this run; they are asked before the file is opened.

    Raises:
        LicensingError: no verified licence for the model's product.
        ModelsError: the file is missing or is not the one of the manifest.
        ModelError: onnxruntime refuses it, or it does something else.
    """
    session = Session.open(model, licences, threads=1)
    _embedder(session, model)
    side = int(model.input.size[0])
    noise = np.random.default_rng(0).integers(0, 256, (2, side, side, 3)).astype(np.uint8)
    outputs = session.run(noise)
    expected = (2, *model.outputs[0].shape[1:])
    if len(outputs) != 1 or outputs[0].shape != expected:
        shapes = ", ".join(str(output.shape) for output in outputs)
        raise ModelError(f"model {model.id}", f"two chips give {shapes}, the manifest says {expected}")
    if not np.isfinite(outputs[0]).all() or np.array_equal(outputs[0][0], outputs[0][1]):
        raise ModelError(f"model {model.id}", "its embeddings of two different chips are the same, or no numbers")


def _embedder(session: Session, model: ModelEntry) -> Embedder:
    side, contract = model.input.size[0], model.embedding
    if contract is None or not isinstance(side, int):
        raise ModelError(f"model {model.id}", "the manifest does not describe it as an embedding model")
    if side > LARGEST_CHIP:
        raise ModelError(f"model {model.id}", f"it wants faces of {side} px, {LARGEST_CHIP} px are the most")
    template, crop = contract.template, model.input.crop
    by_crop: list[Alignment] = [] if crop is None else [CropAlignment(crop, side)]
    by_template: list[Alignment] = []
    if template is not None:
        by_template += [
            TemplateAlignment(template.mesh_points, np.array(targets, np.float32), side)
            for targets in template.targets(side)
        ]
    if not by_crop and not by_template:
        raise ModelError(f"model {model.id}", "the manifest does not say how to align a face for it")
    return Embedder(session, by_crop or by_template, by_template or by_crop, square_root=contract.square_root)
