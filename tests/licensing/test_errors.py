from __future__ import annotations

import re

import pytest

from senseid_licensing import errors
from senseid_licensing.errors import LicensingError, Stid

# The table as the contract and the manual give it, written out again: a slip in either is found.
TABLE = {
    "STID_OK": 0,
    "STID_E_INVALID_ARG": -1,
    "STID_E_HANDLE": -2,
    "STID_E_OUTOFMEMORY": -3,
    "STID_E_FAIL": -4,
    "STID_E_INVALID_PIXEL_FORMAT": -6,
    "STID_E_FILE_NOT_FOUND": -7,
    "STID_E_INVALID_FILE_FORMAT": -8,
    "STID_E_MODEL_FILE_EXPIRE": -9,
    "STID_E_READ_MODEL_FILE_FAIL": -10,
    "STID_E_INVALID_AUTH": -13,
    "STID_E_AUTH_EXPIRE": -15,
    "STID_E_UDID_MISMATCH": -16,
    "STID_E_VERSION_MISMATCH": -23,
    "STID_E_PLATFORM_NOTSUPPORTED": -24,
    "STID_E_MODEL_UNZIP_FAILED": -25,
    "STID_E_SUBMODULE_NOT_FOUND": -26,
    "STID_E_CAPABILITY_NOTSUPPORTED": -2067857410,
    "STID_E_GET_UDID_FAIL": -2146304001,
    "STID_E_LOAD_LIBRARY_FAILED": -2065563655,
    "STID_E_ONLINE_ACTIVATE_PARENT_LICENSE_NOT_FOUND": -2145517553,
    "STID_E_ONLINE_ACTIVATE_PARENT_LICENSE_TOO_MANY": -2145517552,
}


def subclasses(base: type[LicensingError]) -> list[type[LicensingError]]:
    return [found for child in base.__subclasses__() for found in (child, *subclasses(child))]


def test_the_table_is_the_manuals() -> None:
    assert {stid.text: stid.value for stid in Stid} == TABLE


@pytest.mark.parametrize("kind", subclasses(LicensingError))
def test_every_error_has_a_number_a_line_and_a_remedy(kind: type[LicensingError]) -> None:
    error = kind("what is wrong", remedy="what to do")
    assert error.stid.value < 0
    assert (str(error), error.message, error.remedy) == ("what is wrong", "what is wrong", "what to do")


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = re.findall(r"^ *[|` -]*(\w+Error)\b", errors.__doc__ or "", re.MULTILINE)
    assert sorted(drawn) == sorted(kind.__name__ for kind in (LicensingError, *subclasses(LicensingError)))


def test_the_numbers_in_the_docstring_are_those_of_the_classes() -> None:
    for name, stid in re.findall(r"(\w+Error) +([A-Z_]{6,}) ", errors.__doc__ or ""):
        assert getattr(errors, name).stid.name == stid


def test_an_error_takes_the_file_it_is_about_along() -> None:
    error = errors.FormatError("broken", remedy="ask again").at("a.lic")
    assert isinstance(error, errors.FormatError)
    assert (error.message, error.remedy) == ("a.lic: broken", "ask again")


def test_what_a_step_is_about_is_said_unless_another_file_was_to_blame() -> None:
    with pytest.raises(errors.FormatError, match=r"^a\.lic: broken$"), errors.about("a.lic"):
        raise errors.FormatError("broken", remedy="ask again")
    with pytest.raises(errors.FormatError, match=r"^b\.pub: broken$"), errors.about("a.lic"), errors.about("b.pub"):
        raise errors.FormatError("broken", remedy="ask again")
