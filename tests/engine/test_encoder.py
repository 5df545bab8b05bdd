"""The models together: opened under licences, from a photo to embeddings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from senseid_engine.encoder import Encoder, try_embedding_model
from senseid_engine.errors import ModelError
from senseid_engine.finder import KINDS, model_of_kind
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
    from senseid_models.registry import ModelEntry

MODELS = ("dlib-resnet", "hse-faceres")


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
        Encoder.open(registry, MODELS, VerifiedLicences(held, {}), threads=1)
    assert opened == []
    Encoder.open(registry, MODELS, licences, threads=1)
    assert sorted(opened) == sorted([*(model_of_kind(registry, kind).id for kind in KINDS), *MODELS])


def test_a_model_that_is_not_there(registry: Registry, licences: VerifiedLicences) -> None:
    with pytest.raises(ModelNotFoundError, match="'facenet'"):
        Encoder.open(registry, ("dlib-resnet", "facenet"), licences, threads=1)


def test_what_is_no_embedding_model(registry: Registry, licences: VerifiedLicences) -> None:
    def of_any_size(entry: ModelEntry) -> ModelEntry:
        return replace(entry, input=replace(entry.input, shape=("batch", 3, "height", "width")))

    def of_another_kind(entry: ModelEntry) -> ModelEntry:
        return replace(entry, embedding=None)

    for change in (of_any_size, of_another_kind):
        wrong = with_entry(registry, "hse-faceres", change)
        with pytest.raises(ModelError, match=r"^model hse-faceres: the manifest does not describe it as an embedding"):
            Encoder.open(wrong, MODELS, licences, threads=1)


def test_embeddings_come_in_the_order_asked_for(
    registry: Registry, licences: VerifiedLicences, encoder: Encoder, found: dict[str, UprightPhoto]
) -> None:
    turned = Encoder.open(registry, MODELS[::-1], licences, threads=1)
    photo = found["obama.jpg"]
    first, second = encoder.embed(photo.image, photo.faces[0])
    for got, want in zip(turned.embed(photo.image, photo.faces[0]), (second, first), strict=True):
        np.testing.assert_array_equal(got, want)


def test_threads_may_share_it(found: dict[str, UprightPhoto], photos: dict[str, Image], encoder: Encoder) -> None:
    def encode(name: str) -> tuple[np.ndarray, ...]:
        photo = encoder.finder.find(photos[name])
        return encoder.embed(photo.image, photo.faces[0])

    names = list(photos) * 3
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(encode, names))
    for name, embeddings in zip(names, results, strict=True):
        photo = found[name]
        for got, want in zip(embeddings, encoder.embed(photo.image, photo.faces[0]), strict=True):
            np.testing.assert_array_equal(got, want)


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


def test_an_embedding_model_for_giant_faces(licences: VerifiedLicences, tmp_path: Path) -> None:
    file = packs.write_pack(tmp_path)
    entry = entry_of(file)
    giant = replace(entry, input=replace(entry.input, shape=("batch", 3, 100_000, 100_000)))
    with pytest.raises(ModelError, match="it wants faces of 100000 px, 2048 px are the most"):
        try_embedding_model(giant, licences)


def test_weights_in_another_file_are_not_looked_for(
    licences: VerifiedLicences, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = packs.write_pack(tmp_path)
    onnx.save(onnx.load(file), file, save_as_external_data=True, location="weights", size_threshold=0)
    monkeypatch.chdir(tmp_path)  # where onnxruntime would find them
    with pytest.raises(ModelError, match=r"cannot load it \(its weights are in another file\)"):
        try_embedding_model(entry_of(file), licences)
