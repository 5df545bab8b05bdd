from __future__ import annotations

import pickle

import pytest

pytest.importorskip("distributed")

from senseid_cli.batch.machine import Machine
from senseid_engine.device import Device


def test_a_machine_travels() -> None:
    machine = pickle.loads(pickle.dumps(Machine("n", "1", "digest", frozenset(), Device.OPENVINO)))
    assert (machine.name, machine._device) == ("n", Device.OPENVINO)
