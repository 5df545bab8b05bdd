"""`python -m models.recipes.occlusion.export STATE.pt`: write the trained network as ONNX and into the manifest.

Batch normalisation and the normalisation of the pixels are folded into the convolutions, the map is left out. The file
is compared with PyTorch before it is written.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import torch
from torch import nn

from models.recipes.graph import Graph
from models.recipes.occlusion.network import MEAN, OcclusionNet
from models.recipes.occlusion.synthesise import MAP
from models.recipes.torch_recipe import folded, load, put_alike
from senseid_engine.quality.occlusion import SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 1e-4


def _folded(block: nn.Sequential) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Weight, bias and stride of a convolution with the batch normalisation after it."""
    convolution, norm = block
    factor, offset = folded(norm)
    return convolution.weight.detach().double().numpy() * factor[:, None, None, None], offset, convolution.stride[0]


def _convolve(graph: Graph, x: str, block: nn.Sequential) -> str:
    weight, bias, stride = _folded(block)
    return graph.conv(x, weight, bias, stride=stride, pads=(1, 1, 1, 1))


def _trunk(graph: Graph, x: str, layers: nn.Sequential) -> str:
    for layer in layers:
        if isinstance(layer, nn.ReLU):
            x = graph.node("Relu", [x])
        elif isinstance(layer, nn.Sequential):
            x = _convolve(graph, x, layer)
        else:
            inner = graph.node("Relu", [_convolve(graph, x, layer.first)])
            x = graph.node("Relu", [graph.node("Add", [x, _convolve(graph, inner, layer.second)])])
    return x


def _linear(graph: Graph, x: str, layer: nn.Linear, output: str = "") -> str:
    weight, bias = layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()
    return graph.node("Gemm", [x], [weight, bias], output, transB=1)


def to_onnx(net: OcclusionNet) -> bytes:
    """The ONNX file: pixels of 0..255 in, visible shares out."""
    graph = Graph("occlusion")
    # (x - MEAN) / MEAN as a 1x1 convolution of its own: the next one pads with zeros, which stand for mid-grey.
    centred = graph.conv("image", np.full((3, 1, 1, 1), 1 / MEAN), np.full(3, -1.0), group=3)
    late = _trunk(graph, _trunk(graph, centred, net.early), net.late)
    narrow = net.narrow[0]
    x = graph.conv(late, narrow.weight.detach().double().numpy(), narrow.bias.detach().double().numpy())
    x = graph.node("Relu", [x])
    # Not Flatten: the batch keeps its name as a free dimension.
    x = graph.node("Reshape", [x], [np.array([-1, 32 * (MAP // 2) ** 2])])
    x = graph.node("Relu", [_linear(graph, x, net.hidden)])
    graph.node("Sigmoid", [_linear(graph, x, net.last)], output="visible")
    return graph.model({"image": ("batch", 3, SIDE, SIDE)}, {"visible": ("batch", 4)})


def difference(net: OcclusionNet, data: bytes) -> float:
    """The largest difference between onnxruntime's and PyTorch's outputs, on varied pixels."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).uniform(0, 255, (64, 3, SIDE, SIDE)).astype(np.float32)
    pixels[:32] *= np.linspace(0, 1, SIDE, dtype=np.float32)
    net.eval()
    with torch.no_grad():
        expected = torch.sigmoid(net(torch.from_numpy(pixels)).visible).numpy()
    return float(np.abs(session.run(None, {"image": pixels})[0] - expected).max())


def main() -> None:
    """Export; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m models.recipes.occlusion.export", description=__doc__)
    parser.add_argument("state", type=Path)
    net = load(OcclusionNet(), parser.parse_args().state)
    data = to_onnx(net)
    put_alike("occlusion", data, difference(net, data), TOLERANCE)


if __name__ == "__main__":
    main()
