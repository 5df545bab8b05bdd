"""Compiles `capture.proto` with the pinned compiler; `--check` compares instead."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

ENGINE = Path(__file__).resolve().parents[1] / "engine"
SOURCE = "senseid_engine/liveness/capture.proto"
MADE = ("senseid_engine/liveness/capture_pb2.py", "senseid_engine/liveness/capture_pb2.pyi")


def compile_to(folder: Path) -> list[Path]:
    """Compile into a folder; the files that were made, in the order of `MADE`."""
    status = protoc.main(["protoc", f"-I{ENGINE}", f"--python_out={folder}", f"--pyi_out={folder}", SOURCE])
    if status:
        sys.exit(f"protoc failed with status {status}")
    return [folder / name for name in MADE]


def main() -> None:
    """Write or compare; exits with 1 where a file differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    if not parser.parse_args().check:
        compile_to(ENGINE)
        return
    with tempfile.TemporaryDirectory() as folder:
        made = compile_to(Path(folder))
        differing = [
            name
            for name, path in zip(MADE, made, strict=True)
            if not (ENGINE / name).is_file() or (ENGINE / name).read_bytes() != path.read_bytes()
        ]
    if differing:
        sys.exit(f"{', '.join(differing)} out of date: run tools/make_protobuf.py")


if __name__ == "__main__":
    main()
