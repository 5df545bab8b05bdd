"""Which inputs of a graph are none: weights that are listed as inputs, and inputs that nothing reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from senseid_engine.onnx_file import NotOnnxError, without_idle_inputs
from senseid_models.registry import Registry
from tests import packs


def inputs_of(data: bytes) -> list[str]:
    return [value.name for value in onnx.load_from_string(data).graph.input]


def run(data: bytes, **values: np.ndarray) -> np.ndarray:
    result: np.ndarray = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, values)[0]
    return result


def test_weights_and_what_nothing_reads_are_no_inputs_any_more() -> None:
    data = packs.network(listed=True, idle=["phase", "gone"])
    assert inputs_of(data) == ["weights", "face", "phase", "gone"]
    cleaned = without_idle_inputs(data)
    assert inputs_of(cleaned) == ["face"]
    onnx.checker.check_model(onnx.load_from_string(cleaned), full_check=True)
    image = np.random.default_rng(0).normal(size=(2, 3, packs.SIDE, packs.SIDE)).astype(np.float32)
    np.testing.assert_array_equal(run(cleaned, face=image), run(packs.network(), face=image))


def test_a_file_without_them_stays_as_it_is() -> None:
    data = packs.network()
    assert without_idle_inputs(data) is data
    for entry in Registry.builtin().entries:
        shipped = entry.read()
        assert without_idle_inputs(shipped) is shipped


def model_of(nodes: list[onnx.NodeProto], inputs: list[str], outputs: list[str], **more: Any) -> bytes:
    def values(names: list[str]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in names]

    graph = helper.make_graph(nodes, "small", values(inputs), values(outputs), **more)
    return bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    )


def test_what_only_an_inner_graph_reads_is_an_input() -> None:
    def branch(source: str) -> onnx.GraphProto:
        result = helper.make_tensor_value_info("r", TensorProto.FLOAT, [1])
        return helper.make_graph([helper.make_node("Identity", [source], ["r"])], "branch", [], [result])

    nodes = [
        helper.make_node("Greater", ["x", "limit"], ["large"]),
        helper.make_node("If", ["large"], ["y"], then_branch=branch("a"), else_branch=branch("b")),
    ]
    limit = numpy_helper.from_array(np.zeros(1, np.float32), "limit")
    data = model_of(nodes, ["x", "a", "b", "c", "limit"], ["y"], initializer=[limit])
    assert inputs_of(without_idle_inputs(data)) == ["x", "a", "b"]


def test_an_input_that_is_a_result_is_one() -> None:
    data = model_of([helper.make_node("Identity", ["x"], ["y"])], ["x", "passed", "idle"], ["y", "passed"])
    assert inputs_of(without_idle_inputs(data)) == ["x", "passed"]


def test_sparse_weights_are_weights() -> None:
    values = numpy_helper.from_array(np.ones(1, np.float32), "sparse")
    places = numpy_helper.from_array(np.zeros(1, np.int64), "places")
    sparse = helper.make_sparse_tensor(values, places, [1])
    data = model_of(
        [helper.make_node("Add", ["x", "sparse"], ["y"])], ["x", "sparse"], ["y"], sparse_initializer=[sparse]
    )
    assert inputs_of(without_idle_inputs(data)) == ["x"]


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00", b"<html>not found</html>" * 100, b"PK\x03\x04" + bytes(100), b"\x80\x02}q\x00.", b"\xff" * 40],
)
def test_other_files_are_no_onnx(data: bytes) -> None:
    with pytest.raises(NotOnnxError):
        without_idle_inputs(data)


def test_a_file_that_is_cut_off_anywhere_is_none() -> None:
    data = packs.network(listed=True)
    whole = len(data) - len(helper.make_opsetid("", 13).SerializeToString()) - 2
    for length in (*range(1, 200), *range(whole - 200, whole)):
        with pytest.raises(NotOnnxError):
            without_idle_inputs(data[:length])


def test_spoilt_bytes_raise_nothing_else() -> None:
    rng = np.random.default_rng(0)
    data = bytearray(packs.network(listed=True))
    ends = [*range(200), *range(len(data) - 200, len(data))]
    taken = 0
    for _ in range(500):
        spoilt = data.copy()
        for at in rng.choice(ends, 2):
            spoilt[at] = rng.integers(256)
        try:
            without_idle_inputs(bytes(spoilt))
            taken += 1
        except NotOnnxError:
            pass
    assert 0 < taken < 500
