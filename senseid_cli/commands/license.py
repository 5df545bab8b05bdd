"""`senseid license`: the operator's side. The vendor's side is in `license_vendor`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from senseid import installation
from senseid.outcomes import ExitStatus
from senseid_cli import completion
from senseid_cli.commands import license_vendor
from senseid_cli.key_sources import note_readable
from senseid_cli.output import terminal
from senseid_engine.errors import printable
from senseid_licensing.product import Product

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from senseid.command_shapes import ClockReset, InstalledLicence
    from senseid_licensing.context import Context
    from senseid_licensing.licence import Licence, LicenceFile
    from senseid_licensing.store import LicenceStore
    from senseid_licensing.verified import VerifiedLicence

app = typer.Typer(
    help="""Check, install and issue licences.

Examples:
    senseid license quickstart
    senseid license check
""",
    no_args_is_help=True,
)


Json = Annotated[bool, typer.Option("--json", help="Print JSON: one object per licence.")]


@app.command("quickstart")
def quickstart(
    licensee: Annotated[str, typer.Option("--licensee", metavar="NAME", help="Who may use it.")] = "local user",
    days: Annotated[int, typer.Option("--days", metavar="COUNT", min=1, max=3650, help="Days that it lasts.")] = 30,
    passphrase_file: license_vendor.PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Be your own vendor: make a root key and install licences of all products for this machine.

    Running it again keeps the key and issues afresh.

    Examples:
        senseid license quickstart
        senseid license quickstart --licensee 'Acme Ltd' --days 365
    """
    import os

    from senseid_licensing.errors import about
    from senseid_licensing.files import is_there, read_file
    from senseid_licensing.private_key import is_sealed
    from senseid_licensing.quickstart import quickstart as run

    store, context = installation.open_store()
    key = store.root_key_path
    with about(key):
        sealed = is_there(key) and is_sealed(read_file(key, "root key"))
    passphrase = license_vendor.read_passphrase(passphrase_file, ask=sealed)
    done = run(store, context, licensee=licensee, entropy=os.urandom, passphrase=passphrase, days=days)
    verb = "made" if done.created else "kept"
    terminal.note(f"{verb} the root key {done.key_id} in {printable(str(done.key_path))}")
    if not done.sealed:
        terminal.note(
            "the root key has no passphrase; its file mode alone protects it, which is enough while only you trust it"
        )
        note_readable(done.key_path)
    for licence in done.kept:
        terminal.note(f"kept the licence of another vendor for {licence.product}")
    for licence in done.licences:
        verb = "replaced" if licence.product in done.replaced else "installed"
        _print_installed(licence, store.path(licence.product), verb, as_json=as_json)


@app.command("check")
def check(
    require: Annotated[
        bool, typer.Option("--require", help="Ask for a good licence of every product: exit 4 if one is missing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Verify the licences of this installation: one line each, with the reason and the remedy.

    Examples:
        senseid license check
        senseid license check --require --json
    """
    from senseid.abilities import nothing_works
    from senseid_cli.licence_state import LicenceState
    from senseid_licensing.errors import LicenceMissingError

    store, context = installation.open_store()
    result = store.verify_all(context)
    missing = {product for product, error in result.failures.items() if isinstance(error, LicenceMissingError)}
    # Not every installation has all products; a licence that is there must be good, and something must work with them.
    useless = nothing_works(result)
    tolerated = set() if require or useless else missing
    for product in Product:
        state = LicenceState.of(product, result, store)
        if as_json:
            terminal.put_result(state.body())
        else:
            typer.echo(printable(f"{product:<17} {state.status:<9} {state.summary}"))
        if state.remedy and (product not in tolerated or store.strays(product)):
            typer.echo(printable(f"hint: {product}: {state.remedy}"), err=True)
    if useless and not result.failures:
        typer.echo(
            "hint: no command works with these licences: `senseid doctor` says what each of them lacks", err=True
        )
    if useless or set(result.failures) - tolerated:
        raise typer.Exit(ExitStatus.LICENCE)


@app.command("show")
def show(
    product: Annotated[
        Product | None,
        typer.Argument(metavar="PRODUCT", help="senseid_face, senseid_kestrel or senseid_liveness; all by default."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what the installed licences say, verified.

    Examples:
        senseid license show
        senseid license show senseid_face --json
    """
    store, context = installation.open_store()
    result = store.verify_all(context)
    products = [product] if product else [item for item in Product if item in result.licences] or list(Product)
    from senseid_licensing.licence import parse_licence_file

    for index, item in enumerate(products):
        licence = result.require(item)
        terms = parse_licence_file(store.load(item))
        if as_json:
            terminal.put_result({**terms.leaf.terms, "days_left": licence.days_left})
        else:
            typer.echo("\n" * (index > 0), nl=False)
            print_terms(terms)
            typer.echo(f"{'days left':<14} {licence.days_left}")


@app.command("install")
def install(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Licence files, under any names.", autocompletion=completion.licence_files
        ),
    ],
    as_json: Json = False,
) -> None:
    """Check licence files, then put each in its place under its right name.

    Of several for one product the one that ends last is installed, and one that is installed and ends later stays. A
    file that is refused is named, and the others are installed: exit 4.

    Examples:
        senseid license install SENSEID_FACE_1a2b3c4d.lic
        senseid license install face.lic kestrel.lic --json
    """
    if len(files) == 1:
        _place(files[0], lambda store, data, context: store.install(data, context), "installed", as_json=as_json)
        return
    from senseid_cli.licence_install import install_all

    store, context = installation.open_store()

    def put(licence: VerifiedLicence) -> None:
        _print_installed(licence, store.path(licence.product), "installed", as_json=as_json)

    raise typer.Exit(install_all(store, context, files, put, as_json=as_json))


@app.command("renew")
def renew(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE", help="The new licence file, under any name.", autocompletion=completion.licence_files
        ),
    ],
    as_json: Json = False,
) -> None:
    """Replace an installed licence by one that lasts longer; the old one stays until the new one has verified.

    Examples:
        senseid license renew SENSEID_FACE_5e6f7a8b.lic
        senseid license renew face.lic --json
    """
    if len(files) > 1:
        raise typer.BadParameter(
            f"one licence is renewed at a time, and {len(files)} are given: `senseid license install` takes several",
            param_hint="FILE",
        )
    _place(files[0], lambda store, data, context: store.renew(data, context), "renewed", as_json=as_json)


