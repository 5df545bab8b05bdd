"""The training crops of the liveness student, and its distillation, on small inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.recipes.errors import ConvertError
from models.recipes.liveness import crops, subpixel_screen

if TYPE_CHECKING:
    from pathlib import Path

FACE = (110.0, 100.0, 40.0)
SIMULATIONS = [subpixel_screen.simulated_screen, subpixel_screen.simulated_camera]


@pytest.fixture
def photo() -> np.ndarray:
    """Shapes of some colours: noise would be as uneven before a recapture as after it."""
    y, x = np.mgrid[0:200, 0:220]
    waves = [np.sin(x / 19 + channel) * np.cos(y / 23) for channel in range(3)]
    return (128 + 80 * np.stack(waves, axis=2)).astype(np.uint8)


@pytest.mark.parametrize("simulated", SIMULATIONS)
def test_a_simulation_keeps_the_shape_and_leaves_its_input_unchanged(simulated, photo: np.ndarray) -> None:
    before = photo.copy()
    for seed in range(4):
        made = simulated(photo, FACE, np.random.default_rng(seed))
        assert (made.shape, made.dtype) == (photo.shape, np.uint8)
        assert (made != photo).any()
    assert (photo == before).all()


@pytest.mark.parametrize("simulated", SIMULATIONS)
def test_a_simulation_follows_its_seed(simulated, photo: np.ndarray) -> None:
    first, second, other = (simulated(photo, FACE, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert (first == second).all()
    assert (first != other).any()


@pytest.mark.parametrize("simulated", SIMULATIONS)
def test_what_is_far_from_the_face_is_not_computed(simulated, photo: np.ndarray) -> None:
    made = simulated(photo, FACE, np.random.default_rng(0))
    far = slice(0, 15)  # rows above 2.1 sides of the box
    assert (made[far] == photo[far]).all()


def test_a_simulated_camera_alone_is_smoother_than_a_simulated_screen(photo: np.ndarray) -> None:
    def roughness(simulated) -> float:
        made = [simulated(photo, FACE, np.random.default_rng(seed))[20:180, 30:190].astype(float) for seed in range(12)]
        return float(np.mean([np.abs(np.diff(picture, axis=1)).mean() for picture in made]))

    assert roughness(subpixel_screen.simulated_camera) < roughness(subpixel_screen.simulated_screen)


@pytest.mark.parametrize("colour", range(3))
def test_the_waves_of_rgb_stripes_add_up_to_a_lit_rectangle(colour: int) -> None:
    across = np.linspace(0, 1, 60, endpoint=False)
    u, v = np.meshgrid(across, across)
    light = np.ones_like(u)
    for wave in subpixel_screen._rgb_stripe_waves(colour, (0.9, 0.9)):
        light += 2 * wave.coefficient * np.cos(2 * np.pi * (wave.u_frequency * u + wave.v_frequency * v + wave.phase))
    assert light.mean() == pytest.approx(1)
    assert across[light.mean(axis=0).argmax()] == pytest.approx(colour / 3, abs=0.02)


def test_red_sub_pixels_of_a_pentile_screen_lie_on_a_chequerboard() -> None:
    def light(u: float, v: float) -> float:
        return 1 + sum(
            2 * wave.coefficient * np.cos(2 * np.pi * (wave.u_frequency * u + wave.v_frequency * v + wave.phase))
            for wave in subpixel_screen._pentile_waves(0)
        )

    assert light(0, 0) == pytest.approx(light(1, 1)) == pytest.approx(light(1, -1))
    assert light(1, 0) < light(0, 0) / 4


def test_photos_are_listed_by_path(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("b.jpg", "folder/a.PNG", "folder/labels.csv"):
        (tmp_path / name).touch()
    listed = crops.list_photos([tmp_path / "folder", tmp_path / "b.jpg"])
    assert listed == [tmp_path / "b.jpg", tmp_path / "folder/a.PNG"]


def test_the_shares_of_transforms_sum_to_one() -> None:
    assert sum(share for share, _ in crops.TRANSFORM_SHARES) == pytest.approx(1)


def test_a_box_is_jittered_a_little() -> None:
    box = np.array([100, 50, 180, 150], np.float32)
    boxes = np.stack([crops.jittered(box, np.random.default_rng(seed)) for seed in range(200)])
    assert boxes.dtype == np.float32
    assert np.abs(boxes.mean(axis=0) - box).max() < 2
    sides = boxes[:, 2:] - boxes[:, :2]
    assert np.allclose(sides[:, 1] / sides[:, 0], 1.25, atol=1e-3)
    assert 0.05 < (sides[:, 0] / 80).std() < 0.12


def test_a_composited_face_is_where_its_box_says() -> None:
    pixels = np.full((200, 240, 3), 100, np.uint8)
    box = np.array([80, 60, 140, 140], np.float32)
    pixels[60:140, 80:140] = (250, 20, 20)
    scene = np.full((90, 120, 3), 60, np.uint8)
    for seed in range(8):
        made, moved = crops.composited(pixels, box, scene, np.random.default_rng(seed))
        red = (made[..., 0] > 200) & (made[..., 1] < 60)
        x, y = np.nonzero(red)[1].mean(), np.nonzero(red)[0].mean()
        assert (x, y) == pytest.approx(tuple((moved[:2] + moved[2:]) / 2), abs=2)
        assert (made[0, 0] < 70).all()


def test_a_degraded_photo_keeps_its_face_large_enough() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (160, 200, 3), np.uint8)
    box = np.array([60, 40, 120, 110], np.float32)
    sizes = set()
    for seed in range(10):
        made, moved = crops.degraded(pixels, box, np.random.default_rng(seed))
        assert moved[3] - moved[1] >= crops.MIN_FACE_HEIGHT - 0.01
        assert made.shape[1] / pixels.shape[1] == pytest.approx((moved[3] - moved[1]) / 70, abs=0.01)
        sizes.add(made.shape)
    assert len(sizes) > 3


def test_crops_of_real_photos_are_the_same_each_time(test_data: Path) -> None:
    photo = test_data / "detection-dlib" / "bald_guys.jpg"
    first, second, other = (crops.crop_of(number, photo, photo) for number in (1, 1, 2))
    assert first is not None
    assert (first.shape, first.dtype) == ((80, 80, 3), np.uint8)
    assert (first == second).all()
    assert (first != other).any()


def test_a_photo_without_a_face_gives_no_crop(tmp_path: Path) -> None:
    from PIL import Image

    empty = tmp_path / "empty.png"
    Image.new("RGB", (120, 120), (90, 120, 150)).save(empty)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    assert crops.crop_of(0, empty, empty) is None
    assert crops.crop_of(0, broken, empty) is None


def test_no_photos_are_refused_instead_of_an_endless_loop() -> None:
    with pytest.raises(ConvertError):
        next(crops.generate_crops([]))


def made_up_state(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A narrow teacher with one residual block a stage, under the names of the published one."""
    state: dict[str, np.ndarray] = {}

    def layer(name: str, outputs: int, inputs: int, kernel: int, *, activated: bool = True) -> None:
        state[f"module.{name}.conv.weight"] = rng.normal(0, 0.3, (outputs, inputs, kernel, kernel))
        norm(f"{name}.bn", outputs)
        if activated:
            state[f"module.{name}.prelu.weight"] = rng.uniform(0, 0.3, outputs)

    def norm(name: str, width: int) -> None:
        for part in ("weight", "bias", "running_mean", "running_var"):
            state[f"module.{name}.{part}"] = rng.uniform(0.5, 1.5, width)

    layer("conv1", 4, 3, 3)
    layer("conv2_dw", 4, 1, 3)
    for downsampling, residual in (("conv_23", "conv_3"), ("conv_34", "conv_4"), ("conv_45", "conv_5")):
        for name in (downsampling, f"{residual}.model.0"):
            layer(f"{name}.conv", 6, 4, 1)
            layer(f"{name}.conv_dw", 6, 1, 3)
            layer(f"{name}.project", 4, 6, 1, activated=False)
    layer("conv_6_sep", 8, 4, 1)
    layer("conv_6_dw", 8, 1, 5, activated=False)
    state["module.linear.weight"] = rng.normal(0, 0.3, (5, 8))
    norm("bn", 5)
    state["module.prob.weight"] = rng.normal(0, 0.3, (3, 5))
    return {name: values.astype(np.float32) for name, values in state.items()}


