"""Embedding networks as their makers publish them: what a preset and the graph say together."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from senseid_engine import own_model
from senseid_engine.align import CropAlignment, FivePointAlignment
from senseid_engine.encoder import open_embedder, try_embedding_model
from senseid_engine.errors import ModelError
from senseid_engine.own_model import described
from senseid_engine.session import Session
from senseid_licensing.errors import LicenceMissingError
from senseid_models.entries import ModelEntry, OperatorSource
from senseid_models.presets import PRESETS, Preset
from tests import packs

if TYPE_CHECKING:
    from pathlib import Path

    from senseid_licensing.verified import VerifiedLicences

SIDE = packs.SIDE
TINY = Preset(SIDE, 127.5, 100.0, template=((4.0, 5.0), (12.0, 5.0), (8.0, 9.0), (5.0, 12.0), (11.0, 12.0)))


def draft(folder: Path, data: bytes) -> ModelEntry:
    """What is known of a file before its graph was looked at."""
    file = folder / "tiny.onnx"
    file.write_bytes(data)
    return ModelEntry(
        id="tiny",
        kind="embedding",
        path=file,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        product="senseid_face",
        licence="MIT",
        licence_source="this test",
        source=OperatorSource("a random projection"),
        rebuild=None,
        input=TINY.input(),
        outputs=(),
        embedding=None,
    )


NCHW, NHWC = (3, SIDE, SIDE), (SIDE, SIDE, 3)


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize(
    ("shape", "contract"),
    [
        (("batch", *NCHW), ("batch", *NCHW)),
        ((None, *NCHW), ("batch", *NCHW)),
        ((1, *NCHW), (1, *NCHW)),
        (("unk__606", *NHWC), ("batch", *NHWC)),
        ((1, *NHWC), (1, *NHWC)),
        ((None, 3, None, None), ("batch", *NCHW)),
        ((1, "height", "width", 3), (1, *NHWC)),
    ],
)
def test_each_shape_is_fed_as_it_wants(
    licences: VerifiedLicences,
    tmp_path: Path,
    shape: tuple[str | int | None, ...],
    contract: tuple[str | int, ...],
    listed: bool,
) -> None:
    data = packs.network(
        shape=shape, output=(shape[0], packs.SIZE), names=("input:0", "emb out"), listed=listed, idle=["phase"]
    )
    entry = described(draft(tmp_path, data), TINY, licences)
    assert (entry.input.name, entry.input.shape) == ("input:0", contract)
    assert entry.input.layout == ("NCHW" if contract[1] == 3 else "NHWC")
    assert [(output.name, output.shape) for output in entry.outputs] == [("emb out", ("batch", packs.SIZE))]
    assert entry.embedding is not None
    assert (entry.embedding.size, entry.embedding.template) == (packs.SIZE, TINY.template)
    try_embedding_model(entry, licences)
    chips = np.random.default_rng(2).integers(0, 256, (3, SIDE, SIDE, 3), np.uint8)
    (answer,) = Session.open(entry, licences, threads=1).run(chips)
    pixels = (chips.astype(np.float32) - 127.5) / 100
    flat = (pixels.transpose(0, 3, 1, 2) if entry.input.layout == "NCHW" else pixels).reshape(3, -1)
    weights = np.random.default_rng(1).normal(size=(3 * SIDE * SIDE, packs.SIZE)).astype(np.float32)
    np.testing.assert_allclose(answer, flat @ weights, rtol=1e-4, atol=1e-4)


def values(*shapes: tuple[Any, ...], prefix: str) -> list[onnx.ValueInfoProto]:
    return [helper.make_tensor_value_info(f"{prefix}{i}", TensorProto.FLOAT, shape) for i, shape in enumerate(shapes)]


def copying(inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]) -> bytes:
    """A graph whose outputs are made of all its inputs; it is never run."""
    nodes = [helper.make_node("Sum", [value.name for value in inputs], [value.name]) for value in outputs]
    graph = helper.make_graph(nodes, "copies", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


FREE = (None, None, None, None)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(
            copying(values((1, *NCHW), (1, *NCHW), prefix="face"), values(FREE, prefix="y")),
            "it has 2 inputs (face0, face1); an embedding model has one",
            id="two pictures",
        ),
        pytest.param(
            copying(values((1, *NCHW), prefix="x"), values(FREE, FREE, prefix="y")),
            "it has 2 outputs (y0, y1); an embedding model has one, a detector several",
            id="two outputs",
        ),
        pytest.param(
            copying(values((1, *NCHW), prefix="x"), values(*[FREE] * 12, prefix="cls_")),
            "it has 12 outputs (cls_0, cls_1, cls_2, ...); an embedding model has one, a detector several",
            id="a detector",
        ),
        (
            packs.network(shape=(1, 1, SIDE, SIDE), output=(1, packs.SIZE), values=SIDE * SIDE),
            "its input face is [1, 1, 16, 16]: no dimension of it has the 3 colours",
        ),
        (
            packs.network(shape=("n", 32, 32, 3), output=("n", packs.SIZE), values=3 * 32 * 32),
            "its input face is [n, 32, 32, 3], the preset's pictures have 16x16 px",
        ),
        (
            packs.network(shape=(None, 3, SIDE, 12), output=(None, packs.SIZE), values=3 * SIDE * 12),
            "its input face is [?, 3, 16, 12], the preset's pictures have 16x16 px",
        ),
        (
            packs.network(shape=FREE, output=(None, packs.SIZE)),
            "its input face is [?, ?, ?, ?]: no dimension of it has the 3 colours",
        ),
        (
            packs.network(shape=(4, *NCHW), output=(4, packs.SIZE)),
            "its input face is [4, 3, 16, 16]: it takes 4 pictures at a time, and not one or any number",
        ),
        (
            packs.network(shape=(1, 3 * SIDE * SIDE), output=(1, packs.SIZE)),
            "its input face is [1, 768]: that is no picture",
        ),
        pytest.param(
            copying(values((1, *NCHW), prefix="x"), values((1, *NCHW), prefix="y")),
            "its output y0 is [1, 3, 16, 16]: no vector of a known length",
            id="a picture as output",
        ),
        (b"<html>not found</html>", "it is no ONNX file (a field has no known form)"),
        (packs.network()[:1000], "it is no ONNX file (it ends in the middle of a field)"),
        (b"", "it is no ONNX file (it has no graph)"),
    ],
)
def test_what_it_cannot_take_is_named(licences: VerifiedLicences, tmp_path: Path, data: bytes, problem: str) -> None:
    with pytest.raises(ModelError) as caught:
        described(draft(tmp_path, data), TINY, licences)
    assert str(caught.value) == f"model tiny: {problem}"


def test_a_giant_vector(licences: VerifiedLicences, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One is kept for every photo, however small the file is."""
    monkeypatch.setattr(own_model, "LONGEST_EMBEDDING", packs.SIZE - 1)
    with pytest.raises(ModelError, match=f"{packs.SIZE}\\]: up to {packs.SIZE - 1} numbers are taken"):
        described(draft(tmp_path, packs.network()), TINY, licences)
    monkeypatch.setattr(own_model, "LONGEST_EMBEDDING", packs.SIZE)
    described(draft(tmp_path, packs.network()), TINY, licences)


