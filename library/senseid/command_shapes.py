"""The shapes of what `--json` prints: for each command those of its results. mypy holds the commands to them.

A result has the code 1000 and a request id, as in the HTTP API; `terminal.put_result` adds both to the facts of a
command that the API does not have.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from senseid import shapes
from senseid.json_schema import DIALECT, schema_of
from senseid.shapes import Count, LivenessStatus, Rect, Scores, Seconds, Share

Sha256 = Annotated[str, {"pattern": "^[0-9a-f]{64}$"}]
KeyId = Annotated[str, {"pattern": "^[0-9a-f]{16}$"}, "names the key, and is no secret"]
SigningKeyId = Annotated[str, {"pattern": "^[0-9a-f]{32}$"}, "names the key, and is no secret"]
Instant = Annotated[str, {"format": "date-time"}, "UTC"]
Product = Annotated[str, {"enum": ["senseid_face", "senseid_kestrel", "senseid_liveness"]}]
DaysLeft = Annotated[int, "whole days until the licence ends"]


class Compare(shapes.CompareBody):
    """A comparison of two faces."""

    details: NotRequired[Annotated[shapes.CompareDetails, "with --details"]]


class MoreOfFace(TypedDict):
    """The quality of a face that the HTTP API leaves out."""

    eyes_open: Share
    eye_distance: Annotated[float, {"minimum": 0}, "between the centres of the eyes, pixels"]
    overall: Annotated[Share, "share of other photos that are worse"]


_Pass = TypedDict("_Pass", {"pass": bool})
_From = TypedDict("_From", {"from": str | None})


class PolicyVerdict(_Pass):
    """Whether a photo is good enough."""

    name: str
    failures: list[shapes.Failure]


class QualityDetails(TypedDict):
    """The fields that --details and --policy add."""

    photo: Annotated[str, "the name of the file"]
    width: NotRequired[Annotated[Count, "of the upright photo, in pixels"]]
    height: NotRequired[Annotated[Count, "of the upright photo, in pixels"]]
    quarter_turns: NotRequired[Annotated[int, "how often the photo was turned by 90 degrees to be upright"]]
    faces: NotRequired[list[MoreOfFace]]
    policy: NotRequired[Annotated[PolicyVerdict, "with --policy"]]


class Quality(shapes.QualityBody):
    """The quality of every face of a photo."""

    details: NotRequired[Annotated[QualityDetails, "with --details or --policy, and for a folder"]]


class RefusedPhoto(shapes.ErrorBody):
    """A photo of a folder that is refused."""

    details: QualityDetails


class LivenessDetails(TypedDict):
    """The fields that --explain adds."""

    threshold: Share
    face_seconds: Annotated[Seconds, "for which a face is seen"]
    frames_looked_at: Count
    other_faces: Count
    image_timestamp: Annotated[Seconds, "of the selected frame"]
    quality: Annotated[float, "of the face in the selected frame"]
    face_rect: Rect
    frames: list[shapes.FrameScore]
    evidence: Annotated[list[shapes.Evidence], "the decisive piece first"]
    stills_needed: float | None
    out_of_reach: Annotated[str, "attacks that the check does not see"]


class Liveness(shapes.LivenessBody):
    """A liveness check."""

    details: NotRequired[Annotated[LivenessDetails, "with --explain"]]


class Packed(shapes.LivenessBody):
    """A liveness check whose data were kept."""

    path: Annotated[str | None, "the file that was written; null if the check did not pass"]
    key: KeyId


class Row(TypedDict):
    """The record of a row; what else the manifest says of it is passed on."""

    row: Annotated[Count, "its number in the manifest"]
    code: Literal[1000]


class CompareRow(Row):
    """A row of `--task compare`, and a pair of a folder's photos."""

    verification_score: Share
    match: bool


class OmniRow(Row):
    """A row of `--task omni`."""

    best_score: Share
    match: bool
    scores: Scores
    face_rects: shapes.OmniRects


class QualityRow(Row):
    """A row of `--task quality`."""

    faces: Annotated[list[shapes.FaceQualityBody], {"minItems": 1}]


class LivenessRow(Row):
    """A row of `--task liveness`."""

    passed: bool
    liveness_score: Share
    liveness_status: LivenessStatus
    image_timestamp: NotRequired[Annotated[Seconds, "only if the check passed"]]


class VerifyRow(LivenessRow):
    """A row of `--task verify`."""

    verification_score: NotRequired[Annotated[Share, "only if the person is living"]]
    match: bool


