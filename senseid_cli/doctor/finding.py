"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a finding counts: only a problem makes `senseid doctor` say no."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    Attributes:
        check: what was looked at, such as `memory`.
        status: `note` where everything works and could be better, `problem` where something does not.
        message: one line: what was found. Never a secret.
        remedy: one line: what the user does about it; empty where nothing is to be done.
    """

    check: str
    status: Status
    message: str
    remedy: str = ""


def ok(check: str, message: str) -> Finding:
    """All is right."""
    return Finding(check, Status.OK, message)


def note(check: str, message: str, remedy: str = "") -> Finding:
    """It works, and could be better or will soon matter."""
    return Finding(check, Status.NOTE, message, remedy)


def problem(check: str, message: str, remedy: str) -> Finding:
    """It does not work, or is not safe."""
    return Finding(check, Status.PROBLEM, message, remedy)
