"""The way into the page: a link that works once, and what it gives."""

from __future__ import annotations

import os
import secrets

import pytest

from senseid_crypto.wire import decrypt_bytes, encrypt_bytes
from senseid_service.page_access import PageAccess, link, new_token


@pytest.fixture
def access() -> PageAccess:
    return PageAccess.new(os.urandom)


def test_a_token_works_once(access: PageAccess) -> None:
    token = new_token()
    assert not access.use(token)
    access.admit(token)
    assert access.use(token)
    assert not access.use(token)


def test_a_new_token_ends_the_one_before(access: PageAccess) -> None:
    first, second = new_token(), new_token()
    access.admit(first)
    access.admit(second)
    assert not access.use(first)
    assert access.use(second)


def test_before_any_token_none_is_taken(access: PageAccess) -> None:
    assert not any(access.use(token) for token in ("", "\x00" * 32, "é", "\udc80"))


def test_a_token_that_was_used_stays_used_after_a_restart_of_the_process(access: PageAccess) -> None:
    token = new_token()
    access.admit(token)
    child = os.fork()
    if not child:
        os._exit(0 if access.use(token) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not access.use(token)


def test_each_run_has_its_own_keys(access: PageAccess) -> None:
    other = PageAccess.new(os.urandom)
    assert len({access.key.secret, other.key.secret}) == len({access.api_key, other.api_key}) == 2
    assert access.run != other.run
    sealed = encrypt_bytes(b"a photo", access.key)
    assert decrypt_bytes(sealed, [other.key, access.key]) == b"a photo"


def test_no_secret_is_shown(access: PageAccess) -> None:
    shown = repr(access)
    assert access.run in shown
    assert not any(secret in shown for secret in (access.key.secret.decode(), access.api_key))


def test_the_token_stands_where_no_request_carries_it() -> None:
    token = secrets.token_urlsafe(3)
    assert link("http://127.0.0.1:3000", token) == f"http://127.0.0.1:3000/#open={token}"
    assert len(new_token()) == 43