def test_the_teacher_returns_the_output_of_every_block_and_takes_rgb() -> None:
    torch = pytest.importorskip("torch", reason="needs the dependency group 'training'")
    from models.recipes.liveness.teacher import Teacher

    state = made_up_state(np.random.default_rng(0))
    pixels = torch.rand(2, 3, 80, 80) * 255
    made = Teacher(state)(pixels)
    sides = [(4, 40, 40), *[(4, 20, 20)] * 2, *[(4, 10, 10)] * 2, *[(4, 5, 5)] * 2]
    assert [tuple(part.shape[1:]) for part in made] == [*sides, (5,), (3,)]
    stem = torch.nn.functional.conv2d(
        pixels[:, [2, 1, 0]], torch.tensor(state["module.conv1.conv.weight"]), stride=2, padding=1
    )
    norm = [
        torch.tensor(state[f"module.conv1.bn.{part}"]) for part in ("running_mean", "running_var", "weight", "bias")
    ]
    stem = torch.nn.functional.batch_norm(stem, *norm)
    assert torch.allclose(
        Teacher(state)._convolved(pixels.flip(1), "conv1", stride=2, padding=1),
        torch.nn.functional.prelu(stem, torch.tensor(state["module.conv1.prelu.weight"])),
        rtol=1e-4,
        atol=1e-2,
    )
    changed = state | {"module.conv1.conv.weight": state["module.conv1.conv.weight"][:, ::-1].copy()}
    assert torch.allclose(Teacher(changed)(pixels.flip(1))[-1], made[-1], rtol=1e-3, atol=1e-3)