class RefusedRow(TypedDict):
    """A row that is refused."""

    row: Annotated[Count, "its number in the manifest"]
    code: Annotated[int, {"not": {"const": 1000}}]
    message: Annotated[str, "the fixed message of the code"]
    problem: Annotated[str, "which file, and why"]


class Encrypted(TypedDict):
    """A file that was encrypted."""

    done: Annotated[Literal["encrypted", "updated"], "updated: with --update, in the place of an older container"]
    source: str
    target: str
    key: KeyId


class Kept(TypedDict):
    """A container that `--update` kept though its source is gone."""

    done: Literal["kept"]
    source: str
    target: str


class Decrypted(TypedDict):
    """A file that was decrypted."""

    done: Literal["decrypted"]
    source: str
    target: str
    format: Annotated[str, {"enum": ["container", "wire"]}]


class Reencrypted(TypedDict):
    """A container that was put under the new key."""

    done: Literal["re-encrypted"]
    source: str
    key: KeyId


class RefusedFile(shapes.ErrorBody):
    """One of several files that could not be worked on."""

    source: str


class CacheDay(TypedDict):
    """The templates of one day in a cache."""

    day: Annotated[str, {"format": "date"}, "on which they were made, UTC"]
    templates: Count
    bytes: Count


class PurgedCache(TypedDict):
    """The templates that were deleted from a cache."""

    done: Literal["purged"]
    templates: Count
    bytes: Count


class LogProblem(TypedDict):
    """The first record of a decision log that is not what was written."""

    file: str
    line: int
    kind: str
    text: str


class VerifiedLog(TypedDict):
    """A decision log whose chain was verified."""

    valid: bool
    records: Count
    files: Count
    first: int | None
    last: Annotated[str | None, "number and hash of the last record, to note elsewhere"]
    purged: Annotated[int | None, "the last record that was purged"]
    torn: Annotated[Count, "records that were cut short by crashes"]
    sealed: Annotated[Count, "seals that were checked"]
    seals_unchecked: Count
    problem: LogProblem | None


class PurgedLog(TypedDict):
    """The records that were removed from a decision log."""

    removed: Count
    before: Instant


class DriftMeasure(TypedDict):
    """One measure of a period beside that of the reference."""

    measure: Annotated[str, "its task and what was measured, such as compare.code"]
    verdict: Annotated[str, {"enum": ["same", "slightly", "changed", "too_few", "no_reference"]}]
    before: Annotated[Count, "events of the reference"]
    now: Annotated[Count, "events of the period"]
    psi: Annotated[float | None, "population stability index; null where it was not judged"]
    psi_p: Annotated[float | None, "how often chance gives as much"]
    ks: Annotated[float | None, "the largest difference of the cumulated shares"]
    ks_p: Annotated[float | None, "how often chance gives as much"]
    mean_before: float | None
    mean_now: float | None
    shares: Annotated[dict[str, list[float]], "of codes: the share of each, before and now"]


class DriftPromise(TypedDict):
    """The promised rate of false matches as scores without labels bound it."""

    status: Annotated[str, {"enum": ["not_contradicted", "doubtful", "unknown"]}]
    threshold: Share
    promised_rate: Annotated[Share, "of strangers who reach the threshold"]
    compared: Annotated[Count, "comparisons of two faces"]
    matches: Annotated[Count, "those that reach the threshold"]
    most_false_matches: Annotated[float | None, "share of false matches, if every match were one; upper end of 95 %"]
    between: Annotated[int | None, "scores from 0.5 to 0.7"]
    allowed_between: Annotated[float | None, "as many as the promise lets expect at most"]
    p: Annotated[float | None, "how often there are as many or more, if the promise holds"]
    right_share: Annotated[float | None, "the fitted share of comparisons of the right person"]
    calibrated_on: Annotated[str, "the set that the score was calibrated on"]
    note: str


class Drift(TypedDict):
    """A period beside the calibration or an earlier period."""

    changed: Annotated[bool, "whether anything calls for a look"]
    models_changed: Annotated[bool | None, "whether other models made the reference; null if unknown"]
    measures: list[DriftMeasure]
    promise: DriftPromise


class MadeKey(TypedDict):
    """A key that was made."""

    done: Literal["made"]
    name: str
    key: KeyId
    path: str


class ListedKey(TypedDict):
    """A key that is known here."""

    key: KeyId
    name: str
    created: str
    formats: str
    place: str
    weaknesses: list[str]


