"""From a folder of pictures to a dataset, with a detector of marked faces."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2")

from anime_gan.common.alpha import on_background
from anime_gan.datasets.drawn.faces import DrawnFaces
from anime_gan.datasets.folder.tags import TagTable
from anime_gan.datasets.load import load_dataset
from anime_gan.prepare.boxes import Box  # noqa: E402
from anime_gan.prepare.corrections import Corrections, read_corrections  # noqa: E402
from anime_gan.prepare.detection import Detection  # noqa: E402
from anime_gan.prepare.extraction import JOURNAL, FaceExtraction, crop_name  # noqa: E402
from anime_gan.prepare.labeling import Label  # noqa: E402
from anime_gan.prepare.per_picture import Options
from anime_gan.prepare.results import Summary, deleted_crops, write_results  # noqa: E402
from anime_gan.prepare.review import write_review  # noqa: E402

TABLE = TagTable.load()
OPTIONS = Options(size=64, min_size=48, lift=0.0)
NOTHING = Corrections(frozenset(), {})
# Forehead, left cheek, and side of the face in a drawn picture of 120 pixels.
FOREHEAD, CHEEK, FACE = 35, 25, 70


class BlackMarks:
    """Finds faces by a white and a black pixel side by side at the top left corner of the face.

    Attributes:
        looked: Number of searched pictures.
    """

    def __init__(self) -> None:
        self.looked = 0

    def detect(self, picture: np.ndarray) -> list[Detection]:
        self.looked += 1
        values = picture.astype(int).sum(axis=-1)
        marks = np.argwhere((values[:, :-1] == 765) & (values[:, 1:] == 0))
        return [Detection(Box(column, row, FACE, FACE), 0.0, 9.0) for row, column in marks.tolist()]


def draw_picture(*faces: tuple[int, int]) -> np.ndarray:
    """Draws faces on gray, each given by its number and its left edge."""
    picture = np.full((200, 480, 3), 120, np.uint8)
    for number, left in faces:
        picture[40:160, left : left + 120] = DrawnFaces(5).draw(number, 120)[0].clip(1, 254)
        picture[40 + FOREHEAD, left + CHEEK] = 255
        picture[40 + FOREHEAD, left + CHEEK + 1] = 0
    return picture


def save(folder: Path, name: str, picture: np.ndarray) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(folder / name)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Usable faces, two of them in one picture, and pictures that must be rejected."""
    folder = tmp_path / "source"
    save(folder, "a/both.png", draw_picture((0, 40), (1, 260)))
    save(folder, "b.png", draw_picture((2, 100)))
    (folder / "b.txt").write_text("1girl, blue_hair, smile")
    (folder / "copy.png").write_bytes((folder / "b.png").read_bytes())
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff no more")
    save(folder, "edge.png", draw_picture((3, 0))[:, 24:])
    save(folder, "empty.png", np.full((200, 300, 3), 90, np.uint8))
    save(folder, "strip.png", np.full((100, 900, 3), 90, np.uint8))
    (folder / "LICENSE.txt").write_text("drawn")
    return folder


