"""The gate before every model, and what models are fed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image as Pillow

from models.recipes.graph import Graph
from senseid_engine.errors import LibraryError, ModelError
from senseid_engine.session import Session
from senseid_licensing.errors import LicenceMissingError
from senseid_licensing.product import Product
from senseid_licensing.verified import VerifiedLicences
from senseid_models.errors import ModelExpiredError, ModelFileMissingError
from senseid_models.registry import Registry
from tests import packs

if TYPE_CHECKING:
    from pathlib import Path

    from senseid_models.entries import ModelEntry

SIDE = 192
RNG = np.random.default_rng(3)
CHIPS = RNG.integers(0, 256, (2, SIDE, SIDE, 3), np.uint8)


@pytest.fixture(scope="module")
def mesh(registry: Registry) -> ModelEntry:
    return registry.get("mediapipe-face-landmarks")


@pytest.fixture(scope="module")
def session(mesh: ModelEntry, licences: VerifiedLicences) -> Session:
    return Session.open(mesh, licences, threads=1)


def other_file(entry: ModelEntry, path: Path, data: bytes) -> ModelEntry:
    path.write_bytes(data)
    return replace(entry, path=path, sha256=hashlib.sha256(data).hexdigest(), size=len(data))


def test_the_licence_is_asked_before_the_file_is_touched(
    mesh: ModelEntry, no_licences: VerifiedLicences, licences: VerifiedLicences, tmp_path: Path
) -> None:
    absent = replace(mesh, path=tmp_path / "absent.onnx")
    with pytest.raises(LicenceMissingError):
        Session.open(absent, no_licences, threads=1)
    with pytest.raises(ModelFileMissingError):
        Session.open(absent, licences, threads=1)


def test_the_licence_of_another_product_does_not_do(registry: Registry, licences: VerifiedLicences) -> None:
    only_finding = VerifiedLicences({Product.KESTREL: licences.licences[Product.KESTREL]}, {})
    Session.open(registry.get("yunet"), only_finding, threads=1)
    with pytest.raises(LicenceMissingError, match="senseid_face"):
        Session.open(registry.get("sface"), only_finding, threads=1)


def test_a_model_past_its_last_day_is_not_opened(mesh: ModelEntry, licences: VerifiedLicences, tmp_path: Path) -> None:
    today = licences.licences[Product.KESTREL].verified_at.astimezone(UTC).date()
    Session.open(replace(mesh, last_day=today), licences, threads=1)
    over = replace(mesh, last_day=today - timedelta(days=1), path=tmp_path / "absent.onnx")
    with pytest.raises(
        ModelExpiredError, match=r"^model mediapipe-face-landmarks: it may be used until \d{4}-\d\d-\d\d \(UTC\)"
    ):
        Session.open(over, licences, threads=1)


def test_without_onnxruntime_no_model_is_opened(
    mesh: ModelEntry, licences: VerifiedLicences, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(LibraryError, match=r"^onnxruntime: it does not load \(ModuleNotFoundError\): reinstall"):
        Session.open(mesh, licences, threads=1)


def test_onnxruntime_leaves_no_id_of_this_machine_and_reports_nothing(tmp_path: Path) -> None:
    program = (
        "from senseid_engine.session import load_runtime\n"
        "runtime = load_runtime()\n"
        "options = runtime.SessionOptions()\n"
        "options.log_severity_level = 0\n"
    )
    # It believes a CI machine to be none that it should count.
    plain = {name: value for name, value in os.environ.items() if name not in {"CI", "XDG_CACHE_HOME"}}
    subprocess.run([sys.executable, "-c", program], env={**plain, "HOME": str(tmp_path)}, check=True)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("length", [0, 1, 1000, 400_000])
def test_bytes_that_are_no_model(mesh: ModelEntry, licences: VerifiedLicences, tmp_path: Path, length: int) -> None:
    cut = other_file(mesh, tmp_path / "cut.onnx", mesh.path.read_bytes()[:length])
    with pytest.raises(ModelError, match=r"^model mediapipe-face-landmarks: onnxruntime cannot load it \(\w+\)$"):
        Session.open(cut, licences, threads=1)


def test_text_is_no_model(mesh: ModelEntry, licences: VerifiedLicences, tmp_path: Path) -> None:
    text = other_file(mesh, tmp_path / "text.onnx", b"<html>not found</html>" * 100)
    with pytest.raises(ModelError, match="cannot load it"):
        Session.open(text, licences, threads=1)


@pytest.mark.parametrize("shape", [(1, 193, 192, 3), (1, 192, 192, 1), (0, 191, 192, 3)])
def test_chips_of_another_size(session: Session, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"^model mediapipe-face-landmarks: it does not take an input of shape \("):
        session.run(np.zeros(shape, np.uint8))


def test_a_model_whose_input_has_another_name(session: Session, mesh: ModelEntry, licences: VerifiedLicences) -> None:
    renamed = replace(mesh, input=replace(mesh.input, name="picture"))
    with pytest.raises(ModelError, match="mediapipe-face-landmarks"):
        Session.open(renamed, licences, threads=1).run(CHIPS)


def test_outputs_come_in_the_order_of_the_manifest(session: Session, mesh: ModelEntry) -> None:
    outputs = session.run(CHIPS)
    assert [output.shape for output in outputs] == [(2, *o.shape[1:]) for o in mesh.outputs]
    assert all(output.dtype == np.float32 for output in outputs)
    assert session.model_id == "mediapipe-face-landmarks"


def test_a_batch_gives_what_each_chip_alone_gives(session: Session) -> None:
    together = session.run(CHIPS)
    for i in range(len(CHIPS)):
        for whole, single in zip(together, session.run(CHIPS[i : i + 1]), strict=True):
            np.testing.assert_allclose(whole[i : i + 1], single, atol=1e-3)


def test_colour_order_mean_and_scale_are_the_manifests_affair(
    session: Session, mesh: ModelEntry, licences: VerifiedLicences
) -> None:
    # Three ways to say the same to a model that takes raw RGB.
    expected = session.run(CHIPS)
    swapped = replace(mesh, input=replace(mesh.input, colour="BGR"))
    for got, want in zip(Session.open(swapped, licences, threads=1).run(CHIPS[..., ::-1]), expected, strict=True):
        np.testing.assert_array_equal(got, want)

    darker = (CHIPS // 4).astype(np.uint8)
    scaled = replace(mesh, input=replace(mesh.input, mean=(-1.0, -3.0, 0.0), scale=(2.0, 1.0, 0.5)))
    raw = np.zeros_like(darker)
    raw[..., 0], raw[..., 1], raw[..., 2] = 2 * (darker[..., 0] + 1), darker[..., 1] + 3, darker[..., 2] // 2
    even = darker.copy()
    even[..., 2] = raw[..., 2] * 2
    for got, want in zip(Session.open(scaled, licences, threads=1).run(even), session.run(raw), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-4)


def identity(shape: list[int | None], element: str = "FLOAT") -> bytes:
    """An ONNX graph whose output "y" is its input "x"."""
    onnx = pytest.importorskip("onnx", reason="builds a model of its own")
    helper, kind = onnx.helper, getattr(onnx.TensorProto, element)
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "as it came",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", kind, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def test_a_model_that_wants_grey_bytes(licences: VerifiedLicences, mesh: ModelEntry, tmp_path: Path) -> None:
    contract = replace(
        mesh.input,
        name="x",
        shape=("n", 1, SIDE, SIDE),
        layout="NCHW",
        colour="GRAY",
        dtype="uint8",
        mean=(0.0,),
        scale=(1.0,),
    )
    graph = identity([None, 1, SIDE, SIDE], "UINT8")
    (seen,) = Session.open(
        other_file(replace(mesh, input=contract), tmp_path / "grey.onnx", graph), licences, threads=1
    ).run(CHIPS)
    assert seen.dtype == np.uint8
    expected = np.stack([np.asarray(Pillow.fromarray(chip).convert("L")) for chip in CHIPS])[:, None]
    np.testing.assert_allclose(seen.astype(int), expected, atol=1)


def test_a_model_that_wants_its_channels_last(licences: VerifiedLicences, mesh: ModelEntry, tmp_path: Path) -> None:
    contract = replace(
        mesh.input,
        name="x",
        shape=("n", SIDE, SIDE, 3),
        layout="NHWC",
        colour="BGR",
        mean=(1.0, 2.0, 3.0),
        scale=(0.5, 2.0, 4.0),
    )
    entry = other_file(replace(mesh, input=contract), tmp_path / "identity.onnx", identity([None, SIDE, SIDE, 3]))
    (seen,) = Session.open(entry, licences, threads=1).run(CHIPS)
    # Mean and scale are in the order of the model's colours: blue first.
    expected = (CHIPS[..., ::-1] - np.array([1.0, 2.0, 3.0])) * [0.5, 2.0, 4.0]
    np.testing.assert_array_equal(seen, expected)
    # The caller's pixels are not written to.
    np.testing.assert_array_equal(CHIPS, np.random.default_rng(3).integers(0, 256, CHIPS.shape, np.uint8))


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_are_as_asked_and_do_not_spin(mesh: ModelEntry, licences: VerifiedLicences, threads: int) -> None:
    options = Session.open(mesh, licences, threads=threads)._session.get_session_options()
    assert options.intra_op_num_threads == threads
    assert options.inter_op_num_threads == 1
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


BLOCKS = 4


def quantised(folder: Path) -> tuple[ModelEntry, np.ndarray]:
    """A model that multiplies the pixels by a weight that is stored as int8 in blocks, and that weight."""
    rng = np.random.default_rng(9)
    numbers = 3 * packs.SIDE**2
    values = rng.integers(-128, 128, (packs.SIZE, numbers)).astype(np.int8)
    zero = rng.integers(-9, 10, (packs.SIZE, BLOCKS)).astype(np.int8)
    # Powers of two: no product is rounded.
    scale = 2.0 ** rng.integers(-12, -4, (packs.SIZE, BLOCKS))
    graph = Graph("tiny")
    weight = graph.dequantised(values, zero, scale, (packs.SIZE, 3, packs.SIDE, packs.SIDE))
    kernel = [packs.SIDE, packs.SIDE]
    convolved = graph.node("Conv", ["face", weight], [np.zeros(packs.SIZE)], kernel_shape=kernel)
    graph.node("Flatten", [convolved], output="embedding", axis=1)
    file = folder / "tiny.onnx"
    file.write_bytes(graph.model({"face": ["batch", 3, packs.SIDE, packs.SIDE]}, {"embedding": ["batch", packs.SIZE]}))
    packs.write_manifest(file)
    entry = Registry.load(folder / "tiny.toml").get("tiny")
    width = numbers // BLOCKS
    meant = (values.astype(float) - zero.repeat(width, axis=1)) * scale.repeat(width, axis=1)
    raw = replace(entry, input=replace(entry.input, mean=(0.0, 0.0, 0.0), scale=(1.0, 1.0, 1.0)))
    return raw, meant.reshape(packs.SIZE, 3, packs.SIDE, packs.SIDE)


def test_weights_that_are_stored_as_int8_are_multiplied_out_exactly(licences: VerifiedLicences, tmp_path: Path) -> None:
    entry, meant = quantised(tmp_path)
    session = Session.open(entry, licences, threads=1)
    # One pixel at a time: the output is the weight of each, and nothing is summed.
    places = [(0, 0, 0), (7, 8, 1), (15, 15, 2), (3, 12, 0)]
    for row, column, colour in places:
        chip = np.zeros((1, packs.SIDE, packs.SIDE, 3), np.uint8)
        chip[0, row, column, colour] = 1
        np.testing.assert_array_equal(session.run(chip)[0][0], meant[:, colour, row, column])
    chips = RNG.integers(0, 256, (2, packs.SIDE, packs.SIDE, 3), np.uint8)
    expected = np.einsum("ochw,nhwc->no", meant, chips)
    np.testing.assert_allclose(session.run(chips)[0], expected, rtol=1e-4, atol=1e-2)


def test_int8_weights_are_multiplied_out_as_the_model_is_loaded(licences: VerifiedLicences, tmp_path: Path) -> None:
    session = Session.open(quantised(tmp_path)[0], licences, threads=1)._session
    assert session.get_session_options().get_session_config_entry("session.disable_quant_qdq") == "1"


def test_a_graph_that_takes_one_chip_at_a_time_gets_them_one_by_one(licences: VerifiedLicences, tmp_path: Path) -> None:
    chips = RNG.integers(0, 256, (3, packs.SIDE, packs.SIDE, 3), np.uint8)
    outputs = []
    for name, batch in (("many", "batch"), ("one", 1)):
        packs.write_pack(tmp_path, name=name, batch=batch)
        entry = Registry.load(tmp_path / f"{name}.toml").get(name)
        outputs.append(Session.open(entry, licences, threads=1).run(chips)[0])
    assert outputs[1].shape == (3, packs.SIZE)
    np.testing.assert_allclose(outputs[0], outputs[1], rtol=1e-5)
