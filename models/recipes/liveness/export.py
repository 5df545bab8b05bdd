"""`python -m models.recipes.liveness.export STATE.pt`: write the student as ONNX and into the manifest.

Batch normalisation is folded into the convolutions, and the last two linear layers into one. The convolutions' weights
are quantised to int8, with one scale for each output channel; activations stay float32. Nothing is written if
onnxruntime's output differs from PyTorch's by more than the tolerance.
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
from models.recipes.liveness.student import CENTRE, SCALE, SIDE, Head, Residual, StudentNet
from models.recipes.liveness.teacher import BONA_FIDE_CLASS
from models.recipes.torch_recipe import folded, load, put_alike

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_PROBABILITY = 1e-4
"""Probabilities are clipped to this distance from 0 and 1, so that the log-odds are finite: at most 9.21."""
TOLERANCE = 0.15
"""The mean absolute difference of the log-odds that quantisation may cause."""


class _Writer:
    """The graph under construction."""

    def __init__(self) -> None:
        self.graph = Graph("recapture-student")

    def quantised(self, weight: NDArray[np.float64]) -> str:
        """A weight in int8, symmetric, with one scale for each index of its first dimension."""
        rows = weight.reshape(len(weight), -1)
        scale = np.maximum(np.abs(rows).max(axis=1, keepdims=True) / 127, 1e-12)
        values = np.round(rows / scale).astype(np.int8)
        return self.graph.dequantised(values, None, scale, weight.shape)

    def conv_bn(self, x: str, block: nn.Sequential) -> str:
        layer, norm = block
        factor, offset = folded(norm)
        weight = layer.weight.detach().double().numpy() * factor[:, None, None, None]
        kernel, padding = list(layer.kernel_size), layer.padding[0]
        return self.graph.node(
            "Conv",
            [x, self.quantised(weight)],
            [offset],
            kernel_shape=kernel,
            strides=list(layer.stride),
            pads=[padding] * 4,
            group=layer.groups,
        )

    def sequential(self, x: str, layers: nn.Sequential) -> str:
        for layer in layers:
            if isinstance(layer, nn.LeakyReLU):
                x = self.graph.node("LeakyRelu", [x], alpha=layer.negative_slope)
            elif isinstance(layer, nn.PReLU):
                x = self.graph.prelu(x, layer.weight.detach().numpy())
            else:
                x = self.conv_bn(x, layer)
        return x

    def logits(self, x: str, head: Head) -> str:
        """The logits, (n, 3); the linear layers before and after the embedding are multiplied into one."""
        factor, offset = folded(head.embedding[1])
        classifier = head.classes.weight.detach().double().numpy()
        bias = head.classes.bias.detach().double().numpy() + classifier @ offset
        weight = classifier * factor @ head.embedding[0].weight.detach().double().numpy()
        flat = self.graph.node("Reshape", [self.sequential(x, head.maps)], [np.array([-1, weight.shape[1]])])
        return self.graph.node("Gemm", [flat], [weight, bias], transB=1)


def to_onnx(net: StudentNet) -> bytes:
    """The ONNX file: pixels, float32 (n, 3, SIDE, SIDE), RGB, 0..255, to log-odds of a living face, float32 (n, 1)."""
    writer = _Writer()
    graph = writer.graph
    # Not folded into the next convolution: its zero padding stands for normalised pixels of 0, which is mid-grey.
    x = graph.conv("image", np.full((3, 1, 1, 1), 1 / SCALE), np.full(3, -CENTRE), group=3)
    for block in net.blocks:
        if isinstance(block, Residual):
            x = graph.node("Add", [x, writer.sequential(x, block.body)])
        elif isinstance(block, Head):
            x = writer.logits(x, block)
        else:
            x = writer.sequential(x, block)
    face = graph.node("Gather", [graph.node("Softmax", [x], axis=1)], [np.array([BONA_FIDE_CLASS])], axis=1)
    face = graph.node("Clip", [face], [np.array(MIN_PROBABILITY), np.array(1 - MIN_PROBABILITY)])
    complement = graph.node("Add", [graph.node("Neg", [face])], [np.array(1.0)])
    graph.node("Sub", [graph.node("Log", [face]), graph.node("Log", [complement])], output="log_odds")
    return graph.model({"image": ("batch", 3, SIDE, SIDE)}, {"log_odds": ("batch", 1)})


def log_odds_difference(net: StudentNet, data: bytes) -> float:
    """The mean absolute difference between onnxruntime's and PyTorch's log-odds, on 64 smooth random pictures."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    small = torch.from_numpy(rng.uniform(0, 255, (64, 3, 10, 10)).astype(np.float32))
    pixels = nn.functional.interpolate(small, size=(SIDE, SIDE), mode="bicubic").clamp(0, 255)
    net.eval()
    with torch.no_grad():
        face = torch.softmax(net(pixels)[-1], dim=1)[:, BONA_FIDE_CLASS].clamp(MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    exported = session.run(None, {"image": pixels.numpy()})[0][:, 0]
    return float(np.abs(exported - torch.logit(face).numpy()).mean())


def main() -> None:
    """Export; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m models.recipes.liveness.export", description=__doc__)
    parser.add_argument("state", type=Path)
    net = load(StudentNet(), parser.parse_args().state)
    data = to_onnx(net)
    put_alike("recapture-student", data, log_odds_difference(net, data), TOLERANCE)


if __name__ == "__main__":
    main()
