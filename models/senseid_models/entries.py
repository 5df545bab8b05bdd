"""The registry's entries for models and data files, and the only way to their bytes."""

# Without `from __future__ import annotations`: `Fields.record` reads the types.
import datetime
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

from senseid_models.errors import ModelCorruptError, ModelExpiredError, ModelFileMissingError, ModelUnreadableError
from senseid_models.fields import Count, FileName, Identifier, Sha256
from senseid_models.open_file import open_regular

Kind = Literal["detector", "landmarks", "embedding", "occlusion", "liveness"]
Product = Literal["senseid_face", "senseid_kestrel", "senseid_liveness"]
Layout = Literal["NCHW", "NHWC"]
Colour = Literal["RGB", "BGR", "GRAY"]
Dtype = Literal["float32", "uint8"]

# A free dimension has a name, any other its size.
Shape = Annotated[tuple[int | str, ...], "shape"]
Point = tuple[float, float]

# The licence that opens a kind of model. A manifest cannot choose another.
PRODUCT_OF: dict[Kind, Product] = {
    "detector": "senseid_kestrel",
    "landmarks": "senseid_kestrel",
    "embedding": "senseid_face",
    "occlusion": "senseid_kestrel",
    "liveness": "senseid_liveness",
}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file inside a package, with the SHA-256 that it must have."""

    path: str
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class PackageSource:
    """The pinned package that a recipe converts.

    Attributes:
        registry: The package registry.
        package: Its name there.
        version: The pinned version.
        archive: File name of the downloaded package.
        package_sha256: SHA-256 of that archive.
        files: The files that the recipe uses, in order.
    """

    registry: Literal["pypi", "npm"]
    package: str
    version: str
    archive: FileName
    package_sha256: Sha256
    files: tuple[SourceFile, ...] = field(metadata={"key": "file"})


@dataclass(frozen=True, slots=True)
class TrainingData:
    """A training set of a model: its name, and a description of the part that was used."""

    name: str
    about: str


@dataclass(frozen=True, slots=True)
class TrainedSource:
    """Training by the project itself.

    Attributes:
        script: The module that trains, under `models/recipes`.
        seed: The seed of its random numbers.
        data: Its training sets.
    """

    script: str
    seed: Count
    data: tuple[TrainingData, ...]


@dataclass(frozen=True, slots=True)
class OperatorSource:
    """A file from an operator; `origin` describes where it came from."""

    origin: str


Source = PackageSource | TrainedSource | OperatorSource


@dataclass(frozen=True, slots=True)
class InputContract:
    """The input of the model: y = (pixel - mean) * scale, with pixels of 0..255, channels in the order of `colour`.

    Attributes:
        name: Name of the input in the ONNX graph.
        shape: Its dimensions in the order of `layout`.
        layout: The order of the dimensions.
        colour: Order of the channels.
        dtype: Type of the values.
        mean: One value per channel.
        scale: One value per channel.
        crop: Side of the square that is cut out for the model, in units of the larger side of the face's box, where the
            model wants one and is not aligned by a template.
    """

    name: str
    shape: Shape
    layout: Layout
    colour: Colour
    dtype: Dtype
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    crop: float | None

    @property
    def size(self) -> tuple[int | str, int | str]:
        """(height, width); a name where any size is taken."""
        return (self.shape[2], self.shape[3]) if self.layout == "NCHW" else (self.shape[1], self.shape[2])


@dataclass(frozen=True, slots=True)
class OutputContract:
    """One output of the model and the meaning of its numbers."""

    name: str
    shape: Shape
    meaning: str


LONGEST_EMBEDDING: Final = 8192
"""Numbers of an embedding: twice as many as the networks for faces give, as one is kept for every photo of a set."""


@dataclass(frozen=True, slots=True)
class EmbeddingContract:
    """The output of an embedding model, and the alignment of a face for it.

    Attributes:
        size: Length of the embedding, at most `LONGEST_EMBEDDING`.
        template: Where the centres of the eyes, the tip of the nose and the corners of the mouth belong, those at the
            left of the picture first, as (x, y) in pixels of the input; none where the model takes the crop that its
            input asks for.
        mirrored: Whether the mean of the embeddings of the face and of its mirror image is compared.
    """

    size: int
    template: Annotated[tuple[Point, ...], "points"] | None
    mirrored: bool


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model: its description, origin, input and outputs.

    Attributes:
        id: Name in the registry.
        kind: Its purpose.
        path: The ONNX file.
        sha256: SHA-256 of that file, in lower-case hexadecimal.
        size: Its length in bytes.
        product: The licence that opens it.
        licence: SPDX identifier, or words where none fits.
        licence_source: Where that licence is stated.
        source: What it was made from.
        rebuild: The command that makes it again, or none for an operator's file.
        input: Its input.
        outputs: Its outputs.
        embedding: For embedding models: alignment and size.
        last_day: The last day, UTC, on which it may be used, where its licence ends.
    """

    id: Identifier
    kind: Kind
    path: Path = field(metadata={"key": "file"})
    sha256: Sha256
    size: int = field(metadata={"key": "bytes"})
    product: Product
    licence: str
    licence_source: str
    source: Source
    rebuild: str | None
    input: InputContract
    outputs: tuple[OutputContract, ...] = field(metadata={"key": "output"})
    embedding: EmbeddingContract | None
    last_day: datetime.date | None = None

    def check_usable(self, today: datetime.date) -> None:
        """Return if the model may be used on that day, UTC.

        Raises:
            ModelExpiredError: Its last day has passed.
        """
        if self.last_day is not None and today > self.last_day:
            raise ModelExpiredError(self.id, self.last_day)

    def read(self) -> bytes:
        """Read the file once and return exactly the bytes whose SHA-256 was checked.

        Load the model from these bytes, not from the path: a second read could get another file.

        Raises:
            ModelFileMissingError: There is no such file.
            ModelUnreadableError: It cannot be read.
            ModelCorruptError: It is not the file that the manifest describes.
        """
        return read_checked(self.id, self.path, self.sha256, self.size)


