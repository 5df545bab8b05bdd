"""What is made of what pip-audit says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import load_tool

if TYPE_CHECKING:
    from types import ModuleType

SKIPPED = {"name": "a", "skip_reason": "Dependency not found on PyPI and could not be audited: a (1)"}
GOOD = {"name": "b", "version": "2", "vulns": []}
BAD = {"name": "c", "version": "3", "vulns": [{"id": "PYSEC-1", "fix_versions": ["4"], "aliases": []}]}


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return load_tool("check_advisories")


def said(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_an_index_without_advisories_is_no_good_news(tool: ModuleType) -> None:
    found = tool.read(said(SKIPPED), "No known vulnerabilities found")
    assert found.problem == "the package index here has no advisories"


def test_no_network_is_one_line(tool: ModuleType) -> None:
    found = tool.read("", "Traceback:\n  x\nrequests.ConnectionError: Max retries exceeded (secret)\n\n")
    assert found.problem == "pip-audit failed (requests.ConnectionError: Max retries exceeded)"
    assert tool.read("", "").problem == "pip-audit failed (it said nothing)"


def test_what_is_found(tool: ModuleType) -> None:
    found = tool.read(said(SKIPPED, GOOD, BAD), "")
    assert (found.looked_up, found.passed_over, found.problem) == (2, ("a",), "")
    assert found.found == ("c 3: PYSEC-1, mended in 4",)


@pytest.mark.parametrize(
    ("packages", "status", "shown"),
    [
        (
            (SKIPPED,),
            0,
            (
                "advisories about it: NOT CHECKED, no source can be reached here (pypi: the package index here has"
                " no advisories; osv: the package index here has no advisories)\n"
            ),
        ),
        ((GOOD,), 0, "advisories about it: 1 packages looked up, 0 advisories\n"),
        (
            (GOOD, BAD, SKIPPED),
            1,
            (
                "advisories about it: 2 packages looked up, 1 advisories\n  not known to pypi: a\n"
                "  c 3: PYSEC-1, mended in 4\n"
            ),
        ),
    ],
)
def test_an_advisory_is_a_failure(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    packages: tuple[dict[str, Any], ...], status: int, shown: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(tool, "SUBJECTS", {"it": []})
    monkeypatch.setattr(tool, "audit", lambda *_: tool.read(said(*packages), ""))
    with pytest.raises(SystemExit) as caught:
        tool.main()
    assert caught.value.code == status
    assert capsys.readouterr().out == shown