def prepare(
    source: Path,
    destination: Path,
    corrections: Corrections = NOTHING,
    detector: BlackMarks | None = None,
    options: Options = OPTIONS,
) -> Summary:
    extraction = FaceExtraction(
        str(source), destination, options, detector or BlackMarks(), TABLE, TABLE.attributes
    )
    extraction.run()
    return write_results(source, destination, extraction.journal, corrections, TABLE.attributes)


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def contents(folder: Path) -> dict[str, bytes]:
    """All files of the result except the journal."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if ".prepare" not in str(path)}


def test_faces_are_cut_out_and_everything_else_is_named(source: Path, tmp_path: Path) -> None:
    before = contents(source)
    summary = prepare(source, tmp_path / "out", options=dataclasses.replace(OPTIONS, max_outside=0.1))

    faces = [row["face"] for row in read_table(tmp_path / "out" / "faces.csv")]
    assert faces == ["faces/b-png-1.png", "faces/a/both-png-1.png", "faces/a/both-png-2.png"]
    assert all((tmp_path / "out" / face).is_file() for face in faces)
    rejected = {row["picture"]: row["reason"] for row in read_table(tmp_path / "out" / "rejected.csv")}
    assert {name: reason.split(":")[0] for name, reason in rejected.items()} == {
        "broken.jpg": "broken, truncated, or of an unsupported kind",
        "copy.png": "exact copy",
        "edge.png": "cut off by the edge of the picture",
        "empty.png": "no face found",
        "strip.png": "extreme aspect",
    }
    assert (summary.pictures, summary.faces) == (7, 3)
    assert sum(summary.reasons.values()) == 5
    # The source has not changed.
    assert contents(source) == before


def test_crops_show_the_faces(source: Path, tmp_path: Path) -> None:
    prepare(source, tmp_path / "out")
    crop = np.asarray(Image.open(tmp_path / "out" / "faces/a/both-png-2.png")).astype(float)

    # Around the center of the face, 1.5 times as large: pixels 268 to 373 and 58 to 163 of the picture.
    picture = Image.fromarray(draw_picture((0, 40), (1, 260)))

    def difference(left: int) -> float:
        wanted = picture.crop((left, 58, left + 105, 163)).resize((64, 64), Image.Resampling.BOX)
        return float(np.mean(np.abs(crop - np.asarray(wanted))))

    assert crop.shape == (64, 64, 3)
    assert difference(268) < 5 < 10 < difference(274)


def test_result_is_a_dataset_that_training_reads(source: Path, tmp_path: Path) -> None:
    save(source, "c.png", draw_picture((4, 100)))
    (source / "c.txt").write_text("1girl, red_hair, smile, glasses")
    prepare(source, tmp_path / "out")
    dataset = load_dataset(str(tmp_path / "out"), 0, 32, 0)

    assert len(dataset.images) == 5
    assert not dataset.report.skipped
    assert "drawn" in dataset.statement
    labels = {row["filename"]: row for row in read_table(tmp_path / "out" / "labels.csv")}
    assert labels["faces/b-png-1.png"]["hair_color"] == "blue"
    assert labels["faces/b-png-1.png"]["glasses"] == "0"
    assert labels["faces/c-png-1.png"]["glasses"] == "1"
    row = list(labels).index("faces/c-png-1.png")
    assert dataset.labels[row, dataset.schema.column("hair_color", "red")] == 1
    # No source has a label for glasses there.
    assert labels["faces/edge-png-1.png"]["glasses"] == ""


def test_transparent_pictures_give_transparent_crops(tmp_path: Path) -> None:
    """The saved crop is the same face: on white it equals the crop of the picture on white."""
    picture = np.zeros((200, 240, 4), np.uint8)
    picture[40:160, 60:180] = DrawnFaces(5, transparent=True).draw(2, 120)[0].clip(1, 254)
    picture[40 + FOREHEAD, 60 + CHEEK] = 255
    picture[40 + FOREHEAD, 60 + CHEEK + 1] = (0, 0, 0, 255)
    save(tmp_path / "source", "a.png", picture)
    save(tmp_path / "source", "b.png", draw_picture((0, 100)))
    found = []
    for name, transparent in (("kept", True), ("white", False)):
        prepare(
            tmp_path / "source",
            tmp_path / name,
            options=dataclasses.replace(OPTIONS, transparent=transparent),
        )
        files = [row["filename"] for row in read_table(tmp_path / name / "labels.csv")]
        found.append({file.split("/")[-1][0]: Image.open(tmp_path / name / file) for file in files})
    kept, white = found
    assert (kept["a"].mode, kept["b"].mode, white["a"].mode) == ("RGBA", "RGB", "RGB")
    ours = on_background(np.array(kept["a"]), (255, 255, 255)).astype(int)
    assert np.abs(ours - np.array(white["a"])).max() <= 3
    assert np.mean(np.array(kept["a"])[..., 3] <= 1) > 0.1


def test_tags_of_a_picture_with_two_faces_are_nobodys(source: Path, tmp_path: Path) -> None:
    (source / "a/both.txt").write_text("2girls, glasses, hat")
    prepare(source, tmp_path / "out")

    for row in read_table(tmp_path / "out" / "faces.csv"):
        if "both" in row["face"]:
            assert "glasses" not in json.loads(row["labels"])


def test_near_duplicates_are_left_out_and_named(source: Path, tmp_path: Path) -> None:
    image = Image.fromarray(draw_picture((2, 100))).crop((60, 10, 400, 200))
    image.save(source / "z.jpg", quality=95)

    class Known(BlackMarks):
        def detect(self, picture: np.ndarray) -> list[Detection]:
            if picture.shape[:2] == (190, 340):
                # Slightly off the position in the other file.
                return [Detection(Box(67, 63, 72, 72), 0.0, 9.0)]
            return super().detect(picture)

    summary = prepare(source, tmp_path / "out", detector=Known())

    assert summary.reasons["near-duplicate"] == 1
    rejected = {row["picture"]: row["reason"] for row in read_table(tmp_path / "out" / "rejected.csv")}
    assert rejected["z.jpg"] == "near-duplicate: of faces/b-png-1.png"
    assert not (tmp_path / "out/faces/z-jpg-1.png").exists()


def test_a_killed_run_goes_on_and_gives_the_same(source: Path, tmp_path: Path) -> None:
    prepare(source, tmp_path / "whole")
    prepare(source, tmp_path / "killed")
    journal = tmp_path / "killed" / JOURNAL
    # As after a kill: some lines, the last of them incomplete.
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:4]) + lines[4][: len(lines[4]) // 2])
    (tmp_path / "killed" / "labels.csv").unlink()
    detector = BlackMarks()
    prepare(source, tmp_path / "killed", detector=detector)

    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    # Three of seven pictures were in the journal; of the others, a broken one and a strip are not searched.
    assert 0 < detector.looked < 4


def test_a_second_run_looks_at_nothing_again(source: Path, tmp_path: Path) -> None:
    prepare(source, tmp_path / "out")
    before = contents(tmp_path / "out")
    detector = BlackMarks()
    prepare(source, tmp_path / "out", detector=detector)

    assert detector.looked == 0
    assert contents(tmp_path / "out") == before


def test_changed_pictures_are_looked_at_again(source: Path, tmp_path: Path) -> None:
    prepare(source, tmp_path / "out")
    save(source, "empty.png", draw_picture((6, 100)))
    summary = prepare(source, tmp_path / "out")
    fresh = prepare(source, tmp_path / "fresh")

    assert summary.faces == 5
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")
    assert summary.reasons == fresh.reasons


def test_other_options_need_another_folder(source: Path, tmp_path: Path) -> None:
    prepare(source, tmp_path / "out")
    with pytest.raises(ValueError, match=r"made with other options \(margin=1.5\)"):
        prepare(source, tmp_path / "out", options=dataclasses.replace(OPTIONS, margin=2.0))


def test_what_was_unticked_is_gone_and_stays_in_the_next_review(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare(source, out)
    # As the review page saves it.
    (out / "corrections.json").write_text(
        json.dumps(
            {
                "version": 1,
                "dropped": ["faces/a/both-png-1.png"],
                "wrong": {"faces/b-png-1.png": ["hair_color"]},
            }
        )
    )
    corrections = read_corrections(out / "corrections.json")
    detector = BlackMarks()
    summary = prepare(source, out, corrections, detector)
    extraction = FaceExtraction(str(source), out, OPTIONS, detector, TABLE, TABLE.attributes)
    write_review(out, extraction.journal, corrections)

    assert detector.looked == 0
    assert summary.reasons["unticked in review"] == 1
    rows = {row["face"]: json.loads(row["labels"]) for row in read_table(out / "faces.csv")}
    assert "faces/a/both-png-1.png" not in rows
    assert "hair_color" not in rows["faces/b-png-1.png"]
    assert rows["faces/b-png-1.png"]["smile"] == ["tag file", 1.0]
    page = (out / "review" / "page-1.html").read_text("utf-8")
    data = json.loads(page.split('id="data">')[1].split("</script>")[0].replace("<\\/", "</"))
    assert data["earlier"]["dropped"] == ["faces/a/both-png-1.png"]
    assert [file for file, _ in data["faces"]] == list(rows)


def test_what_is_no_corrections_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "corrections.json").write_text('{"version": 7}')
    with pytest.raises(ValueError, match=r"corrections\.json: not a corrections file"):
        read_corrections(tmp_path / "corrections.json")


def test_report_names_rare_labels_and_draws_the_same_chart_twice(source: Path, tmp_path: Path) -> None:
    save(source, "c.png", draw_picture((4, 100)))
    (source / "c.txt").write_text("1girl, red_hair, glasses")
    summary = prepare(source, tmp_path / "one")
    prepare(source, tmp_path / "two")

    assert ("glasses", 1) in summary.rare
    report = (tmp_path / "one" / "report.md").read_text("utf-8")
    assert "5 faces from 8 pictures" in report
    assert "glasses (1)" in report
    charts = [(tmp_path / name / "labels.svg").read_bytes() for name in ("one", "two")]
    assert charts[0] == charts[1]


def test_names_of_crops_are_different_for_different_pictures() -> None:
    names = [crop_name(name, 0) for name in ("a/b.jpg", "a/b.png", "b.png")]

    assert names == ["faces/a/b-jpg-1.png", "faces/a/b-png-1.png", "faces/b-png-1.png"]
    # Two names of the maximum length that differ only at the end.
    long = [crop_name("a/" + "字" * 83 + end + ".png", 0) for end in "xy"]
    assert long[0] != long[1]
    assert all(len(name.rpartition("/")[2].encode()) < 220 for name in long)


@pytest.mark.parametrize("inside", ["../victim.png", "/victim.png", "crops/../../victim.png"])
def test_a_journal_cannot_delete_files_outside_of_its_folder(
    source: Path, tmp_path: Path, inside: str
) -> None:
    out, victim = tmp_path / "out", tmp_path / "victim.png"
    prepare(source, out)
    victim.write_bytes(b"precious")
    file = str(victim) if inside.startswith("/") else inside
    journal = out / JOURNAL
    lines = [json.loads(line) for line in journal.read_text("ascii").splitlines()]
    for record in lines[1:]:
        # Pictures that have changed: their crops are deleted.
        record["stamp"] = [0]
        for face in record["faces"]:
            face["file"] = file
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines), "ascii")
    prepare(source, out)
    assert victim.read_bytes() == b"precious"


def test_a_damaged_journal_is_mended_from_there(source: Path, tmp_path: Path) -> None:
    prepare(source, tmp_path / "whole")
    prepare(source, tmp_path / "damaged")
    journal = tmp_path / "damaged" / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[3] = b'{"name": 7}\n'
    journal.write_bytes(b"".join(lines))
    prepare(source, tmp_path / "damaged")

    assert contents(tmp_path / "damaged") == contents(tmp_path / "whole")


def test_crops_of_pictures_that_are_gone_go_too(source: Path, tmp_path: Path) -> None:
    prepare(source, tmp_path / "out")
    (source / "edge.png").unlink()
    (source / "a/both.png").unlink()
    prepare(source, tmp_path / "out")

    assert [path.name for path in (tmp_path / "out/faces").rglob("*.png")] == ["b-png-1.png"]


def test_crops_deleted_by_hand_stay_away(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare(source, out)
    (out / "faces/edge-png-1.png").unlink()
    detector = BlackMarks()
    extraction = FaceExtraction(str(source), out, OPTIONS, detector, TABLE, TABLE.attributes)
    extraction.run()
    corrections = NOTHING._replace(deleted=deleted_crops(out, extraction.journal))
    summary = write_results(source, out, extraction.journal, corrections, TABLE.attributes)

    assert detector.looked == 0
    assert summary.reasons["deleted by the user"] == 1
    assert "faces/edge-png-1.png" not in [row["filename"] for row in read_table(out / "labels.csv")]


def test_labels_come_from_the_tagger_where_tag_files_say_nothing(source: Path, tmp_path: Path) -> None:
    class Says:
        attributes = {"hair_color": ("blue", "red"), "glasses": None}
        checksum = "0"

        def describe(self, images: np.ndarray) -> list[dict[str, Label]]:
            return [
                {"hair_color": Label("red", "tagger", 0.9), "glasses": Label(True, "tagger", 0.8)}
                for _ in images
            ]

    extraction = FaceExtraction(
        str(source), tmp_path / "out", OPTIONS, BlackMarks(), TABLE, TABLE.attributes, Says()
    )
    extraction.run()
    write_results(source, tmp_path / "out", extraction.journal, NOTHING, TABLE.attributes)
    rows = {row["face"]: json.loads(row["labels"]) for row in read_table(tmp_path / "out" / "faces.csv")}

    assert rows["faces/a/both-png-1.png"]["hair_color"] == ["tagger", 0.9]
    assert rows["faces/b-png-1.png"]["hair_color"] == ["tag file", 1.0]
    # The tag file does not list glasses, so they are absent.
    assert rows["faces/b-png-1.png"]["glasses"] == ["tag file", 1.0]


def test_half_understood_and_shared_tag_files(tmp_path: Path) -> None:
    """A tagger is asked about whatever a tag file leaves open."""

    class AlwaysSmiling:
        attributes = TABLE.attributes
        checksum = "smiling"

        def describe(self, images: np.ndarray) -> list[dict[str, Label]]:
            return [{"smile": Label(True, "tagger", 0.9)}] * len(images)

    source, out = tmp_path / "source", tmp_path / "out"
    texts = {
        "tags": "1girl, hat",
        "prose": "A girl in the garden looks at us, hat",
        "json": '{"tag_string": "1girl hat"}',
        "both": "1girl, hat",
    }
    for number, (name, text) in enumerate(texts.items()):
        save(source, f"{name}.png", draw_picture((number, 100)))
        (source / f"{name}{'.png.json' if name == 'json' else '.caption'}").write_text(text)
    save(source, "both.bmp", draw_picture((len(texts), 100)))
    (source / "unknown.psd").write_bytes(b"8BPS")
    (source / "zzz.jpg_large").write_bytes((source / "tags.png").read_bytes())
    extraction = FaceExtraction(
        str(source), out, OPTIONS, BlackMarks(), TABLE, TABLE.attributes, AlwaysSmiling()
    )
    left_out = extraction.run()
    write_results(source, out, extraction.journal, NOTHING, TABLE.attributes, left_out)
    found = {record.name: record.faces[0].labels for record in extraction.journal.records() if record.faces}

    assert {name: labels["smile"].value for name, labels in found.items()} == {
        "both.bmp": True,
        "both.png": True,
        "json.png": False,
        "prose.png": True,
        "tags.png": False,
    }
    assert {name for name, labels in found.items() if "hat" in labels} == {
        "json.png",
        "prose.png",
        "tags.png",
    }
    assert extraction.notes.lines()[0].startswith("1 tag files contain more than tags")
    assert left_out == [("unknown.psd", ".psd, not a picture of a known format")]
    rejected = (out / "rejected.csv").read_text()
    assert "unknown.psd" in rejected and "zzz.jpg_large" in rejected


def test_a_zip_archive_gives_the_same_dataset(source: Path, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "faces"), "zip", source))
    prepare(source, tmp_path / "out")
    prepare(archive, tmp_path / "zipped")

    expected, found = contents(tmp_path / "out"), contents(tmp_path / "zipped")
    assert found.keys() == expected.keys()
    for name in ("labels.csv", "faces.csv", "rejected.csv", "LICENSE.txt"):
        assert found[name] == expected[name], name
