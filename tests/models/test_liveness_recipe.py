"""The parts of the liveness recipe, on small inputs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the dependency group 'recipes'")
pytest.importorskip("tflite", reason="needs the dependency group 'recipes'")

from models.recipes.efficientnet_lite import LITE0, LITE2
from models.recipes.liveness import frames, prepare, recapture
from models.recipes.liveness.evaluate import apcer_at, auc, report_clips
from models.recipes.liveness.folds import fold_of
from models.recipes.liveness.logistic import fit
from models.recipes.liveness.train import (
    RECAPTURE_WEIGHT,
    SOURCE_WEIGHTS,
    STUDENT_WEIGHT,
    SUBMODELS,
    Stills,
    fit_regression,
    fit_submodel,
)
from senseid_engine.faces import Face
from senseid_engine.image import Image
from senseid_engine.landmarks import Landmarks
from senseid_engine.results import Rect

if TYPE_CHECKING:
    from collections.abc import Callable

FACE = (110.0, 100.0, 90.0)


@pytest.fixture
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(40, 200, (200, 220, 3), np.uint8)


@pytest.mark.parametrize("imitated", [recapture.imitated_screen, recapture.imitated_print])
def test_a_recapture_is_a_photo_of_the_same_size_and_another_look(imitated, photo: np.ndarray) -> None:
    before = photo.copy()
    for seed in range(6):
        made = imitated(photo, FACE, np.random.default_rng(seed))
        assert made.shape == photo.shape
        assert made.dtype == np.uint8
        assert np.abs(made.astype(int) - photo).mean() > 5
    assert (photo == before).all()


@pytest.mark.parametrize("imitated", [recapture.imitated_screen, recapture.imitated_print])
def test_a_recapture_follows_its_seed(imitated, photo: np.ndarray) -> None:
    first, second = (imitated(photo, FACE, np.random.default_rng(3)) for _ in range(2))
    assert (first == second).all()


def test_auc_counts_ties_half_and_apcer_is_at_the_given_bpcer() -> None:
    live, attacks = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 1.5, 2.0])
    assert auc(live, attacks) == pytest.approx((1 + 2.5 + 3 + 3) / 12)
    assert apcer_at(live, attacks, 0.0) == pytest.approx(2 / 3)
    assert apcer_at(live, attacks, 0.25) == pytest.approx(1 / 3)


def test_the_regression_finds_the_odds_that_made_the_samples() -> None:
    rng = np.random.default_rng(1)
    attack = rng.random(20000) < 0.5
    odds = np.where(attack, -1.0, 1.0) + rng.normal(0, 1, 20000)  # true log-odds: twice the value
    slope, bias = fit(odds[:, None], ~attack, np.ones(20000), 0.0)
    assert slope == pytest.approx(2.0, abs=0.1)
    assert bias == pytest.approx(0.0, abs=0.1)


def test_the_regression_is_where_its_loss_is_level() -> None:
    rng = np.random.default_rng(2)
    samples, positive, weight = rng.normal(0, 2, (300, 5)), rng.random(300) < 0.3, rng.random(300)
    answer = fit(samples, positive, weight, 0.01)
    p = 1 / (1 + np.exp(-(samples @ answer[:-1] + answer[-1])))
    away = weight / weight.sum() * (p - positive)
    assert samples.T @ away + 0.02 * answer[:-1] == pytest.approx(np.zeros(5), abs=1e-5)
    assert away.sum() == pytest.approx(0.0, abs=1e-5)


def test_separable_samples_do_not_run_away() -> None:
    samples = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    answer = fit(samples, np.array([False, False, True, True]), np.ones(4), 1e-3)
    assert np.isfinite(answer).all()
    assert 0 < answer[0] < 20


def test_sources_and_labels_weigh_what_they_should() -> None:
    source = np.array(["lfw", "lfw", "dtruong", "dtruong", "dtruong", "gc535", "gc535", "lfw"])
    attack = np.array([False, False, False, True, True, False, True, True])
    recaptured = np.array([False] * 7 + [True])
    stills = Stills(np.zeros((8, 4, 5), np.float32), attack, source, source, recaptured, np.full(8, ""))
    weights = stills.weights(np.ones(8, bool))
    assert weights[~attack].sum() == pytest.approx(1.0)
    assert weights[attack].sum() == pytest.approx(1.0)
    assert weights[7] == pytest.approx(RECAPTURE_WEIGHT)
    assert weights[3] == pytest.approx(weights[4])
    assert weights[2] / weights[5] == pytest.approx(SOURCE_WEIGHTS["dtruong"] / SOURCE_WEIGHTS["gc535"])
    without = stills.weights(source != "gc535")
    assert (without[source == "gc535"] == 0).all()


def test_both_networks_weigh_alike_and_their_surroundings_half() -> None:
    rng = np.random.default_rng(4)
    attack = np.arange(400) % 2 == 0
    features = rng.normal(0, 1, (400, 4, LITE0.features + LITE2.features + 1)).astype(np.float32)
    features[..., -1] = 0
    maps = (slice(LITE0.maps), slice(LITE0.features, LITE0.features + LITE2.maps))
    filters = (slice(LITE0.maps, LITE0.features), slice(LITE0.features + LITE2.maps, -1))
    for near, wide in zip(filters, maps, strict=True):
        features[:, :3, wide.start or 0] += np.where(attack, -9, 9)[:, None]  # of a map: does not count for the face
        features[:, :3, near.start] += np.where(attack, -1, 1)[:, None]
        features[:, 3, near.start + 1] += np.where(attack, -9, 9)  # of a filter: does not count for the surroundings
        features[:, 3, (wide.start or 0) + 1] += np.where(attack, -1, 1)
    one = np.full(400, "dtruong")
    stills = Stills(features, attack, one, one, np.arange(400) % 4 == 0, np.full(400, ""))
    found = fit_regression(stills, np.ones(400, bool))
    for near, wide in zip(filters, maps, strict=True):
        assert np.abs(found.face[near]).argmax() == 0
        assert not found.face[wide].any()
        assert not found.surroundings[near].any()
        assert np.abs(found.surroundings[wide]).argmax() == 1
    assert [submodel.weight for submodel in SUBMODELS] == [0.5, 0.25, 0.5, 0.25]
    assert found.surroundings[-1] == STUDENT_WEIGHT
    assert found.face[-1] == 0
    alone, _ = fit_submodel(stills, np.ones(400, bool), replace(SUBMODELS[3], weight=1.0))
    assert found.surroundings[maps[1]] == pytest.approx(alone[maps[1]] / 4)
    log_odds = np.array([found.log_odds(still) for still in features])
    assert auc(log_odds[~attack], log_odds[attack]) > 0.97


def test_clips_are_judged_by_the_mean_of_their_frames(capsys: pytest.CaptureFixture[str]) -> None:
    log_odds = np.array([2.0, 4.0, 1.0, -9.0, 3.0, -3.0])
    attack = np.array([False, False, False, True, True, True])
    recaptured = np.array([False, False, False, False, False, True])
    report_clips(log_odds, attack, recaptured, np.array(["1", "1", "2", "3", "3", "1"]), np.array([0, 0, 1, 2, 2, 0]))
    text = capsys.readouterr().out
    assert "2 live clips, lowest [1. 3.]" in text
    assert "real recordings: AUC 1.000; highest [-3.]" in text
    assert "simulated recaptures: AUC 1.000; highest [-3.]" in text


def test_the_labels_of_one_source_are_exchanged(tmp_path: Path) -> None:
    rows = ["name,label,group,source", "a.jpg,spoof,g,dtruong", "b.jpg,spoof,gc535,gc535", "c.jpg,live,gc535,gc535"]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    assert [still.attack for still in prepare.read_stills(tmp_path)] == [True, False, True]


def test_whole_frames_come_with_the_box_of_their_face(tmp_path: Path) -> None:
    rows = [
        "file,label,kind,source,group,box",
        "a/one.jpg,live,,a,a-live-0,0.5 0.25 0.2 0.1",
        "a/two.jpg,attack,screen,a,a-attack-0,",
        "a/clip_live_0.mp4,live,,a,,",
    ]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    one, two = prepare.read_frames(tmp_path, "more")
    assert (one.attack, one.group, one.source, one.box) == (False, "more-a", "more", (0.5, 0.25, 0.2, 0.1))
    assert one.clip == ""
    assert (two.attack, two.box) == (True, None)


def test_the_face_of_the_label_is_taken_not_that_of_who_holds_the_screen() -> None:
    def face(*box: float) -> Face:
        landmarks = Landmarks.of(np.zeros((468, 3), np.float32), 1.0)
        return Face(Rect(0, 0, 1, 1), np.array(box, np.float32), 1.0, 0.9, landmarks, landmarks.five)

    image = Image(pixels=np.zeros((100, 200, 3), np.uint8), format="jpeg", orientation=1, name="a.jpg")
    holder, shown = face(0, 0, 60, 60), face(120, 40, 160, 80)
    still = prepare.Still(Path("a.jpg"), attack=True, group="g", source="more", box=(0.7, 0.6, 0.2, 0.4))
    assert prepare.labelled_face([holder, shown], still, image) is shown
    assert prepare.labelled_face([holder], still, image) is None
    assert prepare.labelled_face([holder, shown], replace(still, box=None), image) is holder


def test_people_of_one_maker_are_held_out_together() -> None:
    groups = np.array(
        ["more-a", "more-b", "more-a", "msu-1", "lfw", "clips-Apfol", "webcam-Apfol", "clips-b", "clips-c"]
    )
    folds = fold_of(groups)
    assert folds[0] == folds[2] != folds[1]
    assert folds[4] == -1
    assert folds[5] == folds[6]
    assert folds[7] == folds[1]


def test_frames_of_clips_are_taken_of_people_and_recaptures_only(
    tmp_path: Path, encode_clip: Callable[..., bytes]
) -> None:
    clip = encode_clip([np.full((96, 128, 3), 10 * i, np.uint8) for i in range(24)], range(0, 2400, 100))
    for name in ("one/live/a-real.mp4", "one/spoof/a-fake.mp4", "two/b.mp4", "two/swap.mp4", "three/c.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(clip)
    rows = ["file,label,kind,source", "b.mp4,attack,phone replay,b", "swap.mp4,attack,face swap,b"]
    (tmp_path / "two" / "labels.csv").write_text("\n".join(rows))
    (tmp_path / "three" / "labels.csv").write_text("file,label,kind,source\nc.mp4,live,,c\nd.jpg,live,,c")
    found = list(frames.clips(*(tmp_path / name for name in ("one", "two", "three"))))
    assert [(clip.source, clip.attack) for clip in found] == [("a", False), ("a", True), ("b", True), ("c", False)]
    written = list(frames.write_frames(found[0], tmp_path, 7))
    assert 1 < len(written) <= frames.FRAMES_PER_CLIP
    assert all((tmp_path / name).stat().st_size for name in written)


def test_no_group_and_label_has_more_stills_than_allowed() -> None:
    stills = [prepare.Still(Path(f"{i:05}.jpg"), i % 3 == 0, "one", "dtruong") for i in range(3000)]
    kept = prepare.subsampled(stills, np.random.default_rng(0))
    assert sum(still.attack for still in kept) == prepare.MAX_PER_GROUP_AND_LABEL
    assert len(kept) == 2 * prepare.MAX_PER_GROUP_AND_LABEL
    drawn = prepare.with_recaptures(kept)
    assert sum(still.recaptures for still in drawn) == pytest.approx(
        prepare.RECAPTURES * prepare.RECAPTURE_SHARES["dtruong"]
    )
    assert not any(still.recaptures for still in drawn if still.attack)
