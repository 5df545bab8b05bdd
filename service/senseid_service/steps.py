"""The steps of one request and how long they took, for traces. Nothing of what went through them."""

from __future__ import annotations

import dataclasses
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from senseid_engine.curve import ScoreCurve
    from senseid_engine.embed import Embedder
    from senseid_engine.engine import Engine
    from senseid_engine.finder import FaceFinder
    from senseid_engine.liveness.detector import LivenessDetector
    from senseid_engine.liveness.verify import LiveVerifier
    from senseid_engine.quality.checker import QualityChecker

MOST_STEPS: Final = 64
"""A crowd has hundreds of faces to embed, and nobody reads so many spans."""


class Step(NamedTuple):
    """One step.

    Attributes:
        name: `decode`, `detect`, `embed`, `score`, `quality` or `liveness`.
        begin: nanoseconds since 1970.
        end: the same.
    """

    name: str
    begin: int
    end: int


class Steps:
    """Takes the time of steps. Several threads may."""

    def __init__(self) -> None:
        self.taken: list[Step] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Take the time of a block."""
        begin = time.time_ns()
        try:
            yield
        finally:
            if len(self.taken) < MOST_STEPS:
                self.taken.append(Step(name, begin, time.time_ns()))

    def engine(self, engine: Engine) -> Engine:
        """An engine whose steps are taken."""
        encoder = dataclasses.replace(
            engine.encoder,
            finder=cast("FaceFinder", _Timed(engine.encoder.finder, {"find": "detect"}, self)),
            embedder=cast("Embedder", _Timed(engine.encoder.embedder, {"embed": "embed"}, self)),
        )
        curve = cast("ScoreCurve", _Timed(engine.curve, {"score": "score", "scores": "score"}, self))
        return dataclasses.replace(engine, encoder=encoder, curve=curve)

    def quality(self, checker: QualityChecker) -> QualityChecker:
        """A quality check whose steps are taken."""
        return cast("QualityChecker", _Timed(checker, {"check": "quality"}, self))

    def liveness(self, detector: LivenessDetector) -> LivenessDetector:
        """A liveness check whose time is taken."""
        return cast("LivenessDetector", _Timed(detector, {"detect": "liveness"}, self))

    def verifier(self, verifier: LiveVerifier) -> LiveVerifier:
        """A comparison of videos whose steps are taken."""
        engine, liveness = self.engine(verifier.engine), self.liveness(verifier.liveness)
        return dataclasses.replace(verifier, engine=engine, liveness=liveness)


class _Timed:
    """Stands for a part of the engine, and takes the time of some of its methods."""

    def __init__(self, part: object, names: dict[str, str], steps: Steps) -> None:
        self._part = part
        self._names = names
        self._steps = steps

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._part, attribute)
        name = self._names.get(attribute)
        if name is None:
            return found

        def timed(*arguments: Any, **named: Any) -> Any:
            with self._steps.step(name):
                return found(*arguments, **named)

        return timed
