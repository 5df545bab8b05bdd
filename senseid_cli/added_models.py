"""Models and score curves that an operator brought: what is checked, and how they come into the data directory."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from senseid_cli.exits import OutputError, RefusedError
from senseid_models.additions import MANIFEST, added_names, joined
from senseid_models.errors import ManifestError, ModelsError
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from senseid_engine.curve import ScoreCurve
    from senseid_engine.recognition import Recognition
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import ModelEntry

CURVE: Final = "score-curve"
"""Name of the addition that a score curve becomes, and of the data file whose place it takes."""

_LONGEST_CURVE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Addition:
    """What comes into the data directory.

    Attributes:
        name: of its folder.
        files: their content by their name; the manifest is one of them.
    """

    name: str
    files: Mapping[str, bytes]


def model_addition(file: Path, licences: VerifiedLicences) -> tuple[Addition, ModelEntry]:
    """Read an embedding model and its manifest, and try the model.

    Args:
        file: the ONNX file, whose manifest has the same name with the suffix `.toml`; or that manifest.
        licences: the verified licences of this run; they are asked before the model is opened.

    Raises:
        ManifestError: there is no manifest, or it does not describe one embedding model under a name that is free.
        LicensingError: no verified licence for the model's product.
        ModelsError: the file is missing, is not the one of the manifest, or its last day has passed.
        ModelError: it cannot be used, or does something else than the manifest says.
    """
    from senseid_engine.encoder import try_embedding_model

    path = file.with_suffix(".toml") if file.name else file  # "." and "/" have no name to change
    found = Registry.load(path)
    if len(found.entries) != 1 or found.assets:
        raise ManifestError(path, "must describe one model and no data file")
    (entry,) = found.entries
    joined(Registry.builtin(), found, path)
    try_embedding_model(entry, licences)
    return Addition(entry.id, {MANIFEST: path.read_bytes(), entry.path.name: entry.read()}), entry


def curve_addition(file: Path, registry: Registry) -> tuple[Addition, ScoreCurve]:
    """Read a score curve and check that it was made with what it would be used with.

    Args:
        file: what `senseid models calibrate` wrote.
        registry: which models there are.

    Raises:
        MediaError: it cannot be read.
        CalibrationError: it is no score curve.
        RefusedError: it was made with other models, or with cohorts that are gone.
    """
    from senseid_engine.curve import ScoreCurve
    from senseid_engine.errors import CalibrationError
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
    """What the curve is for, where it is not what comes with senseid."""
    from senseid_engine.recognition import Recognition

    made_with = curve.provenance
    known = {entry.id: entry.sha256 for entry in registry.entries}
    for model in made_with.models:
        if known.get(model.id) != model.sha256:
            raise RefusedError(
                f"{name} was made with a model {model.id} that is not the one here",
                remedy="import the model that it was made with, or make a new curve: senseid models calibrate",
            )
    if made_with.own_cohort is not None:
        raise RefusedError(
            f"{name} was made with cohorts of its own, which are gone: its scores would mean nothing here",
            remedy="make a curve without --own-cohort",
        )
    shipped = Registry.builtin()
    builtin = Recognition.load(shipped)
    if tuple(model.id for model in made_with.models) == tuple(part.model for part in builtin.parts):
        cohort = None if builtin.cohort is None else shipped.asset(builtin.cohort).sha256
        if cohort == (made_with.cohort and made_with.cohort.sha256):
            return None
    elif len(made_with.models) == 1 and made_with.cohort is None:
        return Recognition.plain(made_with.models[0].id, curve=CURVE)
    raise RefusedError(
        f"{name} was made with another version of senseid, which compared otherwise",
        remedy="make a curve with this one: senseid models calibrate",
    )


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
    """Put an addition into its folder, whole or not at all.

    Args:
        addition: what to put there.
        folder: of all additions; made where it is missing.
        overwrite: whether it may take the place of one of the same name.

    Raises:
        RefusedError: there is one, and it may not.
        OutputError: it cannot be written; an old one is untouched.
    """
    target = folder / addition.name
    if target.exists() and not overwrite:
        raise RefusedError(f"{addition.name} was imported before", remedy="--force replaces it")
    with _changing(folder) as draft:
        new = draft / "new"
        new.mkdir()
        for name, data in addition.files.items():
            (new / name).write_bytes(data)
        if target.exists():
            target.rename(draft / "old")
        new.rename(target)


def remove(name: str, folder: Path, registry: Callable[[], Registry]) -> None:
    """Take an addition away. Its manifest need not be right.

    Args:
        name: of the addition.
        folder: of all additions.
        registry: reads which models there are, as long as all manifests are right.

    Raises:
        RefusedError: there is none of that name, or the score curve compares by it.
        OutputError: it cannot be removed.
    """
    if name not in (names := added_names(folder)):
        raise RefusedError(
            f"no model or curve called {name} was imported", remedy=f"choose one of: {', '.join(names) or '(none)'}"
        )
    if name != CURVE and CURVE in names and name in _compared_by(registry):
        raise RefusedError(
            f"faces are compared by {name}", remedy=f"go back to senseid's own first: senseid models remove {CURVE}"
        )
    with _changing(folder) as draft:
        (folder / name).rename(draft / name)


def _compared_by(registry: Callable[[], Registry]) -> tuple[str, ...]:
    from senseid_engine.errors import ModelError
    from senseid_engine.recognition import Recognition

    try:
        return tuple(part.model for part in Recognition.load(registry()).parts)
    except (ModelsError, ModelError):
        return ()  # nothing can be compared as it is, and a removal may be what mends it


@contextlib.contextmanager
def _changing(folder: Path) -> Iterator[Path]:
    """A folder beside the additions, which is gone at the end with what was left in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=folder) as draft:
            yield Path(draft)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be changed: {(error.strerror or 'unknown reason').lower()}",
            remedy="check the permissions of the data directory and the space on its disk",
        ) from error