@app.command("reset-clock")
def reset_clock(as_json: Annotated[bool, typer.Option("--json", help="Print JSON: one object.")] = False) -> None:
    """Forget the latest time seen, after the clock ran ahead by mistake. Set the clock right first.

    Examples:
        senseid license reset-clock
        senseid license reset-clock --json
    """
    from senseid_licensing.instant import format_instant

    store, context = installation.open_store()
    seen = store.reset_clock(context.now)
    now, before = format_instant(context.now), format_instant(seen) if seen else None
    if as_json:
        facts: ClockReset = {"now": now, "seen": before}
        terminal.put_result(facts)
    else:
        typer.echo(f"the latest time seen is now {now}" + (f"; it was {before}" if before else ""))


@app.command("inspect")
def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A licence, revocation list, key or UDID.txt.")],
    as_json: Json = False,
) -> None:
    """Show what a file says, without trusting it: no signature is checked.

    Examples:
        senseid license inspect face.lic
        senseid license inspect UDID.txt --json
    """
    from senseid_licensing.errors import about
    from senseid_licensing.files import read_file
    from senseid_licensing.inspection import inspect as read

    data = read_file(file, "file")
    with about(file):
        found = read(data)
    if isinstance(found, dict):
        if as_json:
            terminal.put_result({"verified": False, **found})
        else:
            _print_facts(found)
        terminal.note("not verified")
        return
    if as_json:
        chain = [{"signed_by": above.key_id, **above.terms} for above in found.parents]
        terminal.put_result({"verified": False, "signed_by": found.leaf.key_id, **found.leaf.terms, "parents": chain})
    else:
        print_terms(found)
    terminal.note("not verified; `senseid license install` verifies")


def _print_facts(facts: Mapping[str, object]) -> None:
    for name, value in facts.items():
        for each in value if isinstance(value, list) else [value]:
            told = ("yes" if each else "no") if isinstance(each, bool) else each
            typer.echo(f"{name.replace('_', ' '):<14} {told}")


def print_terms(file: LicenceFile) -> None:
    """Prints the terms of a licence, one per line."""
    from senseid_licensing.instant import format_instant

    licence: Licence = file.leaf.licence
    terms = licence.to_json()
    rows = {
        "product": licence.product,
        "licensee": licence.licensee,
        "id": licence.id,
        "issued": terms["issued"],
        "valid from": terms["not_before"],
        "valid until": f"{terms['not_after']} (UTC, included)",
        "grace days": licence.grace_days,
        "capabilities": ", ".join(sorted(licence.capabilities)) or "none",
        "platforms": ", ".join(sorted(licence.platforms)) if licence.platforms is not None else "any",
        "versions": licence.versions,
        "machine": ", ".join(sorted(licence.udid)) if licence.udid is not None else "any",
        "signed by": f"key {file.leaf.key_id}",
        "parents": len(file.parents),
    }
    if licence.delegate is not None:
        rows["use"] = "issuing licences"
    for name, value in rows.items():
        typer.echo(f"{name:<14} {value}")
    for above in file.parents:
        until = format_instant(above.licence.not_after)
        typer.echo(f"{'parent':<14} {above.licence.id} of {above.licence.licensee}, until {until}, key {above.key_id}")


def _place(
    file: Path, place: Callable[[LicenceStore, bytes, Context], VerifiedLicence], verb: str, *, as_json: bool
) -> None:
    """Hand a licence file to the store, which checks it before it writes, and say what was done."""
    from senseid_licensing.errors import about
    from senseid_licensing.files import read_file

    data = read_file(file, "licence file")
    store, context = installation.open_store()
    with about(file):
        licence = place(store, data, context)
    _print_installed(licence, store.path(licence.product), verb, as_json=as_json)


def _print_installed(licence: VerifiedLicence, path: Path, verb: str, *, as_json: bool) -> None:
    if as_json:
        facts: InstalledLicence = {
            "product": licence.product.value,
            "id": licence.id,
            "path": str(path),
            "days_left": licence.days_left,
        }
        terminal.put_result(facts)
    else:
        from senseid_cli.licence_state import days_text

        typer.echo(f"{verb} {licence.product}: {days_text(licence.days_left)} left, {printable(str(path))}")


license_vendor.register(app)