class UdidComponent(TypedDict):
    """One component of the machine, hashed."""

    kind: str
    counted: bool
    unique: bool
    hashes: list[str]
    source: str
    note: str


class Binding(TypedDict):
    """How well a licence for this machine is bound to it."""

    strength: Annotated[str, {"enum": ["none", "weak", "strong"]}]
    to_fake: Annotated[Count, "components that somebody must fake to move it"]


class Udid(TypedDict):
    """The hardware fingerprint of this machine."""

    udid: str
    unique: bool
    binding: Binding
    components: list[UdidComponent]
    container: str | None
    hypervisor: str | None
    clones: list[str]


class DoctorFinding(TypedDict):
    """A finding of a check."""

    check: str
    status: Annotated[str, {"enum": ["ok", "note", "problem"]}]
    message: str
    remedy: str | None


class DoctorCommand(TypedDict):
    """Whether a command works here."""

    command: str
    works: bool
    lacks: list[str]


class Doctor(TypedDict):
    """A checkup of this installation."""

    ready: bool
    version: str
    findings: list[DoctorFinding]
    commands: list[DoctorCommand]


class InstalledLicence(TypedDict):
    """A licence that was put in its place."""

    product: Product
    id: str
    path: str
    days_left: DaysLeft


class CheckedLicence(TypedDict):
    """The licence of one product."""

    product: Product
    status: Annotated[str, {"enum": ["ok", "expiring", "grace", "refused", "missing"]}]
    error: Annotated[str, "the name of the manual's error table, STID_OK if it is good"]
    value: Annotated[int, "the number of that table"]
    message: str
    remedy: Annotated[str, "what to do; empty if nothing"]
    id: NotRequired[str]
    not_before: NotRequired[Instant]
    not_after: NotRequired[Instant]
    grace_until: NotRequired[Instant]
    days_left: NotRequired[DaysLeft]
    capabilities: NotRequired[list[str]]
    hardware_changed: NotRequired[list[str]]


class Versions(_From):
    """The versions that a licence covers."""

    below: str | None


class Terms(TypedDict):
    """The terms of a licence, as its format has them; a later release may add to them."""

    format: str
    id: str
    product: Product
    licensee: str
    issued: Instant
    not_before: Instant
    not_after: Instant
    grace_days: Count
    capabilities: list[str]
    platforms: list[str] | None
    versions: Versions
    udid: dict[str, str] | None
    parent: str | None
    delegate: str | None
    critical: list[str]


class ShownLicence(Terms):
    """An installed licence, verified."""

    days_left: DaysLeft


class ParentTerms(Terms):
    """A licence that allows another one."""

    signed_by: SigningKeyId


class InspectedLicence(ParentTerms):
    """A licence whose signature was not checked."""

    verified: Literal[False]
    parents: list[Annotated[ParentTerms, {"additionalProperties": True}]]


class InspectedFile(TypedDict):
    """Another file of licensing; what it says depends on its kind."""

    verified: Literal[False]
    kind: str


class ClockReset(TypedDict):
    """The latest time that counts as seen."""

    now: Instant
    seen: Annotated[str | None, "the time that counted before"]


class MadeSigningKey(TypedDict):
    """A key that signs licences."""

    key: SigningKeyId
    private: Annotated[str, "the file of the private key"]
    public: Annotated[str, "the file of the public key"]


class IssuedLicence(TypedDict):
    """A licence that was signed."""

    product: Product
    id: str
    path: str
    key: SigningKeyId


class ListedModel(TypedDict):
    """A file of the registry."""

    id: str
    kind: str
    product: str | None
    bytes: Count
    licence: str | None
    source: str


class CheckedModel(TypedDict):
    """A file of the registry that was read; what follows the hash is there only if it is wrong."""

    id: str
    status: Annotated[str, {"enum": ["ok", "wrong"]}]
    sha256: Sha256
    error: NotRequired[str]
    value: NotRequired[int]
    message: NotRequired[str]
    remedy: NotRequired[str]


class MeasuredRate(TypedDict):
    """A rate with its 95 % intervals."""

    value: float
    events: Count
    pairs: Count
    binomial_low: float
    binomial_high: float
    by_person_low: float
    by_person_high: float


class HeldOut(TypedDict):
    """A rate on people that the curve was not fitted on."""

    mean: float | None
    lowest: float | None
    highest: float | None


