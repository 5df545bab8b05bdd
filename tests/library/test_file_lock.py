from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from senseid.file_lock import lock

if TYPE_CHECKING:
    from pathlib import Path

ASK = """
import sys
from pathlib import Path
from senseid.file_lock import lock
with Path(sys.argv[1]).open("ab") as file:
    print(lock(file.fileno(), wait=sys.argv[2] == "wait"), flush=True)
"""


def ask(path: Path, how: str) -> subprocess.Popen[str]:
    """Another process that locks the file, and says whether it has it."""
    return subprocess.Popen([sys.executable, "-c", ASK, str(path), how], stdout=subprocess.PIPE, text=True)


def test_one_process_has_it_until_the_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("ab") as file:
        assert lock(file.fileno(), wait=False)
        assert lock(file.fileno(), wait=True)
        assert ask(path, "try").communicate()[0] == "False\n"
        waiting = ask(path, "wait")
        assert waiting.poll() is None
    assert waiting.communicate()[0] == "True\n"
    assert ask(path, "try").communicate()[0] == "True\n"


def test_where_one_writes_does_not_change(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"ab")
    with path.open("r+b", buffering=0) as file:
        assert file.read(1) == b"a"
        assert lock(file.fileno(), wait=False)
        assert file.read(1) == b"b"
