"""`python -m models.recipes.build [--check] [ID ...]`: make the committed ONNX files again from the pinned packages.

Exit status: 0 every file is as the manifest says; 1 a file differs; 2 a package could not be fetched or converted, or
the command line is wrong.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
from typing import TYPE_CHECKING

from models.recipes.efficientnet_lite import efficientnet_lite0, efficientnet_lite2
from models.recipes.errors import ConvertError, RecipeError
from models.recipes.fetch import cache_directory, extract, fetch
from models.recipes.landmarks import landmarks
from models.recipes.opencv_zoo import sface, yunet
from senseid.output_file import new_file
from senseid_models.entries import PackageSource
from senseid_models.errors import ModelsError
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from senseid_models.entries import Asset, ModelEntry

# A recipe takes the pinned files in the order of the manifest and returns the bytes of the ONNX file.
RECIPES: Mapping[str, Callable[..., bytes]] = {
    "yunet": yunet,
    "mediapipe-face-landmarks": landmarks,
    "sface": sface,
    "efficientnet-lite0": efficientnet_lite0,
    "efficientnet-lite2": efficientnet_lite2,
}


def convert(entry: ModelEntry, cache: Path) -> bytes:
    """Make one ONNX file.

    Raises:
        RecipeError: No recipe, no package, or weights of another structure.
    """
    recipe = RECIPES.get(entry.id)
    if recipe is None or not isinstance(entry.source, PackageSource):
        raise ConvertError(f"no recipe makes {entry.id}")
    archive = fetch(entry.source, cache)
    return recipe(*(extract(archive, entry.source.archive, file) for file in entry.source.files))


def write(path: Path, data: bytes) -> None:
    """Replace a file in one step."""
    with new_file(path, overwrite=True) as file:
        file.write(data)


def put(entry: Asset | ModelEntry, data: bytes) -> None:
    """Write a data file or a model of the registry, and its SHA-256 and length into the manifest."""
    write(entry.path, data)
    manifest = entry.path.with_name("manifest.toml")
    lines = re.compile(rf'(file = "{re.escape(entry.path.name)}"\nsha256 = ")[0-9a-f]+("\nbytes = )\d+')
    sha256 = hashlib.sha256(data).hexdigest()
    text, found = lines.subn(rf"\g<1>{sha256}\g<2>{len(data)}", manifest.read_text(encoding="utf-8"))
    if not found:
        raise SystemExit(f"{manifest} has no file {entry.path.name}")
    write(manifest, text.encode())


def build(entry: ModelEntry, cache: Path, *, check: bool) -> bool:
    """Make one model, compare it with the manifest, and write it unless `check`. Returns whether it is the same."""
    data = convert(entry, cache)
    sha256 = hashlib.sha256(data).hexdigest()
    same = sha256 == entry.sha256
    if same:
        print(f"{entry.id}: as in the manifest")
    else:
        print(f'{entry.id}: differs from the manifest, made was\nsha256 = "{sha256}"\nbytes = {len(data)}')
    if not check:
        write(entry.path, data)
    return same


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command that the module's docstring describes."""
    parser = argparse.ArgumentParser(prog="python -m models.recipes.build", description="Rebuild the ONNX models.")
    parser.add_argument("ids", nargs="*", metavar="ID", help="models to rebuild (default: all that come from packages)")
    parser.add_argument("--check", action="store_true", help="compare with the manifest and write nothing")
    options = parser.parse_args(arguments)
    cache = cache_directory(environment)
    try:
        registry = Registry.builtin()
        converted = [entry for entry in registry.entries if isinstance(entry.source, PackageSource)]
        entries = [registry.get(i) for i in options.ids] or converted
        same = [build(entry, cache, check=options.check) for entry in entries]
    except (RecipeError, ModelsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
