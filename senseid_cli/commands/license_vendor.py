"""`senseid license keygen, issue, revoke`: the vendor's side."""

from __future__ import annotations

import os
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from senseid import installation
from senseid_cli import completion
from senseid_cli.key_sources import note_readable
from senseid_cli.output import terminal
from senseid_engine.errors import printable
from senseid_licensing.capability import Capability  # noqa: TC001  Typer reads the annotations
from senseid_licensing.product import Product  # noqa: TC001  Typer reads the annotations

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid.command_shapes import IssuedLicence, MadeSigningKey
    from senseid_licensing.private_key import PrivateKey
    from senseid_licensing.public_key import PublicKey

T = TypeVar("T")

_ADVANCED = "Advanced"
PASSPHRASE_VARIABLE = "SENSEID_KEY_PASSPHRASE"  # noqa: S105  the name of a variable, not a secret
_SEE_HELP = "see `senseid license issue --help`"
_LARGEST_WHEEL = 1 << 30
_KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        "--key",
        metavar="FILE",
        help="The file of the key that signs; your own root key by default.",
        rich_help_panel=_ADVANCED,
    ),
]

PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help=f"A file whose first line is the passphrase. Also read from {PASSPHRASE_VARIABLE}.",
        rich_help_panel=_ADVANCED,
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the vendor's commands."""
    for name, function in (("keygen", keygen), ("issue", issue), ("revoke", revoke), ("embed", embed)):
        app.command(name, rich_help_panel="For vendors")(function)


def _read_terms(context: typer.Context, file: Path | None) -> Path | None:
    """Takes the options from a TOML file as their defaults: what the command line says goes first."""
    if file is None:
        return None
    import tomllib

    from senseid_licensing.document import MAX_BYTES
    from senseid_licensing.errors import ArgumentError
    from senseid_licensing.files import read_file

    options = {option: found for found in context.command.params for option in found.opts}
    data = read_file(file, "terms file")
    if len(data) > MAX_BYTES:
        raise ArgumentError(f"{file}: larger than {MAX_BYTES // 1024} KiB", remedy="give a file of terms")
    try:
        terms = tomllib.loads(data.decode("utf-8-sig"))
    # A few kilobytes of brackets exhaust the parser's stack.
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"{file}: not TOML: {error}", remedy="write lines like licensee = 'Acme'") from None
    defaults: dict[str, object] = {}
    for key, found in terms.items():
        option = options.get(f"--{key}")
        if option is None or option.name is None or option.is_eager:
            raise ArgumentError(f"{file}: there is no option --{key}", remedy=_SEE_HELP)
        value = _moment_text(found) if isinstance(found, date) else found
        wanted, kind = _kind(option)
        values = value if isinstance(value, list) and option.multiple else [value]
        # An empty list would mean all, as on the command line: of a licence's limits that is the wrong guess.
        good = values and all(type(item) is kind for item in values)
        if isinstance(value, list) is not option.multiple or not good:
            raise ArgumentError(f"{file}: {key} must be {wanted}", remedy=_SEE_HELP)
        defaults[option.name] = value
    context.default_map = defaults
    return file


def _moment_text(moment: date) -> str:
    """A date or time of TOML as the command line takes it."""
    from senseid_licensing.instant import format_instant

    # A date without a zone would mean another second on another machine: as it is, it is refused later.
    return format_instant(moment) if isinstance(moment, datetime) and moment.tzinfo else str(moment)


def _kind(option: Any) -> tuple[str, type]:
    """The TOML type of an option, in words and as a type: the command line's own conversions take too much."""
    if option.is_flag:
        return "true or false", bool
    if option.type.name.startswith("int"):
        return "a whole number", int
    return ("a list of texts" if option.multiple else "a text"), str


