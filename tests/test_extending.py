"""docs/extending.md: its files are written to a folder and its commands are run there."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from anime_gan.commands import generate, train
from anime_gan.common import fingerprint
from anime_gan.common.user_code import load_object
from anime_gan.datasets import build
from anime_gan.datasets.dataset import DataError
from anime_gan.datasets.drawn.faces import DrawnFaces
from anime_gan.datasets.illustrated import IllustratedFaces
from anime_gan.datasets.load import load_dataset
from anime_gan.evaluate.__main__ import main as evaluate
from anime_gan.exports.pack import main as pack
from anime_gan.runs.start import make_trainer, split_for
from anime_gan.training.batches import Batches
from anime_gan.training.config import TrainConfig
from anime_gan.training.step import complete_labels
from anime_gan.training.trainer import Trainer

REPOSITORY = Path(__file__).parents[1]
PAGE = (REPOSITORY / "docs" / "extending.md").read_text("utf-8")
SECTIONS = {part.split("\n")[0]: part for part in PAGE.split("\n## ")[1:]}
FILE = re.compile(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAMS = {
    "train.py": train.main,
    "generate.py": generate.main,
    "-m anime_gan.datasets.build": build.main,
}
COLUMNS = ("hair_color=red", "hair_color=blue", "smile")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all files of the page."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "pictures").mkdir()
    for name, text in FILE.findall(PAGE):
        (folder / name).write_text(text, "utf-8")
    random = np.random.default_rng(0)
    for number in range(4):
        pixels = random.integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "pictures" / f"{number}.png")
    return folder


@pytest.fixture(autouse=True)
def in_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs a test in the folder; forgets the modules that were imported from it."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    importlib.invalidate_caches()
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]


def run(section: str) -> None:
    """Runs the commands of a section."""
    lines = "".join(COMMANDS.findall(SECTIONS[section])).splitlines()
    assert lines
    for line in lines:
        command = line.removeprefix("python ")
        (program,) = (name for name in PROGRAMS if command.startswith(f"{name} "))
        assert PROGRAMS[program](shlex.split(command.removeprefix(program))) == 0, line


def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and label rows of `my_faces.py`, drawn one by one."""
    source = load_object("my_faces:Discs", type, "data")(0)
    images, rows = [], []
    for index in range(count):
        image, said = source.draw(index, 16)
        images.append(image)
        red = 1 if said["hair_color"] == "red" else -1
        rows.append([red, -red, 1 if said["smile"] else -1])
    return np.stack(images), np.array(rows)


@pytest.mark.parametrize("section", [name for name, text in SECTIONS.items() if FILE.search(text)])
def test_each_addition_takes_at_most_40_lines(section):
    assert sum(len(text.splitlines()) for _, text in FILE.findall(SECTIONS[section])) <= 40


def test_the_page_has_all_five():
    assert {"A data source", "A network", "A loss", "A gradient penalty"} < set(SECTIONS)
    assert "An attribute with its words" in SECTIONS


def test_a_data_source():
    run("A data source")
    dataset = load_dataset("discs", 0, 16, 0)
    images, rows = drawn(100)
    assert dataset.schema.columns == COLUMNS
    np.testing.assert_array_equal(dataset.images, images)
    np.testing.assert_array_equal(dataset.labels, rows)


