"""One table that maps the packages' errors to the numbers and names of the service's error table."""

from __future__ import annotations

from senseid_engine import errors as engine
from senseid_licensing.errors import LicensingError, Stid
from senseid_models import errors as models

STIDS: dict[type[Exception], Stid] = {
    MemoryError: Stid.OUTOFMEMORY,
    engine.MediaError: Stid.INVALID_ARG,
    engine.MediaNotFoundError: Stid.FILE_NOT_FOUND,
    engine.MediaUnreadableError: Stid.HANDLE,
    engine.ImageTypeError: Stid.INVALID_PIXEL_FORMAT,
    engine.ModelError: Stid.INVALID_FILE_FORMAT,
    engine.LibraryError: Stid.LOAD_LIBRARY_FAILED,
    models.ManifestError: Stid.INVALID_FILE_FORMAT,
    models.ModelNotFoundError: Stid.SUBMODULE_NOT_FOUND,
    models.ModelKindMissingError: Stid.SUBMODULE_NOT_FOUND,
    models.ModelFileMissingError: Stid.FILE_NOT_FOUND,
    models.ModelUnreadableError: Stid.READ_MODEL_FILE_FAIL,
    models.ModelCorruptError: Stid.MODEL_UNZIP_FAILED,
    models.ModelExpiredError: Stid.MODEL_FILE_EXPIRE,
}


def stid_of(error: Exception) -> Stid:
    """Number and name for an error: a licence's own, that of its class or of the nearest base class, else `FAIL`."""
    if isinstance(error, LicensingError):
        return error.stid
    return next((STIDS[base] for base in type(error).__mro__ if base in STIDS), Stid.FAIL)


def in_words(stid: Stid) -> str:
    """Name and number as in logs and vendor support: `STID_E_UDID_MISMATCH (-16)`."""
    return f"{stid.text} ({stid.value})"
