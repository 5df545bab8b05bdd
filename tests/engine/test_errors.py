from __future__ import annotations

import inspect
import pickle

import pytest

from senseid_engine import errors
from senseid_engine.errors import EngineError, ImageSizeError, MediaError, OcclusionError

CLASSES = [value for _, value in inspect.getmembers(errors, inspect.isclass) if issubclass(value, EngineError)]


def make(cls: type[EngineError], name: str = "a.jpg") -> EngineError:
    return cls(name, ("left eye", "mouth")) if cls is OcclusionError else cls(name, "is wrong: mend it")


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_is_drawn_in_the_tree(cls: type[EngineError]) -> None:
    drawn = {line.split()[-1] for line in (EngineError.__doc__ or "").splitlines() if line.strip().endswith("Error")}
    assert cls.__name__ in drawn


def test_the_tree_draws_no_class_that_is_not_there() -> None:
    drawn = {line.split()[-1] for line in (EngineError.__doc__ or "").splitlines() if line.strip().endswith("Error")}
    assert drawn == {cls.__name__ for cls in CLASSES}


@pytest.mark.parametrize("cls", CLASSES)
def test_the_message_names_the_media(cls: type[EngineError]) -> None:
    assert str(make(cls)).startswith("a.jpg: ")
    assert make(cls).name == "a.jpg"


@pytest.mark.parametrize("cls", CLASSES)
def test_errors_survive_a_process_pool(cls: type[EngineError]) -> None:
    error = make(cls)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is cls
    assert (str(copy), vars(copy)) == (str(error), vars(error))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a b,c'd\".jpg", "a b,c'd\".jpg"),
        ("ö漢.jpg", "ö漢.jpg"),
        ("a\nb.jpg", "a\\nb.jpg"),
        ("a\r\x1b[31mb", "a\\r\\x1b[31mb"),
        ("a\u2028b", "a\\u2028b"),
        ("a\udcffb", "a\\udcffb"),
    ],
)
def test_a_name_never_breaks_the_line(name: str, shown: str) -> None:
    message = str(MediaError(name, "is wrong"))
    assert message == f"{shown}: is wrong"
    assert len(message.splitlines()) == 1
    message.encode()


def test_occlusion_names_every_feature() -> None:
    error = OcclusionError("a.jpg", ("left eye", "mouth"))
    assert error.features == ("left eye", "mouth")
    assert "left eye, mouth" in str(error)


def test_size_is_a_matter_of_the_media() -> None:
    assert issubclass(ImageSizeError, MediaError)
    assert not issubclass(OcclusionError, MediaError)
