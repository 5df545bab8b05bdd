"""dlib's own pipeline as a child process: its detector, 5 points and ResNet, on photos that the parent names.

    python tests/bench/dlib_oracle.py WEIGHTS POINTS PHOTO...

Each line of standard input is a number of upsamplings; each line of the answer is a JSON object with the seconds of
each step over all photos, and how many faces were found. It imports dlib and nothing of ours, so that any interpreter
that has dlib can run it.
"""

import json
import sys
import time

import dlib


def measure(net, predictor, detector, photos, upsamplings):
    """Decode each photo, find its faces, describe the largest."""
    seconds = {"decode": 0.0, "detect": 0.0, "points": 0.0, "embed": 0.0}
    faces = 0
    for path in photos:
        marks = [time.perf_counter()]
        photo = dlib.load_rgb_image(path)
        marks.append(time.perf_counter())
        boxes = detector(photo, upsamplings)
        marks.append(time.perf_counter())
        faces += len(boxes)
        points = [predictor(photo, box) for box in sorted(boxes, key=dlib.rectangle.area)[-1:]]
        marks.append(time.perf_counter())
        for shape in points:
            net.compute_face_descriptor(photo, shape)
        marks.append(time.perf_counter())
        for step, before, after in zip(seconds, marks, marks[1:], strict=False):
            seconds[step] += after - before
    return {"seconds": seconds, "faces": faces}


def main():
    """Say which dlib this is, then answer until the input ends."""
    weights, points, *photos = sys.argv[1:]
    net, predictor = dlib.face_recognition_model_v1(weights), dlib.shape_predictor(points)
    detector = dlib.get_frontal_face_detector()
    build = {name: getattr(dlib, name, None) for name in ("DLIB_USE_BLAS", "DLIB_USE_CUDA", "USE_AVX_INSTRUCTIONS")}
    print(json.dumps({"version": dlib.__version__, "build": build}), flush=True)
    for line in sys.stdin:
        print(json.dumps(measure(net, predictor, detector, photos, int(line))), flush=True)


if __name__ == "__main__":
    main()
