"""The format of manifest.toml: what is accepted, and that everything else is refused with its place."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from senseid_models.entries import Asset, ModelEntry, OperatorSource, PackageSource, TrainedSource, TrainingData
from senseid_models.errors import ManifestError
from senseid_models.manifest import dump_manifest, parse_manifest
from senseid_models.presets import PRESETS

PATH = Path("/registry/manifest.toml")
ZEROS = "0" * 64

# A pack that an operator could add: InsightFace's five points on a 112x112 input.
MANIFEST = f"""
format = 1

[[model]]
id = "sface"
kind = "embedding"
product = "senseid_face"
file = "sface.onnx"
sha256 = "{ZEROS}"
bytes = 1
licence = "Apache-2.0"
licence_source = "the zoo's LICENSE"
last_day = 2030-12-31

[model.source]
registry = "operator"
origin = "brought by the operator"

[model.input]
name = "data"
shape = ["batch", 3, 112, 112]
layout = "NCHW"
colour = "BGR"
dtype = "float32"
mean = [127.5, 127.5, 127.5]
scale = [0.0078125, 0.0078125, 0.0078125]

[[model.output]]
name = "fc1"
shape = [1, 128]
meaning = "embedding"

[model.embedding]
size = 128
template = [[38.3, 51.7], [73.5, 51.5], [56, 71.7], [41.5, 92.4], [70.7, 92.2]]
mirrored = true

[[model]]
id = "fas"
kind = "liveness"
product = "senseid_liveness"
file = "fas.onnx"
sha256 = "{ZEROS}"
bytes = 2
licence = "Apache-2.0"
licence_source = "its repository"
rebuild = "python -m models.recipes.build fas"

[model.source]
registry = "npm"
package = "@someone/fas"
version = "1.0.0"
archive = "someone-fas-1.0.0.tgz"
package_sha256 = "{ZEROS}"

[[model.source.file]]
path = "package/fas.bin"
sha256 = "{ZEROS}"

[model.input]
name = "input"
shape = ["batch", "height", "width", 1]
layout = "NHWC"
colour = "GRAY"
dtype = "uint8"
mean = [0]
scale = [1]
crop = 2.7

[[model.output]]
name = "logits"
shape = ["batch", 3]
meaning = "print, live, replay"

[[asset]]
name = "sface-curve"
file = "sface-curve.toml"
sha256 = "{ZEROS}"
bytes = 3
about = "score curve from a labelled set"
"""


def parse(text: str) -> tuple[tuple[ModelEntry, ...], tuple[Asset, ...]]:
    return parse_manifest(PATH, text.encode())


def test_packs_of_an_operator_can_be_described() -> None:
    (sface, fas), (curve,) = parse(MANIFEST)
    assert sface.source == OperatorSource("brought by the operator")
    assert sface.rebuild is None
    assert curve.name == "sface-curve"
    assert sface.last_day == date(2030, 12, 31)
    assert fas.last_day is None
    assert sface.input.scale == (0.0078125,) * 3
    assert sface.embedding is not None
    assert sface.embedding.template == ((38.3, 51.7), (73.5, 51.5), (56.0, 71.7), (41.5, 92.4), (70.7, 92.2))
    assert sface.embedding.mirrored
    ((plain, _), _) = parse(MANIFEST.replace("mirrored = true\n", ""))
    assert plain.embedding == replace(sface.embedding, mirrored=False)
    assert sface.path == Path("/registry/sface.onnx")
    assert isinstance(fas.source, PackageSource)
    assert fas.input.crop == pytest.approx(2.7)
    assert fas.input.size == ("height", "width")
    assert fas.embedding is None
    assert curve.path == Path("/registry/sface-curve.toml")


TRAINED = """[model.source]
registry = "trained"
script = "models.recipes.fas"
seed = 0

