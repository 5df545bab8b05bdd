"""The ROC and DET curves as PNG, drawn with matplotlib (the extra `report`)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from senseid_engine.calibration.run import CalibrationResult

INCHES = (7.0, 5.0)
DPI = 120


def available() -> bool:
    """Whether matplotlib is installed."""
    from importlib.util import find_spec

    return find_spec("matplotlib") is not None


def det_png(result: CalibrationResult) -> bytes:
    """FNMR over FMR, both on a log scale, with the scores 0.4 .. 0.9 marked."""
    return _draw(result, roc=False)


def roc_png(result: CalibrationResult) -> bytes:
    """The true match rate over the FMR, on a log scale, with the same marks."""
    return _draw(result, roc=True)


def _draw(result: CalibrationResult, *, roc: bool) -> bytes:
    # No pyplot: it keeps figures in a global list and looks for a display.
    from matplotlib.figure import Figure

    figure = Figure(figsize=INCHES, dpi=DPI, layout="constrained")
    axes = figure.subplots()
    provenance = result.curve.provenance
    # Zero has no place on a log scale: it lies on the edge, below the least rate that the pairs can show.
    least_fmr, least_fnmr = 0.5 / provenance.impostor_pairs, 0.0 if roc else 0.5 / provenance.genuine_pairs
    axes.plot(
        [max(point.fmr, least_fmr) for point in result.det],
        [_height(max(point.fnmr, least_fnmr), roc=roc) for point in result.det],
        color="tab:blue",
    )
    _mark_scores(axes, result, roc=roc)
    if any(point.fmr == point.fnmr == 0 for point in result.det):
        words = f"the scores separate fully: the edges are 0, and below\n3/{provenance.impostor_pairs:,} and"
        axes.text(
            0.5,
            0.5,
            f"{words} 3/{provenance.genuine_pairs:,} with 95 % confidence",
            transform=axes.transAxes,
            ha="center",
        )
    axes.set_xscale("log")
    if not roc:
        axes.set_yscale("log")
    axes.set_xlabel("false-match rate")
    axes.set_ylabel("recognised (1 - FNMR)" if roc else "false-non-match rate")
    # parse_math: a dollar sign in the name of a set does not start a formula.
    axes.set_title(
        f"{provenance.set_name}: {provenance.people:,} people, {provenance.genuine_pairs:,} genuine and"
        f" {provenance.impostor_pairs:,} impostor pairs",
        fontsize="small",
        parse_math=False,
    )
    axes.grid(visible=True, which="both", alpha=0.25)
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()


def _mark_scores(axes: Axes, result: CalibrationResult, *, roc: bool) -> None:
    for row in result.curve.provenance.rates:
        if row.fmr.events and (roc or row.fnmr.events):
            at = (row.fmr.value, _height(row.fnmr.value, roc=roc))
            axes.plot(*at, "o", color="tab:orange", markersize=4)
            axes.annotate(f"{row.score}", at, textcoords="offset points", xytext=(4, 4), fontsize="small")


def _height(fnmr: float, *, roc: bool) -> float:
    return 1 - fnmr if roc else fnmr
