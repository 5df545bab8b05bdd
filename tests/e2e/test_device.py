"""`--device` and `SENSEID_DEVICE`: on a machine that has nothing but the CPU, and where OpenVINO is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from tests.processor import is_intel

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Senseid

HAS_OPENVINO = find_spec("onnxruntime_ep_openvino") is not None
CLOSE = 0.003
"""How far two scores of the same photos may be from each other: pixels of the chip are rounded anew."""


@pytest.mark.skipif(HAS_OPENVINO, reason="the extra openvino is installed")
@pytest.mark.parametrize(
    ("words", "variable"),
    [
        (("compare", "A", "B", "--device", "openvino"), None),
        (("compare", "A", "B"), "openvino"),
        (("omni", "A", "B", "--device", "openvino"), None),
        (("quality", "A", "--device", "openvino"), None),
        (("liveness", "A", "--device", "openvino"), None),
        (("batch", "pairs.csv", "--device", "openvino"), None),
        (("serve", "--port", "0", "--device", "openvino"), None),
    ],
)
def test_a_processor_that_is_not_installed(
    senseid: Senseid, photos: dict[str, Path], tmp_path: Path, words: tuple[str, ...], variable: str | None
) -> None:
    manifest = tmp_path / "pairs.csv"
    manifest.write_text(f"first,second\n{photos['obama.jpg']},{photos['biden.jpg']}\n")
    named = {"A": photos["obama.jpg"], "B": photos["biden.jpg"], "pairs.csv": manifest}
    env = {"PARAM_DECRYPT_KEY": "k" * 32, "PARAM_DECRYPT_IV": "i" * 12, "SENSEID_WORKER_PORT": "0"}
    done = senseid(*(named.get(word, word) for word in words), env={**env, "SENSEID_DEVICE": variable or ""})
    assert (done.returncode, done.stdout) == (2, b"")
    line = done.stderr.decode().splitlines()[-1]
    for said in ("device openvino", "onnxruntime-ep-openvino is not installed (here: cpu", "extra `openvino`"):
        assert said in line
    assert "Traceback" not in done.stderr.decode()


def test_a_device_that_does_not_exist(senseid: Senseid, photos: dict[str, Path]) -> None:
    done = senseid("compare", photos["obama.jpg"], photos["biden.jpg"], "--device", "tpu")
    assert done.returncode == 2
    assert b"none of auto, cpu, openvino, cuda" in done.stderr


def test_the_service_takes_no_cuda(senseid: Senseid) -> None:
    done = senseid("serve", "--device", "cuda", "--show-config")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--device is cuda" in done.stderr


def test_auto_is_the_cpu_to_the_bit(senseid: Senseid, photos: dict[str, Path]) -> None:
    pair = (photos["obama.jpg"], photos["obama2.jpg"])
    told = [senseid.json("compare", *pair, "--device", device)["verification_score"] for device in ("auto", "cpu")]
    assert told[0] == told[1]


@pytest.mark.skipif(not HAS_OPENVINO, reason="the extra openvino is not installed")
def test_openvino_gives_the_same_scores(senseid: Senseid, photos: dict[str, Path]) -> None:
    if not is_intel():
        pytest.skip("OpenVINO's plug-in takes processors of Intel alone")
    for other in ("obama2.jpg", "biden.jpg"):
        pair = (photos["obama.jpg"], photos[other])
        told = [
            senseid.json("compare", *pair, "--device", device)["verification_score"] for device in ("openvino", "cpu")
        ]
        assert told[0] == pytest.approx(told[1], abs=CLOSE)
    checks = {each["check"]: each for each in senseid.json("doctor", env={"SENSEID_DEVICE": "openvino"})["findings"]}
    assert "OpenVINOExecutionProvider" in checks["device"]["message"]
    assert checks["device openvino"]["status"] == "ok"


@pytest.mark.skipif(not HAS_OPENVINO, reason="the extra openvino is not installed")
def test_openvino_on_a_processor_of_another_maker(senseid: Senseid, photos: dict[str, Path]) -> None:
    if is_intel():
        pytest.skip("the processor is Intel's")
    done = senseid("compare", photos["obama.jpg"], photos["biden.jpg"], "--device", "openvino")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"does not start on this machine: it needs a processor of Intel" in done.stderr
    findings = senseid.json("doctor", env={"SENSEID_DEVICE": "openvino"})["findings"]
    assert "problem" in {each["status"] for each in findings if each["check"].startswith("device")}
