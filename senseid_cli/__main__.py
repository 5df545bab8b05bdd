"""The entry point: `senseid`, or `python -m senseid_cli`."""

from __future__ import annotations

import gc
import signal
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line of this process and end it."""
    # Ctrl-C while modules are still being imported, or while Python cleans up when all is done, would show a traceback:
    # there the signal ends the process, as it does with any program. Where it is ignored (nohup), it stays so.
    handled = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if handled:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()  # nothing that is being imported can be freed: `app` enables it for the commands that run for long
    from senseid_cli import app

    if handled:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        app.main()
    finally:
        if handled:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    main()
