"""One face followed through a video: what the temporal evidence, the stills classifier and the selection look at.

Faces are searched for once a second. In between the face mesh finds each again from where it was a frame ago, which
costs a fifth of the search. Nothing here keeps a video: memory is bounded by the number of frames that are looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine import warp
from senseid_engine.detect import Detection
from senseid_engine.faces import CERTAIN, LEAST_PRESENCE, Face, face_of
from senseid_engine.image import Image
from senseid_engine.landmarks import level_crop
from senseid_engine.video import long_enough

if TYPE_CHECKING:
    from collections.abc import Iterable

    from senseid_engine.arrays import Doubles, Floats, Pixels
    from senseid_engine.finder import FaceFinder
    from senseid_engine.landmarks import Landmarks
    from senseid_engine.video import Frame

CHIP_SIDE: Final = 120
"""Side of a chip, in pixels."""

CHIP_SHARE: Final = 1.5
"""Side of the square that a chip shows, over the longer side of the landmarks' upright box."""

THUMBNAIL: Final = (64, 48)
"""Width and height of a thumbnail, in pixels."""

MOST_STILLS: Final = 16
"""The most frames of a track that keep their whole image; at least half as many do in a track that is long enough."""

MOST_FACES: Final = 3
"""The most faces that are followed at a time."""

MOST_GAP: Final = 0.5
"""The most seconds that one frame stands for."""

_SEARCH_SIDE: Final = 640
# To average whole blocks of pixels down to this first is ten times as fast for most frames.
_REDUCED_SIDE: Final = 320
_SEARCH_EVERY: Final = 10
"""Frames, of ten a second, from one search for faces to the next."""
_SEARCH_AGAIN: Final = 3
"""The same where the last search found none."""
_LEAST_OVERLAP: Final = 0.3
_MOST_UNCONFIRMED: Final = 3
# The mesh doubts the face on many a dim or glaring screen. To follow one, and then to judge it, takes less than to find
# one in a photo, where the detector is sure.
_LEAST_FOLLOWED: Final = 0.1


@dataclass(frozen=True, slots=True)
class TrackedFrame:
    """One frame in which the face was found.

    Attributes:
        index: which of the frames that were looked at, from 0; a number is left out where the face was not found.
        timestamp: seconds since the first frame of the video.
        face: the face, in pixels of the frame.
        chip: uint8 (CHIP_SIDE, CHIP_SIDE), grey: the square around the face, its eyes level; beyond the edge of the
            frame the pixels at the edge are repeated.
        corners: float32 (4, 2): the corners of the frame in the chip, which a close-up may go beyond.
        thumbnail: uint8, `THUMBNAIL` wide and high, grey: the frame.
        image: the frame; None but for `MOST_STILLS` frames at most, evenly spread.
    """

    index: int
    timestamp: float
    face: Face
    chip: Pixels = field(repr=False)
    corners: Floats = field(repr=False)
    thumbnail: Pixels = field(repr=False)
    image: Image | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """The face that a video is about.

    Of the faces that are seen for `LEAST_SECONDS` of a video it is the one with the greatest sum of sizes over all
    frames; where none is seen that long, it is the one with the greatest sum of all.

    Attributes:
        frames: those in which it was found, in order; at least one.
        width: of every frame, pixels.
        height: of every frame, pixels.
        looked_at: how many frames were looked at.
        seconds: how long the face was seen. A frame stands for the time until the next one, at most `MOST_GAP`.
        others: how many other faces were followed.
    """

    frames: tuple[TrackedFrame, ...]
    width: int
    height: int
    looked_at: int
    seconds: float
    others: int

    @property
    def stills(self) -> tuple[tuple[TrackedFrame, Image], ...]:
        """The frames that kept their image, with it; at least one."""
        return tuple((frame, frame.image) for frame in self.frames if frame.image is not None)


def track_largest(frames: Iterable[Frame], finder: FaceFinder, *, name: str) -> FaceTrack | None:
    """Follow the faces of a video, and keep the one that it is about.

    Args:
        frames: of one video, in order, all of one shape.
        finder: finds faces.
        name: what the caller calls the video.

    Returns:
        None where no frame shows a face.

    Raises:
        EngineError: whatever `frames` raises.
    """
    tracker = _Tracker(finder, name)
    times: list[float] = []
    shape: tuple[int, ...] = (0, 0, 3)
    for frame in frames:
        tracker.add(len(times), frame)
        times.append(frame.timestamp)
        shape = frame.pixels.shape
    tracks = [track for track in tracker.tracks if track.frames]
    if not tracks:
        return None
    durations = _durations(times)
    seen = [float(sum(durations[frame.index] for frame in track.frames)) for track in tracks]
    about = max(range(len(tracks)), key=lambda i: (long_enough(seen[i]), tracks[i].size))
    return FaceTrack(tuple(tracks[about].frames), shape[1], shape[0], len(times), seen[about], len(tracks) - 1)


def _durations(times: list[float]) -> Doubles:
    """The seconds that each frame stands for; the last as long as the median of the others."""
    gaps = np.minimum(np.diff(times), MOST_GAP)
    last = float(np.median(gaps)) if len(gaps) else 0.0
    return np.append(gaps, last)


class _Track:
    """One face while it is followed."""

    def __init__(self) -> None:
        self.frames: list[TrackedFrame] = []
        self.size = 0.0
        self.unconfirmed = 0
        self._every = 1

    @property
    def last(self) -> TrackedFrame:
        return self.frames[-1]

    def add(self, frame: TrackedFrame, image: Image) -> None:
        """Append a frame. The image stays with every `_every`-th of them; where they become too many, with half."""
        keeps = len(self.frames) % self._every == 0
        self.frames.append(replace(frame, image=image if keeps else None))
        self.size += frame.face.size
        if sum(kept.image is not None for kept in self.frames) > MOST_STILLS:
            self._every *= 2
            for i, kept in enumerate(self.frames):
                if kept.image is not None and i % self._every:
                    self.frames[i] = replace(kept, image=None)


