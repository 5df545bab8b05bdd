"""`senseid encrypt`: files into containers, or into the wire format of the service."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from senseid_cli.crypt import options
from senseid_cli.key_sources import key_sources
from senseid_cli.output import terminal
from senseid_crypto.format import Format

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_cli.crypt.file_jobs import FileJob


def encrypt(
    sources: options.Sources,
    out: options.Out = None,
    form: Annotated[
        Format,
        typer.Option(
            "--format", help="`container` for files that are kept, `wire` for the service's encrypted_... fields."
        ),
    ] = Format.CONTAINER,
    key: options.KeyName = None,
    key_file: options.KeyFile = None,
    force: options.Force = False,
    delete_source: options.DeleteSource = False,
    as_json: options.AsJson = False,
) -> None:
    """Encrypt files. Each gets a new file beside it: FILE.senseid, or FILE.b64 in the wire format.

    The key is that of --key-file or --key, else that of PARAM_DECRYPT_KEY and PARAM_DECRYPT_IV in the environment, else
    the key `default` that `senseid key generate` makes, else that of ./.env. It is never given on the command line.
    """
    from senseid_cli.crypt import convert, file_jobs, streams
    from senseid_cli.crypt.run import run_jobs

    options.check_keys(key_file, key)
    jobs = file_jobs.make_plan(sources, out, file_jobs.Direction.ENCRYPT, file_jobs.SUFFIXES[form])
    options.check_streams(jobs, delete_source=delete_source, as_json=as_json)
    if form is Format.CONTAINER and streams.on_terminal() and any(job.target is None for job in jobs):
        raise streams.refuse_terminal()
    known = key_sources(key_file, key).to_encrypt()
    options.note_weakness(known)
    if form is Format.WIRE:
        _ = known.key.fixed_iv
        terminal.note(
            "the wire format encrypts everything under one fixed IV: whoever has two files learns how they differ;"
            " it is for the service, and the container is for files that are kept"
        )
    write_options = options.write_options(force=force, delete_source=delete_source)

    def step(job: FileJob, advance: Callable[[int], None]) -> dict[str, object] | None:
        file_jobs.check_target(job, force=force)
        convert.encrypt_file(job, known.key, form, write_options, advance)
        if job.target is None:
            return None
        return {"done": "encrypted", "source": job.source, "target": os.fspath(job.target), "key": known.key.id}

    raise typer.Exit(run_jobs(jobs, step, "encrypting", as_json=as_json))