[[model.source.data]]
name = "LFW"
about = "faces"
"""
PACKAGE = MANIFEST[
    MANIFEST.index('[model.source]\nregistry = "npm"') : MANIFEST.index('\n[model.input]\nname = "input"')
]


def test_a_model_can_have_been_trained_here() -> None:
    ((_, fas), _) = parse(MANIFEST.replace(PACKAGE, TRAINED))
    assert fas.source == TrainedSource("models.recipes.fas", 0, (TrainingData("LFW", "faces"),))
    assert fas.rebuild == "python -m models.recipes.build fas"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("seed = 0\n", "seed = -1\n", r"model\[1\]\.source: seed must be a whole number of at least 0"),
        ("seed = 0\n", "", "field seed is missing"),
        ('script = "models.recipes.fas"\n', "", "field script is missing"),
        ('about = "faces"\n', "", r"source\.data\[0\]: field about is missing"),
        ('about = "faces"\n', 'about = "faces"\npeople = 1\n', r"source\.data\[0\]: unknown field people"),
        ('[[model.source.data]]\nname = "LFW"\nabout = "faces"\n', "", "data must name at least one set"),
        ("seed = 0\n", 'seed = 0\nversion = "1"\n', r"source: unknown field version"),
    ],
)
def test_a_training_is_told_in_full(old: str, new: str, problem: str) -> None:
    assert TRAINED.count(old) == 1
    with pytest.raises(ManifestError, match=problem):
        parse(MANIFEST.replace(PACKAGE, TRAINED.replace(old, new)))


def test_a_manifest_may_be_empty() -> None:
    assert parse("format = 1") == ((), ())


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("format = 1", "", "field format is missing"),
        ("format = 1", "format = 2", "this version of senseid knows 1"),
        ("format = 1", "format = true", "whole number"),
        ("format = 1", "format = 1\nauthor = 'me'", "manifest: unknown field author"),
        ("format = 1", "format = ", "is not TOML"),
        pytest.param("format = 1", f"format = {'1' * 5000}", "is not TOML", id="thousands of digits"),
        pytest.param("format = 1", f"format = {'[' * 5000}{']' * 5000}", "nested too deeply", id="deep"),
        ("bytes = 1\n", "bytes = 1\nbytes = 1\n", "is not TOML"),
        ("bytes = 1\n", "bytes = 0\n", r"model\[0\]: bytes must be a whole number of at least 1"),
        ("bytes = 1\n", "bytes = '1'\n", "whole number"),
        ("bytes = 1\n", "bytes = 1\nurl = 'x'\n", r"model\[0\]: unknown field url"),
        ('id = "sface"', 'id = "SFace"', "lower-case words"),
        ('id = "sface"', 'id = "fas"', "the name fas is used 2 times"),
        ('id = "sface"', 'id = "sface-curve"', "the name sface-curve is used 2 times"),
        ('file = "sface.onnx"', 'file = "fas.onnx"', "the file fas.onnx is used 2 times"),
        ('file = "sface.onnx"', 'file = "../sface.onnx"', "without a directory"),
        ('file = "sface.onnx"', 'file = "/etc/passwd"', "without a directory"),
        ('file = "sface.onnx"', 'file = ".."', "without a directory"),
        ('kind = "embedding"', 'kind = "poem"', r"kind must be one of detector, .*, not 'poem'"),
        ('product = "senseid_face"', 'product = "free"', "product must be one of"),
        (
            'product = "senseid_face"',
            'product = "senseid_kestrel"',
            "must be senseid_face for a model of kind embedding",
        ),
        (f'file = "sface.onnx"\nsha256 = "{ZEROS}"', f'file = "sface.onnx"\nsha256 = "{ZEROS[:-1]}G"', "hexadecimal"),
        (
            'licence = "Apache-2.0"\nlicence_source = "the',
            'licence = " "\nlicence_source = "the',
            "licence must be text",
        ),
        ('licence_source = "its repository"\n', "", "field licence_source is missing"),
        ('licence_source = "its repository"', "licence_source = 'a'\nlicence_source2 = 'b'", "unknown field"),
        ('origin = "brought by the operator"', 'origin = """a\nb"""', r"source: origin must be text on one line"),
        ('registry = "operator"', 'registry = "torrent"', "registry must be one of pypi, npm, trained, operator"),
        ('rebuild = "python -m models.recipes.build fas"\n', "", "field rebuild is missing"),
        ('[[model.source.file]]\npath = "package/fas.bin"\nsha256 = "' + ZEROS + '"', "", "at least one file"),
        ('colour = "BGR"', 'colour = "CMYK"', r"model\[0\]\.input: colour must be one of"),
        ('layout = "NCHW"', 'layout = "NHWC"', "shape must have four dimensions"),
        ('shape = ["batch", 3, 112, 112]', 'shape = ["batch", 3, 112]', "four dimensions"),
        ('shape = ["batch", 3, 112, 112]', 'shape = ["batch", 3, 112, 113]', "must be a square of a fixed size"),
        ('shape = ["batch", 3, 112, 112]', 'shape = ["batch", 3, "side", "side"]', "must be a square of a fixed size"),
        ('shape = ["batch", 3, 112, 112]', 'shape = ["batch", 3, 112, -1]', "positive whole numbers and names"),
        ('shape = ["batch", 3, 112, 112]', 'shape = ["a batch", 3, 112, 112]', "positive whole numbers and names"),
        ('shape = ["batch", 3, 112, 112]', "shape = []", "positive whole numbers and names"),
        ("mean = [127.5, 127.5, 127.5]", "mean = [127.5]", "mean must be a list of 3 numbers"),
        ("mean = [127.5, 127.5, 127.5]", "mean = 127.5", "mean must be a list of 3 numbers"),
        ("mean = [127.5, 127.5, 127.5]", "mean = [127.5, nan, 127.5]", "mean must be a list of 3 numbers"),
        ("mean = [127.5, 127.5, 127.5]", "mean = [127.5, true, 127.5]", "mean must be a list of 3 numbers"),
        ("mean = [0]", "mean = [1]", r"model\[1\]\.input: dtype uint8 takes pixels as they are"),
        ("scale = [1]", "scale = [0.5]", r"model\[1\]\.input: dtype uint8 takes pixels as they are"),
        ("crop = 2.7", "crop = -1", "must be a number that is not negative"),
        ("crop = 2.7", "crop = 'wide'", "must be a number that is not negative"),
        ("shape = [1, 128]", "shape = [1, 256]", r"of shape \[batch, 128\]"),
        (
            '[[model.output]]\nname = "logits"\nshape = ["batch", 3]\nmeaning = "print, live, replay"',
            "",
            "at least one output",
        ),
        ("size = 128", "size = 1.5", "whole number"),
        ("size = 128", "size = 8193", r"model\[0\]\.embedding: size must be at most 8192"),
        ("last_day = 2030-12-31", "last_day = '2030-12-31'", "must be a date, as in 2030-12-31"),
        ("last_day = 2030-12-31", "last_day = 2030-12-31T00:00:00Z", "must be a date"),
        ("mirrored = true", "mirrored = 1", "mirrored must be true or false"),
        ("mirrored = true", "square_root = true", r"model\[0\]\.embedding: unknown field square_root"),
        ("[41.5, 92.4], ", "", "template has 4 points instead of 5"),
        ("[70.7, 92.2]]", "[70.7]]", r"at least two \[x, y\]"),
        ("template = [[38.3, 51.7], ", "template = 1 # [[38.3, 51.7], ", r"at least two \[x, y\]"),
        ("[[asset]]", "[asset]", "asset must be a list of tables"),
        ('about = "score curve from a labelled set"', "", r"asset\[0\]: field about is missing"),
        ('name = "fc1"\nshape = [1, 128]', 'name = "fc1"\nshape = [1, 64]', "must be one, of shape"),
        ("[model.embedding]", "[model.alignment]", "field embedding is missing"),
        ('[model.source]\nregistry = "operator"\norigin = "brought by the operator"\n', "", "field source is missing"),
    ],
)
def test_everything_else_is_refused_with_its_place(old: str, new: str, problem: str) -> None:
    assert MANIFEST.count(old) >= 1
    with pytest.raises(ManifestError, match=problem) as caught:
        parse(MANIFEST.replace(old, new, 1))
    assert caught.value.message.startswith(f"manifest {PATH}: ")
    assert "\n" not in caught.value.message


def test_a_table_must_be_a_table() -> None:
    text = MANIFEST.replace("[model.input]", "[model.other]", 1).replace("[[model]]", "[[model]]\ninput = 1", 1)
    with pytest.raises(ManifestError, match=r"model\[0\]\.input: expected a table"):
        parse(text)


def test_text_must_be_utf_8() -> None:
    with pytest.raises(ManifestError, match="is not UTF-8"):
        parse_manifest(PATH, b"format = 1 # \xff")


def test_an_embedding_table_belongs_to_embedding_models_only() -> None:
    with pytest.raises(ManifestError, match=r"model\[1\]: unknown field embedding"):
        parse(MANIFEST.replace("[[asset]]", "[model.embedding]\nsize = 1\n\n[[asset]]", 1))


def test_an_embedding_model_says_how_a_face_is_cut_out_and_says_it_once() -> None:
    start = MANIFEST.index("template = ")
    neither = MANIFEST[:start] + MANIFEST[MANIFEST.index("mirrored", start) :]
    scale = "scale = [0.0078125, 0.0078125, 0.0078125]"
    with pytest.raises(ManifestError, match="must have a template, or its input a crop, and not both"):
        parse(neither)
    with pytest.raises(ManifestError, match="must have a template, or its input a crop, and not both"):
        parse(MANIFEST.replace(scale, f"{scale}\ncrop = 1.2"))
    ((by_crop, *_), _) = parse(neither.replace(scale, f"{scale}\ncrop = 1.2"))
    assert by_crop.embedding is not None
    assert by_crop.embedding.template is None
    assert by_crop.input.crop == pytest.approx(1.2)


@pytest.mark.parametrize("name", PRESETS)
def test_what_is_written_is_read_back(name: str) -> None:
    ((sface, _), _) = parse(MANIFEST)
    preset = PRESETS[name]
    assert sface.embedding is not None
    entry = replace(
        sface,
        input=preset.input("data:0", "NHWC", 1),
        embedding=replace(sface.embedding, template=preset.template),
        last_day=None,
    )
    assert parse_manifest(PATH, dump_manifest(entry)) == ((entry,), ())
