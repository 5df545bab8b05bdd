"""The table from errors to exit statuses, response codes and HTTP statuses."""

from __future__ import annotations

import datetime
import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from senseid.errors import LogError, OperationError, OutputError
from senseid.outcomes import INTERNAL, OUTCOMES, ExitStatus, is_expected, outcome_of
from senseid.stids import in_words
from senseid_crypto import errors as crypto
from senseid_engine import errors as engine
from senseid_licensing import errors as licensing
from senseid_models import errors as models

if TYPE_CHECKING:
    from collections.abc import Iterator

BASES = (crypto.CryptoError, engine.EngineError, licensing.LicensingError, models.ModelsError, OperationError)
CODES = {
    1200: "invalid argument",
    2003: "invalid image size",
    2004: "invalid content length",
    2005: "invalid image type or corrupted",
    2007: "corrupted liveness data error",
    2008: "invalid video error",
    4000: "detection failed",
    4004: "face occlusion",
    4007: "liveness silent check failed",
    500: "internal error",
}


def below(base: type[Exception]) -> Iterator[type[Exception]]:
    for child in base.__subclasses__():
        yield child
        yield from below(child)


def blank(kind: type[Exception]) -> Exception:
    """An error without its constructor's say: the table looks at the class alone."""
    return kind.__new__(kind)


EVERY = sorted({kind for base in BASES for kind in below(base)}, key=lambda kind: f"{kind.__module__}.{kind.__name__}")


def test_the_walk_finds_all_packages() -> None:
    modules = {kind.__module__ for kind in EVERY}
    assert {"senseid_engine.errors", "senseid_licensing.errors", "senseid_models.errors"} <= modules
    assert len(EVERY) > 30


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_every_error_has_a_row(kind: type[Exception]) -> None:
    error = blank(kind)
    assert is_expected(error)
    outcome = outcome_of(error)
    assert outcome is not INTERNAL
    if isinstance(error, licensing.LicensingError) and outcome.status is ExitStatus.LICENCE:
        assert outcome.message == f"internal error: {in_words(error.stid)}"
    else:
        assert outcome.message == CODES[outcome.code]
    assert outcome.http_status == (500 if outcome.code == 500 else 400)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (engine.MediaNotFoundError, 3, 1200),
        (engine.MediaUnreadableError, 3, 1200),
        (engine.ImageSizeError, 3, 2003),
        (engine.ContentLengthError, 3, 2004),
        (engine.ImageTypeError, 3, 2005),
        (engine.NoFaceError, 3, 4000),
        (engine.OcclusionError, 3, 4004),
        (engine.AttackError, 3, 4007),
        (engine.VideoError, 3, 2008),
        (engine.LivenessError, 3, 4007),
        (engine.LivenessDataError, 3, 2007),
        (engine.ModelError, 5, 500),
        (models.ModelCorruptError, 5, 500),
        (models.ManifestError, 5, 500),
        (licensing.ExpiredError, 4, 500),
        (licensing.UdidMismatchError, 4, 500),
        (licensing.CapabilityError, 4, 500),
        (licensing.ArgumentError, 2, 1200),
        (crypto.DecryptionError, 6, 1200),
        (crypto.MissingKeyError, 6, 1200),
        (crypto.DamagedError, 6, 1200),
        (crypto.TooLongError, 3, 2004),
        (crypto.KeyFormatError, 2, 1200),
        (crypto.KeyStoreError, 2, 1200),
        (LogError, 3, 1200),
        (OutputError, 70, 500),
        (licensing.StorageError, 70, 500),
        (crypto.KeyNotWrittenError, 70, 500),
    ],
)
def test_the_contract(kind: type[Exception], status: int, code: int) -> None:
    outcome = outcome_of(blank(kind))
    assert (outcome.status, outcome.code) == (status, code)


@pytest.mark.parametrize("base", [licensing.LicensingError, models.ModelsError])
def test_a_later_subclass_follows_its_base(base: type[Exception]) -> None:
    later = type("LaterError", (base,), {})
    try:
        assert (outcome_of(blank(later)).status, outcome_of(blank(later)).code) == (
            OUTCOMES[base].status,
            OUTCOMES[base].code,
        )
    finally:
        del later


def test_an_unknown_error_is_internal() -> None:
    error = OSError("/secret/path")
    assert not is_expected(error)
    assert outcome_of(error) == INTERNAL
    assert INTERNAL.status is ExitStatus.INTERNAL


def test_the_statuses_of_the_contract() -> None:
    assert [status.value for status in ExitStatus] == [0, 1, 2, 3, 4, 5, 6, 70, 130]


@pytest.mark.parametrize(
    "error",
    [
        crypto.DamagedError("a.enc: does not decrypt", remedy="give its key"),
        engine.NoFaceError("a.jpg", "shows no face"),
        engine.OcclusionError("a.jpg", ("nose", "mouth")),
        licensing.ExpiredError("ended", remedy="renew it").at("a.lic"),
        models.ModelExpiredError("a", datetime.date(2026, 1, 1)),
        models.ManifestError(Path("a"), "broken"),
        OutputError("cannot be written", remedy="make room"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_cross_a_process_pool(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), vars(again), again.args) == (str(error), vars(error), error.args)
