"""`python -m models.recipes.recognition LFW [--embeddings FILE]`: learn the shipped cohort and fit its score curve.

LFW is the folder with one sub-folder a person and `pairs.txt`. The photos go through the whole pipeline. The cohort is
learned from all of them; the curve is fitted to pairs each normalised by a cohort that does not know their people, as
`senseid models calibrate LFW --own-cohort 10` does. The embeddings are personal data: they are kept only where
`--embeddings` says so, to try other settings without encoding again.
"""

from __future__ import annotations

import argparse
import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from senseid_engine.calibration.cohort_fit import fit_cohort
from senseid_engine.calibration.encode import EncodedPhoto, Unusable, encode_photos
from senseid_engine.calibration.labelled import LabelledSet, read_folder, read_lfw_pairs
from senseid_engine.calibration.own_cohort import tile_by_others
from senseid_engine.calibration.provenance import Data
from senseid_engine.calibration.run import Settings, calibrate, random
from senseid_engine.cpu import available_cpus
from senseid_engine.encoder import Encoder
from senseid_engine.recognition import Recognition
from senseid_engine.template import Template
from senseid_models.registry import Asset, Registry

from .build import write
from .licences import licences_of_this_run

GROUPS = 10
SEED = 0

Encoded = list[EncodedPhoto[tuple[np.ndarray, ...]]]


def open_encoder(registry: Registry, recognition: Recognition) -> Encoder:
    """The models of the registry, under a licence made for this run."""
    return Encoder.open(registry, [part.model for part in recognition.parts], licences_of_this_run(), threads=1)


def encode(labelled: LabelledSet, encoder: Encoder) -> tuple[Encoded, list[Unusable]]:
    """The embeddings of the largest face of each photo."""
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        if done % 500 == 0:
            print(f"{done} of {len(labelled.photos)} photos", flush=True)

    def largest(image: object) -> tuple[np.ndarray, ...]:
        photo = encoder.finder.find(image)
        return encoder.embed(photo.image, photo.faces[0])

    return encode_photos(labelled.photos, largest, workers=available_cpus(), advance=advance)


def main() -> None:
    """Run the recipe; the manifest is brought up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lfw", type=Path)
    parser.add_argument("--embeddings", type=Path, help="reuse the embeddings in this file, or write them there")
    arguments = parser.parse_args()

    registry = Registry.builtin()
    recognition = Recognition.load(registry)
    parts = recognition.parts
    labelled = read_folder(arguments.lfw)
    encoded, unusable = load_or_encode(arguments.embeddings, labelled, registry, recognition)

    people = np.array([labelled.photos[photo.number].person for photo in encoded], np.int32)
    templates = [Template(photo.template, 0.0, 1.0) for photo in encoded]
    cohort = fit_cohort(np.stack([t.fused(parts) for t in templates]), people, nearest=recognition.nearest)
    put(registry.asset(recognition.cohort), cohort.dump())

    tiled = tile_by_others(templates, people, recognition, groups=GROUPS, rng=random(SEED, "groups"))
    settings = Settings(
        set_name="LFW",
        made=datetime.now(UTC).date().isoformat(),
        seed=SEED,
        models=tuple(Data(part.model, registry.get(part.model).sha256) for part in parts),
        cohort=None,
        own_cohort=GROUPS,
        note="The 7,701 deep-funnelled images of LFW's 6,000 pairs; all pairs of them.",
    )
    folds = read_lfw_pairs(arguments.lfw / "pairs.txt", labelled)
    numbers = [photo.number for photo in encoded]
    result = calibrate(labelled, numbers, unusable, tiled, settings, folds=folds)
    put(registry.asset(recognition.curve), result.curve.dump().encode())
    print("accuracy over LFW's folds", result.accuracy)
    for fmr, point in result.at_fmr:
        print(f"FMR {fmr:g}: {point}")
    for row in result.curve.provenance.rates:
        print(row)
    print("without a face:", [photo.name for photo in unusable])


def load_or_encode(
    path: Path | None, labelled: LabelledSet, registry: Registry, recognition: Recognition
) -> tuple[Encoded, list[Unusable]]:
    """Embeddings from the file, or from the photos."""
    if path is not None and path.exists():
        with np.load(path, allow_pickle=False) as archive:
            numbers = archive["numbers"]
            columns = [archive[f"part_{i}"] for i in range(len(recognition.parts))]
        encoded = [EncodedPhoto(int(n), tuple(c[i] for c in columns)) for i, n in enumerate(numbers)]
        missing = sorted(set(range(len(labelled.photos))) - set(numbers.tolist()))
        return encoded, [Unusable(n, labelled.photos[n].name, no_face=True, problem="no face") for n in missing]
    encoded, unusable = encode(labelled, open_encoder(registry, recognition))
    if path is not None:
        parts = {f"part_{i}": np.stack([p.template[i] for p in encoded]) for i in range(len(recognition.parts))}
        np.savez(path, numbers=np.array([photo.number for photo in encoded]), **parts)
    return encoded, unusable


def put(asset: Asset, data: bytes) -> None:
    """Write a data file of the registry, and its SHA-256 and length into the manifest."""
    write(asset.path, data)
    manifest = asset.path.with_name("manifest.toml")
    lines = re.compile(rf'(file = "{re.escape(asset.path.name)}"\nsha256 = ")[0-9a-f]+("\nbytes = )\d+')
    sha256 = hashlib.sha256(data).hexdigest()
    text, found = lines.subn(rf"\g<1>{sha256}\g<2>{len(data)}", manifest.read_text(encoding="utf-8"))
    if not found:
        raise SystemExit(f"{manifest} has no asset {asset.path.name}")
    write(manifest, text.encode())


if __name__ == "__main__":
    main()
