"""The service's error numbers: what of ours gets which, and where a user reads it."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from senseid import installation
from senseid.errors import OutputError
from senseid.stids import in_words, stid_of
from senseid_cli import app
from senseid_engine import errors as engine
from senseid_licensing import errors as licensing
from senseid_models import errors as models

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = Path("a.onnx")
# One way to each number of the table: what an operator meets it for. `tests/licensing` has those of licences.
NUMBERS = [
    (engine.ImageSizeError("a.jpg", "is small"), -1, "STID_E_INVALID_ARG"),
    (engine.MediaUnreadableError("stdin", "is closed"), -2, "STID_E_HANDLE"),
    (MemoryError(), -3, "STID_E_OUTOFMEMORY"),
    (OutputError("full", remedy="make room"), -4, "STID_E_FAIL"),
    (RuntimeError("anything else"), -4, "STID_E_FAIL"),
    (engine.ImageTypeError("a.jpg", "is text"), -6, "STID_E_INVALID_PIXEL_FORMAT"),
    (models.ModelFileMissingError("a", FILE), -7, "STID_E_FILE_NOT_FOUND"),
    (engine.MediaNotFoundError("a.jpg", "is not there"), -7, "STID_E_FILE_NOT_FOUND"),
    (engine.ModelError("a", "does not load"), -8, "STID_E_INVALID_FILE_FORMAT"),
    (models.ManifestError(Path("manifest.toml"), "is odd"), -8, "STID_E_INVALID_FILE_FORMAT"),
    (models.ModelExpiredError("a", datetime.date(2027, 1, 1)), -9, "STID_E_MODEL_FILE_EXPIRE"),
    (models.ModelUnreadableError("a", FILE, "Permission denied"), -10, "STID_E_READ_MODEL_FILE_FAIL"),
    (licensing.SignatureError("bad", remedy="ask"), -13, "STID_E_INVALID_AUTH"),
    (licensing.ExpiredError("over", remedy="renew"), -15, "STID_E_AUTH_EXPIRE"),
    (licensing.UdidMismatchError("other", remedy="ask"), -16, "STID_E_UDID_MISMATCH"),
    (licensing.VersionMismatchError("new", remedy="ask"), -23, "STID_E_VERSION_MISMATCH"),
    (licensing.PlatformError("mac", remedy="ask"), -24, "STID_E_PLATFORM_NOTSUPPORTED"),
    (models.ModelCorruptError("a", FILE, "has other bytes"), -25, "STID_E_MODEL_UNZIP_FAILED"),
    (models.ModelKindMissingError("landmarks"), -26, "STID_E_SUBMODULE_NOT_FOUND"),
    (models.ModelNotFoundError("a", ["b"]), -26, "STID_E_SUBMODULE_NOT_FOUND"),
    (licensing.CapabilityError("no", remedy="ask"), -2067857410, "STID_E_CAPABILITY_NOTSUPPORTED"),
    (licensing.UdidError("nothing", remedy="see"), -2146304001, "STID_E_GET_UDID_FAIL"),
    (engine.LibraryError("onnxruntime", "does not load"), -2065563655, "STID_E_LOAD_LIBRARY_FAILED"),
    (licensing.LibraryError("none", remedy="reinstall"), -2065563655, "STID_E_LOAD_LIBRARY_FAILED"),
    (licensing.ParentMissingError("no", remedy="a"), -2145517553, "STID_E_ONLINE_ACTIVATE_PARENT_LICENSE_NOT_FOUND"),
    (licensing.TooManyParentsError("no", remedy="a"), -2145517552, "STID_E_ONLINE_ACTIVATE_PARENT_LICENSE_TOO_MANY"),
]


@pytest.mark.parametrize(("error", "value", "name"), NUMBERS, ids=lambda item: type(item).__name__)
def test_each_error_has_its_number(error: Exception, value: int, name: str) -> None:
    assert in_words(stid_of(error)) == f"{name} ({value})"


def test_no_number_is_out_of_reach() -> None:
    assert {stid_of(error) for error, _, _ in NUMBERS} | {licensing.Stid.OK} == set(licensing.Stid)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Lets the next command fail with an error before it does anything."""

    def arrange(error: Exception) -> None:
        def fail() -> None:
            raise error

        monkeypatch.setattr(installation, "verify_licences", fail)

    return arrange


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (models.ModelCorruptError("a", FILE, "is cut"), 5, "STID_E_MODEL_UNZIP_FAILED (-25): model a: a.onnx is cut"),
        (licensing.ExpiredError("over", remedy="renew"), 4, "STID_E_AUTH_EXPIRE (-15): over"),
        (MemoryError("secret"), 70, "there is not enough memory: end other programs, or use smaller media"),
        (RuntimeError("secret"), 70, "internal error (RuntimeError): run `senseid --debug ...` and report"),
    ],
    ids=lambda item: type(item).__name__,
)
def test_an_operator_reads_it(
    failing: Callable[[Exception], None],
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    status: int,
    line: str,
) -> None:
    failing(error)
    assert app.run(["models", "verify"]) == status
    shown = capsys.readouterr()
    assert shown.err.startswith(f"senseid: {line}")
    assert "secret" not in shown.err
    assert shown.out == ""


def test_debug_names_it_for_any_error(failing: Callable[[Exception], None], capsys: pytest.CaptureFixture[str]) -> None:
    failing(engine.MediaUnreadableError("stdin", "is closed"))
    assert app.run(["--debug", "models", "verify"]) == 3
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "debug: STID_E_HANDLE (-2)\n" in shown
