"""`senseid encrypt`: files into containers, or into the wire format of the service."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from senseid.errors import OutputError, RefusedError
from senseid.outcomes import ExitStatus
from senseid_cli import media
from senseid_cli.crypt import options
from senseid_cli.key_sources import key_sources
from senseid_cli.options import Force
from senseid_cli.output import terminal
from senseid_crypto.format import Format
from senseid_engine.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from senseid.command_shapes import Encrypted, Kept
    from senseid_cli.crypt.file_jobs import FileJob, Plan
    from senseid_cli.crypt.update import Update

    Step = Callable[[FileJob, Callable[[int], None]], Encrypted | None]


def encrypt(
    sources: options.Sources,
    out: options.Out = None,
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            metavar="container|wire",
            help="Choose the format: `container` for files that are kept, `wire` for the service's fields.",
        ),
    ] = Format.CONTAINER,
    key: options.KeyName = None,
    key_file: options.KeyFile = None,
    update: Annotated[
        bool,
        typer.Option(
            "--update", help="Encrypt what is new, or changed since it was encrypted, and replace its container."
        ),
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Take all: encrypt every file of a folder, not photos and videos alone.")
    ] = False,
    force: Force = False,
    delete_source: options.DeleteSource = False,
    as_json: options.AsJson = False,
) -> None:
    """Encrypt files. Each gets a new file beside it: FILE.senseid, or FILE.b64 in the wire format.

    The key is that of --key-file or --key, else that of PARAM_DECRYPT_KEY and PARAM_DECRYPT_IV in the environment, else
    the key `default` that `senseid key generate` makes, else that of ./.env. It is never given on the command line.

    Of a folder the photos and videos are encrypted. With --update the same command can run every night: it does what is
    new or changed, and names containers whose source is gone. Exit status: 0 also if there is nothing to do.

    Examples:
        senseid encrypt alice.jpg
        senseid encrypt photos --out vault --key archive
    """
    from senseid_cli.crypt import convert, file_jobs, streams
    from senseid_cli.crypt import update as updates
    from senseid_cli.crypt.run import run_jobs

    options.check_keys(key_file, key)
    if update:
        _check_update(form, force=force, delete_source=delete_source)
    plan = file_jobs.make_plan(
        sources, out, file_jobs.Direction.ENCRYPT, file_jobs.SUFFIXES[form], only_media=not everything
    )
    jobs = plan.jobs
    if not update and not force and form is Format.CONTAINER:
        _refuse_second_time(sources, jobs)
    options.check_streams(jobs, delete_source=delete_source, as_json=as_json)
    if update and any(job.source == media.STDIN or job.target is None for job in jobs):
        raise typer.BadParameter("it compares files with files: standard streams have no time", param_hint="--update")
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
    if plan.left_out:
        first = printable(str(plan.left_out[0]))
        terminal.note(
            f"{len(plan.left_out)} files are no photos or videos by their names, as {first}: --all takes them"
        )
    options.note_links(plan)
    write_options = options.write_options(force=force, delete_source=delete_source)
    difference = updates.compare(plan, known.key) if update else updates.Update(jobs, frozenset(), 0, 0)

    def step(job: FileJob, advance: Callable[[int], None]) -> Encrypted | None:
        replaces = job.target in difference.replaced
        if replaces:
            updates.check_source(job)
        file_jobs.check_target(job, force=force or replaces)
        convert.encrypt_file(job, known.key, form, replace(write_options, force=force or replaces), advance)
        if job.target is None:
            return None
        return {
            "done": "updated" if replaces else "encrypted",
            "source": job.source,
            "target": os.fspath(job.target),
            "key": known.key.id,
        }

    met: list[FileJob] = []
    status = ExitStatus.YES
    if difference.jobs or not difference.unchanged:
        shared = _shared(step, met) if update else step
        status = run_jobs(difference.jobs, shared, "encrypting", as_json=as_json)
    if update:
        _conclude(plan, replace(difference, unchanged=difference.unchanged + len(met)), as_json=as_json)
    raise typer.Exit(status)


def _shared(step: Step, met: list[FileJob]) -> Step:
    """The step of an update, where another may run: what that has done meanwhile is done, and goes to `met`."""
    from senseid_cli.crypt.update import is_done

    def shared(job: FileJob, advance: Callable[[int], None]) -> Encrypted | None:
        try:
            return step(job, advance)
        except (RefusedError, OutputError):
            if not is_done(job):
                raise
            met.append(job)
            return None

    return shared


def _refuse_second_time(sources: list[str], jobs: Sequence[FileJob]) -> None:
    """Refuse a folder that was encrypted before with one line, not with one per file."""
    from senseid_cli.crypt.update import is_done

    there = [job for job in jobs if job.target is not None and os.path.lexists(job.target)]
    folders = " ".join(source for source in sources if source != media.STDIN and os.path.isdir(source))
    if not there or not folders:
        return
    if others := [job for job in there if not is_done(job)]:
        raise RefusedError(
            f"{folders}: {len(others)} of {len(jobs)} files would replace one that is no container of them as they are"
            f" now, such as {others[0].target}",
            remedy="--update replaces containers that are cut off or older, and nothing else; --force replaces all",
        )
    raise RefusedError(
        f"{folders}: {len(there)} of {len(jobs)} files are encrypted already, such as {there[0].target}",
        remedy="--update does what is new or changed, --force does all of them again",
    )


def _check_update(form: Format, *, force: bool, delete_source: bool) -> None:
    if form is not Format.CONTAINER:
        raise typer.BadParameter("it works on containers; leave out --format wire", param_hint="--update")
    if force:
        raise typer.BadParameter("--force encrypts everything again: leave one of them out", param_hint="--update")
    if delete_source:
        # A camera numbers its photos from 1 again: the new IMG_0001.jpg would replace the only copy of the old one.
        raise typer.BadParameter(
            "it replaces containers, and with --delete-source those may be the only copies: leave one of them out",
            param_hint="--update",
        )


def _conclude(plan: Plan, difference: Update, *, as_json: bool) -> None:
    """Name the containers whose source is gone, and say how many needed nothing."""
    from senseid_cli.crypt.run import put_facts
    from senseid_cli.crypt.update import without_source

    kept = without_source(plan)
    for target, source in kept:
        facts: Kept = {"done": "kept", "source": os.fspath(source), "target": os.fspath(target)}
        put_facts(facts, as_json=as_json)
    if kept:
        terminal.note(f"containers kept though their source is gone: {len(kept)}; delete them if that was meant")
    terminal.note(f"files that are as they were encrypted: {difference.unchanged}")
    if difference.other_key:
        terminal.note(f"{difference.other_key} of them are under another key: `senseid key rotate` can change that")
