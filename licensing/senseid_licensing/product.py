"""The products that licences are issued for, one licence file each."""

from __future__ import annotations

from enum import StrEnum


class Product(StrEnum):
    """A licensed product. The value names its licence file and folder."""

    FACE = "senseid_face"
    KESTREL = "senseid_kestrel"
    LIVENESS = "senseid_liveness"
