"""`python -m tests.bench.cold_start [--rounds N] [--verbose] [--peer-python FILE] [--json FILE]`: new processes.

`senseid compare`, `senseid --help` and `senseid license check` from start to end, each in a new process, in turn, with
licences made by `senseid license quickstart` in a data directory of its own. Promises of issue 2: at most 1.2 s for
compare and 0.2 s for --help; at most 0.35 s for license check, which loads no number cruncher. Of issue 14: compare
takes at most 0.9 of the `compare` of verifyface, which is left out where neither this interpreter nor the one that
`--peer-python` names has it.

Python's byte code is cached, as it is for a user from the second run on, in a temporary directory: nothing is written
beside the sources. The files are in the system's cache. `--verbose` adds what each package's import costs `compare`.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.report import Report, Row, at_most, interleave, parser_of, run
from tests.bench.surroundings import sample_photos

NAME = "cold_start"
WARM_UP = 2
TOP = 15
PEER = "verifyface compare"
MOST_OF_PEER = 0.9
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \| +(\S+)")


@dataclass
class Command:
    """One command line and what its processes took."""

    name: str
    words: list[str]
    limit: float | None
    statuses: tuple[int, ...] = (0,)
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def step(self, environment: dict[str, str]) -> None:
        """One new process.

        Raises:
            RuntimeError: it did not do its work.
        """
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        done = subprocess.run(self.words, capture_output=True, env=environment, check=False)
        self.wall.append(time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        if done.returncode not in self.statuses:
            raise RuntimeError(f"{self.name} ended with {done.returncode}: {done.stderr.decode()}")


def senseid(*words: str) -> list[str]:
    """The command line: the installed command, as users start it, or the package."""
    installed = Path(sys.executable).with_name("senseid")
    return [str(installed), *words] if installed.is_file() else [sys.executable, "-m", "senseid_cli", *words]


def measure(rounds: int, peer_python: str | None, *, verbose: bool) -> Report:
    """Start the three commands in turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = [folder / "first.jpg", folder / "second.jpg"]
        for path, data in zip(photos, sample_photos("obama.jpg", "obama2.jpg"), strict=True):
            path.write_bytes(data)
        environment = {
            **{key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},
            "SENSEID_HOME": str(folder / "home"),
            "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        }
        subprocess.run(senseid("license", "quickstart"), capture_output=True, env=environment, check=True)
        pair = [str(path) for path in photos]
        commands = [
            Command("senseid compare", senseid("compare", *pair), 1.2, statuses=(0, 1)),
            Command("senseid --help", senseid("--help"), 0.2),
            Command("senseid license check", senseid("license", "check"), 0.35),
        ]
        peer = peer_python or sys.executable
        has_peer = not subprocess.run([peer, "-c", "import verifyface"], capture_output=True, check=False).returncode
        if has_peer:
            commands.append(Command(PEER, [peer, "-m", "verifyface", "compare", *pair], None, statuses=(0, 1)))
        interleave(rounds, WARM_UP, [lambda command=command: command.step(environment) for command in commands])
        notes = _imports(["compare", *pair], environment) if verbose else []
        if not has_peer:
            notes.append(f"verifyface is left out: {peer} has none: name one that has it with --peer-python")
    rows = []
    for command in commands:
        rows.append(Row(f"{command.name}: wall", "s", tuple(command.wall[WARM_UP:])))
        rows.append(Row(f"{command.name}: processor", "s", tuple(command.cpu[WARM_UP:])))
    walls = rows[::2]
    promises = [
        at_most(f"median wall of {command.name}", row.median, command.limit, unit="s")
        for command, row in zip(commands, walls, strict=True)
        if command.limit is not None
    ]
    if has_peer:
        promises.append(at_most(f"senseid compare / {PEER}", walls[0].median / walls[-1].median, MOST_OF_PEER))
    return Report(
        title="a new process per command, from start to end",
        counts=f"{rounds} processes a command after {WARM_UP} to warm up, the commands in turn",
        rows=tuple(rows),
        promises=tuple(promises),
        notes=tuple(notes),
    )


def _imports(words: list[str], environment: dict[str, str]) -> list[str]:
    """The packages whose modules take longest to import, by the sum of their modules' own times."""
    command = [sys.executable, "-X", "importtime", "-m", "senseid_cli", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    spent: dict[str, int] = defaultdict(int)
    for microseconds, module in _IMPORT.findall(done.stderr):
        spent[module.partition(".")[0]] += int(microseconds)
    ranked = sorted(spent.items(), key=lambda item: -item[1])[:TOP]
    total = sum(spent.values()) / 1000
    lines = [f"{microseconds / 1000:>9.1f} ms  {package}" for package, microseconds in ranked]
    return [f"imports of compare: {total:.0f} ms under -X importtime, which slows them; the {TOP} longest:", *lines]


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "What a new process of the command line costs.")
    parser.add_argument("--rounds", type=int, default=10, metavar="N", help="processes a command (default: 10)")
    parser.add_argument("--verbose", action="store_true", help="also say what imports cost")
    parser.add_argument("--peer-python", metavar="FILE", help="an interpreter that has verifyface (default: this one)")
    words = parser.parse_args()
    return run(NAME, lambda: measure(words.rounds, words.peer_python, verbose=words.verbose), words.json)


if __name__ == "__main__":
    sys.exit(main())