def test_a_network(tmp_path, monkeypatch, capsys):
    seen = []
    whole = Trainer.train_step

    def watched(self, images, labels):
        seen.append((images, labels))
        return whole(self, images, labels)

    monkeypatch.setattr(Trainer, "train_step", watched)
    run("A network")
    # The trainer sees the pictures of the source, with their labels.
    images, rows = drawn(100)
    assert len(seen) == 20
    for batch, labels in seen:
        for image, row in zip(batch, labels, strict=True):
            (places,) = np.nonzero((images == image).all(axis=(1, 2, 3)))
            assert any((rows[place] == row).all() for place in places)
    # The exported generator has the page's layers: embedding, dense layer, transposed convolution.
    export = Path("runs/tiny/export/20")
    weights = [tuple(weight.shape) for weight in tf.saved_model.load(str(export)).weights]
    assert weights == [(3, 16), (16,), (116, 2048), (2048,), (4, 4, 3, 32), (3,)]
    # It draws in a process that cannot import the module.
    script = (
        "import sys, importlib.util\n"
        "from anime_gan.commands.generate import main\n"
        "assert importlib.util.find_spec('my_networks') is None\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    options = ["--attrs=red hair, smile", "--num=4", "--out=tiny.png"]
    command = [sys.executable, "-c", script, f"--model={export.resolve()}", *options]
    environment = {"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    elsewhere, here = (np.asarray(Image.open(path)) for path in (tmp_path / "tiny.png", "tiny.png"))
    np.testing.assert_array_equal(elsewhere, here)
    assert here.std() > 0
    # Without its export, the message has the command that makes it again, with the code's names.
    shutil.rmtree("runs/tiny/export")
    capsys.readouterr()
    assert generate.main(["--model=runs/tiny"]) == 2
    command = capsys.readouterr().err.strip().rpartition("to export it: python train.py ")[2]
    assert train.main(shlex.split(command)) == 0
    assert export.is_dir()


def first_step(run: str) -> tuple[Trainer, dict[str, tf.Tensor]]:
    """A run's networks before the first step, and what that step computes with."""
    folder = Path(run)
    values = json.loads((folder / "config.json").read_text("utf-8"))
    config = TrainConfig.from_options(values, values)
    dataset = load_dataset(config.data, config.num_images, 16, config.seed, import_code=True)
    train = split_for(config, dataset).train
    trainer = make_trainer(config, dataset, train)
    chosen = train[Batches(len(train), config.batch_size, config.seed).indices(0)]
    noise = trainer.draw_noise(tf.constant(0, tf.int64))
    labels = tf.cast(dataset.labels[chosen], tf.float32)
    real_labels, fake_labels = complete_labels(trainer, labels, noise)
    return (
        trainer,
        {
            "real": tf.cast(dataset.images[chosen], tf.float32) / 127.5 - 1.0,
            "fake": trainer.generator(noise.latents, fake_labels, training=True),
            "real_labels": real_labels,
            "fake_labels": fake_labels,
            "noise": noise.penalty,
        },
    )


def first_line(run: str) -> dict[str, float]:
    line: dict[str, float] = json.loads((Path(run) / "stats.jsonl").read_text("utf-8").splitlines()[0])
    return line


def test_a_loss(capsys):
    run("A loss")
    trainer, values = first_step("runs/loss")
    real, fake = (
        trainer.discriminator(values[which], values[f"{which}_labels"])["logits"].numpy().ravel()
        for which in ("real", "fake")
    )
    logged = first_line("runs/loss")
    assert logged["loss/discriminator_real"] == pytest.approx(np.mean((real - 1.0) ** 2) / 2, rel=1e-4)
    assert logged["loss/discriminator_fake"] == pytest.approx(np.mean(fake**2) / 2, rel=1e-4)

    # A resumed run imports the code only if the command names it; the error can be pasted.
    del sys.modules["my_losses"]
    arguments = ["--resume", "--run_dir=runs/loss", "--steps=21"]
    capsys.readouterr()
    assert train.main(arguments) == 2
    error = capsys.readouterr().err
    assert "my_losses" not in sys.modules
    flags = error.split(": add ")[1].split()
    assert sorted(flags) == [
        "--adversarial_loss=my_losses:LEAST_SQUARES",
        "--architecture=my_networks:TINY",
        "--data=my_faces:Discs",
    ]
    assert train.main([*arguments, *flags]) == 0
    assert Path("runs/loss/export/21/saved_model.pb").exists()


def test_a_gradient_penalty():
    run("A gradient penalty")
    trainer, values = first_step("runs/penalty")
    assert values["noise"].shape == (32, 1, 1, 1)
    between = values["fake"] + values["noise"] * (values["real"] - values["fake"])
    squares = []
    for image, labels in zip(between, values["real_labels"], strict=True):
        with tf.GradientTape() as tape:
            tape.watch(image)
            logit = trainer.discriminator(image[tf.newaxis], labels[tf.newaxis])["logits"]
        squares.append(np.sum(np.square(tape.gradient(logit, image))))
    logged = first_line("runs/penalty")["loss/gradient_penalty"]
    assert logged == pytest.approx(10.0 * np.mean(squares), rel=1e-4)


def test_an_attribute_with_its_words(capsys):
    run("An attribute with its words")

    def picture(attributes: str) -> np.ndarray:
        options = ["--model=runs/ears", "--seeds=0", "--out=face.png"]
        Path("face.png").unlink(missing_ok=True)
        assert generate.main([f"--attrs={attributes}", *options]) == 0
        return np.asarray(Image.open("face.png"))

    asked = picture("bunny ears, no ring of light")
    np.testing.assert_array_equal(picture("ears=rabbit, no halo"), asked)
    np.testing.assert_array_equal(picture("兔耳, without halo"), asked)
    assert (picture("nekomimi, no halo") != asked).any()
    assert (picture("rabbit ears, ring of light") != asked).any()
    capsys.readouterr()
    assert generate.main(["--model=runs/ears", "--attrs=bunny ear"]) == 2
    assert "did you mean 'bunny ears'" in capsys.readouterr().err


BROKEN = {
    "mean_loss": """
import tensorflow as tf
from anime_gan.training.losses import AdversarialLoss
MEAN = AdversarialLoss(lambda real, fake: (-real[:, 0], fake[:, 0]), lambda fake: -tf.reduce_mean(fake))
""",
    "mean_penalty": """
import tensorflow as tf
from anime_gan.training.penalties import GradientPenalty
MEAN = GradientPenalty(lambda d, real, fake, noise: tf.reduce_mean(d(real)), lambda shape: None, 1.0)
""",
    "other_faces": """
from my_faces import Discs
class Floats(Discs):
    def draw(self, index, resolution):
        image, labels = super().draw(index, resolution)
        return image / 255.0, labels
class Unsendable(Discs):
    def __init__(self, seed):
        self.seed, self.choose = seed, lambda: seed
""",
}


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("adversarial_loss=my_loses:LEAST_SQUARES", "no module 'my_loses' in"),
        ("adversarial_loss=my_loses:LEAST_SQUARES", "did you mean 'my_losses'"),
        (
            "adversarial_loss=my_losses:LEAST_SQUARE",
            "not define 'LEAST_SQUARE'; did you mean 'LEAST_SQUARES'",
        ),
        ("adversarial_loss=my_losses:generator", "an instance of anime_gan.training.losses.AdversarialLoss"),
        (
            "gradient_penalty=my_losses:LEAST_SQUARES",
            "of anime_gan.training.penalties.GradientPenalty, but has type",
        ),
        ("architecture=my_networks:Generator", "must be an instance of anime_gan.models.Architecture"),
        ("discriminator=my_network:TINY", "did you mean 'my_networks'"),
        ("data=my_faces:COLORS", "must be a class"),
        ("data=decimal:Decimal", "a method draw"),
        (
            "adversarial_loss=mean_loss:MEAN",
            "must return float32 (2,) for a batch of 2 images, not float32 ()",
        ),
        ("gradient_penalty=mean_penalty:MEAN", "must return float32 (2,) for a batch of 2 images"),
    ],
)
def test_errors_are_one_line_that_names_the_option(folder, capsys, option, said):
    for name, text in BROKEN.items():
        (folder / f"{name}.py").write_text(text)
    importlib.invalidate_caches()
    assert train.main([f"--{option}", "--run_dir=runs/none"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"train.py: --{option}: ") and said in error and error.count("\n") == 1
    assert not Path("runs/none").exists()


def test_a_missing_import_inside_the_module_keeps_its_traceback(folder):
    (folder / "incomplete.py").write_text("import not_installed\n")
    importlib.invalidate_caches()
    with pytest.raises(ModuleNotFoundError, match="not_installed"):
        load_object("incomplete:NAME", type, "data")


def test_bad_data_sources_say_what_is_wrong(folder):
    (folder / "other_faces.py").write_text(BROKEN["other_faces"])
    importlib.invalidate_caches()
    with pytest.raises(DataError, match=r"draw\(\) must return uint8 .*, not float64 \[16, 16, 3\]"):
        load_dataset("other_faces:Floats", 4, 16, 0, import_code=True)
    with pytest.raises(DataError, match="cannot be pickled for the worker processes"):
        load_dataset("other_faces:Unsendable", 4, 16, 0, import_code=True)


SOURCE = """
from beside import SHADE
class Gray:
    name, statement, attributes = "gray", "", {"smile": None}
    def __init__(self, seed):
        self.table = np.arange(5_000) + seed
    def draw(self, index, resolution):
        return np.full((resolution, resolution, 3), SHADE, np.uint8), {"smile": index % 2 == 0}
"""


def test_the_cache_notices_changed_code_and_data(folder):
    def fingerprint_of(source: str, shade: int, seed: int = 0, middle: int = 2_500) -> str:
        for name in ("gray_faces", "beside"):
            sys.modules.pop(name, None)
        # Of different lengths, so that Python does not take the compiled file of the version before.
        (folder / "gray_faces.py").write_text(f"import numpy as np\n{source}")
        (folder / "beside.py").write_text(f"SHADE = {shade}{' ' * shade}\n")
        fingerprint.code_fingerprint.cache_clear()
        importlib.invalidate_caches()
        illustrator = load_object("gray_faces:Gray", type, "data")(seed)
        illustrator.table[2_500] = middle
        return IllustratedFaces(illustrator, 10).fingerprint()

    first = fingerprint_of(SOURCE, 1)
    assert fingerprint_of(SOURCE + "# A comment.\n", 1) != ""
    assert fingerprint_of(SOURCE, 1) == first
    others = [
        fingerprint_of(SOURCE, 2),
        fingerprint_of(SOURCE.replace("% 2 ==", "% 3 =="), 1),
        fingerprint_of(SOURCE, 1, seed=1),
        fingerprint_of(SOURCE, 1, middle=7),
    ]
    assert len({first, *others}) == 5


def test_the_cache_is_found_again_however_its_path_was_given():
    """A resumed run reads the path from a file, so equal strings are different objects."""

    def fingerprint_with(first: str, second: str) -> str:
        faces = DrawnFaces(0)
        faces.paths = [first, second]
        return IllustratedFaces(faces, 10).fingerprint()

    path, read = "sprites/hair", json.loads('"sprites/hair"')
    assert path == read and path is not read
    assert fingerprint_with(path, path) == fingerprint_with(path, read)
    assert fingerprint_with(path, path) != fingerprint_with(path, "sprites/eyes")


def test_files_do_not_make_code_run(folder, tmp_path, capsys):
    """A run, an export or its data source, which may come from somebody else, names a module."""
    (folder / "harmful.py").write_text("open('harm', 'w')\n")
    importlib.invalidate_caches()
    with pytest.raises(DataError, match="add --data=harmful:NAME"):
        load_dataset("harmful:NAME", 4, 16, 0)
    export = Path(shutil.copytree(REPOSITORY / "anime_gan/pretrained/sutemo-64/1", tmp_path / "1"))
    record = json.loads((export / "training.json").read_text("utf-8"))
    record["config"]["architecture"] = record["config"]["data"] = "harmful:NAME"
    (export / "training.json").write_text(json.dumps(record))
    assert train.main([f"--init_from={export}"]) == 2
    assert "add --architecture=harmful:NAME" in capsys.readouterr().err
    assert evaluate([f"--model={export}"]) == 2
    assert "add --data=harmful:NAME" in capsys.readouterr().err
    assert pack([f"--model={export}", f"--out={tmp_path / 'packed'}"]) == 2
    assert "only models of the package's own architectures" in capsys.readouterr().err
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text(json.dumps({"discriminator": "harmful:NAME"}))
    assert train.main(["--resume", f"--run_dir={tmp_path / 'run'}", "--discriminator=other:NAME"]) == 2
    assert "add --discriminator=harmful:NAME" in capsys.readouterr().err
    assert not Path("harm").exists() and "harmful" not in sys.modules
