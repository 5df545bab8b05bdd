"""The licences of one installation: `license/<product>/<product>.lic` under the data directory."""

from __future__ import annotations

import shlex
from contextlib import suppress
from typing import TYPE_CHECKING

from senseid_licensing.clock import NEVER, ClockRecord, check_plausible
from senseid_licensing.errors import (
    ArgumentError,
    ExpiredError,
    LicenceMissingError,
    LicensingError,
    UnreadableError,
    about,
)
from senseid_licensing.files import read_file, write_file
from senseid_licensing.instant import format_instant
from senseid_licensing.licence import parse_licence_file
from senseid_licensing.policy import PACKAGED_POLICY, load_policy
from senseid_licensing.product import Product
from senseid_licensing.public_key import parse_public_key
from senseid_licensing.revocation_record import RevocationRecord
from senseid_licensing.trust import TrustRoots
from senseid_licensing.verified import VerifiedLicence, VerifiedLicences, missing_licence
from senseid_licensing.verify import verify

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from senseid_licensing.context import Context
    from senseid_licensing.policy import TrustPolicy
    from senseid_licensing.public_key import PublicKey


class LicenceStore:
    """Licences, trust roots and the clock's mark of one data directory."""

    def __init__(self, data_dir: Path, *, policy: Path = PACKAGED_POLICY) -> None:
        """Open nothing yet; the directory need not exist.

        Args:
            data_dir: the data directory.
            policy: the trust policy; the package's own unless a test says otherwise.
        """
        self.data_dir = data_dir
        self._policy = policy
        self.clock = ClockRecord(data_dir / "state" / "clock.json")
        self.revocations = RevocationRecord(self.revocations_path, data_dir / "state" / "revoked")

    @property
    def policy(self) -> TrustPolicy:
        """The trust policy of the package."""
        return load_policy(self._policy)

    @property
    def roots_dir(self) -> Path:
        """The folder of the public keys of local trust roots."""
        return self.data_dir / "trust" / "roots"

    @property
    def root_key_path(self) -> Path:
        """The path of the private key of a user who is their own vendor."""
        return self.data_dir / "vendor" / "root.key"

    @property
    def revocations_path(self) -> Path:
        """The path of the revocation list."""
        return self.data_dir / "license" / "revoked.json"

    def path(self, product: Product) -> Path:
        """The path of a product's licence."""
        return self.data_dir / "license" / product / f"{product}.lic"

    def roots(self) -> TrustRoots:
        """The trust roots of this installation.

        Raises:
            KeyFileError: the policy or one of the roots is broken.
            UnreadableError: their folder cannot be read.
            LicensingError: the revocation list does not verify.
        """
        policy = self.policy
        if policy.trust == "embedded":
            keys = {key.id: key for key in policy.roots}
            return TrustRoots(keys, self.revocations.ids(keys), "ask your vendor for a licence for this build")
        keys = {key.id: key for key in map(_read_root, self.root_files())}
        return TrustRoots(
            keys, self.revocations.ids(keys), f"if you trust the issuer, put its .pub file into {self.roots_dir}"
        )

    def root_files(self) -> list[Path]:
        """The files of the local trust roots, in order; none where there is no folder. Raises `UnreadableError`."""
        try:
            return sorted(path for path in self.roots_dir.iterdir() if path.suffix == ".pub")
        except FileNotFoundError:
            return []
        except OSError as error:
            # Not an empty list: licences would be refused as a stranger's.
            raise UnreadableError(
                f"the trust roots cannot be read: {error.strerror or error}",
                remedy="check the path and its permissions",
            ).at(str(self.roots_dir)) from None

    def trust(self, key: PublicKey) -> Path:
        """Make a key a local trust root and return its path. It counts only under the policy "local"."""
        path = self.roots_dir / f"{key.id}.pub"
        write_file(path, key.to_text().encode())
        return path

    def load(self, product: Product) -> bytes:
        """The bytes of a product's licence file.

        Raises:
            LicenceMissingError: there is none.
            UnreadableError: it cannot be read.
        """
        try:
            return read_file(self.path(product), "licence file")
        except LicenceMissingError:
            raise missing_licence(product).at(str(self.path(product))) from None

    def verify_all(self, context: Context, kept: dict[Product, bytes] | None = None) -> VerifiedLicences:
        """Verify every product's licence. Raises nothing: a failure is raised when its product is required.

        Args:
            context: this machine, and the time.
            kept: the memory of a process that runs on: the last good file of each product. Where the file that took its
                place is refused, other than for having ended, the one before counts while it verifies itself, and the
                error is beside it in `failures`. A file that was removed is forgotten.
        """
        kept = {} if kept is None else kept
        try:
            roots = self.roots()
            self.revocations.remember(roots.keys, context.now)
        except LicensingError as error:
            return VerifiedLicences({}, dict.fromkeys(Product, error))
        licences: dict[Product, VerifiedLicence] = {}
        failures: dict[Product, LicensingError] = {}
        for product in Product:
            try:
                data = self.load(product)
                with about(self.path(product)):
                    licences[product] = _verify(data, product, context, roots)
                kept[product] = data
            except LicensingError as error:
                failures[product] = self._with_strays(error, product)
                if isinstance(error, ExpiredError | LicenceMissingError):
                    kept.pop(product, None)
                elif product in kept:
                    with suppress(LicensingError):
                        licences[product] = _verify(kept[product], product, context, roots)
        expired = any(isinstance(error, ExpiredError) for error in failures.values())
        if licences or expired:
            try:
                issued = [licence.issued for licence in licences.values()]
                self.clock.check(context.now, max(issued, default=NEVER))
            except LicensingError as error:
                return VerifiedLicences({}, {**dict.fromkeys(licences, error), **failures})
        return VerifiedLicences(licences, failures)

    def strays(self, product: Product, *, after: datetime = NEVER) -> list[Path]:
        """Files for a product that lie in its folder, or in that above it, under another name: nothing reads them.

        Args:
            product: the product.
            after: only licences that end later, which may be the renewal of one that ends then. Nothing is verified.
        """
        place = self.path(product)
        ends = {path: _end(path, product) for folder in (place.parent, place.parent.parent) for path in _files(folder)}
        # What is no licence is named where somebody meant it to be one.
        return [
            path
            for path, end in ends.items()
            if path != place and (after < end if end else path.parent == place.parent and after == NEVER)
        ]

    def _with_strays(self, error: LicensingError, product: Product) -> LicensingError:
        """The same error with the way out, where a licence lies in the right folder under another name."""
        strays = self.strays(product)
        if not strays:
            return error
        told = type(error)(error.message, remedy=install_command(strays))
        told.place = error.place
        return told

    def check(self, data: bytes, context: Context) -> VerifiedLicence:
        """Verify a licence that is not installed, for its own product. Nothing is written.

        Raises:
            LicensingError: it is refused.
        """
        return _verify(data, parse_licence_file(data).leaf.licence.product, context, self.roots())

    def install(self, data: bytes, context: Context) -> VerifiedLicence:
        """Verify a licence, then install it for its product.

        A refused one changes nothing. A licence newer than all before it also corrects the clock's mark.

        Raises:
            LicensingError: it was refused, or cannot be written.
        """
        licence = self.check(data, context)
        mark = self.clock.admit(context.now, licence.issued)
        write_file(self.path(licence.product), data)
        self.clock.keep(mark)
        return licence

    def renew(self, data: bytes, context: Context) -> VerifiedLicence:
        """Install a licence in place of one of the same product that ends earlier, or is damaged.

        Raises:
            LicenceMissingError: there is none to renew.
            ArgumentError: the new one does not last longer.
            LicensingError: it was refused, or cannot be written.
        """
        new = parse_licence_file(data).leaf.licence
        end = _last_second(self.load(new.product))
        if new.not_after <= end:
            raise ArgumentError(
                f"it ends at {format_instant(new.not_after)}, not later than the installed one ({format_instant(end)})",
                remedy="ask for a newer one, or use `senseid license install` to replace it all the same",
            )
        return self.install(data, context)

    def reset_clock(self, now: datetime) -> datetime | None:
        """Reset the clock's mark to `now`, after a clock ran ahead by mistake.

        Returns:
            The latest time that was seen; None if there was no readable mark.

        Raises:
            ArgumentError: this build takes the time from its vendor.
            ClockError: `now` is implausible too.
            StorageError: the mark cannot be written.
        """
        check_plausible(now)
        if self.policy.trust == "embedded":
            raise ArgumentError(
                "this build takes the time from its vendor's licences",
                remedy="ask your vendor for a licence that is issued now, then `senseid license install FILE`",
            )
        return self.clock.reset(now)