def test_the_learning_rate_warms_up_then_decays() -> None:
    pytest.importorskip("torch", reason="needs the dependency group 'training'")
    from models.recipes.liveness import distil

    rates = [distil.learning_rate_at(step, 1000) for step in range(1000)]
    assert max(rates) < distil.LEARNING_RATE
    assert 80 <= int(np.argmax(rates)) <= 120
    assert rates[-1] == pytest.approx(distil.FINAL_LEARNING_RATE, rel=0.1)


def test_the_loss_is_zero_for_the_outputs_of_the_teacher() -> None:
    torch = pytest.importorskip("torch", reason="needs the dependency group 'training'")
    from models.recipes.liveness import distil

    made = [torch.randn(4, 6, 5, 5), torch.randn(4, 5), torch.randn(4, 3)]
    variances = distil.channel_variances(made)
    assert [tuple(part.shape) for part in variances] == [(1, 6, 1, 1), (1, 5), (1, 3)]
    for weights in (distil.BLOCKWISE_WEIGHTS, distil.END_TO_END_WEIGHTS):
        assert distil.distillation_loss(made, made, variances, weights).item() == pytest.approx(0, abs=1e-6)
        assert distil.distillation_loss([-part for part in made], made, variances, weights).item() > 0.5


def test_an_augmented_batch_stays_a_batch_of_pixels() -> None:
    torch = pytest.importorskip("torch", reason="needs the dependency group 'training'")
    from models.recipes.liveness import distil

    torch.manual_seed(0)
    crops_seen = np.random.default_rng(0).integers(0, 256, (40, 80, 80, 3), np.uint8)
    pixels = distil.to_tensor(crops_seen)
    before = pixels.clone()
    augmented = distil.augmented(pixels)
    assert augmented.shape == (40, 3, 80, 80)
    assert augmented.min() >= 0
    assert augmented.max() <= 255
    assert (augmented == augmented.round()).all()
    assert (pixels == before).all()
    changed = (augmented != pixels).flatten(1).any(1)
    assert 20 < int(changed.sum()) < 40


def test_a_student_is_trained_blockwise_then_end_to_end(capsys: pytest.CaptureFixture[str]) -> None:
    torch = pytest.importorskip("torch", reason="needs the dependency group 'training'")
    from models.recipes.liveness import distil
    from models.recipes.liveness.teacher import Teacher

    class Pupil(torch.nn.Module):  # type: ignore[misc,name-defined]
        """One layer for each output of the teacher, which it sees by the mean colour alone."""

        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.ModuleList([torch.nn.Linear(3, 4) for _ in range(7)])
            self.last = torch.nn.ModuleList([torch.nn.Linear(3, 5), torch.nn.Linear(3, 3)])
            self.blockwise: list[bool] = []

        def forward(self, x, teacher_outputs=None):
            self.blockwise.append(teacher_outputs is not None)
            colour = x.mean((2, 3)) / 128 - 1
            return [layer(colour)[:, :, None, None] for layer in self.layers] + [layer(colour) for layer in self.last]

    torch.manual_seed(0)
    pupil = Pupil()
    seen = np.random.default_rng(0).integers(0, 256, (60, 80, 80, 3), np.uint8)
    teacher = Teacher(made_up_state(np.random.default_rng(0)))
    before = [values.clone() for values in pupil.state_dict().values()]
    distil.train(pupil, teacher, seen, steps=20)
    assert pupil.blockwise[:20] == [True] * 3 + [False] * 17
    assert any((values != old).any() for values, old in zip(pupil.state_dict().values(), before, strict=True))
    assert "step 20: loss" in capsys.readouterr().out


def test_the_exported_student_answers_as_the_network() -> None:
    torch = pytest.importorskip("torch", reason="needs the dependency group 'training'")
    from models.recipes.liveness.export import TOLERANCE, log_odds_difference, to_onnx
    from models.recipes.liveness.student import StudentNet

    torch.manual_seed(0)
    net = StudentNet()
    net.train()
    net(torch.rand(16, 3, 80, 80) * 255)  # sets the running statistics
    net.eval()
    assert log_odds_difference(net, to_onnx(net)) < TOLERANCE
