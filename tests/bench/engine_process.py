"""An engine of ours, of whatever version, as a child process on photos that the parent names.

    python tests/bench/engine_process.py ROOT VERSION PHOTO...

The code is that under ROOT. For each line of standard input it finds and embeds the largest face of every photo on one
thread, and answers with one line of JSON: the seconds. The photos are decoded once, before.
"""

import json
import sys
import time
from pathlib import Path


def main():
    """Open the engine of that version, then answer until the input ends."""
    root, version, *photos = sys.argv[1:]
    sys.path[:0] = [root, *(str(Path(root) / part) for part in ("engine", "models", "licensing"))]
    import cv2

    import senseid_engine
    from senseid_engine.image import decode_image
    from tests.bench.surroundings import open_engine

    if not Path(senseid_engine.__file__).is_relative_to(root):
        sys.exit(f"senseid_engine is not that of {root}, but {senseid_engine.__file__}")
    engine = open_engine(threads=1)
    cv2.setNumThreads(1)
    images = [decode_image(Path(photo).read_bytes(), name=photo) for photo in photos]
    print(json.dumps({"version": version}), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        for image in images:
            engine.encode_largest(image)
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)


if __name__ == "__main__":
    main()
