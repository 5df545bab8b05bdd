"""`python -m tests.crypto.vectors.make`: writes the vectors. They were made once; to make them again breaks the format.

Plain steps after docs/formats/container.md, sharing no code with the package: HKDF and HMAC by the standard library.
Wire vectors come from Java (tests/crypto/Reference.java).
"""

from __future__ import annotations

import hashlib
import hmac
import shutil
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

HERE = Path(__file__).parent
KEY = "dcbbad6765e14139a07d34b92292a672"
MAGIC = b"\x89senseid\r\n\x1a\n"
CHUNK = 65536
WIRE = (
    (KEY, "df25d188a061", b""),
    (KEY, "df25d188a061", b"hello world"),
    (KEY, "df25d188a061", b"\0"),
    ("A1!b2@C3#d4$E5%f6^G7&h8*I9(j0)-_", "<{[|~+=.,;:'", bytes(range(256))),
    ("\"'`\\/?>Zz09\"'`\\/?>Zz09\"'`\\/?>Zz.", "iviviviviviv", "größer 日本".encode()),
    *(("KpVa523TPNhuOet9kbvt4ZQMqJya4Z3k", "FjHQSBqvVBK5", b"\xff" * length) for length in (15, 16, 17, 31, 32, 33)),
)


def mac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def seal(
    plain: bytes, *, key: str = KEY, name: bytes = b"a", version: int = 1, chunks: list[bytes] | None = None
) -> bytes:
    """A container; `chunks` in place of the right division of the plaintext."""
    secret, salt = key.encode(), hashlib.sha256(b"salt " + name).digest()
    start = MAGIC + bytes([version]) + mac(secret, b"senseid key id v1")[:8] + salt
    root = mac(salt, secret)
    header_key, payload_key = (mac(root, label + b"\x01") for label in LABELS)
    parts = chunks or [plain[at : at + CHUNK] for at in range(0, len(plain), CHUNK)] or [b""]
    payload = b"".join(
        ChaCha20Poly1305(payload_key).encrypt(
            number.to_bytes(11, "big") + bytes([number == len(parts) - 1]), part, None
        )
        for number, part in enumerate(parts)
    )
    return start + mac(header_key, start) + payload


LABELS = (b"senseid container v1 header", b"senseid container v1 payload")


def write(name: str, expect: str, comment: str, data: bytes, plain: bytes = b"") -> None:
    digest = hashlib.sha256(plain).hexdigest() if expect == "ok" else "-"
    header = f"expect: {expect}\ncomment: {comment}\nplain-sha256: {digest}\n\n"
    (HERE / f"{name}.vec").write_bytes(header.encode() + data)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def main() -> None:
    """Write all of them."""
    short, long = b"hello world", hashlib.shake_128(b"long").digest(CHUNK + 1)
    good, longer = seal(short), seal(long)
    edge = 85 + CHUNK + 16
    write("good-empty", "ok", "no byte", seal(b""))
    write("good-short", "ok", "11 bytes", good, short)
    write("good-one-chunk", "ok", "exactly one chunk", seal(long[:CHUNK]), long[:CHUNK])
    write("good-two-chunks", "ok", "one byte more than a chunk", longer, long)
    write("empty-file", "NotEncryptedError", "no byte at all", b"")
    write("magic", "NotEncryptedError", "another first byte", flipped(good, 0))
    write("line-ends", "NotEncryptedError", "sent as text: CR LF became LF", good.replace(b"\r\n", b"\n", 1))
    write("version-2", "VersionError", "a later version", seal(short, version=2))
    write("other-key", "MissingKeyError", "another key", seal(short, key="KpVa523TPNhuOet9kbvt4ZQMqJya4Z3k"))
    write("key-id", "MissingKeyError", "a flipped bit in the key id", flipped(good, 13))
    write("salt", "DamagedError", "a flipped bit in the salt", flipped(good, 21))
    write("mac", "DamagedError", "a flipped bit in the MAC", flipped(good, 84))
    write("magic-only", "DamagedError", "ends after the magic", good[:12])
    write("no-mac", "DamagedError", "ends before the MAC", good[:53])
    write("header-only", "DamagedError", "ends after the header", good[:85])
    write("no-tag", "DamagedError", "ends inside the tag", good[:-1])
    write("tag-only-short", "DamagedError", "a payload shorter than a tag", good[:100])
    write("flipped", "DamagedError", "a flipped bit in the ciphertext", flipped(good, 85))
    write("trailing", "DamagedError", "one byte more", good + b"\0")
    write("other-payload", "DamagedError", "the payload of another container", good[:85] + seal(short, name=b"b")[85:])
    write("cut-at-edge", "DamagedError", "the last chunk is missing", longer[:edge])
    write("last-twice", "DamagedError", "the last chunk is there twice", longer + longer[edge:])
    write("first-missing", "DamagedError", "the first chunk is missing", longer[:85] + longer[edge:])
    write(
        "short-chunk", "DamagedError", "a chunk that is not the last is short", seal(b"", chunks=[b"hello", b"world"])
    )
    write("empty-last", "DamagedError", "an empty chunk after a full one", seal(b"", chunks=[long[:CHUNK], b""]))
    requests = [f"wire {key} {iv} {plain.hex()}" for key, iv, plain in WIRE]
    java = shutil.which("java")
    assert java is not None
    done = subprocess.run(
        [java, str(HERE.parent / "Reference.java")],
        input="\n".join(requests),
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [
        f"{request.removeprefix('wire ')} {made}" for request, made in zip(requests, done.stdout.split(), strict=True)
    ]
    (HERE / "wire.txt").write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
