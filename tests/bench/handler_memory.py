"""`python -m tests.bench.handler_memory`: what each handler of `senseid serve` takes beyond what all share.

A service answers, as often for each handler: comparisons, comparisons of every face and qualities of photos of
640 x 480; liveness of a clip of five seconds of 640 x 480; the first three about photos of 12 megapixels. Memory of a
handler is its unique set size, which would be free without it, read right after the last answer and again when it has
rested. That of all processes is the proportional one: what several share counts once. Promise of issue 19: a handler
beyond the first takes at most 60 MB, judged at rest.
"""

from __future__ import annotations

import io
import itertools
import os
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import psutil

from senseid_crypto.key import generate_key
from senseid_crypto.wire import encrypt_bytes
from senseid_licensing.quickstart import quickstart
from senseid_licensing.store import LicenceStore
from senseid_service import endpoints
from senseid_service.settings import MEBIBYTE
from tests.bench.liveness_speed import RATE, SECONDS, panned
from tests.bench.report import Report, Row, UnavailableError, at_most, parser_of, run
from tests.bench.service_load import SAMPLES, context_now, serving
from tests.bench.surroundings import sample_photos
from tools.make_clip import encode_clip

if TYPE_CHECKING:
    from senseid_crypto.key import Key

NAME = "handler_memory"
SMALL = "photos of 640 x 480"
MOST_MB = 60.0
LARGE = (4000, 3000)
REST_SECONDS = 4.0
"""More than a handler waits until it gives back what it worked in."""

Stages = dict[str, list[tuple[str, bytes]]]
"""Path and form of the requests of each stage."""


def stages_of(photos: list[bytes], key: Key) -> Stages:
    """What the services are asked, in this order."""

    def form(**media: bytes) -> bytes:
        return urlencode({name: encrypt_bytes(data, key).decode() for name, data in media.items()}).encode()

    def of_photos(first: bytes, second: bytes) -> list[tuple[str, bytes]]:
        two = form(first_encrypted_image=first, second_encrypted_image=second)
        one = form(encrypted_image=first)
        return [(endpoints.COMPARE.path, two), (endpoints.OMNI.path, two), (endpoints.QUALITY.path, one)]

    clip = encode_clip(panned(photos[0]), range(SECONDS * RATE), codec="libx264", time_base=Fraction(1, RATE))
    return {
        SMALL: of_photos(*photos),
        "clips": [(endpoints.LIVENESS.path, form(encrypted_video=clip))],
        "photos of 12 MP": of_photos(*map(_enlarged, photos)),
    }


def _enlarged(photo: bytes) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(io.BytesIO(photo)) as small:
        small.resize(LARGE, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def measure(handlers: int, requests: int, heavy: int) -> Report:
    """Ask each of so many handlers the same, and look at their memory after each stage."""
    if not Path("/proc/self/smaps_rollup").is_file():
        raise UnavailableError("this system has no /proc/PID/smaps_rollup to read memory from")
    photos, key = sample_photos(*SAMPLES), generate_key(os.urandom)
    stages = stages_of(photos, key)
    counts = dict.fromkeys(stages, heavy) | {SMALL: requests}
    own: dict[str, list[float]] = {}
    everything: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        quickstart(LicenceStore(home), context_now(), licensee="bench", entropy=os.urandom)
        with serving(photos, key, home, handlers) as served:
            pids = [event["handler"] for event in served.events("handler_ready")]

            def look(when: str) -> None:
                own[when] = [psutil.Process(pid).memory_full_info().uss / MEBIBYTE for pid in pids]
                everything[when] = served.memory()

            time.sleep(REST_SECONDS)
            look("after the start, at rest")
            for stage, asked in stages.items():
                # One after the other: the handler that has waited longest is next, so all get the same.
                for (path, body), _ in itertools.product(asked, range(counts[stage] * handlers)):
                    _, status = served.ask(path=path, body=body)
                    if status != 200:
                        raise RuntimeError(f"{path} was answered {status}: {served.log.read_text()}")
                look(f"{stage}, at once")
                time.sleep(REST_SECONDS)
                look(f"{stage}, at rest")
            peaks = tuple(_peak(pid) for pid in pids)
    return Report(
        title=f"memory of each of {handlers} handlers, and of the service",
        counts=", ".join(f"{counts[stage]} of each request about {stage}" for stage in stages) + ", for each handler",
        rows=(
            *(Row(f"a handler: {when}", "MB", tuple(values)) for when, values in own.items()),
            Row("a handler: peak, with what it shares", "MB", peaks),
            *(Row(f"all processes: {when}", "MB", (value,)) for when, value in everything.items()),
        ),
        promises=(
            at_most(
                "a handler at rest, whatever it was asked before",
                max(max(values) for when, values in own.items() if when.endswith("at rest")),
                MOST_MB,
                unit="MB",
            ),
        ),
    )


def _peak(pid: int) -> float:
    (line,) = (text for text in Path(f"/proc/{pid}/status").read_text().splitlines() if text.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "What each handler of the service takes beyond what all share.")
    parser.add_argument("--handlers", type=int, default=2, metavar="N", help="of the service, at least 2 (default: 2)")
    parser.add_argument("--requests", type=int, default=50, metavar="N", help="about each small photo (default: 50)")
    parser.add_argument("--heavy", type=int, default=5, metavar="N", help="about clips and large photos (default: 5)")
    words = parser.parse_args()
    return run(NAME, lambda: measure(words.handlers, words.requests, words.heavy), words.json)


if __name__ == "__main__":
    sys.exit(main())
