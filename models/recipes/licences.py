"""The licences under which a recipe opens the models that it needs."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from senseid_licensing.context import context_here
from senseid_licensing.quickstart import quickstart
from senseid_licensing.store import LicenceStore

if TYPE_CHECKING:
    from senseid_licensing.verified import VerifiedLicences


def licences_of_this_run() -> VerifiedLicences:
    """Make and verify temporary licences, which are not stored."""
    with tempfile.TemporaryDirectory() as folder:
        store = LicenceStore(Path(folder))
        context = context_here(now=datetime.now(UTC), version="0")
        quickstart(store, context, licensee="recipe", entropy=os.urandom)
        return store.verify_all(context)
