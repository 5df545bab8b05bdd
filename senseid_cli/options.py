"""Options that several commands share."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senseid_engine.device import Device

if TYPE_CHECKING:
    from collections.abc import Mapping


def refuse_given(options: Mapping[str, object], why: str) -> None:
    """Refuse options that have no effect here.

    Args:
        options: the value of each option; one that was not given is None, False or empty.
        why: what they are about instead.

    Raises:
        BadParameter: one was given.
    """
    for option, value in options.items():
        if value:
            raise typer.BadParameter(why, param_hint=option)


def _threshold(text: str) -> float:
    """A score from 0 to 1."""
    with suppress(ValueError):
        value = float(text)
        # A range check alone lets NaN through: every comparison with it is false.
        if math.isfinite(value) and 0 <= value <= 1:
            return value
    percent, comma = re.fullmatch(r"(\d\d?)\s*%", text), re.fullmatch(r"0,(\d+)", text)
    meant = int(percent[1]) / 100 if percent else f"0.{comma[1]}" if comma else 0.7
    raise typer.BadParameter(
        f"{text!r} is not a number from 0 to 1 (0.7 is reached by 1 in 10,000 strangers): type `--threshold {meant}`"
    )


FirstPhoto = Annotated[str, typer.Argument(metavar="A", help="The first photo; `-` is standard input.")]
SecondPhoto = Annotated[str, typer.Argument(metavar="B", help="The second photo; `-` is standard input.")]
References = Annotated[
    list[str] | None,
    typer.Option(
        "--reference",
        metavar="PHOTO",
        help="A photo of the person; give it once for each of up to 10. One score is given for all of them together.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: the body of the HTTP API, one object on one line.")]
Threshold = Annotated[
    float,
    typer.Option(
        "--threshold",
        parser=_threshold,
        metavar="SCORE",
        help="The score, from 0 to 1, from which on it is a match. A stranger reaches 0.7 once in 10,000 times.",
    ),
]
DeviceName = Annotated[
    Device,
    typer.Option(
        "--device",
        metavar="auto|cpu|openvino|cuda",
        envvar="SENSEID_DEVICE",
        help="Where the networks run. All give the same; `senseid doctor` says which are there.",
    ),
]
DecisionLogFile = Annotated[
    Path | None,
    typer.Option(
        "--decision-log",
        metavar="FILE",
        envvar="SENSEID_DECISION_LOG",
        help="Append the decision to this log, as numbers alone: see `senseid audit`.",
    ),
]
LogNames = Annotated[bool, typer.Option("--log-names", help="With --decision-log: the names of the inputs, too.")]
PlainFaces = Annotated[
    bool,
    typer.Option("--plain-faces", help="Also show photos that are encrypted on the page, which is not encrypted."),
]
EnvFile = Annotated[
    Path | None,
    typer.Option(
        "--env-file",
        metavar="FILE",
        help="The .env file of the service's settings.",
        show_default=".env, if it is there",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", metavar="COUNT", min=1, help="Photos worked on at the same time; as the CPUs allow if unset."
    ),
]
AutoRotate = Annotated[
    bool, typer.Option("--auto-rotate", help="Turn a sideways or upside-down photo by looking for its faces.")
]
CheckQuality = Annotated[
    bool,
    typer.Option(
        "--check-quality", help="Refuse a photo on which an eye, the nose or the mouth of a compared face is covered."
    ),
]
SingleFace = Annotated[
    bool,
    typer.Option("--single-face", help="Refuse a photo whose second face is at least half as large as the largest."),
]
CheckLiveness = Annotated[
    bool,
    typer.Option("--check-liveness", help="Refuse a photo whose compared face looks like one on paper or on a screen."),
]
ReturnStatus = Annotated[bool, typer.Option("--return-status", help="With --json: add `liveness_status`.")]
ReturnImage = Annotated[
    bool,
    typer.Option("--return-image", help="With --json, if the check passes: add the selected frame and its time."),
]
ReturnFaceImage = Annotated[
    bool, typer.Option("--return-face-image", help="With --json, if the check passes: add the face of that frame.")
]
