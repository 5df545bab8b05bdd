"""`python -m models.recipes.face_model [--check]`: make `face-model.csv`, the face that pose is measured against.

It is MediaPipe's canonical face (Apache-2.0), 468 points in centimetres in the order of the mesh, as mind-ar ships it.
Triangles and texture coordinates are left out.
"""

from __future__ import annotations

import argparse
import os
import sys

from models.recipes.build import put
from models.recipes.fetch import cache_directory, extract, fetch
from senseid_models.entries import PackageSource, SourceFile
from senseid_models.registry import Registry

FILE = SourceFile(
    path="package/src/face-target/face-geometry/canonical-face-model.obj",
    sha256="8bac80443397e113f41a8b565ea72c59390bc031d9defab289dba7bc0c54e618",
)
SOURCE = PackageSource(
    registry="npm",
    package="mind-ar",
    version="1.2.5",
    archive="mind-ar-1.2.5.tgz",
    package_sha256="e14a0f6e1bdd85beb757d72354999a967efcaaac2fc9a036ce1852ea2d6c5193",
    files=(FILE,),
)


def face_model(obj: bytes) -> bytes:
    """The vertices of a Wavefront file as CSV, one `x,y,z` per line, with unchanged digits."""
    vertices = [line.split()[1:] for line in obj.decode("ascii").splitlines() if line.startswith("v ")]
    return "".join(",".join(vertex) + "\n" for vertex in vertices).encode()


def main() -> None:
    """Write the file and its SHA-256, or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    made = face_model(extract(fetch(SOURCE, cache_directory(os.environ)), SOURCE.archive, FILE))
    asset = Registry.builtin().asset("face-model")
    if not check:
        put(asset, made)
    elif made != asset.read():
        sys.exit(f"{asset.path.name} is not what its recipe makes")


if __name__ == "__main__":
    main()
