"""`python -m models.recipes.recognition DATA [--embeddings FILE]`: fit the shipped score curve.

DATA is the folder with `lfw-pairs.tar`, `lfw-east-asian.csv`, `faces-southasia.tar` and `faces-groups.tar`. The photos
go through the whole pipeline; `python -m tests.bench.accuracy` says what the curve is worth. The embeddings are
personal data: they are kept only where `--embeddings` says so, to try other settings without encoding again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from models.recipes.build import put
from models.recipes.recognition.encode import load_or_encode, open_engine
from models.recipes.recognition.fit import fit_and_measure
from senseid_engine.calibration.provenance import ModelFile
from senseid_engine.recognition import Recognition
from senseid_models.registry import Registry


def main() -> None:
    """Run the recipe; the manifest is brought up to date."""
    parser = argparse.ArgumentParser(prog="python -m models.recipes.recognition", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--embeddings", type=Path, help="reuse the embeddings in this file, or write them there")
    words = parser.parse_args()
    registry = Registry.builtin()
    recognition = Recognition.load(registry)
    model = registry.get(recognition.model)
    encoded = load_or_encode(words.embeddings, words.data, open_engine())
    result = fit_and_measure(encoded, words.data, ModelFile(model.id, model.sha256))
    put(registry.asset(recognition.curve), result.curve.dump().encode())


if __name__ == "__main__":
    main()