class _Tracker:
    """Follows the faces of one video, frame by frame."""

    def __init__(self, finder: FaceFinder, name: str) -> None:
        self._finder = finder
        self._name = name
        self._alive: list[_Track] = []
        self._search_at = 0
        self.tracks: list[_Track] = []

    def add(self, index: int, frame: Frame) -> None:
        """Find the faces of the next frame."""
        image = Image(pixels=frame.pixels, format="video", orientation=1, name=self._name)
        found = self._follow(image)
        if len(found) < len(self._alive):
            self._search_at = min(self._search_at, index)  # one is lost: look where it went
        self._alive = [track for track, _ in found]
        if index >= self._search_at:
            found = self._search(image, found)
            self._search_at = index + (_SEARCH_EVERY if found else _SEARCH_AGAIN)
            self._alive = [track for track, _ in found]
        thumbnail = _thumbnail(frame.pixels)
        for track, face in found:
            crop = level_crop(face.landmarks.points, CHIP_SHARE, CHIP_SIDE)
            chip = _grey(warp.warp(frame.pixels, crop, CHIP_SIDE, repeat_edge=True))
            right, bottom = image.width - 1, image.height - 1
            corners = warp.apply(crop, np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]], np.float32))
            track.add(TrackedFrame(index, frame.timestamp, face, chip, corners, thumbnail, None), image)

    def _follow(self, image: Image) -> list[tuple[_Track, Face]]:
        located = self._finder.landmarker.follow(image.pixels, [track.last.face.landmarks for track in self._alive])
        return [
            (track, _moved(track.last.face, landmarks, image))
            for track, landmarks in zip(self._alive, located, strict=True)
            if landmarks.presence >= _LEAST_FOLLOWED
        ]

    def _search(self, image: Image, followed: list[tuple[_Track, Face]]) -> list[tuple[_Track, Face]]:
        """Look for faces anew: confirm those that are followed, drop what is none, and take up the others."""
        detections = self._detect(image.pixels)
        found = []
        for track, face in followed:
            best = max(detections, key=lambda detection: overlap(detection.box, face.box), default=None)
            if best is not None and overlap(best.box, face.box) >= _LEAST_OVERLAP:
                detections = [detection for detection in detections if detection is not best]
                track.unconfirmed = 0
                found.append((track, face_of(best.box, best.score, face.landmarks, image.width, image.height)))
            else:
                track.unconfirmed += 1
                if track.unconfirmed < _MOST_UNCONFIRMED:
                    found.append((track, face))
        for face in self._new_faces(image, detections)[: MOST_FACES - len(found)]:
            track = self._resumed(face, [taken for taken, _ in found])
            found.append((track, face))
        return found

    def _new_faces(self, image: Image, detections: list[Detection]) -> list[Face]:
        located = self._finder.landmarker.locate(image.pixels, detections)
        faces = [
            face_of(detection.box, detection.score, landmarks, image.width, image.height)
            for detection, landmarks in zip(detections, located, strict=True)
            if landmarks.presence >= (_LEAST_FOLLOWED if detection.score >= CERTAIN else LEAST_PRESENCE)
        ]
        return sorted(faces, key=lambda face: (-face.size, face.rect.left, face.rect.top))

    def _resumed(self, face: Face, taken: list[_Track]) -> _Track:
        """The track of a face that was lost about there, or a new one."""
        for track in self.tracks:
            if track not in taken and overlap(track.last.face.box, face.box) >= _LEAST_OVERLAP:
                track.unconfirmed = 0
                return track
        track = _Track()
        self.tracks.append(track)
        return track

    def _detect(self, pixels: Pixels) -> list[Detection]:
        """The faces of a frame, looked for in a copy that is no larger than need be."""
        reduced = _shrink(pixels, _SEARCH_SIDE)
        scale = np.float32(max(pixels.shape[:2]) / max(reduced.shape[:2]))
        detections = self._finder.detector.detect(reduced)
        return [Detection(found.box * scale, found.score, found.points * scale) for found in detections]


def _moved(face: Face, landmarks: Landmarks, image: Image) -> Face:
    """The face in the next frame: its box moves and grows with its landmarks."""
    (low, high), (new_low, new_high) = _extent(face.landmarks), _extent(landmarks)
    scale = float(np.sqrt((new_high - new_low).prod() / max(float((high - low).prod()), 1.0)))
    middle, new_middle = (low + high) / 2, (new_low + new_high) / 2
    corners = (face.box.reshape(2, 2) - middle) * scale + new_middle
    return face_of(corners.reshape(4).astype(np.float32), face.score, landmarks, image.width, image.height)


def _extent(landmarks: Landmarks) -> tuple[Floats, Floats]:
    flat = landmarks.points[:, :2]
    return flat.min(axis=0), flat.max(axis=0)


def overlap(one: Floats, other: Floats) -> float:
    """Intersection over union of two boxes."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = float(np.maximum(sides, 0).prod())
    return shared / max(float((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod()) - shared, 1.0)


def _thumbnail(pixels: Pixels) -> Pixels:
    import cv2

    grey = _grey(_shrink(pixels, _REDUCED_SIDE))
    return np.asarray(cv2.resize(grey, THUMBNAIL, interpolation=cv2.INTER_AREA), np.uint8)


def _grey(pixels: Pixels) -> Pixels:
    import cv2

    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def _shrink(pixels: Pixels, side: int) -> Pixels:
    """A copy whose longer side is at most `side`, averaged; the same array where it is already."""
    import cv2

    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
