"""The ONNX files do what the manifest says and what the original runtimes do."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from senseid_models.entries import ModelEntry, PackageSource
from senseid_models.registry import Registry

# Made by tests/bench/oracles.py: pictures, and what OpenCV, PyTorch and LiteRT answered to them.
GOLDEN = Path(__file__).parent / "golden" / "oracles.npz"
# Landmarks are pixels of a 192x192 crop, features reach 20; everything else is of the order of 1.
TOLERANCE = {"landmarks": 1e-3, "features": 1e-4}
# The last product of an embedding rounds otherwise in a batch, which is why the engine embeds one face at a time.
ALONE = {"embedding": 2e-6}
ENTRIES = Registry.builtin().entries
# What was trained here has no other original than itself: its recipe compares it with PyTorch.
CONVERTED = [entry for entry in ENTRIES if isinstance(entry.source, PackageSource)]

Sessions = dict[str, onnxruntime.InferenceSession]


@pytest.fixture(scope="module")
def sessions() -> Sessions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    providers = ["CPUExecutionProvider"]
    return {e.id: onnxruntime.InferenceSession(e.read(), options, providers=providers) for e in ENTRIES}


@pytest.fixture(scope="module")
def golden() -> dict[str, NDArray[np.generic]]:
    with np.load(GOLDEN) as data:
        return dict(data)


def run(sessions: Sessions, entry: ModelEntry, pixels: NDArray[np.generic]) -> dict[str, NDArray[np.float32]]:
    names = [o.name for o in entry.outputs]
    values = sessions[entry.id].run(names, {entry.input.name: pixels.astype(np.float32)})
    return dict(zip(names, values, strict=True))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.id)
def test_the_graph_has_the_inputs_and_outputs_of_the_manifest(sessions: Sessions, entry: ModelEntry) -> None:
    session = sessions[entry.id]
    (image,) = session.get_inputs()
    assert (image.name, image.type, tuple(image.shape)) == (entry.input.name, "tensor(float)", entry.input.shape)
    # In this order, too: a caller may take them by position.
    assert [(o.name, tuple(o.shape)) for o in session.get_outputs()] == [(o.name, o.shape) for o in entry.outputs]


@pytest.mark.parametrize("entry", CONVERTED, ids=lambda e: e.id)
def test_the_graph_answers_as_the_original_does(
    sessions: Sessions, golden: dict[str, NDArray[np.generic]], entry: ModelEntry
) -> None:
    answers = run(sessions, entry, golden[f"{entry.id}/image"])
    for name, answer in answers.items():
        if entry.kind == "detector":  # whose original says how probable class and presence are
            answer[:, :2] = 1 / (1 + np.exp(-answer[:, :2]))
        expected = golden[f"{entry.id}/{name}"]
        assert answer.shape == expected.shape
        np.testing.assert_allclose(answer, expected, rtol=0, atol=TOLERANCE.get(name, 1e-5), err_msg=name)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.id)
def test_a_face_does_not_depend_on_its_neighbours_in_the_batch(
    sessions: Sessions, golden: dict[str, NDArray[np.generic]], entry: ModelEntry
) -> None:
    if entry in CONVERTED:
        image = golden[f"{entry.id}/image"]
    else:
        image = np.random.default_rng(0).integers(0, 256, (1, *entry.input.shape[1:])).astype(np.uint8)
    alone = run(sessions, entry, image)
    batch = run(sessions, entry, np.concatenate([image[:, ::-1], image, image[..., ::-1]]))
    for name, answer in alone.items():
        assert len(batch[name]) == 3
        np.testing.assert_allclose(batch[name][1:2], answer, rtol=0, atol=ALONE.get(name, 0), err_msg=name)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 32), (96, 320)])
def test_the_detector_takes_any_size(sessions: Sessions, height: int, width: int) -> None:
    entry = next(e for e in ENTRIES if e.kind == "detector")
    answers = run(sessions, entry, np.full((1, 3, height, width), 90.0))
    for stride in (8, 16, 32):
        assert answers[f"cells_{stride}"].shape == (1, 16, height // stride, width // stride)
