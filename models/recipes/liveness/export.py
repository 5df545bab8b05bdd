"""`python -m models.recipes.liveness.export WEIGHTS ... --scale A --shift B`: the network as ONNX, into the registry.

Of several trainings from one start the mean of the weights is taken (Wortsman et al., "Model soups", 2022). The
log-odds x become A x + B, as `judge` fitted them on groups that were held out. The file is compared with PyTorch before
it is written.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import torch
from torch import nn

from models.recipes.build import write
from models.recipes.graph import Graph
from senseid_models.registry import Registry

from .network import LOOSE, TIGHT, Head, Network, Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MODEL = "liveness-stills"
TOLERANCE = 1e-3
_LAST = np.iinfo(np.int64).max


def _numpy(tensor: torch.Tensor) -> NDArray[np.float64]:
    return tensor.detach().double().numpy()


def _stream(graph: Graph, x: str, stream: Stream) -> str:
    """Convolutions, then mean and spread of each map: (n, 2 width)."""
    for module in stream.layers.modules():
        if isinstance(module, nn.ReLU6):
            x = graph.node("Clip", [x], [np.array(0.0), np.array(6.0)])
        elif isinstance(module, nn.Conv2d):
            stride, kernel = module.stride[0], module.kernel_size[0]
            before = int(kernel == 3 and stride == 1)
            after = int(kernel == 3)
            weight, bias = _numpy(module.weight), _numpy(module.bias)
            x = graph.conv(x, weight, bias, stride=stride, pads=(before, before, after, after), group=module.groups)
    mean = graph.node("GlobalAveragePool", [x])
    away = graph.node("Sub", [x, mean])
    variance = graph.node("GlobalAveragePool", [graph.node("Mul", [away, away])])
    spread = graph.node("Sqrt", [graph.node("Add", [variance], [np.array(1e-4)])])
    both = graph.node("Concat", [mean, spread], axis=1)
    return graph.node("Reshape", [both], [np.array([-1, 2 * stream.width])])


def _head(graph: Graph, x: str, head: Head, scale: float, shift: float) -> str:
    """The normalisation is folded into the first linear layer, the calibration into the last."""
    factor = _numpy(head.norm.weight) / np.sqrt(_numpy(head.norm.running_var) + head.norm.eps)
    offset = _numpy(head.norm.bias) - factor * _numpy(head.norm.running_mean)
    weight = _numpy(head.hidden.weight)
    x = graph.node("Gemm", [x], [weight * factor, _numpy(head.hidden.bias) + weight @ offset], transB=1)
    x = graph.node("Relu", [x])
    return graph.node("Gemm", [x], [scale * _numpy(head.out.weight), scale * _numpy(head.out.bias) + shift], transB=1)


def to_onnx(network: Network, scale: float, shift: float) -> bytes:
    """The ONNX file: pixels of 0..255 in, log-odds out."""
    graph = Graph(MODEL)
    x = graph.node("Sub", ["image"], [_numpy(network.mean)])
    face = graph.node("Slice", [x], [np.array([0]), np.array([TIGHT]), np.array([2])])
    around = graph.node("Slice", [x], [np.array([TIGHT, 0]), np.array([_LAST, LOOSE]), np.array([2, 3])])
    face = _head(graph, _stream(graph, face, network.face), network.face_head, scale, shift)
    around = _head(graph, _stream(graph, around, network.around), network.around_head, scale, 0.0)
    graph.node("Add", [face, around], output="log_odds")
    return graph.model({"image": ("batch", 3, TIGHT + LOOSE, TIGHT)}, {"log_odds": ("batch", 1)})


def mean_of(states: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """The mean of the weights of several networks; what is no fraction is the last one's."""
    return {
        name: torch.stack([state[name] for state in states]).mean(dim=0) if last.dtype.is_floating_point else last
        for name, last in states[-1].items()
    }


def difference(network: Network, data: bytes, scale: float, shift: float) -> float:
    """How far onnxruntime's answers are from PyTorch's at most, on pixels of every kind."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).uniform(0, 255, (16, 3, TIGHT + LOOSE, TIGHT)).astype(np.float32)
    pixels[:8] *= np.linspace(0, 1, TIGHT, dtype=np.float32)
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(pixels)).numpy() * scale + shift
    return float(np.abs(session.run(None, {"image": pixels})[0] - expected).max())


def main() -> None:
    """Run the step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--scale", type=float, required=True)
    parser.add_argument("--shift", type=float, required=True)
    arguments = parser.parse_args()
    network = Network()
    network.load_state_dict(mean_of([torch.load(path, weights_only=True) for path in arguments.weights]))
    data = to_onnx(network.eval(), arguments.scale, arguments.shift)
    off = difference(network, data, arguments.scale, arguments.shift)
    print(f"{len(data)} bytes, at most {off:.2g} from PyTorch")
    if off > TOLERANCE:
        sys.exit("the exported graph answers otherwise than the network")
    entry = Registry.builtin().get(MODEL)
    write(entry.path, data)
    manifest = entry.path.with_name("manifest.toml")
    lines = re.compile(rf'(file = "{re.escape(entry.path.name)}"\nsha256 = ")\w+("\nbytes = )\d+')
    text = lines.sub(rf"\g<1>{hashlib.sha256(data).hexdigest()}\g<2>{len(data)}", manifest.read_text(encoding="utf-8"))
    write(manifest, text.encode())


if __name__ == "__main__":
    main()
