from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from senseid_licensing.errors import KeyFileError, LicenceMissingError
from senseid_licensing.policy import PACKAGED_POLICY, load_policy

if TYPE_CHECKING:
    from pathlib import Path

    from senseid_licensing.private_key import PrivateKey


def test_the_package_trusts_whoever_runs_it() -> None:
    policy = load_policy(PACKAGED_POLICY)
    assert (policy.trust, policy.roots) == ("local", ())


def test_a_vendors_build_carries_its_keys(tmp_path: Path, root: PrivateKey) -> None:
    path = tmp_path / "trust.toml"
    path.write_text(f'trust = "embedded"\nroots = ["{root.public.to_text().strip()}"]\n')
    policy = load_policy(path)
    assert (policy.trust, policy.roots) == ("embedded", (root.public,))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "trust = ",
        'trust = "remote"\nroots = []',
        'trust = "local"',
        'trust = "local"\nroots = ["senseid-ed25519 AAAA"]',
        'trust = "embedded"\nroots = []',
        'trust = "embedded"\nroots = ["x"]',
        'trust = "embedded"\nroots = [1]',
        'trust = "embedded"\nroots = "x"',
        'trust = "local"\nroots = []\nextra = 1',
        'trust = ["local"]\nroots = []',
    ],
)
def test_a_broken_policy_never_means_local(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trust.toml"
    path.write_text(text)
    with pytest.raises(KeyFileError):
        load_policy(path)


def test_bytes_that_are_no_text_and_no_file_at_all(tmp_path: Path) -> None:
    (tmp_path / "trust.toml").write_bytes(b"\xff")
    with pytest.raises(KeyFileError, match="broken"):
        load_policy(tmp_path / "trust.toml")
    with pytest.raises(LicenceMissingError):
        load_policy(tmp_path / "none.toml")
