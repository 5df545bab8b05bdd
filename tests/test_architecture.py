"""The arrows inside and between the packages, beside what import-linter checks."""

from __future__ import annotations

import ast
import graphlib
import subprocess
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    path.name: path
    for path in (
        ROOT / "senseid_cli",
        ROOT / "library/senseid",
        ROOT / "service/senseid_service",
        ROOT / "service/senseid_client",
        ROOT / "engine/senseid_engine",
        ROOT / "engine/senseid_crypto",
        ROOT / "licensing/senseid_licensing",
        ROOT / "models/senseid_models",
    )
}
# Of the project; of everything else, such as what a measurement left behind, none belongs there.
TOP_LEVEL = {
    *(".ci", ".dockerignore", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "NOTICE"),
    *("README.md", "SECURITY.md", "completions", "deploy", "docs", "engine", "library", "licensing", "man", "models"),
    *("pyproject.toml", "senseid_cli", "service", "tests", "tools"),
}
LONGEST_WITHOUT_DOCSTRING = 60
LONGEST_TEST_FILE = 400


def sources() -> list[Path]:
    """All modules that are installed and not generated."""
    found = [path for package in PACKAGES.values() for path in package.rglob("*.py")]
    return [path for path in found if not path.name.endswith("_pb2.py")]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Every import, those inside functions and those for types alone too."""
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def test_there_is_no_circle_of_imports(graph: grimp.ImportGraph) -> None:
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    graphlib.TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a clone")
def test_nothing_is_left_at_the_top() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    assert {Path(name).parts[0] for name in listed.split("\0") if name} <= TOP_LEVEL


def test_no_package_holds_more_than_a_third_of_all_lines() -> None:
    lines = {
        name: sum(len(path.read_text(encoding="utf-8").splitlines()) for path in package.rglob("*.py"))
        for name, package in PACKAGES.items()
    }
    assert max(lines.values()) * 3 <= sum(lines.values()), lines


def test_long_functions_say_what_they_do() -> None:
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno
                assert length <= LONGEST_WITHOUT_DOCSTRING or ast.get_docstring(node), f"{path}: {node.name}"


def test_files_of_tests_have_one_subject() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in (ROOT / "tests").rglob("*.py")}
    assert [path for path, length in lengths.items() if length > LONGEST_TEST_FILE] == []


def test_each_package_says_what_belongs_there() -> None:
    for package in PACKAGES.values():
        for init in package.rglob("__init__.py"):
            assert ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))), init
