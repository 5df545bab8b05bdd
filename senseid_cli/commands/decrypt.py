"""`senseid decrypt`: containers and wire text back into files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import typer

from senseid_cli.crypt import options
from senseid_cli.key_sources import key_sources
from senseid_cli.options import Force

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid.command_shapes import Decrypted
    from senseid_cli.crypt.file_jobs import FileJob


def decrypt(
    sources: options.Sources,
    out: options.Out = None,
    key: options.KeyName = None,
    key_file: options.KeyFile = None,
    force: Force = False,
    delete_source: options.DeleteSource = False,
    as_json: options.AsJson = False,
) -> None:
    """Decrypt files of either format, told by their content: FILE.senseid and FILE.b64 become FILE.

    A container names its key, which is looked for among all that `senseid key list` shows; --key-file and --key allow
    one only. What does not authenticate to its last byte leaves no file. Exit status: 6 it cannot be decrypted.

    Examples:
        senseid decrypt alice.jpg.senseid
        senseid decrypt vault --out photos --force
    """
    from senseid_cli.crypt import convert, file_jobs
    from senseid_cli.crypt.run import run_jobs

    options.check_keys(key_file, key)
    plan = file_jobs.make_plan(sources, out, file_jobs.Direction.DECRYPT, "")
    jobs = plan.jobs
    options.check_streams(jobs, delete_source=delete_source, as_json=as_json)
    options.note_links(plan)
    sources_of_keys = key_sources(key_file, key)
    # A key file may be a pipe, as of `--key-file <(...)`, and gives its key once.
    keys = sources_of_keys if key_file is None else list(sources_of_keys)
    write_options = options.write_options(force=force, delete_source=delete_source)

    def step(job: FileJob, advance: Callable[[int], None]) -> Decrypted | None:
        file_jobs.check_target(job, force=force)
        form = convert.decrypt_file(job, keys, write_options, advance)
        if job.target is None:
            return None
        return {"done": "decrypted", "source": job.source, "target": os.fspath(job.target), "format": form.value}

    raise typer.Exit(run_jobs(jobs, step, "decrypting", as_json=as_json))
