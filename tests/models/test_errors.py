from datetime import date
from pathlib import Path

import pytest

from senseid_models import errors

EXAMPLES = [
    errors.ManifestError(Path("m.toml"), "is odd"),
    errors.ModelNotFoundError("a", ["b", "c"]),
    errors.ModelNotFoundError("a", []),
    errors.ModelKindMissingError("landmarks"),
    errors.ModelFileMissingError("a", Path("a.onnx")),
    errors.ModelUnreadableError("a", Path("a.onnx"), "Permission denied"),
    errors.ModelExpiredError("a", date(2027, 3, 31)),
    errors.ModelCorruptError("a", Path("a.onnx"), "has other bytes"),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda e: type(e).__name__)
def test_every_error_is_one_line_with_a_remedy(error: errors.ModelsError) -> None:
    assert isinstance(error, errors.ModelsError)
    assert str(error) == error.message
    assert "\n" not in error.message
    assert error.remedy
    assert "\n" not in error.remedy


def test_the_examples_cover_every_subclass() -> None:
    assert {type(e) for e in EXAMPLES} == set(errors.ModelsError.__subclasses__())


def test_an_unknown_name_lists_the_known_ones() -> None:
    assert errors.ModelNotFoundError("a", ["b", "c"]).remedy == "choose one of: b, c"
    assert "(none)" in errors.ModelNotFoundError("a", []).remedy
