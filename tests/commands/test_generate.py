"""`generate.py`, from the flags to the files."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anime_gan.attributes.schema import Schema
from anime_gan.commands import generate
from anime_gan.datasets.load import load_dataset
from anime_gan.exports.write import export_model
from anime_gan.faces import projector as projection
from anime_gan.faces.generator import FaceGenerator, candidate_seed
from anime_gan.faces.picture_files import read_text
from anime_gan.faces.request import FaceRequest, Interpolation, format_seeds, parse_seeds
from anime_gan.judges import critic as critics
from anime_gan.training.config import resolve_config
from anime_gan.training.trainer import Trainer


def export(run: Path, seed: int) -> Path:
    """Exports untrained networks into a run."""
    config = resolve_config("published", {"num_images": 40, "batch_size": 8, "seed": seed})
    dataset = load_dataset(config.data, config.num_images, config.resolution, seed)
    trainer = Trainer(config, dataset.schema, dataset.labels)
    return export_model(trainer, dataset, config, run / "export" / "3")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("runs") / "0001-drawn-published"
    export(directory, seed=0)
    return directory


def pixels(path: str | Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def cell(sheet: np.ndarray, row: int, column: int, columns: int) -> np.ndarray:
    """A face of a sheet; captions are on the left."""
    left = sheet.shape[1] - (columns - column) * 66 + 2
    return sheet[66 * row : 66 * row + 64, left : left + 64]


def with_attributes(generator: FaceGenerator, request: FaceRequest, text: str) -> np.ndarray:
    """The faces of a request with some attributes changed: uint8 [n, 64, 64, 3]."""
    latents, labels = generator.inputs(request)
    row = generator.schema.parse(text)
    return generator.render(latents, np.where(row, row, labels).astype(np.float32))


def test_the_newest_of_a_folder_of_runs(run, tmp_path, capsys):
    (tmp_path / "runs").symlink_to(run.parent)
    assert generate.main(["--model=runs", "--num=2"]) == 0
    assert sorted(path.name for path in Path("faces").iterdir()) == ["seed0.png", "seed1.png"]
    assert "2 faces" in capsys.readouterr().out


def test_pictures_say_how_they_were_made_and_can_be_made_again(run):
    assert (
        generate.main([f"--model={run}", "--attrs=Blue_Hair，smile", "--seeds=5,9", "--truncation=0.7"]) == 0
    )
    path = Path("faces/blue-hair_smile_seed9.png")
    text = Image.open(path).text
    assert (text["attributes"], text["seeds"], text["truncation"]) == ("blue hair, smile", "9", "0.7")
    assert text["labels"].startswith("blue hair")
    assert generate.main([f"--model={run}", f"--like={path}", "--out=again"]) == 0
    again = Path("again") / path.name
    np.testing.assert_array_equal(pixels(again), pixels(path))
    assert Image.open(again).text == text


def test_nothing_made_before_is_overwritten(run):
    for _ in range(2):
        assert generate.main([f"--model={run}", "--seeds=3"]) == 0
    assert sorted(path.name for path in Path("faces").iterdir()) == ["seed3-2.png", "seed3.png"]


def test_grid_holds_the_single_pictures(run):
    assert generate.main([f"--model={run}", "--seeds=2-5"]) == 0
    assert generate.main([f"--model={run}", "--seeds=2-5", "--out=grid.png"]) == 0
    grid = pixels("grid.png")
    assert grid.shape == (130, 130, 3)
    places = {2: (0, 0), 3: (0, 66), 4: (66, 0), 5: (66, 66)}
    for seed, (top, left) in places.items():
        np.testing.assert_array_equal(grid[top : top + 64, left : left + 64], pixels(f"faces/seed{seed}.png"))
    assert generate.main([f"--model={run}", "--like=grid.png", "--out=again.png"]) == 0
    np.testing.assert_array_equal(pixels("again.png"), grid)


def test_sheet_shows_each_face_with_every_value(run):
    """Every cell equals the face drawn from its complete label row."""
    assert generate.main([f"--model={run}", "--sheet=Hair Style", "--seeds=0-2", "--attrs=red hair"]) == 0
    sheet = pixels("faces/sheet-hair_style.png")
    assert sheet.shape[0] == 5 * 66 - 2
    generator = FaceGenerator(run)
    labels = generator.schema.describe(generator.inputs(FaceRequest("red hair", (1,)))[1][0])
    styles = ["long hair", "short hair", "bob cut", "twin tails", "ponytail"]
    current = next(style for style in styles if style in labels)
    for row, style in enumerate(styles):
        (single,) = generator.render(*generator.inputs(FaceRequest(labels.replace(current, style), (1,))))
        np.testing.assert_array_equal(cell(sheet, row, 1, columns=3), single)


def test_a_sheet_of_requests_has_a_row_for_each(run):
    arguments = [f"--model={run}", "--seeds=0-2", "--attrs=red hair, no smile"]
    assert generate.main([*arguments, "--sheet=Smile ; glasses,blonde hair;no glasses", "--out=s.png"]) == 0
    sheet = pixels("s.png")
    assert sheet.shape[0] == 3 * 66 - 2
    request = FaceRequest("red hair, no smile", (0, 1, 2))
    for row, text in enumerate(("smile", "glasses, blonde hair", "no glasses")):
        for face, picture in enumerate(with_attributes(FaceGenerator(run), request, text)):
            np.testing.assert_array_equal(cell(sheet, row, face, columns=3), picture)
    assert generate.main([f"--model={run}", "--like=s.png", "--out=again.png"]) == 0
    np.testing.assert_array_equal(pixels("again.png"), sheet)
    assert generate.main([*arguments, "--sheet=smile; no smile"]) == 0
    assert Path("faces/sheet-smile_no-smile.png").is_file()


def test_a_sheet_of_two_attributes_shows_one_face_with_every_pair(run):
    """Every cell equals the face drawn with both attributes set by hand."""
    arguments = [f"--model={run}", "--sheet=glasses x hair style", "--seeds=4", "--out=pairs.png"]
    assert generate.main(arguments) == 0
    sheet = pixels("pairs.png")
    generator = FaceGenerator(run)
    latents, labels = generator.inputs(FaceRequest("", (4,)))
    glasses, styles = generator.schema.slot("glasses"), generator.schema.slot("hair_style")
    left, top = sheet.shape[1] - (5 * 66 - 2), sheet.shape[0] - (2 * 66 - 2)
    # Both sides have captions.
    assert left > 20 and top > 10
    assert sheet[:top, left:].min() < 128 and sheet[top:, :left].min() < 128
    for row, value in enumerate((1, -1)):
        for column in range(5):
            changed = labels.copy()
            changed[:, glasses.start] = value
            changed[:, styles.columns] = -1
            changed[:, styles.start + column] = 1
            np.testing.assert_array_equal(
                cell(sheet[top:], row, column, columns=5), generator.render(latents, changed)[0]
            )
    assert generate.main([f"--model={run}", "--like=pairs.png", "--out=again.png"]) == 0
    np.testing.assert_array_equal(pixels("again.png"), sheet)


def animation_arguments(run: Path) -> list[str]:
    return [f"--model={run}", "--interpolate=blonde hair, smile -> Black Hair", "--frames=8", "--seeds=6,9"]


def test_an_animation_goes_from_face_to_face(run):
    """Keyframes are the faces of the seeds; halfway, latent vectors and labels are halfway."""
    assert generate.main([*animation_arguments(run), "--out=frames"]) == 0
    names = sorted(path.name for path in Path("frames").iterdir())
    assert names == [f"frame{number}.png" for number in range(8)]
    generator = FaceGenerator(run)
    first, last = (
        generator.inputs(FaceRequest(attributes, (seed,)))
        for attributes, seed in (("blonde hair, smile", 6), ("black hair", 9))
    )
    for number, (latents, labels) in ((0, first), (4, last)):
        np.testing.assert_array_equal(
            pixels(f"frames/frame{number}.png"), generator.render(latents, labels)[0]
        )
    # Frames 2 and 6 are halfway there and halfway back.
    np.testing.assert_array_equal(pixels("frames/frame2.png"), pixels("frames/frame6.png"))
    angle = np.arccos(
        np.dot(first[0][0], last[0][0]) / np.linalg.norm(first[0][0]) / np.linalg.norm(last[0][0])
    )
    middle = (first[0] + last[0]) * np.sin(angle / 2) / np.sin(angle)
    expected = generator.render(middle.astype(np.float32), (first[1] + last[1]) / 2)[0]
    assert np.abs(pixels("frames/frame2.png").astype(int) - expected).max() <= 1


def test_animations_can_be_made_again_from_every_format(run):
    formats = ["webp", "gif", "png"]
    if importlib.util.find_spec("av"):
        formats.append("mp4")
    for ending in formats:
        assert generate.main([*animation_arguments(run), f"--out=animation.{ending}"]) == 0
        assert generate.main([f"--model={run}", f"--like=animation.{ending}", f"--out=again.{ending}"]) == 0
        assert Path(f"again.{ending}").read_bytes() == Path(f"animation.{ending}").read_bytes()
    assert generate.main([f"--model={run}", "--like=animation.gif", "--out=frames"]) == 0
    with Image.open("animation.webp") as image:
        for number in range(8):
            image.seek(number)
            np.testing.assert_array_equal(
                np.asarray(image.convert("RGB")), pixels(f"frames/frame{number}.png")
            )
    # A single frame can be drawn again.
    assert generate.main([f"--model={run}", "--like=frames/frame3.png", "--out=one"]) == 0
    (single,) = Path("one").iterdir()
    np.testing.assert_array_equal(pixels(single), pixels("frames/frame3.png"))
    assert Image.open(single).text == Image.open("frames/frame3.png").text


def test_with_one_seed_one_face_changes(run):
    arguments = [
        f"--model={run}",
        "--seeds=7",
        "--interpolate=black hair -> glasses=yes, hair=blonde -> smile",
    ]
    assert generate.main([*arguments, "--frames=3", "--out=frames"]) == 0
    for number, wanted in enumerate(("black hair", "blonde hair, glasses", "smile")):
        (expected,) = with_attributes(FaceGenerator(run), FaceRequest("black hair", (7,)), wanted)
        np.testing.assert_array_equal(pixels(f"frames/frame{number}.png"), expected)


def test_an_animation_writes_over_nothing(run, capsys):
    Path("frames").mkdir()
    Path("frames/precious.txt").write_text("mine")
    assert generate.main([*animation_arguments(run), "--out=frames"]) == 2
    assert "--out=frames: already exists; choose a new folder" in capsys.readouterr().err
    for _ in range(2):
        assert generate.main(animation_arguments(run)) == 0
    made = sorted(path.name for path in Path("faces").iterdir())
    assert made == ["blonde-hair_smile-black-hair-2.webp", "blonde-hair_smile-black-hair.webp"]


def test_set_changes_what_it_names_and_nothing_else(run):
    assert generate.main([f"--model={run}", "--attrs=red hair", "--seeds=5"]) == 0
    path = "faces/red-hair_seed5.png"
    edit = ["--set=hair=blonde, glasses", "--out=edited"]
    assert generate.main([f"--model={run}", f"--like={path}", *edit]) == 0
    (edited,) = Path("edited").iterdir()
    generator = FaceGenerator(run)
    request = FaceRequest("red hair", (5,))
    (expected,) = with_attributes(generator, request, "blonde hair, glasses")
    np.testing.assert_array_equal(pixels(edited), expected)
    labels, row = generator.inputs(request)[1][0], generator.schema.parse("blonde hair, glasses")
    assert Image.open(edited).text["labels"] == generator.schema.describe(np.where(row, row, labels))
    # An edited picture can be drawn again and edited further.
    assert generate.main([f"--model={run}", f"--like={edited}", "--out=again"]) == 0
    (again,) = Path("again").iterdir()
    np.testing.assert_array_equal(pixels(again), pixels(edited))
    assert generate.main([f"--model={run}", f"--like={edited}", "--set=red hair", "--out=back.png"]) == 0
    (expected,) = with_attributes(generator, request, "red hair, glasses")
    np.testing.assert_array_equal(pixels("back.png"), expected)


def test_a_sheet_of_a_picture(run):
    asked = [f"--model={run}", "--attrs=red hair, no glasses", "--seeds=5"]
    assert generate.main(asked) == 0
    (face,) = Path("faces").iterdir()
    like = [f"--model={run}", f"--like={face}", "--set=glasses", "--sheet=hair_color"]
    assert generate.main([*like, "--out=sheet.png"]) == 0
    assert generate.main([*asked, "--out=direct.png", "--sheet=hair_color"]) == 0
    assert pixels("sheet.png").shape == pixels("direct.png").shape
    assert not np.array_equal(pixels("sheet.png"), pixels("direct.png"))


def test_the_face_closest_to_a_picture(run, monkeypatch, capsys):
    """A model without a critic uses the critic of the bundled model."""
    monkeypatch.setattr(projection, "CANDIDATES", 16)
    monkeypatch.setattr(projection, "ROUNDS", ((2, 3),))
    monkeypatch.setattr(projection, "FREE_STEPS", 3)
    monkeypatch.setattr(projection, "FIXED_STEPS", 2)
    Image.fromarray(np.full((90, 120, 3), (200, 120, 40), np.uint8)).save("mine.jpg")
    assert generate.main([f"--model={run}", "--project=mine.jpg", "--set=hair=blonde"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert "feature distance" in printed[1]
    assert printed[2:] == ["faces/mine_projected.png", "faces/mine_projected_blonde-hair.png"]
    numbers = json.loads(Path("faces/mine_projected.json").read_text("utf-8"))
    error = np.abs(pixels(printed[2]).astype(float) - np.array([200, 120, 40])).mean()
    assert numbers["pixel_error"] == pytest.approx(error, abs=1.5)  # A JPEG's colors are not quite these.
    # The picture and its settings both give the same face, bit for bit.
    for source in (printed[2], "faces/mine_projected.json"):
        assert generate.main([f"--model={run}", f"--like={source}", "--out=again.png"]) == 0
        np.testing.assert_array_equal(pixels("again.png"), pixels(printed[2]))
    like = [f"--model={run}", f"--like={printed[2]}"]
    assert generate.main([*like, "--set=blonde hair", "--out=edited.png"]) == 0
    np.testing.assert_array_equal(pixels("edited.png"), pixels(printed[3]))
    text = Image.open("edited.png").text
    assert text["set"] == "blonde hair" and text["latent"] == Image.open(printed[2]).text["latent"]
    assert generate.main([*like, "--sheet=hair_color", "--out=sheet.png"]) == 0
    assert pixels("sheet.png").shape[0] == len(FaceGenerator(run).schema.groups[0].values) * 66 - 2


def test_an_animation_between_faces_without_seeds_can_be_made_again(run):
    generator = FaceGenerator(run)
    latents, labels = generator.inputs(FaceRequest("", (3, 8)))
    keyframes = tuple(map(generator.schema.describe, labels))
    path = Interpolation(keyframes, 6, 10, latents=tuple(tuple(latent.tolist()) for latent in latents))
    text = generator.picture_text(FaceRequest("", (), interpolation=path))
    Path("animation.json").write_text(json.dumps(text))
    for name in ("animation.gif", "frames"):
        assert generate.main([f"--model={run}", "--like=animation.json", f"--out={name}"]) == 0
    for number in (0, 3):
        expected = generator.render(latents, labels)[number // 3]
        np.testing.assert_array_equal(pixels(f"frames/frame{number}.png"), expected)
    # The GIF stores both faces in a comment of several blocks.
    assert read_text(Path("animation.gif")) == text
    assert (
        generate.main([f"--model={run}", "--like=frames/frame2.png", "--set=blue hair", "--out=e.png"]) == 0
    )


def test_a_latent_of_another_width_is_refused(run, capsys):
    settings = {"model": FaceGenerator(run).name, "latent": "AAAAAA==", "attributes": "smile"}
    Path("other.json").write_text(json.dumps(settings), "utf-8")
    assert generate.main([f"--model={run}", "--like=other.json"]) == 2
    assert (
        "needs a latent vector of 100 numbers and every attribute of a face, but got 1 numbers"
        in capsys.readouterr().err
    )


def test_list_attrs(run, capsys):
    assert generate.main([f"--model={run}", "--list_attrs"]) == 0
    out = capsys.readouterr().out
    for phrase in ("blue hair", "green eyes", "ponytail", "glasses / no glasses"):
        assert phrase in out


def test_an_unlabeled_model_says_so(run, tmp_path, capsys):
    """A copy with an empty schema; nothing is drawn, so the graph does not matter."""
    (folder,) = run.glob("export/*")
    unlabeled = shutil.copytree(folder, tmp_path / "unlabeled")
    (unlabeled / "attributes.json").write_text(Schema(()).to_json())
    for arguments in (["--attrs=smile"], ["--sheet=smile"], ["--interpolate=smile -> ", "--seeds=1"]):
        assert generate.main([f"--model={unlabeled}", *arguments]) == 2
        assert "this model was trained without labels" in capsys.readouterr().err
    assert generate.main([f"--model={unlabeled}", "--list_attrs"]) == 0
    assert "trained without labels" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--attrs=blu hair"], "unknown attribute 'blu hair'; did you mean 'blue hair'"),
        (["--attrs=blue"], "'blue' is ambiguous; use 'blue hair' or 'blue eyes' (--list_attrs"),
        (["--attrs=smile,no smile"], "'smile' contradicts 'no smile'"),
        (["--num=0"], "--num=0: must be 1 to 1,000,000"),
        (["--num=x"], "--num=x: must be an integer"),
        (["--seeds=7-3"], "--seeds=7-3"),
        (["--seeds=-1"], "write, for example, 0-7,12"),
        (["--seeds=1", "--num=2"], "--num cannot be combined with --seeds"),
        (["--truncation=0"], "--truncation=0.0: must be above 0 and at most 1"),
        (["--truncation=nan"], "--truncation=nan: must be"),
        (["--sheet=hair_colour"], "did you mean 'hair_color'"),
        (["--sheet=smile; blu hair"], "'blu hair'"),
        (["--sheet=smile; no blue hair"], "--sheet: 'no blue hair' only rules out values of hair_color"),
        (["--like=nothing.png"], "--like=nothing.png: cannot be read: No such file"),
        (["--like=plain.png"], "contains no generation settings"),
        (["--atrs=smile"], "attrs"),
        (["smile"], "unexpected argument 'smile'"),
        (["--num=5000", "--out=grid.png"], "5000 faces are too many for one picture"),
        (["--candidates=0"], "--candidates=0: must be 1 to 64"),
        (["--candidates=65"], "--candidates=65: must be 1 to 64"),
        (
            ["--candidates=2"],
            "no critic to select among candidates; to train one: python -m anime_gan.evaluate --model=",
        ),
        (["--candidates=2", "--like=plain.png"], "--candidates cannot be combined with --like"),
        (
            ["--interpolate=smile"] + ["--seeds=1"],
            "--interpolate=smile: an animation needs at least two keyframes",
        ),
        (["--interpolate=smile -> blu hair"], "'blu hair'"),
        (["--interpolate=smile -> glasses", "--frames=1"], "--frames=1: must be 2"),
        (
            ["--interpolate=smile -> glasses", "--out=a.avi"],
            "--out=a.avi: an animation is a .webp, .gif, or .mp4 file",
        ),
        (["--frames=3"], "--frames and --fps need --interpolate"),
        (["--out=a.mp4"], "--out=a.mp4: an animation needs --interpolate"),
        (["--project=nothing.png"], "--project=nothing.png: cannot be read: No such file"),
        (["--project=words.png"], "--project=words.png: not a picture of a known format"),
        (["--project=plain.png", "--set=blu hair"], "unknown attribute 'blu hair'"),
        (["--project=plain.png", "--num=2"], "--num cannot be combined with --project"),
        (["--project=plain.png", "--out=a.gif"], "an animation needs --interpolate"),
        (["--set=smile"], "--set needs a picture to change: add --like"),
        (
            ["--interpolate=smile -> glasses", "--sheet=smile"],
            "--sheet cannot be combined with --interpolate",
        ),
        (["--sheet=smile x glasses", "--num=2"], "shows one face, but 2 were requested; give one seed"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(run, capsys, arguments, said):
    Image.new("RGB", (64, 64)).save("plain.png")
    Path("words.png").write_text("no picture")
    assert generate.main([f"--model={run}", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("generate.py: ") and error.count("\n") == 1
    assert not Path("faces").exists()


def test_a_missing_model_says_what_to_do(capsys):
    assert generate.main(["--model=nowhere"]) == 2
    assert "--model=nowhere: no exported model found" in capsys.readouterr().err


def test_like_refuses_another_model(run, tmp_path, capsys):
    assert generate.main([f"--model={run}", "--seeds=0"]) == 0
    other = export(tmp_path / "other", seed=2)
    capsys.readouterr()
    assert generate.main([f"--model={other}", "--like=faces/seed0.png"]) == 2
    assert "was drawn by model" in capsys.readouterr().err


def test_seeds_are_read_and_written():
    assert parse_seeds("0-3, 12,7") == (0, 1, 2, 3, 12, 7)
    for seeds in ((0,), (5, 6, 7, 1), (3, 1, 2), (4, 4)):
        assert parse_seeds(format_seeds(seeds)) == seeds


class FakeCritic:
    """Prefers pictures with much red in the middle."""

    checksum = "0123456789abcdef" * 4
    floor = 0.0

    def score(self, images):
        return images[:, 20:40, 20:40, 0].mean(axis=(1, 2)) - images[:, 20:40, 20:40, 1:].mean(axis=(1, 2, 3))


@pytest.fixture
def judged(run, monkeypatch) -> Path:
    """The run's export with a critic beside it."""
    (folder,) = run.glob("export/*")
    monkeypatch.setattr(critics.Critic, "load", classmethod(lambda cls, directory: FakeCritic()))
    (folder / "critic").mkdir()
    yield folder
    (folder / "critic").rmdir()


