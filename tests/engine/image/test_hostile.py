from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.image.conftest import ENCODINGS, encode, outcome, scene


@settings(max_examples=300)
@given(
    st.binary(max_size=400), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\0"])
)
def test_random_bytes_are_refused_or_decoded(data: bytes, magic: bytes) -> None:
    outcome(magic + data)


SEEDS = [encode(scene().convert(mode), kind, **options) for mode, kind, options in ENCODINGS.values()]


@settings(max_examples=400)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from(["set", "insert", "cut"]), st.binary(min_size=1, max_size=4))),
    st.floats(0, 1),
    st.booleans(),
)
def test_damaged_photos_are_refused_or_decoded(
    seed: bytes, edits: list[tuple[float, str, bytes]], end: float, near_the_head: bool
) -> None:
    data = seed
    for place, edit, value in edits:
        at = int(place * min(len(data), 200 if near_the_head else len(data)))
        rest = {"set": at + len(value), "insert": at, "cut": at + 4 * len(value)}[edit]
        data = data[:at] + (b"" if edit == "cut" else value) + data[rest:]
    for damaged in (data, data[: int(end * len(data))]):
        outcome(damaged)