def cast(source: int, result: int) -> bytes:
    """A projection that takes and gives values of other types."""
    model = onnx.load_from_string(packs.network(names=("inner", "vector")))
    graph = model.graph
    del graph.input[:], graph.output[:]
    graph.node.insert(0, helper.make_node("Cast", ["face"], ["inner"], to=TensorProto.FLOAT))
    graph.node.append(helper.make_node("Cast", ["vector"], ["embedding"], to=result))
    graph.input.append(helper.make_tensor_value_info("face", source, ["n", *NCHW]))
    graph.output.append(helper.make_tensor_value_info("embedding", result, ["n", packs.SIZE]))
    return bytes(model.SerializeToString())


def test_other_numbers_than_float32(licences: VerifiedLicences, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"its input face is a tensor\(uint8\), the preset's is a tensor\(float\)"):
        described(draft(tmp_path, cast(TensorProto.UINT8, TensorProto.FLOAT)), TINY, licences)
    with pytest.raises(ModelError, match=r"its output embedding is a tensor\(float16\), an embedding is a tensor\(f"):
        described(draft(tmp_path, cast(TensorProto.FLOAT, TensorProto.FLOAT16)), TINY, licences)


def test_weights_in_another_file(licences: VerifiedLicences, tmp_path: Path) -> None:
    file = tmp_path / "two.onnx"
    model = onnx.load_from_string(packs.network())
    onnx.save(model, file, save_as_external_data=True, location="weights", size_threshold=0)
    with pytest.raises(ModelError, match="its weights are in another file"):
        described(draft(tmp_path, file.read_bytes()), TINY, licences)


def test_the_licence_is_asked_before_the_file_is_opened(no_licences: VerifiedLicences, tmp_path: Path) -> None:
    absent = replace(draft(tmp_path, b""), path=tmp_path / "absent")
    with pytest.raises(LicenceMissingError):
        described(absent, TINY, no_licences)


@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_is_a_way_to_cut_out_a_face(licences: VerifiedLicences, tmp_path: Path, name: str) -> None:
    preset = PRESETS[name]
    side = preset.side
    data = packs.network(shape=("n", 3, side, side), values=3 * side * side)
    entry = described(draft(tmp_path, data), preset, licences)
    try_embedding_model(entry, licences)
    alignment = open_embedder(entry, licences, threads=1).alignment
    if name == "facenet":
        assert isinstance(alignment, CropAlignment)
        assert alignment.crop == pytest.approx(1.25)
    else:
        assert isinstance(alignment, FivePointAlignment)
        # Eyes above the nose above the mouth, the left of the picture first, about its middle.
        eye, other, nose, mouth, corner = alignment.template
        assert max(eye[1], other[1]) < nose[1] < min(mouth[1], corner[1])
        assert eye[0] < mouth[0] < nose[0] < corner[0] < other[0]
    assert alignment.side == side


@pytest.mark.parametrize(
    ("name", "black", "white"), [("sface", 0, 255), ("arcface", -1, 1), ("facenet", -127.5 / 128, 127.5 / 128)]
)
def test_each_preset_has_its_range_of_values(name: str, black: float, white: float) -> None:
    contract = PRESETS[name].input()
    assert [(0 - contract.mean[0]) * contract.scale[0], (255 - contract.mean[0]) * contract.scale[0]] == [
        pytest.approx(black),
        pytest.approx(white),
    ]
    assert (contract.colour, contract.dtype) == ("RGB", "float32")