def test_the_best_of_the_candidates_is_kept(judged):
    """Draws every candidate by itself: the latent vector of a derived seed, the labels of the seed itself."""
    seeds, count = range(6), 3
    arguments = [f"--model={judged}", "--attrs=blue hair", "--seeds=0-5", "--truncation=0.9"]
    assert generate.main([*arguments, f"--candidates={count}"]) == 0
    generator = FaceGenerator(judged)
    chosen = []
    for seed in seeds:
        request = FaceRequest("blue hair", (seed,), 0.9)
        labels = generator.inputs(request)[1]
        candidates = []
        for number in range(count):
            request = FaceRequest("blue hair", (candidate_seed(seed, number),), 0.9)
            candidates.append(generator.render(generator.inputs(request)[0], labels)[0])
        best = int(np.argmax(FakeCritic().score(np.stack(candidates))))
        chosen.append(best)
        np.testing.assert_array_equal(pixels(f"faces/blue-hair_seed{seed}.png"), candidates[best])
    # Candidate 0 is sometimes the best, but not always.
    assert 0 in chosen and len(set(chosen)) > 1
    assert generate.main([*arguments, "--candidates=1", "--out=single"]) == 0
    for seed, best in zip(seeds, chosen, strict=True):
        same = np.array_equal(
            pixels(f"single/blue-hair_seed{seed}.png"), pixels(f"faces/blue-hair_seed{seed}.png")
        )
        assert same == (best == 0)