@dataclass(frozen=True, slots=True)
class Asset:
    """A data file that is not a model, such as a calibration.

    Attributes:
        name: Name in the registry.
        path: The file.
        sha256: SHA-256 of that file, in lower-case hexadecimal.
        size: Its length in bytes.
        about: What it holds and how it was made.
    """

    name: Identifier
    path: Path
    sha256: Sha256
    size: int = field(metadata={"key": "bytes"})
    about: str

    def read(self) -> bytes:
        """Read the file once and return exactly the bytes whose SHA-256 was checked.

        Raises:
            ModelFileMissingError: There is no such file.
            ModelUnreadableError: It cannot be read.
            ModelCorruptError: It is not the file that the manifest describes.
        """
        return read_checked(self.name, self.path, self.sha256, self.size)


def read_checked(name: str, path: Path, sha256: str, size: int) -> bytes:
    """Read `path` once, never more than one byte beyond `size`, and check what was read.

    Raises:
        ModelFileMissingError: There is no such file.
        ModelUnreadableError: It cannot be read.
        ModelCorruptError: Its length or SHA-256 differs.
    """
    try:
        with open_regular(path) as file:
            data = file.read(size + 1)
    except FileNotFoundError as error:
        raise ModelFileMissingError(name, path) from error
    except OSError as error:
        raise ModelUnreadableError(name, path, error.strerror or "unknown reason") from error
    if len(data) != size:
        length = f"more than {size}" if len(data) > size else str(len(data))
        raise ModelCorruptError(name, path, f"has {length} bytes, the manifest says {size}")
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelCorruptError(name, path, f"has SHA-256 {found}, the manifest says {sha256}")
    return data
