"""Pictures that are compared with committed ones, with a tolerance; `SENSEID_GOLDEN=write` writes them anew.

Look at what was written before it is committed.
"""

from __future__ import annotations

import io
import os
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from pathlib import Path

COLOURS = 128
MEAN = 2.0
"""The most that pictures may differ on average, in levels of 255."""
SHARE = 0.01
FAR = 60
"""At most this share of pixels may differ by more than this many levels, both pictures blurred a little."""


def skip_with_another_font() -> None:
    """Skip, visibly, where pages have another font than the committed pictures of them."""
    matched = subprocess.run(["fc-match", "system-ui"], capture_output=True, text=True, check=False)
    if "DejaVu Sans" not in matched.stdout:
        pytest.skip(f"the pictures are made with DejaVu Sans, the font here is {matched.stdout.strip()}")


def check_golden(png: bytes, path: Path) -> None:
    """Compare a picture with the committed one."""
    with Image.open(io.BytesIO(png)) as opened:
        picture = opened.convert("RGB")
    if os.environ.get("SENSEID_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    with Image.open(path) as opened:
        golden = opened.convert("RGB")
    assert picture.size == golden.size, f"{path.name}: {picture.size} instead of {golden.size}"
    soft = ImageFilter.GaussianBlur(2)
    one, other = (np.asarray(each.filter(soft), np.int16) for each in (picture, golden))
    apart = np.abs(one - other).max(axis=2)
    assert apart.mean() <= MEAN, f"{path.name}: differs by {apart.mean():.2f} levels on average"
    share = float((apart > FAR).mean())
    assert share <= SHARE, f"{path.name}: {share:.2%} of the pixels differ"