def test_a_chosen_face_can_be_made_again(judged):
    assert generate.main([f"--model={judged}", "--seeds=3", "--candidates=4"]) == 0
    text = Image.open("faces/seed3.png").text
    assert (text["candidates"], text["critic"]) == ("4", "0123456789abcdef")
    assert generate.main([f"--model={judged}", "--like=faces/seed3.png", "--out=again"]) == 0
    np.testing.assert_array_equal(pixels("again/seed3.png"), pixels("faces/seed3.png"))
    assert Image.open("again/seed3.png").text == text


def test_a_sheet_shows_the_chosen_faces(judged):
    arguments = [f"--model={judged}", "--seeds=0-3", "--candidates=4"]
    assert generate.main([*arguments, "--sheet=glasses", "--out=sheet.png"]) == 0
    assert generate.main(arguments) == 0
    sheet = pixels("sheet.png")
    for seed in range(4):
        path = f"faces/seed{seed}.png"
        row = 1 if "no glasses" in Image.open(path).text["labels"] else 0
        np.testing.assert_array_equal(cell(sheet, row, seed, columns=4), pixels(path))


def test_like_refuses_another_critic(judged, monkeypatch, capsys):
    assert generate.main([f"--model={judged}", "--seeds=0", "--candidates=2"]) == 0
    monkeypatch.setattr(FakeCritic, "checksum", "f" * 64)
    assert generate.main([f"--model={judged}", "--like=faces/seed0.png"]) == 2
    assert (
        "re-evaluated since this picture was made (critic 0123456789abcdef, now ffffffffffffffff)"
        in capsys.readouterr().err
    )


