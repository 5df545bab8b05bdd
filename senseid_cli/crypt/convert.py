"""Encryption, decryption and re-encryption of one file in constant memory."""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from senseid.errors import OutputError, RefusedError
from senseid.output_file import new_file, sync
from senseid_cli import media
from senseid_cli.crypt import streams
from senseid_cli.crypt.streams import Pieces, Reader
from senseid_crypto import container, wire
from senseid_crypto.chunks import read_fully
from senseid_crypto.errors import CryptoError
from senseid_crypto.format import Format
from senseid_crypto.fsync import sync_folder
from senseid_engine.errors import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from senseid_cli.crypt.file_jobs import FileJob
    from senseid_crypto.chunks import Source
    from senseid_crypto.key import Key

    Advance = Callable[[int], None]
    AnyPieces = Iterator[bytes | memoryview]


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Options for writing files.

    Attributes:
        force: whether they may replace others.
        delete_source: whether each source is removed, once its output has been read back and verified.
        entropy: returns that many random bytes.
        threads: how many may encrypt at once.
    """

    force: bool
    delete_source: bool
    entropy: Callable[[int], bytes]
    threads: int


def encrypt_file(job: FileJob, key: Key, form: Format, options: WriteOptions, advance: Advance) -> None:
    """Encrypt one file.

    Args:
        job: the file to read and the file to write.
        key: the key to encrypt with.
        form: the format of the output.
        options: how files are written.
        advance: called with the number of bytes that were read.

    Raises:
        MediaError: the source cannot be read.
        OperationError: it is encrypted already; the target cannot be written, or the source cannot be deleted.
    """
    name = media.name_of(job.source)
    with streams.opened(job.source) as file, _about(name):
        before = _facts(job, file, options)
        reader = Reader(file, name, advance)
        if job.source != media.STDIN and reader.look(len(container.MAGIC)) == container.MAGIC:
            raise RefusedError(
                f"{name} is encrypted already",
                remedy="there is nothing to do; `senseid key rotate` puts containers under another key",
            )
        pieces = _encrypted(reader, key, form, options)
        if job.target is None:
            streams.check_apart(file, name)
            streams.put_stdout(pieces)
            return
        with _output(job, job.target, options, before) as output:
            output.writelines(pieces)
            if options.delete_source:
                sync(output)
                output.seek(0)
                file.seek(0)
                again = _decrypted(Reader(output, str(job.target), ignore), [key], form, options)
                _check_same(again, Reader(file, name, ignore), job.target)
        if options.delete_source:
            _delete(Path(job.source), before, job.target)


def decrypt_file(job: FileJob, keys: Iterable[Key], options: WriteOptions, advance: Advance) -> Format:
    """Decrypt one file. No output gets a name or is written to a pipe before all input has been authenticated.

    A container that goes into a file is decrypted while it is read; anything else is read twice, first to check it. For
    that, input from a pipe is copied, and so is wire text that goes to standard output: its file could be changed
    between the two reads, and it is authentic only as a whole.

    Args:
        job: the file to read and the file to write.
        keys: the keys to choose from.
        options: how files are written.
        advance: called with the number of bytes that were read.

    Returns:
        The format that it was in.

    Raises:
        MediaError: the source cannot be read.
        CryptoError: it cannot be decrypted.
        OperationError: the target cannot be written, or the source cannot be deleted.
    """
    name = media.name_of(job.source)
    with streams.opened(job.source) as file, _about(name):
        before = _facts(job, file, options)
        if job.target is None:
            streams.check_apart(file, name)
        start = file.tell() if file.seekable() else 0
        reader = Reader(file, name, advance)
        form = Format.CONTAINER if reader.look(len(container.MAGIC)) == container.MAGIC else Format.WIRE
        at_once = form is Format.CONTAINER and job.target is not None
        keep = not at_once and (not file.seekable() or (form is Format.WIRE and job.target is None))
        with streams.kept(reader) if keep else nullcontext(file) as source:
            start = 0 if keep else start

            def from_start(tell: Advance = ignore) -> Reader:
                source.seek(start)
                return Reader(source, name, tell)

            if not at_once:
                keys = [_find_key(from_start(ignore if keep else advance), keys, form, options)]
                reader = from_start()
            pieces = _decrypted(reader, keys, form, options)
            if job.target is None:
                streams.put_stdout(pieces)
                return form
            with _output(job, job.target, options, before) as output:
                output.writelines(pieces)
                if options.delete_source:
                    sync(output)
                    output.seek(0)
                    again = _decrypted(from_start(), keys, form, options)
                    _check_same(again, Reader(output, str(job.target), ignore), job.target)
        if options.delete_source:
            _delete(Path(job.source), before, job.target)
    return form


def reencrypt_file(path: Path, keys: Iterable[Key], new: Key, options: WriteOptions, advance: Advance) -> bool:
    """Re-encrypt a container in place. Its plaintext is in memory only, a few pieces at a time.

    Args:
        path: the container.
        keys: the keys to choose from.
        new: the key to encrypt with.
        options: how files are written; a container always replaces the old one.
        advance: called with the number of bytes that were read.

    Returns:
        Whether it was under another key.

    Raises:
        MediaError: it cannot be read.
        CryptoError: it cannot be decrypted.
        OutputError: it cannot be written, or does not read back correctly: the old one is untouched.
    """
    from senseid_engine.media import open_media

    name, form = str(path), Format.CONTAINER
    with open_media(path, "file") as file, _about(name):
        if container.read_header(Reader(file, name, ignore)).key_id == new.raw_id:
            advance(os.fstat(file.fileno()).st_size)
            return False
        file.seek(0)
        with new_file(path, overwrite=True, like=os.fstat(file.fileno())) as output:
            plain = Pieces(_decrypted(Reader(file, name, advance), keys, form, options))
            output.writelines(_encrypted(plain, new, form, options))
            sync(output)
            output.seek(0)
            file.seek(0)
            again = _decrypted(Reader(output, name, ignore), [new], form, options)
            _check_same(again, Pieces(_decrypted(Reader(file, name, ignore), keys, form, options)), path)
    return True


def _encrypted(source: Source, key: Key, form: Format, options: WriteOptions) -> AnyPieces:
    if form is Format.WIRE:
        return wire.encrypt(source, key)
    return container.encrypt(source, key, entropy=options.entropy, threads=options.threads)


def _decrypted(source: Source, keys: Iterable[Key], form: Format, options: WriteOptions) -> AnyPieces:
    if form is Format.WIRE:
        (key,) = keys
        return wire.decrypt(source, key)
    return container.decrypt(source, keys, threads=options.threads)


def _find_key(source: Source, keys: Iterable[Key], form: Format, options: WriteOptions) -> Key:
    """Read everything and return the key that it authenticates under."""
    if form is Format.WIRE:
        return wire.find_key(source, keys)
    header = container.read_header(source)
    key = container.find_key(header, keys)
    for _ in container.decrypt_payload(source, header, key, threads=options.threads):
        pass
    return key


@contextmanager
def _about(name: str) -> Iterator[None]:
    """Prefix the messages of encryption errors with the file that the step works on."""
    try:
        yield
    except CryptoError as error:
        raise error.at(name) from None


def _facts(job: FileJob, file: BinaryIO, options: WriteOptions) -> os.stat_result | None:
    """The source's permissions and times; None for standard input.

    Raises:
        RefusedError: it is to be deleted, and that would leave its content elsewhere.
    """
    if job.source == media.STDIN:
        return None
    facts = os.fstat(file.fileno())
    if options.delete_source and (Path(job.source).is_symlink() or facts.st_nlink > 1):
        raise RefusedError(
            f"{job.source} has another name too, under which its content would stay",
            remedy="leave --delete-source out, or name the file itself and delete its links first",
        )
    return facts


def _output(
    job: FileJob, target: Path, options: WriteOptions, like: os.stat_result | None
) -> AbstractContextManager[BinaryIO]:
    if job.makes_folders:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{target.parent} cannot be made: {reason_of(error)}",
                remedy="check the folder's permissions",
            ) from error
    return new_file(target, overwrite=options.force, like=like)


def _check_same(pieces: AnyPieces, other: Source, target: Path) -> None:
    """Read the output back and compare it with what it should be.

    Raises:
        OutputError: they differ.
    """
    same = True
    for piece in pieces:
        room = memoryview(bytearray(len(piece)))
        same = same and read_fully(other, room) == len(piece) and room == piece
    if not same or read_fully(other, memoryview(bytearray(1))):
        raise OutputError(
            f"{target} does not read back as it was written, or its source changed meanwhile: nothing was replaced",
            remedy="try again; check the disk",
        )


def _delete(path: Path, before: os.stat_result | None, target: Path) -> None:
    """Delete a source if it is still the file that was read, once its result would survive a power cut.

    Raises:
        OutputError: it is another one, or cannot be deleted.
    """
    try:
        facts = path.lstat()
        if before is None or not os.path.samestat(facts, before) or facts.st_mtime_ns != before.st_mtime_ns:
            raise OutputError(f"{path} was exchanged or changed meanwhile, and is kept", remedy="look at both files")
        sync_folder(target.parent)
        path.unlink()
    except OSError as error:
        raise OutputError(
            f"{path} cannot be deleted: {reason_of(error)}",
            remedy="delete it yourself: its result is written and checked",
        ) from error


def ignore(_: int) -> None:
    """Ignore progress."""
