"""Errors that end a run find their way home from another process, through pickle."""

from __future__ import annotations

import pickle

import pytest

from senseid.batch_errors import ClusterError
from senseid.outcomes import ExitStatus, outcome_of
from senseid.remote_error import RemoteError
from senseid_engine.errors import ModelError
from senseid_licensing.errors import CapabilityError


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (CapabilityError("it is not allowed", remedy="ask"), ExitStatus.LICENCE, "worker tcp://w: it is not allowed"),
        (ModelError("model x", "broken"), ExitStatus.MODEL, "worker tcp://w: model x: broken"),
        (ClusterError("another version", remedy="upgrade"), ExitStatus.USAGE, "worker tcp://w: another version"),
    ],
)
def test_an_error_comes_home(error: Exception, status: ExitStatus, text: str) -> None:
    trouble = pickle.loads(pickle.dumps(RemoteError.of(error, "tcp://w")))
    home = trouble.revive()
    assert type(home) is type(error)
    assert str(home) == text
    assert outcome_of(home).status == status
    assert getattr(home, "remedy", "") == getattr(error, "remedy", "")
