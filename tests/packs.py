"""Small embedding models with their manifests, as an operator brings them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import tomli_w
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SIDE, SIZE = 16, 8


def network(
    *,
    shape: Sequence[str | int | None] = ("batch", 3, SIDE, SIDE),
    output: Sequence[str | int | None] = ("batch", SIZE),
    values: int = 3 * SIDE * SIDE,
    names: tuple[str, str] = ("face", "embedding"),
    scale: float = 1.0,
    listed: bool = False,
    idle: Sequence[str] = (),
) -> bytes:
    """A random projection of the pixels, as its maker might publish it.

    Args:
        shape: of its input, as the file says it.
        output: of its output, likewise.
        values: how many pixel values there are.
        names: of its input and its output.
        scale: of the projection; 0 makes all embeddings the same.
        listed: whether the weights are listed as inputs, too.
        idle: inputs that nothing reads.
    """
    image, embedding = names
    weights = scale * np.random.default_rng(1).normal(size=(values, SIZE)).astype(np.float32)
    inputs = [helper.make_tensor_value_info(image, TensorProto.FLOAT, shape)]
    inputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 3]) for name in idle]
    if listed:
        inputs.insert(0, helper.make_tensor_value_info("weights", TensorProto.FLOAT, weights.shape))
    graph = helper.make_graph(
        [helper.make_node("Flatten", [image], ["flat"]), helper.make_node("MatMul", ["flat", "weights"], [embedding])],
        "projection",
        inputs,
        [helper.make_tensor_value_info(embedding, TensorProto.FLOAT, output)],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


def endless() -> bytes:
    """An embedding model of the form of `network` that computes for ever."""
    count = helper.make_tensor_value_info("count", TensorProto.INT64, [])
    going, still = (helper.make_tensor_value_info(name, TensorProto.BOOL, []) for name in ("going", "still"))
    before, after = (helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("before", "after"))
    steps = [helper.make_node("Identity", ["going"], ["still"]), helper.make_node("Neg", ["before"], ["after"])]
    body = helper.make_graph(steps, "body", [count, going, before], [still, after])
    model = onnx.load_from_string(network(names=("face", "projected")))
    model.graph.node.append(helper.make_node("Loop", ["", "", "projected"], ["embedding"], body=body))
    model.graph.output[0].name = "embedding"
    return bytes(model.SerializeToString())


def write_pack(folder: Path, *, name: str = "tiny", batch: str | int = "batch", scale: float = 1.0) -> Path:
    """A random projection of the pixels as `name`.onnx and `name`.toml; returns the ONNX file.

    Args:
        folder: where they go.
        name: the model's id.
        batch: the first dimension: a name, or 1 for a graph that takes one chip at a time.
        scale: of the projection; 0 makes all embeddings the same.
    """
    file = folder / f"{name}.onnx"
    file.write_bytes(network(shape=(batch, 3, SIDE, SIDE), output=(batch, SIZE), scale=scale))
    write_manifest(file, batch=batch)
    return file


def write_manifest(model_file: Path, *, batch: str | int = "batch", **changes: Any) -> None:
    """The manifest of a model that `write_pack` made, with some fields of the model changed; None leaves one out."""
    data = model_file.read_bytes()
    model = {
        "id": model_file.stem,
        "kind": "embedding",
        "product": "senseid_face",
        "file": model_file.name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "licence": "MIT",
        "licence_source": "this test",
        "source": {"registry": "operator", "origin": "a random projection"},
        "input": {
            "name": "face",
            "shape": [batch, 3, SIDE, SIDE],
            "layout": "NCHW",
            "colour": "RGB",
            "dtype": "float32",
            "mean": [127.5, 127.5, 127.5],
            "scale": [0.01, 0.01, 0.01],
            "crop": 1.2,
        },
        "output": [{"name": "embedding", "shape": [batch, SIZE], "meaning": "embedding"}],
        "embedding": {"size": SIZE},
    }
    kept = {name: value for name, value in (model | changes).items() if value is not None}
    model_file.with_suffix(".toml").write_text(tomli_w.dumps({"format": 1, "model": [kept]}))
