from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from senseid_licensing.capability import Capability
from senseid_licensing.errors import FormatError, TooManyParentsError
from senseid_licensing.issue import issue
from senseid_licensing.licence import Licence, parse_licence_file, signed_bytes

if TYPE_CHECKING:
    from senseid_licensing.private_key import PrivateKey

Edit = Callable[[dict[str, Any]], object]


def edited(data: bytes, edit: Edit) -> bytes:
    document = json.loads(data)
    edit(document)
    return json.dumps(document).encode()


def test_terms_read_back_as_they_were_issued(terms: Licence, root: PrivateKey) -> None:
    file = parse_licence_file(issue(terms, root))
    assert file.leaf.licence == terms
    assert file.parents == ()
    assert parse_licence_file(file.to_bytes()) == file


def test_open_terms_read_back_too(terms: Licence, root: PrivateKey) -> None:
    from dataclasses import replace

    from senseid_licensing.version_range import VersionRange

    free = replace(terms, platforms=None, versions=VersionRange(), udid=None, delegate=root.public.raw)
    assert parse_licence_file(issue(free, root)).leaf.licence == free


def test_a_signature_over_a_licence_is_over_nothing_else(terms: Licence) -> None:
    assert signed_bytes(terms.to_json()).startswith(b'senseid licence v1\0{"capabilities":')


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", "senseid-licence/2"),
        ("format", None),
        ("id", "A" * 32),
        ("id", "a" * 15),
        ("id", 7),
        ("product", "senseid_ocr"),
        ("licensee", ""),
        ("licensee", "x" * 201),
        ("licensee", "a\nb"),
        ("licensee", "\x1b[2J"),
        ("licensee", 5),
        ("issued", "yesterday"),
        ("not_before", 1764000000),
        ("not_after", "2020-01-01T00:00:00Z"),
        ("grace_days", -1),
        ("grace_days", 91),
        ("grace_days", True),
        ("grace_days", "3"),
        ("capabilities", "compare"),
        ("capabilities", ["compare", "compare"]),
        ("capabilities", [1]),
        ("capabilities", ["x" * 65]),
        ("capabilities", [str(number) for number in range(33)]),
        ("platforms", ["Linux"]),
        ("platforms", {}),
        ("versions", None),
        ("versions", {"from": None}),
        ("versions", {"from": "1.0rc1", "below": None}),
        ("versions", {"from": "2", "below": "1"}),
        ("versions", {"from": None, "below": None, "except": "1.5"}),
        ("udid", {}),
        ("udid", {"cpu": "zz"}),
        ("udid", {"CPU\n": "0" * 32}),
        ("udid", {f"kind_{'x' * number}": "0" * 32 for number in range(17)}),
        ("udid", []),
        ("parent", "x"),
        ("delegate", "AAAA"),
        ("delegate", base64.b64encode(bytes(33)).decode()),
        ("critical", None),
        ("critical", ["nowhere"]),
    ],
)
def test_a_field_that_is_not_what_it_must_be_is_refused(
    terms: Licence, root: PrivateKey, field: str, value: Any
) -> None:
    with pytest.raises(FormatError) as caught:
        parse_licence_file(edited(issue(terms, root), lambda document: document["licence"].update({field: value})))
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("field", ["format", "id", "udid", "parent", "critical", "versions", "grace_days"])
def test_a_missing_field_is_refused(terms: Licence, root: PrivateKey, field: str) -> None:
    with pytest.raises(FormatError, match=f"no field '{field}'"):
        parse_licence_file(edited(issue(terms, root), lambda document: document["licence"].pop(field)))


@pytest.mark.parametrize(
    "edit",
    [
        lambda document: document.pop("licence"),
        lambda document: document.update(licence=[]),
        lambda document: document.pop("signature"),
        lambda document: document["signature"].update(value="AAAA"),
        lambda document: document["signature"].update(value=None),
        lambda document: document["signature"].update(key="no"),
        lambda document: document["signature"].update(algorithm="none"),
        lambda document: document.pop("parents"),
        lambda document: document.update(parents={}),
        lambda document: document.update(parents=["x"]),
        lambda document: document.update(comment="hello"),
    ],
)
def test_a_broken_envelope_is_refused(terms: Licence, root: PrivateKey, edit: Edit) -> None:
    with pytest.raises(FormatError):
        parse_licence_file(edited(issue(terms, root), edit))


def test_an_unknown_field_is_skipped_unless_it_is_critical(terms: Licence, root: PrivateKey) -> None:
    data = issue(terms, root)
    assert parse_licence_file(edited(data, lambda document: document["licence"].update(seats=5))).leaf.licence == terms
    with pytest.raises(FormatError, match="critical field 'seats'"):
        parse_licence_file(edited(data, lambda document: document["licence"].update(seats=5, critical=["seats"])))


def test_a_known_field_may_be_called_critical(terms: Licence, root: PrivateKey) -> None:
    data = edited(issue(terms, root), lambda document: document["licence"].update(critical=["udid"]))
    assert parse_licence_file(data).leaf.licence == terms


def test_a_later_releases_capability_gives_nothing_here(terms: Licence, root: PrivateKey) -> None:
    data = edited(issue(terms, root), lambda document: document["licence"].update(capabilities=["compare", "fly"]))
    assert parse_licence_file(data).leaf.licence.capabilities == {Capability.COMPARE}


def test_eleven_parents_are_too_many_whatever_they_are(terms: Licence, root: PrivateKey) -> None:
    with pytest.raises(TooManyParentsError, match="11 parents"):
        parse_licence_file(edited(issue(terms, root), lambda document: document.update(parents=[None] * 11)))
