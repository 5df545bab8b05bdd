"""The models that turn a photo into faces and embeddings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine.align import Alignment, CropAlignment, FivePointAlignment
from senseid_engine.device import Device
from senseid_engine.embed import Embedder
from senseid_engine.errors import ModelError, printable
from senseid_engine.finder import FaceFinder
from senseid_engine.session import Session
from senseid_licensing.product import Product

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from senseid_engine.session import Value
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.entries import ModelEntry
    from senseid_models.registry import Registry

LARGEST_CHIP: Final = 2048
"""The longest side, in pixels, of the chips that an embedding model may ask for: more than any face has."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """The models that find and embed faces. Loaded once; may be shared between threads.

    Attributes:
        finder: finds faces.
        embedder: the embedding model.
    """

    finder: FaceFinder
    embedder: Embedder

    @classmethod
    def open(
        cls,
        registry: Registry,
        embedding_model: str,
        licences: VerifiedLicences,
        *,
        threads: int,
        device: Device = Device.CPU,
        embedding: Future[Session] | None = None,
    ) -> Encoder:
        """Load the models.

        Args:
            registry: the registered models.
            embedding_model: id of the embedding model.
            licences: the verified licences of this run; checked before any model file is opened.
            threads: threads that each model may use, at least 1.
            device: where the networks run.
            embedding: the embedding model, if it is being opened already. It is not waited for: its errors are raised
                as the first face is embedded.

        Raises:
            LicensingError: no verified licence for the models' products.
            ModelsError: a file is missing or is not the one of the manifest.
            ModelError: onnxruntime refuses a model.
            DeviceError: the processor cannot be used, or gives other values than the CPU.
        """
        for product in (Product.KESTREL, Product.FACE):
            licences.require(product)
        # Its import changes sys.path and removes itself from sys.modules: no other thread may import meanwhile.
        import cv2  # noqa: F401

        model = registry.get(embedding_model)
        with ThreadPoolExecutor(1) as pool:
            # The largest network by far: all else is done beside it.
            opening = embedding or pool.submit(Session.open, model, licences, threads=threads, device=device)
            finder = FaceFinder.open(registry, licences, threads=threads, device=device)
        embedder = embedder_of(model, opening.result)
        if embedding is None:
            opening.result()
        return cls(finder, embedder)


def try_embedding_model(model: ModelEntry, licences: VerifiedLicences) -> None:
    """Run an embedding model once, on noise, and return if it matches its manifest.

    Args:
        model: the registry's entry.
        licences: the verified licences of this run; checked before the file is opened.

    Raises:
        LicensingError: no verified licence for the model's product.
        ModelsError: the file is missing or is not the one of the manifest.
        ModelError: onnxruntime refuses it, or it does not match.
    """
    session = open_embedder(model, licences, threads=1).session
    inputs, outputs_of_graph = session.signature
    _check_name(model, "input", model.input.name, inputs)
    _check_name(model, "output", model.outputs[0].name, outputs_of_graph)
    side = int(model.input.size[0])
    noise = np.random.default_rng(0).integers(0, 256, (2, side, side, 3)).astype(np.uint8)
    outputs = session.run(noise)
    expected = (2, *model.outputs[0].shape[1:])
    if len(outputs) != 1 or outputs[0].shape != expected:
        shapes = ", ".join(str(output.shape) for output in outputs)
        raise ModelError(f"model {model.id}", f"two chips give {shapes}, the manifest says {expected}")
    if not np.isfinite(outputs[0]).all() or np.array_equal(outputs[0][0], outputs[0][1]):
        raise ModelError(f"model {model.id}", "its embeddings of two different chips are the same, or no numbers")


def _check_name(model: ModelEntry, what: str, name: str, values: Sequence[Value]) -> None:
    """Return if the graph has an input or output of that name."""
    names = [value.name for value in values]
    if name not in names:
        found = printable(", ".join(names))
        raise ModelError(
            f"model {model.id}", f"the manifest names its {what} {printable(name)}, in the file it is {found}"
        )


def open_embedder(
    model: ModelEntry, licences: VerifiedLicences, *, threads: int, device: Device = Device.CPU
) -> Embedder:
    """Load an embedding model.

    Args:
        model: the registry's entry.
        licences: the verified licences of this run; checked before the file is opened.
        threads: threads that it may use, at least 1.
        device: where it runs.

    Raises:
        LicensingError: no verified licence for the model's product.
        ModelsError: the file is missing or is not the one of the manifest.
        ModelError: onnxruntime refuses it, or the manifest does not describe an embedding model.
        DeviceError: the processor cannot be used, or gives other values than the CPU.
    """
    embedder = embedder_of(model, cache(lambda: Session.open(model, licences, threads=threads, device=device)))
    embedder.opened()
    return embedder


def embedder_of(model: ModelEntry, opened: Callable[[], Session]) -> Embedder:
    """The embedder of an embedding model.

    Args:
        model: the registry's entry.
        opened: returns the opened model; not called here.

    Raises:
        ModelError: the manifest does not describe an embedding model.
    """
    side, contract, crop = model.input.size[0], model.embedding, model.input.crop
    if contract is None or not isinstance(side, int):
        raise ModelError(f"model {model.id}", "the manifest does not describe it as an embedding model")
    if side > LARGEST_CHIP:
        raise ModelError(f"model {model.id}", f"it wants faces of {side} px, {LARGEST_CHIP} px are the most")
    alignment: Alignment
    if contract.template is not None:
        alignment = FivePointAlignment(np.array(contract.template, np.float32), side)
    elif crop is not None:
        alignment = CropAlignment(crop, side)
    else:
        raise ModelError(f"model {model.id}", "the manifest does not say how to align a face for it")
    return Embedder(opened, alignment, contract.mirrored)
