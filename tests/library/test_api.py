"""The front door: the same results and errors as the commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import senseid
from senseid import installation, models, outcomes
from senseid_crypto.container import MAGIC
from senseid_crypto.format import Format
from senseid_engine import device
from senseid_engine.device import Device
from senseid_engine.errors import DeviceError, DifferentPeopleError, ImageSizeError, MediaNotFoundError, NoFaceError
from senseid_licensing.context import context_here
from senseid_licensing.errors import LicenceMissingError
from senseid_licensing.quickstart import quickstart
from senseid_licensing.store import LicenceStore

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    context = context_here(now=datetime.now(UTC), version=senseid.__version__)
    quickstart(LicenceStore(folder), context, licensee="tests", entropy=os.urandom, days=2)
    return folder


@pytest.fixture
def faces(home: Path, monkeypatch: pytest.MonkeyPatch) -> senseid.Senseid:
    monkeypatch.setenv("SENSEID_HOME", str(home))
    return senseid.Senseid(threads=1)


def test_where_networks_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSEID_HOME", str(home))
    with pytest.raises(ValueError, match="threads is 0"):
        senseid.Senseid(threads=0)
    monkeypatch.setattr(device, "installed_version", lambda _: None)
    with pytest.raises(ValueError, match="tpu"):
        senseid.Senseid(device="tpu")
    photo = np.zeros((64, 64, 3), np.uint8)
    with pytest.raises(DeviceError, match="device openvino"):
        senseid.Senseid(device="openvino").quality(photo)


def test_before_a_fork_auto_is_the_cpu(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What CUDA has open does not survive it."""
    monkeypatch.setenv("SENSEID_HOME", str(home))
    asked = []
    monkeypatch.setattr(models, "open_engine", lambda *_, **how: asked.append(how["device"]))
    for forks in (True, False):
        opened = models.Models(installation.verify_licences, device=Device.AUTO, forks=forks)
        with pytest.raises(TypeError):  # what was opened is no engine
            _ = opened.engine
    assert asked == [Device.CPU, Device.AUTO]


def command(home: Path, *words: str | Path) -> dict[str, object]:
    """What the command line prints."""
    done = subprocess.run(
        [sys.executable, "-m", "senseid", *map(str, words), "--json"],
        env={**os.environ, "SENSEID_HOME": str(home)},
        capture_output=True,
        check=False,
    )
    return dict(json.loads(done.stdout))


def test_paths_bytes_and_arrays_give_the_score_of_the_command(
    faces: senseid.Senseid, home: Path, sample_photos: dict[str, Path]
) -> None:
    one, other = sample_photos["obama.jpg"], sample_photos["obama2.jpg"]
    score = command(home, "compare", one, other)["verification_score"]
    assert faces.compare(str(one), other.read_bytes()).score == score
    with Image.open(one) as photo:
        pixels = np.asarray(photo.convert("RGB"))
    assert faces.compare(pixels, other).score == score
    assert pixels.flags.writeable == np.asarray(pixels).flags.writeable  # the caller's array is left as it was


