"""`python -m senseid` is the command `senseid`."""

from __future__ import annotations

import runpy

if __name__ == "__main__":
    # By name: the library does not import the command line.
    runpy.run_module("senseid_cli", run_name="__main__", alter_sys=True)
