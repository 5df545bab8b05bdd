"""`python -m models.recipes.liveness.export STATE.pt`: write the student as ONNX and into the manifest.

Batch normalisation is folded into the convolutions, and the last two linear layers into one. The convolutions' weights
are rounded to eight bits, each row with a scale of its own. The file is compared with PyTorch before it is written.
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
from models.recipes.liveness.student import CENTRE, SIDE, SPREAD, Head, Residual, StudentNet
from models.recipes.liveness.teacher import GENUINE
from models.recipes.torch_recipe import folded, load, put_alike

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST = 1e-4
"""Probabilities are kept this far from 0 and 1: beyond it they say nothing about the odds."""
TOLERANCE = 0.15
"""The mean difference of the log-odds that rounding may make."""


class _Writer:
    """The graph under construction."""

    def __init__(self) -> None:
        self.graph = Graph("recapture-student")

    def rounded(self, weight: NDArray[np.float64]) -> str:
        """A weight in eight bits, by rows of its first dimension."""
        rows = weight.reshape(len(weight), -1)
        scale = np.maximum(np.abs(rows).max(axis=1, keepdims=True) / 127, 1e-12)
        values = np.round(rows / scale).astype(np.int8)
        return self.graph.dequantised(values, None, scale, weight.shape)

    def convolve(self, x: str, block: nn.Sequential) -> str:
        layer, norm = block
        factor, offset = folded(norm)
        weight = layer.weight.detach().double().numpy() * factor[:, None, None, None]
        kernel, edge = list(layer.kernel_size), layer.padding[0]
        return self.graph.node(
            "Conv",
            [x, self.rounded(weight)],
            [offset],
            kernel_shape=kernel,
            strides=list(layer.stride),
            pads=[edge] * 4,
            group=layer.groups,
        )

    def layers(self, x: str, layers: nn.Sequential) -> str:
        for layer in layers:
            if isinstance(layer, nn.LeakyReLU):
                x = self.graph.node("LeakyRelu", [x], alpha=layer.negative_slope)
            elif isinstance(layer, nn.PReLU):
                x = self.graph.prelu(x, layer.weight.detach().numpy())
            else:
                x = self.convolve(x, layer)
        return x

    def classes(self, x: str, head: Head) -> str:
        """The logits; the linear layers before and after the embedding are one."""
        factor, offset = folded(head.embedding[1])
        of_embedding = head.classes.weight.detach().double().numpy()
        bias = head.classes.bias.detach().double().numpy() + of_embedding @ offset
        across = of_embedding * factor @ head.embedding[0].weight.detach().double().numpy()
        flat = self.graph.node("Reshape", [self.layers(x, head.maps)], [np.array([-1, across.shape[1]])])
        return self.graph.node("Gemm", [flat], [across, bias], transB=1)


def to_onnx(net: StudentNet) -> bytes:
    """The ONNX file: pixels of 0..255 in, the log-odds of a face out."""
    writer = _Writer()
    graph = writer.graph
    # x / SPREAD - CENTRE as a convolution of its own: the next one pads with zeros, which stand for mid-grey.
    x = graph.conv("image", np.full((3, 1, 1, 1), 1 / SPREAD), np.full(3, -CENTRE), group=3)
    for block in net.blocks:
        if isinstance(block, Residual):
            x = graph.node("Add", [x, writer.layers(x, block.body)])
        elif isinstance(block, Head):
            x = writer.classes(x, block)
        else:
            x = writer.layers(x, block)
    face = graph.node("Gather", [graph.node("Softmax", [x], axis=1)], [np.array([GENUINE])], axis=1)
    face = graph.node("Clip", [face], [np.array(LEAST), np.array(1 - LEAST)])
    against = graph.node("Add", [graph.node("Neg", [face])], [np.array(1.0)])
    graph.node("Sub", [graph.node("Log", [face]), graph.node("Log", [against])], output="log_odds")
    return graph.model({"image": ("batch", 3, SIDE, SIDE)}, {"log_odds": ("batch", 1)})


def difference(net: StudentNet, data: bytes) -> float:
    """The mean difference between onnxruntime's and PyTorch's log-odds, on varied pixels."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    small = torch.from_numpy(rng.uniform(0, 255, (64, 3, 10, 10)).astype(np.float32))
    pixels = nn.functional.interpolate(small, size=(SIDE, SIDE), mode="bicubic").clamp(0, 255)
    net.eval()
    with torch.no_grad():
        face = torch.softmax(net(pixels)[-1], dim=1)[:, GENUINE].clamp(LEAST, 1 - LEAST)
    told = session.run(None, {"image": pixels.numpy()})[0][:, 0]
    return float(np.abs(told - torch.logit(face).numpy()).mean())


def main() -> None:
    """Export; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m models.recipes.liveness.export", description=__doc__)
    parser.add_argument("state", type=Path)
    net = load(StudentNet(), parser.parse_args().state)
    data = to_onnx(net)
    put_alike("recapture-student", data, difference(net, data), TOLERANCE)


if __name__ == "__main__":
    main()