class RatesOfScore(TypedDict):
    """The error rates at one score."""

    score: Share
    promised_fmr: float
    fmr: MeasuredRate
    held_out_fmr: HeldOut
    fnmr: MeasuredRate
    extrapolated: bool


class OperatingPoint(TypedDict):
    """The false-non-match rate at a false-match rate."""

    fmr: float
    fnmr: float
    similarity: float
    score: Share


class Accuracy(TypedDict):
    """The accuracy over folds."""

    mean: float
    standard_error: float
    folds: Count


class ModelFile(TypedDict):
    """The model that a curve is for."""

    id: str
    sha256: Sha256


class BadPhoto(TypedDict):
    """A photo that was refused."""

    photo: str
    problem: str


class Calibration(TypedDict):
    """A score curve and everything that was measured."""

    set: str
    made: str
    note: str | None
    photos: Count
    people: Count
    genuine_pairs: Count
    impostor_pairs: Count
    seed: int
    model: ModelFile
    measured_to: Annotated[Share, "the highest score that was measured; above, it is extrapolated"]
    rates: list[RatesOfScore]
    fnmr_at_fmr: list[OperatingPoint]
    equal_error_rate: float
    accuracy: Accuracy | None
    photos_without_face: list[str]
    photos_refused: list[BadPhoto]


class ImportedModel(TypedDict):
    """An embedding model that was imported."""

    id: str
    kind: str
    sha256: Sha256
    licence: str
    licence_source: str
    source: str


class ImportedCurve(TypedDict):
    """A score curve that was imported."""

    id: Literal["score-curve"]
    kind: Literal["curve"]
    set: str
    made: str
    model: str
    measured_to: Share


class Removed(TypedDict):
    """A model that was removed."""

    id: str
    status: Literal["removed"]


_OPEN: Final = {"additionalProperties": True}


RESULTS: Final[dict[str, tuple[Any, ...]]] = {
    "compare": (Compare,),
    "omni": (shapes.OmniBody,),
    "quality": (Quality, RefusedPhoto),
    "liveness check": (Liveness, shapes.PhotoLivenessBody),
    "liveness pack": (Packed,),
    "verify": (shapes.VerifyBody, shapes.CaptureBody),
    "batch": tuple(
        Annotated[row, _OPEN] for row in (CompareRow, OmniRow, QualityRow, LivenessRow, VerifyRow, RefusedRow)
    ),
    "encrypt": (Encrypted, Kept, RefusedFile),
    "decrypt": (Decrypted, RefusedFile),
    "key generate": (MadeKey,),
    "key list": (ListedKey,),
    "key rotate": (Reencrypted, RefusedFile),
    "cache list": (CacheDay,),
    "cache purge": (PurgedCache,),
    "audit verify": (VerifiedLog,),
    "audit purge": (PurgedLog,),
    "drift": (Drift,),
    "udid": (Udid,),
    "doctor": (Doctor,),
    "license quickstart": (InstalledLicence,),
    "license check": (CheckedLicence,),
    "license show": (Annotated[ShownLicence, _OPEN],),
    "license install": (InstalledLicence, RefusedFile),
    "license renew": (InstalledLicence,),
    "license reset-clock": (ClockReset,),
    "license inspect": (Annotated[InspectedLicence, _OPEN], Annotated[InspectedFile, _OPEN]),
    "license keygen": (MadeSigningKey,),
    "license issue": (IssuedLicence,),
    "models list": (ListedModel,),
    "models verify": (CheckedModel,),
    "models calibrate": (Calibration,),
    "models import": (ImportedModel, ImportedCurve),
    "models remove": (Removed,),
}
"""The shapes of the results of each command that has `--json`; each may answer with an error as well."""


def schema_of_command(command: str) -> dict[str, Any]:
    """The schema of one line of what a command prints with `--json`: a result or an error.

    Args:
        command: one of `RESULTS`.
    """
    answers = [_result(shape) for shape in RESULTS[command]]
    return {
        "$schema": DIALECT,
        "title": f"senseid {command} --json",
        "description": "One line of standard output: a result, or an error.",
        "anyOf": [*answers, schema_of(shapes.ErrorBody)],
    }


def _result(shape: Any) -> dict[str, Any]:
    """The schema of a result, with the fields that all have."""
    schema = schema_of(shape)
    if "code" in schema["properties"]:
        return schema
    head = schema_of(shapes.Result)
    schema["properties"] = {**head["properties"], **schema["properties"]}
    schema["required"] = [*head["required"], *schema["required"]]
    return schema