def read_passphrase(file: Path | None, *, ask: bool, confirm: bool = False) -> str | None:
    """The passphrase from a file, the environment or a prompt; None if there is none. Never from the command line."""
    from senseid_licensing.errors import ArgumentError
    from senseid_licensing.files import read_file

    if file is not None:
        line = read_file(file, "passphrase file", pipe=True).split(b"\n", 1)[0].rstrip(b"\r")
        if not line:
            raise ArgumentError(f"{file}: the first line is empty", remedy="write the passphrase into it")
        return _utf8(line, str(file))
    if value := os.environ.get(PASSPHRASE_VARIABLE):
        return _utf8(os.fsencode(value), PASSPHRASE_VARIABLE)
    if ask and sys.stdin is not None and sys.stdin.isatty():
        return str(typer.prompt("passphrase", hide_input=True, confirmation_prompt=confirm, err=True))
    return None


def _utf8(passphrase: bytes, place: str) -> str:
    """A passphrase as text. With replaced characters, many would be the same one."""
    from senseid_licensing.errors import ArgumentError

    try:
        return passphrase.decode()
    except UnicodeDecodeError:
        raise ArgumentError(f"{place}: the passphrase is not UTF-8", remedy="save it as UTF-8") from None


def keygen(
    word: Annotated[Path | None, typer.Argument(hidden=True)] = None,
    named: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Write the result there: the private key; the public key goes beside it (.pub).",
        ),
    ] = None,
    no_passphrase: Annotated[bool, typer.Option("--no-passphrase", help="Leave the key unprotected.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Also accept licences of this key on this machine.")] = False,
    passphrase_file: PassphraseFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: one object.")] = False,
) -> None:
    """Make a key that signs licences, sealed with a passphrase.

    Examples:
        senseid license keygen --out vendor.key
        senseid license keygen --out vendor.key --passphrase-file passphrase.txt --trust
    """
    from senseid_licensing.errors import ArgumentError
    from senseid_licensing.files import SECRET, is_there, write_file
    from senseid_licensing.private_key import generate
    from senseid_licensing.store import LicenceStore

    out = named or word
    if out is None or (named and word):
        raise ArgumentError("say where the key goes", remedy="give one file, as in `--out vendor.key`")
    if not out.name:
        raise ArgumentError(f"{out}: is no name for a file", remedy="name the private key like vendor.key")
    public_path = out.with_suffix(".pub")
    if out == public_path:
        raise ArgumentError(f"{out}: .pub is the public key's ending", remedy="name the private key like vendor.key")
    for path in (out, public_path):
        if is_there(path):
            raise ArgumentError(
                f"{path}: there is a file already", remedy="keys are never overwritten: use another name"
            )
    if trust and LicenceStore(installation.data_dir()).policy.trust == "embedded":
        raise ArgumentError("this build believes its vendor's keys only", remedy="leave out --trust")
    passphrase = None if no_passphrase else read_passphrase(passphrase_file, ask=True, confirm=True)
    if passphrase is None and not no_passphrase:
        raise ArgumentError(
            "no passphrase was given",
            remedy=f"use --passphrase-file FILE or {PASSPHRASE_VARIABLE}, or say --no-passphrase",
        )
    key = generate(os.urandom)
    write_file(out, key.to_file(passphrase, os.urandom), SECRET)
    write_file(public_path, key.public.to_text().encode())
    if trust:
        terminal.note(f"trusted here: {printable(str(LicenceStore(installation.data_dir()).trust(key.public)))}")
    if as_json:
        made: MadeSigningKey = {"key": key.public.id, "private": str(out), "public": str(public_path)}
        terminal.put_result(made)
    else:
        private, public = printable(str(out)), printable(str(public_path))
        typer.echo(f"key {key.public.id}: {private} (keep it secret), {public} (give it to who trusts you)")


