"""`python -m tests.engine.golden.write_scores`: write scores.json: faces and scores of the sample photos.

Run it, and look at what it changes, whenever a model, the score curve or a step of the engine is changed on
purpose. The file names the data files that it was made with, so that a forgotten run is told from a broken engine.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

from senseid_engine.engine import Engine
from senseid_engine.finder import model_of_kind
from senseid_engine.image import decode_image, read_photo
from senseid_engine.recognition import ASSET, Recognition
from senseid_licensing.context import context_here
from senseid_licensing.quickstart import quickstart
from senseid_licensing.store import LicenceStore
from senseid_models.registry import Registry
from tools.fetch_samples import DEFAULT_FOLDER, fetch_samples

GOLDEN = Path(__file__).with_name("scores.json")


def open_engine(registry: Registry) -> Engine:
    """The engine under a licence made for this run."""
    with tempfile.TemporaryDirectory() as folder:
        store = LicenceStore(Path(folder))
        context = context_here(now=datetime.now(UTC), version="1")
        quickstart(store, context, licensee="golden scores", entropy=os.urandom)
        return Engine.open(registry, store.verify_all(context), threads=1)


def main() -> None:
    """Write the file."""
    registry = Registry.builtin()
    engine = open_engine(registry)
    photos = [decode_image(read_photo(path), name=name) for name, path in fetch_samples(DEFAULT_FOLDER).items()]
    recognition = Recognition.load(registry)
    models = [*(model_of_kind(registry, kind) for kind in ("detector", "landmarks")), registry.get(recognition.model)]
    assets = [registry.asset(name) for name in (ASSET, recognition.curve)]
    golden = {
        "made_by": "python -m tests.engine.golden.write_scores",
        "made_with": {used.path.name: used.sha256 for used in (*models, *assets)},
        "largest_face": {photo.name: engine.encoder.finder.find(photo).found.rects[0].as_list() for photo in photos},
        "scores": [[a.name, b.name, round(engine.compare(a, b).score, 6)] for a, b in combinations(photos, 2)],
    }
    # One line a list.
    text = re.sub(r"\[\s+([^][]+?)\s+\]", lambda found: f"[{' '.join(found[1].split())}]", json.dumps(golden, indent=2))
    GOLDEN.write_text(text + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
