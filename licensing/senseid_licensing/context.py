"""The context that licences are verified in, for one run."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from senseid_licensing.platforms import platform_name
from senseid_licensing.udid.probe import probe_for

if TYPE_CHECKING:
    from datetime import datetime

    from senseid_licensing.udid.fingerprint import Fingerprint


@dataclass(frozen=True, slots=True)
class Context:
    """The context that licences are verified in, for one run.

    Attributes:
        machine: this machine.
        now: an aware datetime.
        version: this product's version.
        platform: this platform, by its name from `platform_name`.
    """

    machine: Fingerprint
    now: datetime
    version: str
    platform: str


def context_here(*, now: datetime, version: str) -> Context:
    """The context of the machine that this runs on. Takes milliseconds: no subprocess on Linux.

    Raises:
        UdidError: there is no hardware probe for this system.
    """
    system = platform.system()
    return Context(probe_for(system).read(), now, version, platform_name(system, platform.machine()))
