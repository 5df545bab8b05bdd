from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Capture(_message.Message):
    __slots__ = ("version", "id", "checked_at", "check", "source", "device", "frames")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    CHECKED_AT_FIELD_NUMBER: _ClassVar[int]
    CHECK_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    version: int
    id: bytes
    checked_at: int
    check: Check
    source: Source
    device: Device
    frames: _containers.RepeatedCompositeFieldContainer[Frame]
    def __init__(self, version: _Optional[int] = ..., id: _Optional[bytes] = ..., checked_at: _Optional[int] = ..., check: _Optional[_Union[Check, _Mapping]] = ..., source: _Optional[_Union[Source, _Mapping]] = ..., device: _Optional[_Union[Device, _Mapping]] = ..., frames: _Optional[_Iterable[_Union[Frame, _Mapping]]] = ...) -> None: ...

class Check(_message.Message):
    __slots__ = ("score", "models")
    SCORE_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    score: float
    models: bytes
    def __init__(self, score: _Optional[float] = ..., models: _Optional[bytes] = ...) -> None: ...

class Source(_message.Message):
    __slots__ = ("sha256", "face_seconds", "width", "height")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    FACE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    sha256: bytes
    face_seconds: float
    width: int
    height: int
    def __init__(self, sha256: _Optional[bytes] = ..., face_seconds: _Optional[float] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class Device(_message.Message):
    __slots__ = ("software", "system", "machine")
    SOFTWARE_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_FIELD_NUMBER: _ClassVar[int]
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    software: str
    system: str
    machine: str
    def __init__(self, software: _Optional[str] = ..., system: _Optional[str] = ..., machine: _Optional[str] = ...) -> None: ...

class Frame(_message.Message):
    __slots__ = ("jpeg", "timestamp", "quality", "face")
    JPEG_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    FACE_FIELD_NUMBER: _ClassVar[int]
    jpeg: bytes
    timestamp: float
    quality: float
    face: Rect
    def __init__(self, jpeg: _Optional[bytes] = ..., timestamp: _Optional[float] = ..., quality: _Optional[float] = ..., face: _Optional[_Union[Rect, _Mapping]] = ...) -> None: ...

class Rect(_message.Message):
    __slots__ = ("left", "top", "right", "bottom")
    LEFT_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    BOTTOM_FIELD_NUMBER: _ClassVar[int]
    left: int
    top: int
    right: int
    bottom: int
    def __init__(self, left: _Optional[int] = ..., top: _Optional[int] = ..., right: _Optional[int] = ..., bottom: _Optional[int] = ...) -> None: ...