def test_candidates_have_seeds_of_their_own():
    assert candidate_seed(7, 0) == 7
    seeds = {candidate_seed(seed, number) for seed in range(100) for number in range(20)}
    assert len(seeds) == 2000 and all(0 <= seed < 2**63 for seed in seeds)
    # A fixed value (from `sha256sum`), so that pictures of other versions can be drawn again.
    assert candidate_seed(7, 1) == 0x35188623099913B8


def test_size_scales_the_same_face(run):
    for more in ([], ["--size=128"], ["--pixel=2"]):
        folder = "-".join(["out", *more]).replace("=", "")
        assert generate.main([f"--model={run}", "--seeds=3", *more, f"--out={folder}"]) == 0
    drawn = pixels("out/seed3.png")
    large, squares = pixels("out---size128/seed3.png"), pixels("out---pixel2/seed3.png")
    assert large.shape == squares.shape == (128, 128, 3)
    np.testing.assert_array_equal(squares[1::2, ::2], drawn)
    # Reduced by the mean of four pixels, it is nearly the drawn face again.
    small = large.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - drawn).mean() < 2 < np.abs(large.astype(int) - 255).mean()
    # The size is in the file, and can be changed.
    assert generate.main([f"--model={run}", "--like=out---size128/seed3.png", "--out=again.png"]) == 0
    np.testing.assert_array_equal(pixels("again.png"), large)
    like = [f"--model={run}", "--like=out---size128/seed3.png", "--size=0", "--out=bad.png"]
    assert generate.main(like) == 2


