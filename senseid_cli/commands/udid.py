"""`senseid udid`: the hardware fingerprint, printed and written to `UDID.txt`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senseid_cli.options import Force
from senseid_cli.output import terminal
from senseid_engine.errors import printable

if TYPE_CHECKING:
    from senseid import command_shapes as shapes
    from senseid_licensing.udid.fingerprint import Fingerprint


def udid(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Write the result there.")] = Path(
        "UDID.txt"
    ),
    no_file: Annotated[bool, typer.Option("--no-file", help="Print only, write nothing.")] = False,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Explain the result: what the UDID is made of, and what is missing and why."),
    ] = False,
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: one object.")] = False,
) -> None:
    """Print this machine's hardware fingerprint and write it to UDID.txt, to send to your vendor.

    It is the same for root and for a normal user. Only hashes leave the machine, never serial numbers. A file of an
    earlier run is replaced; any other file only with --force.

    Examples:
        senseid udid
        senseid udid --explain --no-file
    """
    import platform

    from senseid_cli import paths
    from senseid_licensing.udid.probe import probe_for
    from senseid_licensing.udid.udid_file import format_udid_file

    if not no_file:
        paths.check_output(out, sources=(), force=force or _is_udid_file(out), suffix=None, option="--out")
    machine = probe_for(platform.system()).read()
    if explain and not as_json:
        _explain(machine)
    elif not as_json:
        typer.echo(machine.udid)
    if not no_file:
        paths.write_output(out, format_udid_file(machine))
    if as_json:
        # After the file: with --json there is one object, this or the error.
        terminal.put_result(_as_json(machine))
    for warning in _warnings(machine):
        terminal.note(warning)
    if not no_file:
        terminal.note(f"written to {printable(str(out))}")


def _is_udid_file(path: Path) -> bool:
    """Whether a file holds what this command writes, of this machine or another."""
    from senseid_licensing.errors import LicensingError
    from senseid_licensing.files import read_file
    from senseid_licensing.udid.udid_file import parse_udid_file

    try:
        parse_udid_file(read_file(path, "UDID file"))
    except LicensingError:
        return False
    return True


def _as_json(machine: Fingerprint) -> shapes.Udid:
    return {
        "udid": machine.udid,
        "unique": machine.unique,
        "binding": {"strength": _strength(machine), "to_fake": machine.to_fake},
        "components": [
            {
                "kind": reading.kind.value,
                "counted": reading in machine.counted,
                "unique": reading.unique,
                "hashes": list(reading.hashes),
                "source": reading.source,
                "note": reading.note,
            }
            for reading in machine.readings
        ],
        "container": machine.surroundings.container,
        "hypervisor": machine.surroundings.hypervisor,
        "clones": list(machine.surroundings.clones),
    }


def _explain(machine: Fingerprint) -> None:
    # Before the UDID itself: a machine without any component has none, and the table shows why.
    typer.echo(f"{'component':<11} {'counted':<8} {'hash':<13} source and remark")
    for reading in machine.readings:
        counted = "yes" if reading in machine.counted else "no"
        short = f"{reading.hashes[0][:12]}" if reading.hashes else "-"
        more = f"{len(reading.hashes) - 1} more may stand in for it" if len(reading.hashes) > 1 else ""
        remark = "; ".join(part for part in (reading.source, reading.note, more) if part)
        typer.echo(f"{reading.kind:<11} {counted:<8} {short:<13} {remark}")
    typer.echo(f"unique      {'yes' if machine.unique else 'no'}")
    typer.echo(f"binding     {_strength(machine)}: {_binding(machine)}")
    typer.echo(f"UDID        {machine.udid}")


def _strength(machine: Fingerprint) -> str:
    return ("none", "weak", "strong")[min(machine.to_fake, 2)]


def _binding(machine: Fingerprint) -> str:
    """The components that prevent the use of this machine's licence on another."""
    unique = sum(reading.unique for reading in machine.counted)
    if machine.to_fake == 0:
        return "nothing that counts is this machine's own"
    if machine.to_fake == 1:
        return "one component is its own; whoever fakes it can move the licence"
    may = "one may change" if unique > machine.to_fake else "none may change"
    return f"{unique} components are its own, {machine.to_fake} of them must match, {may}"


def _warnings(machine: Fingerprint) -> list[str]:
    around = machine.surroundings
    warnings = [f"a sign of a cloned image: {sign}" for sign in around.clones]
    if around.container is not None:
        warnings.append(f"this is a container ({around.container}): its own UDID may differ from its host's")
    if around.hypervisor is not None:
        warnings.append(f"this is a virtual machine ({around.hypervisor}): its hardware is the hypervisor's word")
    if not machine.unique:
        warnings.append("not unique: nothing that counts tells this machine from others of its kind")
    return warnings
