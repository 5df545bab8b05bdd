"""The models together: opened under licences, from a photo to embeddings."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from senseid_engine.align import CropAlignment, FivePointAlignment
from senseid_engine.encoder import LARGEST_CHIP, Encoder, open_embedder, try_embedding_model
from senseid_engine.errors import ModelError
from senseid_engine.finder import model_of_kind
from senseid_licensing.errors import LicenceMissingError
from senseid_licensing.product import Product
from senseid_licensing.verified import VerifiedLicences
from senseid_models import entries
from senseid_models.errors import ModelNotFoundError
from senseid_models.registry import Registry
from tests import packs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from senseid_engine.finder import UprightPhoto
    from senseid_engine.image import Image
    from senseid_engine.session import Session
    from senseid_models.entries import ModelEntry

MODEL = "sface"


def with_entry(registry: Registry, model_id: str, change: Callable[[ModelEntry], ModelEntry]) -> Registry:
    entries = tuple(change(entry) if entry.id == model_id else entry for entry in registry.entries)
    return replace(registry, entries=entries)


@pytest.mark.parametrize("product", [Product.KESTREL, Product.FACE])
def test_both_products_are_asked_for_before_any_model_is_opened(
    registry: Registry, licences: VerifiedLicences, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = {one: licence for one, licence in licences.licences.items() if one != product}
    opened = []
    read = entries.read_checked

    def watched(name: str, *others: Any) -> bytes:
        opened.append(name)
        return read(name, *others)

    monkeypatch.setattr(entries, "read_checked", watched)
    with pytest.raises(LicenceMissingError, match=f"there is no licence for {product}"):
        Encoder.open(registry, MODEL, VerifiedLicences(held, {}), threads=1)
    assert opened == []
    Encoder.open(registry, MODEL, licences, threads=1)
    assert sorted(opened) == sorted([*(model_of_kind(registry, kind).id for kind in ("detector", "landmarks")), MODEL])


def test_a_model_that_is_not_there(registry: Registry, licences: VerifiedLicences) -> None:
    with pytest.raises(ModelNotFoundError, match="'facenet'"):
        Encoder.open(registry, "facenet", licences, threads=1)


def test_what_is_no_embedding_model(registry: Registry, licences: VerifiedLicences) -> None:
    def of_any_size(entry: ModelEntry) -> ModelEntry:
        return replace(entry, input=replace(entry.input, shape=("batch", 3, "height", "width")))

    def of_another_kind(entry: ModelEntry) -> ModelEntry:
        return replace(entry, embedding=None)

    for change in (of_any_size, of_another_kind):
        wrong = with_entry(registry, MODEL, change)
        with pytest.raises(ModelError, match=r"^model sface: the manifest does not describe it as an embedding"):
            Encoder.open(wrong, MODEL, licences, threads=1)
    with pytest.raises(ModelError, match=r"^model yunet: the manifest does not describe it as an embedding"):
        Encoder.open(registry, "yunet", licences, threads=1)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_face_is_aligned_as_the_manifest_says(licences: VerifiedLicences, tmp_path: Path, mirrored: bool) -> None:
    template = [[4.0, 6.0], [12.0, 6.0], [8.0, 9.0], [5.0, 12.0], [11.0, 12.0]]
    cut = entry_of(packs.write_pack(tmp_path), embedding={"size": packs.SIZE, "mirrored": mirrored})
    embedder = open_embedder(cut, licences, threads=1)
    assert embedder.alignment == CropAlignment(1.2, packs.SIDE)
    assert embedder.mirrored is mirrored
    assert cut.embedding is not None
    aligned = replace(
        cut,
        input=replace(cut.input, crop=None),
        embedding=replace(cut.embedding, template=tuple((x, y) for x, y in template)),
    )
    alignment = open_embedder(aligned, licences, threads=1).alignment
    assert isinstance(alignment, FivePointAlignment)
    assert (alignment.template.tolist(), alignment.side) == (template, packs.SIDE)
    assert alignment.template.dtype == np.float32
    neither = replace(cut, input=replace(cut.input, crop=None))
    with pytest.raises(ModelError, match="the manifest does not say how to align a face for it"):
        open_embedder(neither, licences, threads=1)


def test_faces_are_found_while_the_embedding_model_is_still_being_opened(
    registry: Registry, licences: VerifiedLicences, photos: dict[str, Image], found: dict[str, UprightPhoto]
) -> None:
    opening: Future[Session] = Future()
    encoder = Encoder.open(registry, MODEL, licences, threads=1, embedding=opening)
    photo = encoder.finder.find(photos["obama.jpg"])
    assert photo.found == found["obama.jpg"].found
    opening.set_exception(ModelError("model sface", "onnxruntime cannot load it"))
    with pytest.raises(ModelError, match=r"^model sface: onnxruntime cannot load it"):
        encoder.embedder.embed(photo.image.pixels, photo.faces[0])


def test_threads_may_share_it(found: dict[str, UprightPhoto], photos: dict[str, Image], encoder: Encoder) -> None:
    def encode(name: str) -> np.ndarray:
        photo = encoder.finder.find(photos[name])
        return encoder.embedder.embed(photo.image.pixels, photo.faces[0])

    names = list(photos) * 3
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(encode, names))
    for name, embedding in zip(names, results, strict=True):
        photo = found[name]
        np.testing.assert_array_equal(embedding, encoder.embedder.embed(photo.image.pixels, photo.faces[0]))


def entry_of(file: Path, **changes: Any) -> ModelEntry:
    packs.write_manifest(file, **changes)
    return Registry.load(file.with_suffix(".toml")).get(file.stem)


@pytest.mark.parametrize("batch", ["batch", 1])
def test_an_embedding_model_that_does_what_its_manifest_says(
    licences: VerifiedLicences, tmp_path: Path, batch: str | int
) -> None:
    try_embedding_model(entry_of(packs.write_pack(tmp_path, batch=batch), batch=batch), licences)


def test_trying_a_model_asks_for_its_licence_first(no_licences: VerifiedLicences, tmp_path: Path) -> None:
    entry = entry_of(packs.write_pack(tmp_path))
    entry.path.unlink()
    with pytest.raises(LicenceMissingError):
        try_embedding_model(entry, no_licences)


def test_an_embedding_model_that_does_not(licences: VerifiedLicences, tmp_path: Path) -> None:
    file = packs.write_pack(tmp_path)
    output = {"name": "embedding", "shape": ["batch", 9], "meaning": "embedding"}
    with pytest.raises(ModelError, match=r"two chips give \(2, 8\), the manifest says \(2, 9\)"):
        try_embedding_model(entry_of(file, output=[output], embedding={"size": 9}), licences)
    flat = packs.write_pack(tmp_path, scale=0.0)
    with pytest.raises(ModelError, match="embeddings of two different chips are the same"):
        try_embedding_model(entry_of(flat), licences)
    broken = packs.write_pack(tmp_path, scale=float("nan"))
    with pytest.raises(ModelError, match="or no numbers"):
        try_embedding_model(entry_of(broken), licences)


def test_a_manifest_that_misnames_an_input_or_an_output(licences: VerifiedLicences, tmp_path: Path) -> None:
    entry = entry_of(packs.write_pack(tmp_path))
    wrong = replace(entry, input=replace(entry.input, name="photo"))
    with pytest.raises(ModelError, match=r"the manifest names its input photo, in the file it is face$"):
        try_embedding_model(wrong, licences)
    wrong = replace(entry, outputs=(replace(entry.outputs[0], name="vector"),))
    with pytest.raises(ModelError, match=r"the manifest names its output vector, in the file it is embedding$"):
        try_embedding_model(wrong, licences)


def test_an_embedding_model_for_giant_faces(licences: VerifiedLicences, tmp_path: Path) -> None:
    entry = entry_of(packs.write_pack(tmp_path))

    def of_side(side: int) -> ModelEntry:
        return replace(entry, input=replace(entry.input, shape=("batch", 3, side, side)))

    assert open_embedder(of_side(LARGEST_CHIP), licences, threads=1).alignment == CropAlignment(1.2, LARGEST_CHIP)
    with pytest.raises(ModelError, match="it wants faces of 100000 px, 2048 px are the most"):
        try_embedding_model(of_side(100_000), licences)


def test_weights_in_another_file_are_not_looked_for(
    licences: VerifiedLicences, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = packs.write_pack(tmp_path)
    onnx.save(onnx.load(file), file, save_as_external_data=True, location="weights", size_threshold=0)
    monkeypatch.chdir(tmp_path)  # where onnxruntime would find them
    with pytest.raises(ModelError, match=r"cannot load it \(its weights are in another file\)"):
        try_embedding_model(entry_of(file), licences)


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("opset", 99, r"it is of ONNX opset 99, up to \d+ is read: export it with an older one"),
        ("ir", 99, r"it is of ONNX IR version 99, up to \d+ is read: export it with an older one"),
        ("operator", "FooBar", "its operator FooBar is not known"),
        ("domain", "com.acme", "its operator com.acme:Flatten is not known"),
    ],
)
def test_what_onnxruntime_does_not_know_is_named(
    licences: VerifiedLicences, tmp_path: Path, field: str, value: Any, why: str
) -> None:
    file = packs.write_pack(tmp_path)
    model = onnx.load(file)
    if field == "opset":
        model.opset_import[0].version = value
    elif field == "ir":
        model.ir_version = value
    elif field == "operator":
        model.graph.node[0].op_type = value
    else:
        model.graph.node[0].domain = value
        model.opset_import.append(onnx.helper.make_opsetid(value, 1))
    onnx.save(model, file)
    packs.write_manifest(file)
    with pytest.raises(ModelError, match=rf"cannot load it \({why}\)$"):
        try_embedding_model(entry_of(file), licences)