def test_sizes_that_cannot_be_drawn(run, capsys):
    assert generate.main([f"--model={run}", "--size=2000"]) == 2
    assert "--size=2000: must be an integer from 96 to 1024" in capsys.readouterr().err
    large = [f"--model={run}", "--size=1024", "--num=400", "--sheet=smile"]
    assert generate.main(large) == 2
    assert "are too large for one sheet" in capsys.readouterr().err


def test_size_scales_the_faces_of_a_sheet(run):
    for more in ([], ["--pixel=2"]):
        out = f"--out=sheet{len(more)}.png"
        assert generate.main([f"--model={run}", "--num=2", "--sheet=smile", *more, out]) == 0
    drawn, squares = pixels("sheet0.png"), pixels("sheet1.png")
    # The faces are at the right of the captions.
    assert squares.shape[1] - drawn.shape[1] >= 128
    last = squares[-128:, -128:]
    np.testing.assert_array_equal(last[::2, ::2], last[1::2, 1::2])
    np.testing.assert_array_equal(last[::2, ::2], drawn[-64:, -64:])
    # The size is in the file, and another sheet of the same faces keeps it.
    assert generate.main([f"--model={run}", "--like=sheet1.png", "--out=again.png"]) == 0
    np.testing.assert_array_equal(pixels("again.png"), squares)
