"""`senseid drift` on the files that it is for."""

from __future__ import annotations

import csv
import http.server
import json
import math
import random
import threading
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import pytest
from jsonschema import Draft202012Validator

from senseid.command_shapes import schema_of_command
from senseid.decisions import Figures
from senseid_service.endpoints import COMPARE, OMNI, QUALITY
from senseid_service.metrics import Metrics
from senseid_service.pool import PoolState

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Senseid


def scrape(path: Path, seed: int, count: int, refused: int, shift: float = 0.0) -> Path:
    """What the service would tell after so many comparisons."""
    metrics = Metrics(lambda: PoolState(1, 0, 0, 0), dict, role="all", models="abc")
    metrics.set_threshold(0.7)
    numbers = random.Random(seed)
    for number in range(count):
        right = number % 2 == 0
        score = min(1.0, max(0.0, numbers.gauss(0.92, 0.08) - shift if right else numbers.uniform(0, 0.35)))
        for endpoint, figures in (
            (COMPARE, Figures(score=score)), (OMNI, Figures(score=score)), (QUALITY, Figures(integrity=(score,))),
        ):  # fmt: skip
            metrics.decide(endpoint.path, figures, figures.verdict(0.7))
        code = 4000 if number < refused else 1000
        metrics.observe(COMPARE.path, 400 if number < refused else 200, code, 0.1, queued=None, handled=None)
    path.write_bytes(metrics.text())
    return path


def test_scrapes(senseid: Senseid, tmp_path: Path) -> None:
    first = scrape(tmp_path / "first.txt", 1, 800, 40)
    again = scrape(tmp_path / "again.txt", 2, 800, 44)
    worse = scrape(tmp_path / "worse.txt", 3, 800, 300, shift=0.3)
    reference = tmp_path / "reference.json"
    assert senseid("drift", first, "--save", reference).returncode == 0
    assert senseid("drift", first, "--save", reference).returncode == 2
    found = senseid.json("drift", again, "--against", reference, status=0)
    assert {each["measure"]: each["verdict"] for each in found["measures"]} == dict.fromkeys(
        ("compare.verification_score", "omni.verification_score", "quality.integrity", "compare.code"), "same"
    )
    assert (found["changed"], found["models_changed"]) == (False, False)
    assert found["promise"]["compared"] == 800
    assert "cannot be known without labels" in found["promise"]["note"]
    found = senseid.json("drift", worse, "--against", reference, status=1)
    assert {each["verdict"] for each in found["measures"]} == {"changed"}
    assert senseid.json("drift", worse, "--against", first, status=1)["measures"] == found["measures"]
    Draft202012Validator(schema_of_command("drift")).validate(found)
    # Counts since an earlier scrape; fewer than then are those of another start.
    assert senseid("drift", first, "--since", first, "--against", reference).returncode == 3
    assert senseid.json("drift", first, "--since", first, status=3)["code"] == 1200
    assert senseid("drift", scrape(tmp_path / "few.txt", 1, 10, 0), "--since", first).returncode == 3
    text = senseid("drift", worse, "--against", reference).stdout.decode()
    assert "compare.code: CHANGED" in text
    assert "4000 5.00% -> 37.50%" in text


def test_an_address(senseid: Senseid, tmp_path: Path) -> None:
    """The metrics of a service on this machine, whatever proxy the environment names."""
    scrape(tmp_path / "metrics", 1, 300, 10)
    serve = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}/metrics"
        env = {"http_proxy": "http://127.0.0.1:9", "no_proxy": ""}
        found = senseid.json("drift", address, "--against", tmp_path / "metrics", status=0, env=env)
        server.shutdown()
        thread.join()
    assert found["promise"]["compared"] == 300