def test_several_photos_of_one_person(faces: senseid.Senseid, home: Path, sample_photos: dict[str, Path]) -> None:
    one, two, three, other = (sample_photos[name] for name in ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg"))
    score = command(home, "compare", "--reference", one, "--reference", two, three)["verification_score"]
    assert faces.compare([one, two.read_bytes()], str(three)).score == score
    assert faces.compare((str(two), one), three).score == score
    with pytest.raises(DifferentPeopleError, match=r"^first 2: shows another person than the 2 others"):
        faces.compare([one, other.read_bytes(), two], three)
    for photos in ([], [one] * 11):
        with pytest.raises(ValueError, match="there must be 1 to 10"):
            faces.compare(photos, three)


def test_omni_and_quality(faces: senseid.Senseid, home: Path, sample_photos: dict[str, Path]) -> None:
    one, other = sample_photos["obama.jpg"], sample_photos["biden.jpg"]
    assert [list(row) for row in faces.omni(one, other).scores] == command(home, "omni", one, other)["scores"]
    told = command(home, "quality", one)["faces"]
    assert isinstance(told, list)
    assert faces.quality(one).faces[0].sharpness == told[0]["sharpness"]


def test_what_is_no_photo_is_named(faces: senseid.Senseid, sample_photos: dict[str, Path]) -> None:
    """An open file was walked through by its lines, and a bytearray by its bytes: so many photos of one person."""
    photo = sample_photos["obama.jpg"]
    with photo.open("rb") as file:
        for wrong in (None, 5, file, bytearray(photo.read_bytes()), memoryview(b"x"), {photo}, [[photo]]):
            with pytest.raises(TypeError, match=r"^first is of type \w+: give a path, the bytes of a file"):
                faces.compare(wrong, photo)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^second is of type NoneType"):
        faces.compare(photo, None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^second is an array of float32 \(64, 64, 3\): give uint8"):
        faces.compare(photo, np.zeros((64, 64, 3), np.float32))  # type: ignore[arg-type]
    with pytest.raises(MediaNotFoundError, match=r"^photo: an empty word names no file"):
        faces.quality("")


def test_what_is_refused(faces: senseid.Senseid, tmp_path: Path) -> None:
    with pytest.raises(MediaNotFoundError):
        faces.compare(tmp_path / "none.jpg", b"")
    with pytest.raises(ImageSizeError):
        faces.quality(np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        faces.quality(np.zeros((400, 400, 3)))  # type: ignore[arg-type]
    with pytest.raises(senseid.ERRORS) as caught:
        faces.quality(np.zeros((400, 400, 3), np.uint8))
    assert isinstance(caught.value, NoFaceError)
    assert outcomes.outcome_of(caught.value).code == 4000


def test_no_licence_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSEID_HOME", str(tmp_path))
    with pytest.raises(LicenceMissingError):
        senseid.Senseid().quality(np.zeros((400, 400, 3), np.uint8))


def sealed_as(data: bytes) -> Format:
    return Format.CONTAINER if data.startswith(MAGIC) else Format.WIRE


@pytest.mark.parametrize("form", list(Format))
def test_there_and_back(
    form: Format, tmp_path: Path, sample_photos: dict[str, Path], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENSEID_HOME", str(home))
    keys = installation.key_sources().folder
    if not list(keys.names()):
        keys.add("default", installation.new_key(), installation.now(), in_keyring=False)
    faces = senseid.Senseid()
    photo = sample_photos["obama.jpg"]
    sealed = faces.encrypt(photo, form=form)
    assert faces.decrypt(sealed) == photo.read_bytes()
    assert sealed_as(faces.encrypt(photo, form=form.value)) == sealed_as(sealed) == form
    with pytest.raises(ValueError, match="zip"):
        faces.encrypt(photo, form="zip")
    (tmp_path / "sealed").write_bytes(sealed)
    assert faces.decrypt(tmp_path / "sealed") == photo.read_bytes()
    assert faces.quality(sealed).faces == faces.quality(photo).faces
    (tmp_path / "sealed").write_bytes(sealed[:-1])
    with pytest.raises(senseid.ERRORS, match="sealed"):
        faces.decrypt(tmp_path / "sealed")


def test_importing_it_is_light() -> None:
    script = "import sys, senseid; print({'numpy', 'cv2', 'onnxruntime', 'typer'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    with pytest.raises(AttributeError, match="nothing"):
        senseid.nothing  # noqa: B018


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_the_examples_run(page: str, home: Path, tmp_path: Path, sample_photos: dict[str, Path]) -> None:
    (tmp_path / ".demo").mkdir()
    (tmp_path / ".demo" / "photos").symlink_to(sample_photos["obama.jpg"].parent)
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.DOTALL | re.MULTILINE))
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "SENSEID_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(("True", "0.98"))
    if page == "docs/python.md":
        assert "is not a JPEG" in done.stdout
        assert done.stdout.strip().endswith("2005 3")