def issue(
    licensee: Annotated[str | None, typer.Option("--licensee", metavar="NAME", help="Who may use it.")] = None,
    products: Annotated[
        list[Product] | None,
        typer.Option(
            "--product",
            metavar="PRODUCT",
            help="senseid_face, senseid_kestrel or senseid_liveness; repeat it for more. All by default.",
        ),
    ] = None,
    udid_file: Annotated[
        Path | None, typer.Option("--udid", metavar="FILE", help="The UDID.txt of the machine that it is bound to.")
    ] = None,
    days: Annotated[
        int | None, typer.Option("--days", metavar="COUNT", min=1, max=36500, help="Days that it lasts.")
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="PATH",
            help="Write the result there: a folder, or a name that ends in .lic for one licence.",
        ),
    ] = Path(),
    any_machine: Annotated[
        bool, typer.Option("--any-machine", help="Bind it to no machine.", rich_help_panel=_ADVANCED)
    ] = False,
    key_file: _KeyFile = None,
    passphrase_file: PassphraseFile = None,
    not_before: Annotated[
        str | None,
        typer.Option(
            "--not-before", metavar="TIME", help="First second, UTC; now by default.", rich_help_panel=_ADVANCED
        ),
    ] = None,
    not_after: Annotated[
        str | None,
        typer.Option(
            "--not-after",
            metavar="TIME",
            help="Last second, such as 2027-12-31T23:59:59Z.",
            rich_help_panel=_ADVANCED,
        ),
    ] = None,
    grace_days: Annotated[
        int,
        typer.Option(
            "--grace-days", metavar="COUNT", min=0, max=90, help="Days of grace after it.", rich_help_panel=_ADVANCED
        ),
    ] = 0,
    capabilities: Annotated[
        list[Capability] | None,
        typer.Option(
            "--capability",
            metavar="NAME",
            help="What it allows: compare, omni, quality, liveness, verify, batch or serve; repeat it. All by default.",
            rich_help_panel=_ADVANCED,
        ),
    ] = None,
    platforms: Annotated[
        list[str] | None,
        typer.Option(
            "--platform",
            metavar="NAME",
            help="Such as linux-x86_64; repeat it. Any by default.",
            rich_help_panel=_ADVANCED,
        ),
    ] = None,
    from_version: Annotated[
        str | None,
        typer.Option("--from-version", metavar="VERSION", help="First version covered.", rich_help_panel=_ADVANCED),
    ] = None,
    below_version: Annotated[
        str | None,
        typer.Option(
            "--below-version", metavar="VERSION", help="First version not covered.", rich_help_panel=_ADVANCED
        ),
    ] = None,
    parent_file: Annotated[
        Path | None,
        typer.Option(
            "--parent",
            metavar="FILE",
            help="The licence that lets your key issue, if it is no root.",
            rich_help_panel=_ADVANCED,
        ),
    ] = None,
    delegate: Annotated[
        Path | None,
        typer.Option(
            "--delegate",
            metavar="FILE",
            help="A .pub file: its holder may issue within these terms.",
            rich_help_panel=_ADVANCED,
        ),
    ] = None,
    terms_file: Annotated[  # noqa: ARG001  its callback has done the work
        Path | None,
        typer.Option(
            "--terms",
            metavar="FILE",
            is_eager=True,
            callback=_read_terms,
            help="A TOML file with any of these options.",
            rich_help_panel=_ADVANCED,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: one object per licence.", rich_help_panel=_ADVANCED)
    ] = False,
) -> None:
    """Sign licences: one file per product, named SENSEID_<PRODUCT>_<id>.lic, or as --out says.

    With --parent, what is left out is taken from it: the product, the licensee, the end, the machine, all its limits.

    Examples:
        senseid license issue --licensee Acme --udid UDID.txt --days 365
        senseid license issue --licensee Acme --product senseid_face --any-machine --days 30 --out acme.lic
    """
    from senseid_licensing.errors import ArgumentError
    from senseid_licensing.files import write_file
    from senseid_licensing.instant import whole_second
    from senseid_licensing.issue import issue as sign
    from senseid_licensing.issue_log import log_issue
    from senseid_licensing.licence import parse_licence_file
    from senseid_licensing.licence_request import LicenceRequest
    from senseid_licensing.udid.fingerprint import least_to_fake
    from senseid_licensing.udid.udid_file import parse_udid_file

    parent = None if parent_file is None else _parsed(parent_file, "parent licence", parse_licence_file)
    above = None if parent is None else parent.leaf.licence
    # What the parent says need not be said again.
    if licensee is None and above is None:
        raise ArgumentError("a licence needs a licensee", remedy="give --licensee NAME")
    bound = above is not None and above.udid is not None
    if any_machine and bound:
        raise ArgumentError(f"{parent_file} is bound to a machine", remedy="leave --any-machine out")
    if (udid_file is not None and any_machine) or not (udid_file or any_machine or bound):
        raise ArgumentError("say which machine it is for", remedy="give --udid UDID.txt, or --any-machine")
    if (days is not None and not_after is not None) or (days is None and not_after is None and above is None):
        raise ArgumentError("say how long it lasts", remedy="give one of --days and --not-after")
    now = whole_second(installation.now())
    begins = _moment(not_before) if not_before is not None else now if above is None else max(now, above.not_before)
    ends = _moment(not_after) if not_after is not None else None if days is None else begins + timedelta(days=days)
    key_path, key = _open_key(key_file, passphrase_file)
    machine = _parsed(udid_file, "UDID file", parse_udid_file) if udid_file else None
    holder = _read_public_key(delegate) if delegate else None
    request = LicenceRequest(
        licensee=licensee,
        not_before=begins,
        not_after=ends,
        products=tuple(products or ()),
        grace_days=grace_days,
        capabilities=frozenset(capabilities or ()),
        platforms=frozenset(platforms or ()),
        from_version=from_version,
        below_version=below_version,
        udid=machine,
        delegate=holder,
    )
    licences = request.licences(parent, now=now, entropy=os.urandom)
    file = _licence_file(out, len(licences))
    # All or none: nothing is written before the last of them could be signed.
    signed = [sign(licence, key, parent) for licence in licences]
    for data in signed:
        licence = parse_licence_file(data).leaf.licence
        path = file or out / f"{licence.product.value.upper()}_{licence.id[:8]}.lic"
        log_issue(key_path, licence, key.public)
        write_file(path, data)
        if as_json:
            facts: IssuedLicence = {
                "product": licence.product.value,
                "id": licence.id,
                "path": str(path),
                "key": key.public.id,
            }
            terminal.put_result(facts)
        else:
            typer.echo(f"issued {licence.product} {licence.id} to {licence.licensee}: {printable(str(path))}")
    if machine and (faked := least_to_fake(machine)) < 2:
        # Of a machine that shows no more, or a UDID.txt of an earlier release.
        what = (
            "whoever fakes one component of this machine" if faked else "whoever has another machine of the same model"
        )
        terminal.note(f"a weak binding ({', '.join(sorted(machine))}): {what} can use the licence there")


