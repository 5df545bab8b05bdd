"""Help: of every command, at two widths, with examples that parse, in the same words for the same things."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.main import get_command

from senseid_cli import app as cli
from senseid_cli.help_text import Help, children, described, example_lines, help_of
from tests.cli.test_app import HEAVY, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

METAVARS = {
    *("FILE", "FOLDER", "PATH", "NAME", "ID", "TEXT", "NUMBER", "COUNT", "SCORE", "TIME", "VERSION", "PRODUCT", "PORT"),
    *("ADDRESS", "ADDRESS[:PORT],...", "[ADDRESS:]PORT", "PHOTO"),
}
"""What a value is called, beside `a|b` for choices and `OUT.png` for a file of one type."""

TWO_THINGS = {("--workers", "senseid serve")}
"""Options whose names mean something else in another command: here machines, elsewhere photos at a time."""


def walk(command: Any, context: Any) -> Iterator[tuple[Any, Any]]:
    yield command, context
    for _, name, child in children(command, context):
        loaded = command.resolve_command(context, [name])[1] if hasattr(command, "sections") else child
        yield from walk(loaded, typer.Context(loaded, info_name=name, parent=context))


def everything() -> list[tuple[Any, Any]]:
    root = get_command(cli.app)
    return list(walk(root, typer.Context(root, info_name="senseid", obj={"guard": None}, **root.context_settings)))


COMMANDS = everything()
EXAMPLES = [
    (context.command_path, example) for command, context in COMMANDS for example in help_of(command, context).examples
]


def by_path(pair: tuple[Any, Any]) -> str:
    return str(pair[1].command_path)


def squeezed(text: str) -> str:
    return re.sub(r"\s|\\(?=\n)", "", text)


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("pair", COMMANDS, ids=by_path)
def test_nothing_is_cut(pair: tuple[Any, Any], width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    command, context = pair
    shown = context.get_help()
    assert [line for line in shown.splitlines() if len(line) > width] == []
    help_: Help = help_of(command, context)
    rest = squeezed(shown)
    for part in [
        help_.usage,
        *help_.paragraphs,
        *(text for title, rows in help_.sections for text in (f"{title}:", *(" ".join(row) for row in rows))),
        *help_.examples,
    ]:
        before, found, rest = rest.partition(squeezed(part))
        assert found, f"{part} is not shown after {before[-40:]}"


@pytest.mark.parametrize("pair", COMMANDS, ids=by_path)
def test_every_command_has_two_examples_of_its_own(pair: tuple[Any, Any]) -> None:
    examples = help_of(*pair).examples
    assert len(set(examples)) >= 2
    assert any(example.startswith(pair[1].command_path.removesuffix(" check")) for example in examples)


@pytest.mark.parametrize(("path", "example"), EXAMPLES, ids=lambda text: text)
def test_an_example_parses(path: str, example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program, *words = shlex.split(example)
    assert program == "senseid"
    command: Any = get_command(cli.app)
    name, above, seen = "senseid", None, []
    settings: dict[str, Any] = {"obj": {"guard": None}, **command.context_settings}
    while True:
        try:
            context = command.make_context(name, words, parent=above, **settings)
        except typer.Exit:  # `-V`
            return
        seen.append(name)
        if not hasattr(command, "commands") or not context._protected_args:
            break
        name, command, words = command.resolve_command(context, [*context._protected_args, *context.args])
        above, settings = context, {}
    assert " ".join(seen).startswith(path)


def test_one_name_means_one_thing_in_the_same_words() -> None:
    stems: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for command, context in COMMANDS:
        for option in command.params:
            if option.param_type_name != "option" or option.hidden:
                continue
            name = next(each for each in option.opts if each.startswith("--"))
            if (name, context.command_path) not in TWO_THINGS:
                # The first two words: what follows tells what is written, or for which command.
                stems[name][" ".join(option.help.split()[:2])].append(context.command_path)
    assert {name: dict(found) for name, found in stems.items() if len(found) > 1} == {}


def test_values_are_called_by_the_same_names() -> None:
    for command, context in COMMANDS:
        for parameter in command.params:
            metavar = parameter.metavar
            if getattr(parameter, "hidden", False) or getattr(parameter, "is_flag", False):
                continue
            assert metavar, f"{context.command_path}: {parameter.name} has no name for its value"
            if parameter.param_type_name == "option":
                assert metavar in METAVARS or re.fullmatch(r"[a-z]+(\|[\w.]+)+|[A-Z]+\.[a-z]+", metavar), metavar
            else:
                assert re.fullmatch(r"\[?[A-Z]+\]?(\.\.\.)?", metavar), metavar


def test_the_sections_name_every_command_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = COMMANDS[0][1].get_help()
    titles = [line[:-1] for line in shown.splitlines() if re.fullmatch(r"\w[\w ]+:", line)]
    assert titles == [*cli.SECTIONS, "Options", "Examples"]
    for name in cli.COMMANDS:
        assert len(re.findall(rf"^  {name}  ", shown, re.MULTILINE)) == 1


def test_issuing_shows_what_everybody_needs_first() -> None:
    shown = dict(next(help_of(*pair) for pair in COMMANDS if by_path(pair) == "senseid license issue").sections)
    first = [name.split()[-2] for name, _ in shown["Options"][:-1]]
    assert first == ["--licensee", "--product", "--udid", "--days", "--out"]
    assert len(shown["Advanced"]) > 10


def test_the_default_command_of_liveness_shows_its_options() -> None:
    shown = next(help_of(*pair) for pair in COMMANDS if by_path(pair) == "senseid liveness")
    assert shown.usage == "VIDEO [OPTIONS]"
    sections = dict(shown.sections)
    assert "--save-face OUT.png" in dict(sections["Options"])
    assert list(dict(sections["Commands"])) == ["pack"]


def test_the_parts_of_a_help_text() -> None:
    assert described("One.\n\nTwo\nlines.\n\nExamples:\n    senseid a\n    senseid b\n") == (
        ("One.", "Two lines."),
        ("senseid a", "senseid b"),
    )
    assert described("") == ((), ())


def test_a_long_example_is_one_command_on_several_lines() -> None:
    example = "senseid license issue --licensee Acme --product senseid_face --any-machine --days 30 --out acme.lic"
    lines = example_lines(example, 40, 2)
    assert max(map(len, lines.splitlines())) <= 40
    joined = subprocess.run(["sh", "-c", f"echo {lines}"], capture_output=True, text=True, check=True).stdout
    assert joined == f"{example}\n"


def complete(line: str, home: Path, here: Path) -> tuple[list[str], set[str]]:
    """What bash would be offered at the end of a line, and the modules that were loaded for it."""
    words = line.split(" ")
    script = (
        "import atexit, sys\natexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from senseid_cli.__main__ import main\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=here,
        check=True,
        env={
            **os.environ,
            "SENSEID_HOME": str(home),
            "_SENSEID_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        },
    )
    return done.stdout.split(), set(done.stderr.split())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with licences and two keys."""
    home = tmp_path_factory.mktemp("home")
    for words in (["license", "quickstart"], ["key", "generate"], ["key", "generate", "--key", "archive"]):
        assert run(*words, home=home).returncode == 0
    return home


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("senseid encrypt --key ", ["default", "archive"]),
        ("senseid liveness pack --key a", ["archive"]),
        ("senseid quality --policy ", ["enrol", "verify", "folder/", "own.toml"]),
        ("senseid quality --policy folder/", ["folder/other.toml"]),
        ("senseid license install ", ["folder/", "new.lic"]),
        ("senseid license show ", ["senseid_face", "senseid_kestrel", "senseid_liveness"]),
        ("senseid help li", ["license", "liveness"]),
        ("senseid help license is", ["issue"]),
        ("senseid help license issue ", []),
        ("senseid help nothing ", []),
        ("senseid help nothing more ", []),
        ("senseid schema li", ["liveness", "license"]),
        ("senseid schema s", ["serve"]),
        ("senseid schema license i", ["install", "inspect", "issue"]),
        ("senseid schema license check ", []),
        ("senseid serve start --po", ["--port"]),
        ("senseid liveness --save-f", ["--save-face"]),
    ],
)
def test_names_that_are_found_here_are_completed(line: str, offered: list[str], home: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("own.toml", "new.lic", "photo.jpg", "folder/other.toml"):
        (tmp_path / name).touch()
    found, modules = complete(line, home, tmp_path)
    assert found == offered
    assert not HEAVY & modules


def test_ids_of_issued_licences_are_completed(home: Path, tmp_path: Path) -> None:
    found, _ = complete("senseid license revoke ", home, tmp_path)
    assert len(found) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in found)


def test_a_machine_without_anything_completes_nothing(tmp_path: Path) -> None:
    for line in ("senseid encrypt --key ", "senseid license revoke ", "senseid license install none/"):
        assert complete(line, tmp_path / "none", tmp_path)[0] == []


def test_help_names_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    for name in (b"compare", b"omni", b"license", b"models", b"udid", b"--debug", b"--version"):
        assert name in done.stdout
    assert done.stderr == b""


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_summary_of_a_command_is_what_its_own_help_begins_with(name: str) -> None:
    root = get_command(cli.app)
    _, command, _ = root.resolve_command(typer.Context(root), [name])
    for limit in (40, 60, 400):
        assert root.commands[name].get_short_help_str(limit) == command.get_short_help_str(limit)
