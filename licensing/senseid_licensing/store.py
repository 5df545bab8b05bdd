"""The licences of one installation: `license/<product>/<product>.lic` under the data directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid_licensing.clock import NEVER, ClockRecord, check_plausible
from senseid_licensing.errors import ArgumentError, ExpiredError, LicenceMissingError, LicensingError, about
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
            LicensingError: the revocation list does not verify.
        """
        policy = self.policy
        if policy.trust == "embedded":
            keys = {key.id: key for key in policy.roots}
            return TrustRoots(keys, self.revocations.ids(keys), "ask your vendor for a licence for this build")
        keys = {key.id: key for key in map(_read_root, sorted(self.roots_dir.glob("*.pub")))}
        return TrustRoots(
            keys, self.revocations.ids(keys), f"if you trust the issuer, put its .pub file into {self.roots_dir}"
        )

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

    def verify_all(self, context: Context) -> VerifiedLicences:
        """Verify every product's licence. Raises nothing: a failure is raised when its product is required."""
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
            except LicensingError as error:
                failures[product] = error
        expired = any(isinstance(error, ExpiredError) for error in failures.values())
        if licences or expired:
            try:
                issued = [licence.issued for licence in licences.values()]
                self.clock.check(context.now, max(issued, default=NEVER))
            except LicensingError as error:
                return VerifiedLicences({}, {**dict.fromkeys(licences, error), **failures})
        return VerifiedLicences(licences, failures)

    def install(self, data: bytes, context: Context) -> VerifiedLicence:
        """Verify a licence, then install it for its product.

        A refused one changes nothing. A licence newer than all before it also corrects the clock's mark.

        Raises:
            LicensingError: it was refused, or cannot be written.
        """
        product = parse_licence_file(data).leaf.licence.product
        licence = _verify(data, product, context, self.roots())
        mark = self.clock.admit(context.now, licence.issued)
        write_file(self.path(product), data)
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
        end = _end(self.load(new.product))
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


def _read_root(path: Path) -> PublicKey:
    data = read_file(path, "trust root")
    with about(path):
        return parse_public_key(data.decode("utf-8", "replace"))


def _end(data: bytes) -> datetime:
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
