"""`senseid key`: make, show and change the keys that media are encrypted with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senseid import installation
from senseid_cli import completion
from senseid_cli.crypt import options
from senseid_cli.key_sources import key_sources
from senseid_cli.output import terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid.command_shapes import MadeKey, Reencrypted
    from senseid_cli.crypt.file_jobs import FileJob

app = typer.Typer(
    help="""Make, list and change the keys of encrypted media.

Examples:
    senseid key generate
    senseid key list
""",
    no_args_is_help=True,
)

InKeyring = Annotated[
    bool, typer.Option("--keyring", help="Keep the secret in the OS keyring, not in a file: needs the extra `keyring`.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: one object per key.")]


@app.command("generate")
def generate(
    word: Annotated[str | None, typer.Argument(hidden=True)] = None,
    name: Annotated[
        str | None,
        typer.Option("--key", metavar="NAME", help="The name of the key: `default` if unset, as in every command."),
    ] = None,
    in_keyring: InKeyring = False,
    as_json: AsJson = False,
) -> None:
    """Make a key from 192 random bits, for both formats.

    Whoever has its file reads what it encrypts; without it nobody does. Keep a copy of it in a safe place.

    Examples:
        senseid key generate
        senseid key generate --key archive --keyring
    """
    from senseid_cli.crypt.run import put_facts

    if word is not None and name is not None:
        raise typer.BadParameter(f"{word!r} and --key {name} both name the key: leave one out")
    name = next((given for given in (word, name) if given is not None), "default")
    key = installation.new_key()
    path = key_sources().folder.add(name, key, installation.now(), in_keyring=in_keyring)
    made: MadeKey = {"done": "made", "name": name, "key": key.id, "path": str(path)}
    put_facts(made, as_json=as_json)
    terminal.note("without this key nobody reads what it encrypts: keep a copy in a safe place")


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """Show the keys that are known here by their ids, first the one to encrypt with. No secret is shown.

    Examples:
        senseid key list
        senseid key list --json
    """
    from senseid_crypto.key import weaknesses

    found: list[dict[str, object]] = []
    for known in key_sources().known():
        found.append(
            {
                "key": known.key.id,
                "name": known.name or "-",
                "created": known.created or "-",
                "formats": "container,wire" if known.key.iv is not None else "container",
                "place": known.place,
            }
        )
        if as_json:
            found[-1]["weaknesses"] = list(weaknesses(known.key))
        options.note_weakness(known)
    terminal.put_list(found, as_json=as_json)


@app.command("rotate")
def rotate(
    folders: Annotated[
        list[str], typer.Argument(metavar="FOLDER...", help="Where the containers are that get the new key.")
    ],
    name: Annotated[
        str,
        typer.Option(
            "--key", metavar="NAME", help="The name of the key that is replaced.", autocompletion=completion.keys
        ),
    ] = "default",
    in_keyring: InKeyring = False,
    as_json: options.AsJson = False,
) -> None:
    """Make a new key in the place of an old one, and put all containers of some folders under it.

    The old key stays known under another name. Each container is replaced when its new one has been read back and found
    right. Interrupted, the same command goes on where it stopped. Wire text is left as it is.

    Examples:
        senseid key rotate vault
        senseid key rotate vault photos --key archive
    """
    from senseid_cli import paths
    from senseid_cli.crypt import convert, rotation
    from senseid_cli.crypt.run import run_jobs

    for folder in folders:
        paths.check_word(folder, name="FOLDER")
    roots = [Path(folder) for folder in folders]
    sources = key_sources()
    fresh, now = installation.new_key(), installation.now()
    new = rotation.begin(sources.folder, name, roots, fresh, now, in_keyring=in_keyring)
    write_options = options.write_options(force=True, delete_source=False)

    def step(job: FileJob, advance: Callable[[int], None]) -> Reencrypted | None:
        if not convert.reencrypt_file(Path(job.source), sources, new, write_options, advance):
            return None
        return {"done": "re-encrypted", "source": job.source, "key": new.id}

    jobs = rotation.containers(roots)
    status = run_jobs(jobs, step, "re-encrypting", as_json=as_json)
    if status:
        terminal.note("the rotation is not complete: run the same command again when the errors above are mended")
        raise typer.Exit(status)
    rotation.end(sources.folder, name)
