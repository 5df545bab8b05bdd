"""The compiled libraries, and whether they load on this processor and system."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

from senseid_cli.doctor.finding import Finding, ok, problem

if TYPE_CHECKING:
    from collections.abc import Sequence

LIBRARIES = ("numpy", "cv2", "onnxruntime", "cryptography", "PIL")

# onnxruntime sends telemetry unless that is disabled before it is imported: see senseid_engine.session.
_PROGRAM = """
import importlib, os, sys
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
for name in sys.argv[1:]:
    print(name, flush=True)
    importlib.import_module(name)
print("done", flush=True)
"""
_PATIENCE = 60


def check_libraries(python: str, names: Sequence[str] = LIBRARIES) -> Finding:
    """Load them in a child process: a library with an instruction that the processor lacks kills its process.

    Args:
        python: the interpreter.
        names: modules to import, in this order.
    """
    # -P: never import a module from the current folder, which others may write to.
    command = [python, "-P", "-c", _PROGRAM, *names]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE)  # noqa: S603
    except subprocess.TimeoutExpired:
        return problem("libraries", f"they did not load in {_PATIENCE} s", "look at the load of this machine")
    except OSError as error:
        return problem("libraries", f"{python} cannot be started ({error.strerror})", "install Python again")
    reached = done.stdout.split() or ["python"]
    if reached[-1] == "done":
        return ok("libraries", f"{', '.join(names)} load")
    if done.returncode < 0:
        how = f"ends its process ({signal.Signals(-done.returncode).name})"
    else:
        how = f"does not load: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}"
    return problem("libraries", f"{reached[-1]} {how}", "install senseid again from wheels for this system")