def _licence_file(out: Path, count: int) -> Path | None:
    """The file that `--out` names, or None if it is a folder. One that is there is never lost."""
    from senseid_licensing.errors import ArgumentError
    from senseid_licensing.files import is_there

    if os.path.isdir(out):
        return None
    if out.suffix.lower() != ".lic":
        if is_there(out):
            raise ArgumentError(
                f"{out}: is a file, and no folder", remedy="give a folder, or a name like acme.lic, with --out"
            )
        return None
    if count > 1:
        raise ArgumentError(
            f"{out}: is one file, and these are {count} licences", remedy="name one --product, or a folder with --out"
        )
    if is_there(out):
        raise ArgumentError(f"{out}: there is a file already", remedy="give another name with --out")
    return out


def revoke(
    ids: Annotated[
        list[str],
        typer.Argument(metavar="ID...", help="Ids of licences that no longer count.", autocompletion=completion.issued),
    ],
    key_file: _KeyFile = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Write the result there: the list, which is not installed then."
        ),
    ] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Withdraw licences: adds their ids to the signed revocation list.

    Examples:
        senseid license revoke 8b5fb074bef7eea43a552d1c56ecd677
        senseid license revoke 8b5fb074bef7eea43a552d1c56ecd677 --key-file vendor.key --out revoked.json
    """
    from senseid_licensing.errors import ArgumentError, about
    from senseid_licensing.files import is_there, read_file, write_file
    from senseid_licensing.revocation import revoke as sign
    from senseid_licensing.store import LicenceStore

    _, key = _open_key(key_file, passphrase_file)
    store = LicenceStore(installation.data_dir())
    if out is None and key.public.id not in store.roots().keys:
        raise ArgumentError(
            f"key {key.public.id} is not trusted here: its list would make this machine refuse every licence",
            remedy="write the list with --out FILE, and send it to whom it concerns",
        )
    path = out or store.revocations_path
    if out is None:
        before = store.revocations.newest(key.public)
    else:
        before = read_file(path, "revocation list") if is_there(path) else None
    with about(path):
        data = sign(ids, key, installation.now(), before)
    write_file(path, data)
    typer.echo(f"revoked {', '.join(ids)}: {printable(str(path))}")


def embed(
    wheel: Annotated[Path, typer.Argument(metavar="WHEEL", help="A wheel of senseid.")],
    roots: Annotated[
        list[Path], typer.Option("--root", metavar="FILE", help="A .pub file to believe; repeat it for more.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FOLDER", help="Write the result there: the vendor's wheel.")
    ],
) -> None:
    """Make a vendor's build: a wheel that accepts licences of these keys and no others.

    Examples:
        senseid license embed senseid_face-0.1.0-py3-none-any.whl --root vendor.pub --out dist
        senseid license embed senseid.whl --root old.pub --root new.pub --out dist
    """
    from senseid_licensing.errors import ArgumentError, LicenceMissingError, about
    from senseid_licensing.files import is_there, read_file, write_file
    from senseid_licensing.vendor_wheel import embed_roots

    keys = [_read_public_key(path) for path in roots]
    target = out / wheel.name
    if not is_there(wheel):
        raise LicenceMissingError(f"{wheel}: there is no such wheel", remedy="build one: python -m build --wheel")
    if target.resolve() == wheel.resolve():
        raise ArgumentError(f"{target}: would overwrite the wheel itself", remedy="give another folder with --out")
    old = read_file(wheel, "wheel", _LARGEST_WHEEL)
    with about(wheel):
        data = embed_roots(old, keys)
    write_file(target, data)
    typer.echo(f"{printable(str(target))}: believes {', '.join(key.id for key in keys)}")


def _parsed(path: Path, what: str, parse: Callable[[bytes], T]) -> T:
    """What a file of licensing says; `what` is the kind of file in messages."""
    from senseid_licensing.errors import about
    from senseid_licensing.files import read_file

    data = read_file(path, what)
    with about(path):
        return parse(data)


def _read_public_key(path: Path) -> PublicKey:
    from senseid_licensing.public_key import parse_public_key

    return _parsed(path, "public key", lambda data: parse_public_key(data.decode("utf-8", "replace")))


def _moment(text: str) -> datetime:
    from senseid_licensing.errors import ArgumentError, FormatError
    from senseid_licensing.instant import parse_instant

    try:
        return parse_instant(text)
    except FormatError as error:
        raise ArgumentError(error.message, remedy="write it in UTC, like 2027-12-31T23:59:59Z") from None


def _open_key(file: Path | None, passphrase_file: Path | None) -> tuple[Path, PrivateKey]:
    from senseid_licensing.errors import about
    from senseid_licensing.files import read_file
    from senseid_licensing.private_key import is_sealed, open_key_file
    from senseid_licensing.store import LicenceStore

    path = file or LicenceStore(installation.data_dir()).root_key_path
    data = read_file(path, "private key")
    with about(path):
        sealed = is_sealed(data)
        passphrase = read_passphrase(passphrase_file, ask=True) if sealed else None
        key = open_key_file(data, passphrase)
    if not sealed:
        note_readable(path)
    return path, key
