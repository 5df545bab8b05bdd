from __future__ import annotations

import pickle

import pytest

pytest.importorskip("distributed")

from senseid_cli.batch.machine import Machine


def test_a_machine_travels() -> None:
    machine = pickle.loads(pickle.dumps(Machine("n", "1", "digest", frozenset())))
    assert machine.name == "n"
