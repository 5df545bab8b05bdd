"""Capabilities of licences."""

from __future__ import annotations

from enum import StrEnum


class Capability(StrEnum):
    """One thing that a licence allows, named like the command that needs it."""

    COMPARE = "compare"
    OMNI = "omni"
    QUALITY = "quality"
    LIVENESS = "liveness"
    VERIFY = "verify"
    BATCH = "batch"
    SERVE = "serve"
