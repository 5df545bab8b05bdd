"""Small embedding models with their manifests, as an operator brings them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import tomli_w
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from pathlib import Path

SIDE, SIZE = 16, 8


def write_pack(folder: Path, *, name: str = "tiny", batch: str | int = "batch", scale: float = 1.0) -> Path:
    """A random projection of the pixels as `name`.onnx and `name`.toml; returns the ONNX file.

    Args:
        folder: where they go.
        name: the model's id.
        batch: the first dimension: a name, or 1 for a graph that takes one chip at a time.
        scale: of the projection; 0 makes all embeddings the same.
    """
    weights = scale * np.random.default_rng(1).normal(size=(3 * SIDE * SIDE, SIZE)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["face"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["embedding"]),
        ],
        name,
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, [batch, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [batch, SIZE])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    file = folder / f"{name}.onnx"
    file.write_bytes(model.SerializeToString())
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
