"""The package as a whole: light, and with one base error."""

from __future__ import annotations

import inspect
import subprocess
import sys

from senseid_crypto import errors
from senseid_crypto.errors import CryptoError


def test_plain_media_cost_no_cryptographic_library() -> None:
    script = (
        "import sys\n"
        "import senseid_crypto.container, senseid_crypto.key_folder, senseid_crypto.recognise, senseid_crypto.sealed\n"
        "assert senseid_crypto.recognise.format_of(b'\\xff\\xd8\\xff' + bytes(100)) is None\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print(*loaded & {'cryptography', 'dotenv', 'keyring', 'numpy', 'typer', 'rich', 'senseid_engine'})\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_one_base_error_drawn_as_a_tree() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
    assert len(kinds) == 10
    for kind in kinds:
        assert issubclass(kind, CryptoError)
        assert kind.__name__ in (CryptoError.__doc__ or "")


def test_an_error_gets_its_place() -> None:
    error = errors.DamagedError("is damaged", remedy="mend it").at("a.senseid")
    assert (type(error), str(error), error.remedy) == (errors.DamagedError, "a.senseid: is damaged", "mend it")
