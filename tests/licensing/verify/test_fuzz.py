from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from senseid_licensing.errors import LicensingError, Stid
from senseid_licensing.licence import Licence, SignedLicence, signed_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_licensing.private_key import PrivateKey
    from tests.licensing.verify.conftest import Verifier


def verify_raises_nothing_else(check: Verifier, data: bytes) -> None:
    refusal: LicensingError | None = None
    try:
        check(data)
    except LicensingError as error:
        refusal = error
    if refusal is not None:
        assert refusal.stid is not Stid.OK
        assert "\n" not in refusal.message
        assert refusal.remedy


FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)


@FUZZ
@given(st.binary(max_size=400))
def test_fuzz_any_bytes(check: Verifier, data: bytes) -> None:
    verify_raises_nothing_else(check, data)


@FUZZ
@given(st.data())
def test_fuzz_changed_bytes(check: Verifier, make_chain: Callable[[int], bytes], data: st.DataObject) -> None:
    good = bytearray(make_chain(2))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(good) - 1))
        good[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    verify_raises_nothing_else(check, bytes(good))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["*", "0" * 32]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@FUZZ
@given(st.data())
def test_fuzz_changed_values(check: Verifier, make_chain: Callable[[int], bytes], data: st.DataObject) -> None:
    document = json.loads(make_chain(1))
    targets = [document, document["licence"], document["signature"], document["parents"][0]["licence"]]
    target = data.draw(st.sampled_from(targets))
    target[data.draw(st.sampled_from([*sorted(target), "new"]))] = data.draw(JSON_VALUES)
    verify_raises_nothing_else(check, json.dumps(document).encode())


@FUZZ
@given(st.data())
def test_fuzz_changed_and_signed(check: Verifier, terms: Licence, root: PrivateKey, data: st.DataObject) -> None:
    """Even a trust root's own signature makes no nonsense pass as anything but a licence or an error."""
    body = terms.to_json()
    body[data.draw(st.sampled_from(sorted(body)))] = data.draw(JSON_VALUES)
    try:
        signature = root.sign(signed_bytes(body))
    except (LicensingError, ValueError):
        return
    signed = SignedLicence(body, terms, root.public.id, signature)
    verify_raises_nothing_else(check, json.dumps({**signed.to_json(), "parents": []}).encode())


def test_a_licence_verifies_in_under_five_milliseconds(make_chain: Callable[[int], bytes], check: Verifier) -> None:
    data = make_chain(0)
    check(data)
    spent = []
    for _ in range(20):
        start = time.process_time()
        check(data)
        spent.append(time.process_time() - start)
    assert sorted(spent)[len(spent) // 2] < 0.005