def test_results_of_a_batch(senseid: Senseid, tmp_path: Path) -> None:
    """CSV, NDJSON and Parquet alike, against the calibration."""
    numbers = random.Random(5)
    # Strangers as the calibration knows them: one in twenty reaches 0.4, and ten times fewer each 0.1 further.
    scores = [0.27 - 0.1 * math.log10(numbers.uniform(1e-3, 1)) for _ in range(400)]
    rows = [
        {"row": row, "code": 1000, "verification_score": score, "match": False} for row, score in enumerate(scores, 1)
    ] + [{"row": 401, "code": 4000, "message": "detection failed"}]
    ndjson, table, parquet = tmp_path / "results.ndjson", tmp_path / "results.csv", tmp_path / "results.parquet"
    ndjson.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["row", "code", "verification_score", "match", "message"])
        writer.writeheader()
        writer.writerows(rows)
    twice = senseid("drift", ndjson, f"{tmp_path}/./{ndjson.name}")
    assert twice.returncode == 3
    assert b"results.ndjson is given twice" in twice.stderr
    found = senseid.json("drift", ndjson, status=0)
    assert found["promise"]["status"] == "not_contradicted"
    assert (found["promise"]["compared"], found["promise"]["matches"]) == (400, 0)
    assert found["promise"]["most_false_matches"] == pytest.approx(3 / 400)
    facts = {"measures": found["measures"], "promise": found["promise"]}
    assert senseid.json("drift", table, status=0).items() >= facts.items()
    arrow, parquet_files = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet_files.write_table(arrow.Table.from_pylist(rows), parquet)
    assert senseid.json("drift", parquet, status=0).items() >= facts.items()


class _Elsewhere(http.server.BaseHTTPRequestHandler):
    """Sends whoever asks to another address, and takes note of who comes there."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(302)
        self.send_header("location", f"http://127.0.0.2:{self.server.server_address[1]}/inside")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def test_an_address_that_leads_elsewhere(senseid: Senseid) -> None:
    """Only what was named is asked: a redirection may lead to another machine."""
    with http.server.ThreadingHTTPServer(("0.0.0.0", 0), _Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        done = senseid("drift", f"http://127.0.0.1:{server.server_port}/metrics")
        server.shutdown()
        thread.join()
    assert done.returncode == 3
    assert _Elsewhere.asked == ["/metrics"]


@pytest.mark.parametrize("address", ["http://127.0.0.1:abc/", "http://127.0.0.1:9/a b", "http://[::1"])
def test_what_is_no_address(senseid: Senseid, address: str) -> None:
    assert senseid("drift", address).returncode == 3


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("compare.verification_score", '{"9.9": 200}'),
        ("compare.verification_score", '{"0.5": Infinity}'),
        ("compare.verification_score", '{"0.5": 1e30}'),
        ("compare.verification_score", '{"0.5": 9223372036854775807, "0.6": 9223372036854775807}'),
        ("compare.code", '{"none": 200}'),
        ("compare.code\\u001b[31m", '{"1000": 200}'),
        ("compare.code", "[" * 100_000),
    ],
)
def test_references_with_what_is_no_count(senseid: Senseid, tmp_path: Path, name: str, counts: str) -> None:
    file = tmp_path / "reference.json"
    file.write_text(f'{{"senseid_drift_reference": 1, "models": null, "measures": {{"{name}": {counts}}}}}')
    done = senseid("drift", file, "--against", file)
    assert (done.returncode, b"\x1b" in done.stderr + done.stdout) == (3, False)


@pytest.mark.parametrize("cell", ["nan", "abc", "17", "-1"])
def test_results_with_what_is_no_score(senseid: Senseid, tmp_path: Path, cell: str) -> None:
    """They are refused, and not counted as the highest score."""
    file = tmp_path / "results.csv"
    file.write_text("first,second,code,verification_score\n" + f"a.jpg,b.jpg,1000,{cell}\n" * 200)
    assert senseid("drift", file, "--save", tmp_path / "kept.json").returncode == 3
    assert not (tmp_path / "kept.json").exists()


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-5", "0.5"])
def test_metrics_with_what_is_no_count(senseid: Senseid, tmp_path: Path, value: str) -> None:
    file = tmp_path / "metrics.txt"
    file.write_text(
        f'# TYPE senseid_requests_total counter\nsenseid_requests_total{{path="{COMPARE.path}",code="1000"}} {value}\n'
    )
    assert senseid("drift", file, "--save", tmp_path / "kept.json").returncode == 3


def test_what_is_no_period(senseid: Senseid, tmp_path: Path) -> None:
    for name, text in (("a.txt", "# HELP a A.\n# TYPE a gauge\na 1\n"), ("b.csv", "a,b\n1,2\n"), ("c.csv", "")):
        (tmp_path / name).write_text(text)
        assert senseid("drift", tmp_path / name).returncode in {2, 3}
    (tmp_path / "d.json").write_text('{"senseid_drift_reference": 7}')
    assert senseid("drift", tmp_path / "d.json").returncode == 3
    assert senseid("drift", tmp_path / "none").returncode == 3
    assert senseid("drift", "http://192.0.2.1/metrics").returncode == 3
    assert senseid("drift", "http://127.0.0.1:9/metrics").returncode == 3
