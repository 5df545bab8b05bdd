"""Models and score curves that an operator imports: their checks, and their installation in the data directory."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from senseid.errors import OutputError, RefusedError
from senseid_engine.errors import CalibrationError, ModelError, printable, reason_of
from senseid_licensing.product import Product
from senseid_models.additions import MANIFEST, added_names, joined
from senseid_models.entries import PRODUCT_OF, ModelEntry, OperatorSource
from senseid_models.errors import ManifestError, ModelsError
from senseid_models.manifest import dump_manifest
from senseid_models.presets import PRESETS
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from senseid_engine.curve import ScoreCurve
    from senseid_engine.recognition import Recognition
    from senseid_licensing.verified import VerifiedLicences

T = TypeVar("T")

CURVE: Final = "score-curve"
"""Name of an imported score curve, and of the data file that it replaces."""

NOT_STATED: Final = "not stated"
"""The licence of a model for which none was given."""

TRIAL_SECONDS: Final = 120.0
"""Time limit for loading a model and running it on two chips of noise: the largest take seconds."""

_LONGEST_CURVE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Addition:
    """An addition to the data directory.

    Attributes:
        name: the name of its folder.
        files: the content of each file by name, the manifest included.
    """

    name: str
    files: Mapping[str, bytes]


def model_addition(file: Path, licences: VerifiedLicences) -> tuple[Addition, ModelEntry]:
    """Read an embedding model and its manifest, and try the model.

    Args:
        file: the ONNX file, whose manifest has the same name with the suffix `.toml`; or that manifest.
        licences: the verified licences of this run, checked before the model is opened.

    Raises:
        RefusedError: there is no manifest.
        ManifestError: it cannot be read, or does not describe one embedding model under a name that is free.
        LicensingError: no verified licence for the model's product.
        ModelsError: the file is missing, is not the one of the manifest, or its last day has passed.
        ModelError: it cannot be used, takes too long, or does not do what the manifest says.
    """
    from senseid_engine.encoder import try_embedding_model

    path = _manifest_of(file)
    try:
        found = Registry.load(path)
    except ManifestError as error:
        if not isinstance(error.__cause__, FileNotFoundError) or path == file:
            raise
        families = ", ".join(PRESETS)
        raise RefusedError(
            f"there is no manifest {path}",
            remedy=f"write it, or name the family of the model by --preset ({families}): docs/own-models.md",
        ) from None
    if len(found.entries) != 1 or found.assets:
        raise ManifestError(path, "must describe one model and no data file")
    (entry,) = found.entries
    joined(Registry.builtin(), found, path)
    _tried(entry.id, lambda: try_embedding_model(entry, licences))
    return Addition(entry.id, {MANIFEST: path.read_bytes(), entry.path.name: entry.read()}), entry


def _manifest_of(file: Path) -> Path:
    return file.with_suffix(".toml") if file.name else file  # "." and "/" have no name to replace


def preset_addition(
    file: Path, preset: str, model_id: str, licence: str, licences: VerifiedLicences
) -> tuple[Addition, ModelEntry]:
    """Describe an embedding model by its family and its graph, and try it.

    Args:
        file: the ONNX file.
        preset: the name of its family.
        model_id: the id to give it.
        licence: its licence, as the operator stated it; empty if not stated.
        licences: the verified licences of this run, checked before the model is opened.

    Raises:
        LicensingError: no verified licence for the models' product.
        RefusedError: it has a manifest, or a model or data file of senseid has that name.
        MediaError: the file cannot be read.
        ModelError: it cannot be used, takes too long, or does not belong to that family.
    """
    from senseid_engine.encoder import try_embedding_model
    from senseid_engine.own_model import described

    licences.require(Product.FACE)
    sha256, size = _digest(file)
    if os.path.exists(manifest := _manifest_of(file)):
        raise RefusedError(
            f"{file} has the manifest {manifest} beside it", remedy="leave out --preset, or move the manifest away"
        )
    builtin = Registry.builtin()
    if model_id in {entry.id for entry in builtin.entries} | {asset.name for asset in builtin.assets}:
        raise RefusedError(f"a model or data file of senseid is called {model_id}", remedy="--id gives another name")
    origin = f"{printable(file.name)}, by the preset {preset}"
    draft = ModelEntry(
        id=model_id,
        kind="embedding",
        path=file,
        sha256=sha256,
        size=size,
        product=PRODUCT_OF["embedding"],
        licence=licence or NOT_STATED,
        licence_source="said at the import" if licence else "nothing was said at the import",
        source=OperatorSource(origin),
        rebuild=None,
        input=PRESETS[preset].input(),
        outputs=(),
        embedding=None,
    )

    def describe() -> ModelEntry:
        entry = described(draft, PRESETS[preset], licences)
        try_embedding_model(entry, licences)
        return entry

    entry = _tried(model_id, describe)
    stored = replace(entry, path=Path(f"{model_id}.onnx"))
    return Addition(model_id, {MANIFEST: dump_manifest(stored), stored.path.name: entry.read()}), entry


def _tried(model_id: str, work: Callable[[], T]) -> T:
    """Run an untrusted graph, which may compute for ever or take all memory."""
    from senseid import time_limit

    try:
        return time_limit.within(TRIAL_SECONDS, work)
    except TimeoutError:
        raise ModelError(
            f"model {model_id}", f"it did not look at two chips within {TRIAL_SECONDS:g} seconds, and was stopped"
        ) from None


def _digest(file: Path) -> tuple[str, int]:
    from senseid_engine.media import open_media, reading

    with open_media(file, "model", piped=False) as opened, reading(str(file), "model"):
        data = opened.read()
    return hashlib.sha256(data).hexdigest(), len(data)


def curve_addition(file: Path, registry: Registry) -> tuple[Addition, ScoreCurve]:
    """Read a score curve and check that it was made with the model it would be used with.

    Args:
        file: the output of `senseid models calibrate`.
        registry: the registered models.

    Raises:
        MediaError: it cannot be read.
        CalibrationError: it is not a score curve.
        RefusedError: it was made with another model.
    """
    from senseid_engine.curve import ScoreCurve
    from senseid_engine.media import open_media, reading
    from senseid_engine.recognition import ASSET

    name = str(file)
    with open_media(file, "score curve", piped=False) as opened, reading(name, "score curve"):
        data = opened.read(_LONGEST_CURVE + 1)
    if len(data) > _LONGEST_CURVE:
        raise CalibrationError(name, f"is no score curve: it is longer than {_LONGEST_CURVE >> 20} MiB")
    try:
        curve = ScoreCurve.parse(data.decode())
    except UnicodeDecodeError:
        raise CalibrationError(name, "is not UTF-8 text") from None
    except CalibrationError as error:
        raise CalibrationError(name, f"is no score curve: {error.problem}") from None
    recognition = _recognition_of(curve, name, registry)
    files = {CURVE: data}
    if recognition is not None:
        files[ASSET] = recognition.dump()
    about = {CURVE: f"score curve made on {curve.provenance.set_name}", ASSET: "how the curve's model compares"}
    return Addition(CURVE, {MANIFEST: _manifest(files, about), **{f"{key}.toml": files[key] for key in files}}), curve


def _recognition_of(curve: ScoreCurve, name: str, registry: Registry) -> Recognition | None:
    """The recognition that the curve is for, unless it is the one that comes with senseid."""
    from senseid_engine.recognition import Recognition

    model = curve.provenance.model
    if {entry.id: entry.sha256 for entry in registry.entries}.get(model.id) != model.sha256:
        raise RefusedError(
            f"{name} was made with a model {model.id} that is not the one here",
            remedy="import the model that it was made with, or make a new curve: senseid models calibrate",
        )
    return None if model.id == Recognition.load(Registry.builtin()).model else Recognition(model.id, CURVE)


def _manifest(files: Mapping[str, bytes], about: Mapping[str, str]) -> bytes:
    import tomli_w

    assets: list[dict[str, Any]] = [
        {
            "name": name,
            "file": f"{name}.toml",
            "sha256": hashlib.sha256(data).hexdigest(),
            "bytes": len(data),
            "about": about[name],
        }
        for name, data in files.items()
    ]
    return tomli_w.dumps({"format": 1, "asset": assets}).encode()


def place(addition: Addition, folder: Path, *, overwrite: bool) -> None:
    """Put an addition into its folder atomically.

    Args:
        addition: the addition.
        folder: the folder of all additions; created if missing.
        overwrite: whether it may replace one of the same name.

    Raises:
        RefusedError: one exists and must not be replaced; or it could not be read back: a name in its graph is not
            allowed in a manifest, or its file has the name of a manifest.
        OutputError: it cannot be written; an existing one is untouched.
    """
    target = folder / addition.name
    if target.exists() and not overwrite:
        raise RefusedError(f"{addition.name} was imported before", remedy="--force replaces it")
    with _changing(folder) as draft:
        new = draft / "new"
        new.mkdir()
        for name, data in addition.files.items():
            (new / name).write_bytes(data)
        _check_whole(new, addition.name)
        if target.exists():
            target.rename(draft / "old")
        new.rename(target)


def _check_whole(folder: Path, name: str) -> None:
    """Read an addition as every command does: one that cannot be read would break all of them."""
    try:
        found = Registry.load(folder / MANIFEST)
        joined(Registry.builtin(), found, folder / MANIFEST)
        for model in found.entries:
            model.read()
        for asset in found.assets:
            asset.read()
    except ModelsError as error:
        problem = error.problem if isinstance(error, ManifestError) else error.message
        raise RefusedError(
            f"{name} cannot be imported, since it could not be read again: {problem}",
            remedy="give its file another name, or the values of its graph",
        ) from None


def remove(name: str, folder: Path, registry: Callable[[], Registry]) -> None:
    """Remove an addition. Its manifest need not be valid.

    Args:
        name: the name of the addition.
        folder: the folder of all additions.
        registry: reads the registered models, which fails unless all manifests are valid.

    Raises:
        RefusedError: there is none of that name, or the score curve was made for it.
        OutputError: it cannot be removed.
    """
    if name not in (names := added_names(folder)):
        raise RefusedError(
            f"no model or curve called {name} was imported", remedy=f"choose one of: {', '.join(names) or '(none)'}"
        )
    if name != CURVE and CURVE in names and name == _compared_by(registry):
        raise RefusedError(
            f"faces are compared by {name}", remedy=f"go back to senseid's own first: senseid models remove {CURVE}"
        )
    with _changing(folder) as draft:
        (folder / name).rename(draft / name)


def _compared_by(registry: Callable[[], Registry]) -> str | None:
    from senseid_engine.recognition import Recognition

    try:
        return Recognition.load(registry()).model
    except (ModelsError, ModelError):
        return None  # nothing can be compared in this state, and removal may be the fix


@contextlib.contextmanager
def _changing(folder: Path) -> Iterator[Path]:
    """A folder beside the additions, deleted at the end with whatever is left in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=folder) as draft:
            yield Path(draft)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be changed: {reason_of(error)}",
            remedy="check the permissions of the data directory and the space on its disk",
        ) from error
