"""Templates that outlive a run, encrypted with the user's key: asked for with `--cache`, never kept otherwise.

A file is named by an HMAC under the key of what it holds, so that the folder does not even tell whether a photo that
somebody has is among those it was made from. Inside, the name stands once more: files that were swapped are not
believed.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from senseid_cli.batch.cache_folder import path_of
from senseid_cli.batch.work import Encoded, dump, load
from senseid_engine.errors import reason_of
from senseid_models.open_file import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from senseid_cli.batch.work import Work
    from senseid_crypto.key import Key

_CONTEXT = b"senseid batch cache v1"
# More than the templates of a thousand faces. What is longer is none of ours, and cut off here it does not decrypt.
_MOST_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of encrypted templates.

    Attributes:
        folder: where; made when the first is put there.
        key: encrypts and names them.
        models: the models, and the processor, that made them: those of others are not found.
        entropy: gives that many random bytes.
    """

    folder: Path
    key: Key
    models: str
    entropy: Callable[[int], bytes]

    def get(self, work: Work, digest: str) -> Encoded | None:
        """The result that is kept. What is damaged, or not what its name says, counts as absent: it is made again."""
        from senseid_crypto.errors import CryptoError
        from senseid_crypto.sealed import open_bytes

        name = self._name(work, digest)
        try:
            with open_regular(path_of(self.folder, name)) as file:
                plain = open_bytes(file.read(_MOST_BYTES), [self.key])
            head = name.encode()
            return load(plain[len(head) :]) if plain.startswith(head) else None
        except (OSError, CryptoError, ValueError, KeyError):
            return None

    def put(self, work: Work, digest: str, result: Any) -> None:
        """Keep a result. Only templates are kept, no refusals: what is wrong with a photo is cheap to see again.

        Raises:
            OutputError: the folder cannot be written.
        """
        from senseid_cli import paths
        from senseid_crypto.sealed import seal_bytes

        if not isinstance(result, Encoded):
            return
        name = self._name(work, digest)
        path = path_of(self.folder, name)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            from senseid.errors import OutputError

            raise OutputError(
                f"{path.parent} cannot be made: {reason_of(error)}",
                remedy="check the path of --cache",
            ) from error
        paths.write_output(path, seal_bytes(name.encode() + dump(result), self.key, entropy=self.entropy))

    def _name(self, work: Work, digest: str) -> str:
        facts = f"{self.models} {digest} {work.identity}".encode()
        return hmac.digest(self.key.secret, _CONTEXT + facts, "sha256").hex()
