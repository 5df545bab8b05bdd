"""`python -m models.recipes.align_template LFW`: where the mesh's points lie in the chips that dlib cuts out.

dlib's network was trained on chips that dlib aligned by five points of its own. This finds those points in every sixth
photo of LFW, brings them to dlib's template, and takes the mesh's points along: their median place is the template that
reproduces dlib's chips from the mesh. It compares what it finds with the manifest and prints how far apart they are;
a place differs by less than 0.005 of the face square from run to run, with the version of the detector.

Needs the `bench` group, for dlib.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import dlib
import numpy as np

from senseid_engine import warp
from senseid_engine.errors import NoFaceError
from senseid_engine.image import decode_image, read_photo
from senseid_engine.recognition import Recognition
from senseid_models.registry import PackageSource, Registry, SourceFile

from .fetch import cache_directory, extract, fetch
from .recognition import open_encoder

POINTS = SourceFile(
    path="face_recognition_models/models/shape_predictor_5_face_landmarks.dat",
    sha256="c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
)
# dlib's mean face, in units of the face square: outer and inner corner of the eye at the image's left, inner and outer
# corner of the other, base of the nose; and the numbers that dlib's predictor gives these points.
MEAN_FACE = np.array(
    [
        [0.1205750620789, 0.2137274526848],
        [0.3340850613712, 0.2290642403242],
        [0.6460604764104, 0.2289674387677],
        [0.8595674595992, 0.2134981538014],
        [0.4901123135679, 0.6277975316475],
    ],
    np.float32,
)
ORDER = [2, 3, 1, 0, 4]
EVERY = 6
TOLERANCE = 0.005
# The middle of an LFW photo; a face whose centre is further away is a bystander's.
CENTRE, REACH = 125, 40


def main() -> None:
    """Find the template and compare it with the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lfw", type=Path)
    photos = sorted(parser.parse_args().lfw.glob("*/*.jpg"))[::EVERY]

    registry = Registry.builtin()
    model = registry.get("dlib-resnet")
    if not isinstance(model.source, PackageSource) or model.embedding is None or model.embedding.template is None:
        sys.exit("the manifest has no template for dlib-resnet")
    data = extract(fetch(model.source, cache_directory(os.environ)), model.source.archive, POINTS)
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        predictor = dlib.shape_predictor(file.name)
    detector = dlib.get_frontal_face_detector()
    encoder = open_encoder(registry, Recognition.load(registry))

    places = []
    for path in photos:
        image = decode_image(read_photo(path), name=path.name)
        boxes = [box for box in detector(image.pixels) if abs((box.left() + box.right()) / 2 - CENTRE) < REACH]
        try:
            face = encoder.finder.find(image).faces[0]
        except NoFaceError:
            continue
        if boxes:
            shape = predictor(image.pixels, boxes[0])
            points = np.array([[point.x, point.y] for point in shape.parts()], np.float32)[ORDER]
            places.append(warp.apply(warp.similarity(points, MEAN_FACE), face.landmarks.points[:, :2]))
    median = np.median(np.stack(places), axis=0)
    template = model.embedding.template
    furthest = 0.0
    for (index,), (x, y) in zip(template.mesh_points, template.points, strict=True):
        furthest = max(furthest, abs(median[index, 0] - x), abs(median[index, 1] - y))
        print(f"{index:4d}  [{median[index, 0]:.4f}, {median[index, 1]:.4f}]  manifest [{x:.4f}, {y:.4f}]")
    print(f"{len(places)} photos; the furthest place differs by {furthest:.4f}")
    sys.exit(int(furthest > TOLERANCE))


if __name__ == "__main__":
    main()
