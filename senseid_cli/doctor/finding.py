"""Findings of the checks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Severity of a finding: only a problem makes `senseid doctor` exit with 1."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    Attributes:
        check: the subject, such as `memory`.
        status: `note` if everything works but could be better, `problem` if something does not work.
        message: the finding in one line. Never a secret.
        remedy: what the user can do about it, in one line; empty if nothing is to be done.
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