def install_command(files: list[Path]) -> str:
    """The hint for licences that lie under other names than their own."""
    return f"put it in its place: `senseid license install {' '.join(shlex.quote(str(file)) for file in files)}`"


def _files(folder: Path) -> list[Path]:
    """The files of a folder that end in .lic, in order; none where it cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() == ".lic" and path.is_file())
    except OSError:
        return []


def _end(path: Path, product: Product) -> datetime | None:
    """The last second of a licence as it says, unverified; None if it is no licence for the product."""
    try:
        licence = parse_licence_file(read_file(path, "licence file")).leaf.licence
    except LicensingError:
        return None
    return licence.not_after if licence.product is product else None


def _read_root(path: Path) -> PublicKey:
    data = read_file(path, "trust root")
    with about(path):
        return parse_public_key(data.decode("utf-8", "replace"))


def _last_second(data: bytes) -> datetime:
    """The last second of an installed licence. A damaged one counts as over, so as not to block its successor."""
    try:
        return parse_licence_file(data).leaf.licence.not_after
    except LicensingError:
        return NEVER


def _verify(data: bytes, product: Product, context: Context, roots: TrustRoots) -> VerifiedLicence:
    return verify(
        data,
        product=product,
        machine=context.machine,
        now=context.now,
        version=context.version,
        platform=context.platform,
        roots=roots,
    )
