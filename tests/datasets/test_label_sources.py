"""Where labels lie in folders of other programs, and what happens to files that look like pictures."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from anime_gan.datasets.dataset import DataError
from anime_gan.datasets.folder.labels import read_labels
from anime_gan.datasets.load import load_dataset
from anime_gan.datasets.reading.storage import list_files, read_file


def picture(kind: str = "PNG", color: tuple[int, int, int] = (200, 100, 50)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (20, 24), color).save(stream, kind)
    return stream.getvalue()


PNG = picture()


def fill(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def read(root: Path, files: dict[str, str | bytes], labels_from: str = "auto"):
    fill(root, files)
    return read_labels(str(root), [file.name for file in list_files(str(root), [])], 0, labels_from)


def of(labels, name: str, column: str) -> int:
    return int(labels.labels[labels.names.index(name), labels.schema.columns.index(column)])


def test_a_tag_file_beside_two_pictures_is_nobodys(tmp_path):
    labels = read(
        tmp_path,
        {"000.png": PNG, "000.jpg": PNG, "000.txt": "smile", "1.png": PNG, "1.webp": PNG}
        | {"1.txt": "smile", "1.png.txt": "hat", "2.png": PNG, "2.txt": "1girl, smile"},
    )
    smiles = {name: of(labels, name, "smile") for name in labels.names}
    assert smiles == {"000.jpg": 0, "000.png": 0, "1.png": -1, "1.webp": 0, "2.png": 1}
    assert any(
        note.startswith("3 images share a tag file with another image, such as 000.jpg")
        for note in labels.notes
    )


@pytest.mark.parametrize("ending", [".txt", ".TXT", ".caption", ".png.txt", ".png.caption"])
def test_text_beside_pictures(tmp_path, ending):
    labels = read(tmp_path, {"a.png": PNG, f"a{ending}": "smile, blue hair", "b.png": PNG})
    assert (of(labels, "a.png", "smile"), of(labels, "a.png", "hat")) == (1, -1)
    assert labels.notes == ["1 of 2 images have no tag file; their labels are unknown"]


@pytest.mark.parametrize(
    "record",
    [
        {"tag_string": "blue_hair smile 1girl", "tag_string_general": "blue_hair"},
        {"tags": "blue_hair smile 1girl", "rating": "s"},
        {"tags": ["blue_hair", "smile", "1girl"]},
        {"tags": {"general": ["blue_hair", "smile"], "artist": ["somebody"]}},
        {"tags_general": "blue_hair smile", "tags_artist": "somebody"},
        {"tags": [{"name": "blue hair"}, {"name": "smile"}]},
    ],
)
@pytest.mark.parametrize("name", ["a.png.json", "a.json"])
def test_booru_json(tmp_path, record, name):
    labels = read(tmp_path, {"a.png": PNG, name: json.dumps(record)})
    assert of(labels, "a.png", "smile") == 1
    assert of(labels, "a.png", "hat") == -1
    assert of(labels, "a.png", "hair_color=blue") == 1


@pytest.mark.parametrize(
    "name", ["labels.csv", "Labels.CSV", "metadata.csv", "list_attr_celeba.csv", "train/labels.csv"]
)
def test_tables(tmp_path, name):
    labels = read(
        tmp_path,
        {"train/a.png": PNG, "train/b.png": PNG, name: "image_id,smile\ntrain/a.png,1\nb.png,-1\n"}
        if "/" not in name
        else {"train/a.png": PNG, "train/b.png": PNG, name: "filename,smile\na.png,1\nb.png,0\n"},
    )
    assert (of(labels, "train/a.png", "smile"), of(labels, "train/b.png", "smile")) == (1, -1)
    assert labels.skipped == []


def test_imagefolder_of_hugging_face(tmp_path):
    lines = [
        {"file_name": "0001.png", "text": "smile, blue hair"},
        {"file_name": "0002.png", "text": "hat, red hair"},
    ]
    labels = read(
        tmp_path,
        {"train/0001.png": PNG, "train/0002.png": PNG}
        | {"train/metadata.jsonl": "".join(json.dumps(line) + "\n" for line in lines)},
    )
    assert (of(labels, "train/0001.png", "smile"), of(labels, "train/0002.png", "smile")) == (1, -1)


def test_celeba(tmp_path):
    text = "2\nSmiling Young\n000001.jpg  1 -1\n000002.jpg -1  1\n"
    labels = read(
        tmp_path,
        {"list_attr_celeba.txt": text} | {f"img_align_celeba/00000{i}.jpg": picture("JPEG") for i in (1, 2)},
    )
    assert labels.labels.tolist() == [[1, -1], [-1, 1]]


def test_names_as_people_write_them(tmp_path):
    root = tmp_path / "faces"
    root.mkdir()
    names = ["a.png", "B.PNG", "sub/c.png", "d.jpg", "d.png", "e.png", "É.png"]
    rows = ["faces/a.png,1", "b.png,0", "c,1", "d,1", "E,0", "é.PNG,1", "nothing,1", "A.png,0"]
    labels = read(root, {name: PNG for name in names} | {"labels.csv": "filename,smile\n" + "\n".join(rows)})
    assert dict(zip(labels.names, labels.labels[:, 0].tolist(), strict=True)) == {
        "a.png": 1,
        "B.PNG": -1,
        "sub/c.png": 1,
        "e.png": -1,
        "É.png": 1,
    }
    assert dict(labels.skipped) == {
        "d": "several files have this name in another spelling",
        "nothing": "listed in labels.csv but missing",
        "A.png": "repeated row: another spelling of a.png",
        "d.jpg": "no row in labels.csv",
        "d.png": "no row in labels.csv",
    }


def test_folders_as_labels(tmp_path):
    files = {f"hair/{hair}/{i}.png": PNG for hair in ("blue", "red hair") for i in (1, 2)}
    labels = read(
        tmp_path, files | {"train/eyes/green/3.png": PNG, "eyes/blue/4.png": PNG, "5.png": PNG}, "folders"
    )
    assert labels.schema.columns == ("eyes=blue", "eyes=green", "hair=blue", "hair=red")
    assert of(labels, "hair/red hair/1.png", "hair=red") == 1
    assert of(labels, "train/eyes/green/3.png", "eyes=green") == 1
    assert of(labels, "train/eyes/green/3.png", "hair=blue") == 0
    assert labels.notes == ["1 of 7 images are not in a folder of a value; they are unlabeled"]


def test_one_folder_for_each_class(tmp_path):
    labels = read(tmp_path, {"miku/1.png": PNG, "rin/2.png": PNG}, "folders")
    assert labels.schema.columns == ("class=miku", "class=rin")
    assert labels.schema.parse("miku").tolist() == [1, -1]


def test_a_folder_with_and_one_without(tmp_path):
    labels = read(tmp_path, {"glasses/1.png": PNG, "no_glasses/2.png": PNG}, "folders")
    assert labels.schema.columns == ("glasses",)
    assert labels.labels.tolist() == [[1], [-1]]


def test_folders_without_two_values_are_an_error(tmp_path):
    with pytest.raises(ValueError, match="--labels_from=folders needs a folder for each value"):
        read(tmp_path, {"a/1.png": PNG, "2.png": PNG}, "folders")


def test_labels_that_are_not_read_are_named(tmp_path):
    labels = read(tmp_path, {"x/1.png": PNG, "y/2.png": PNG, "all.xlsx": b"PK", "tags/1.txt": "smile"})
    notes = " ".join(labels.notes)
    assert "not read: all.xlsx, tags/1.txt (" in notes
    assert "pictures are in 2 folders (x, y); --labels_from=folders" in notes
    assert labels.schema.columns == ()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.jpe", "JPEG"), ("a.jpg_large", "JPEG"), ("a", "PNG"), ("a.dat", "WEBP"), ("a.j2k", "JPEG2000")]
    + [("a.dib", "BMP"), ("a.pnm", "PPM"), ("a.orig", "GIF"), ("a.x", "TIFF")],
)
def test_the_first_bytes_decide_without_a_known_ending(tmp_path, name, kind):
    labels = read(tmp_path, {name: picture(kind), "b.png": PNG})
    assert labels.names == [name, "b.png"]
    assert labels.skipped == []


def test_what_stays_out_is_counted_by_ending(tmp_path):
    fill(tmp_path, {f"{i}.png": PNG for i in range(2)} | {f"{i}.psd": b"8BPS" for i in range(3)})
    fill(tmp_path, {"x.jxl": b"\xff\x0a", "y.zip": b"PK\3\4", "z": b"?", "README": "text", "a.md": "text"})
    fill(tmp_path, {"error.html": "<html>", "scan.pdf": b"%PDF", "review/page-1.html": "<html>"})
    dataset = load_dataset(str(tmp_path), 0, 16, 0)
    line = dataset.report.lines()[-1]
    assert dataset.report.reasons == {
        ".psd, not a picture of a known format": 3,
        ".jxl, not a picture of a known format": 1,
        ".html, not a picture of a known format": 1,
        ".pdf, not a picture of a known format": 1,
        ".zip archive": 1,
        "without an ending, not a picture of a known format": 1,
    }
    assert dict(dataset.report.skipped)["y.zip"] == ".zip archive: unpack it, or pass it as --data"
    assert line


def zipped(path: Path, files: dict[str, bytes | str]) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return str(path)


@pytest.mark.parametrize("top", ["", "faces/"])
def test_a_zip_archive_is_a_folder(tmp_path, top):
    files = {"a.png": picture(color=(1, 2, 3)), "sub/b.png": picture(color=(4, 5, 6)), "LICENSE.txt": "CC0"}
    files |= {"labels.csv": "filename,smile\na.png,1\nsub/b.png,0\n", ".hidden": b"x"}
    archive = zipped(tmp_path / "faces.zip", {top + name: content for name, content in files.items()})
    dataset = load_dataset(archive, 0, 16, 0)
    assert dataset.images[:, 8, 8].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert dataset.labels.tolist() == [[1], [-1]]
    assert "CC0" in dataset.statement
    assert dataset.report.skipped == ()


def test_names_in_an_old_archive(tmp_path):
    """Old programs store names without saying that they are Shift-JIS; zipfile takes them for cp437."""
    path = zipped(tmp_path / "old.zip", {"XX.png": PNG, "YY.png": PNG})
    data = (
        Path(path)
        .read_bytes()
        .replace(b"XX.png", "青.png".encode("cp932"))
        .replace(b"YY.png", "表.png".encode("cp932"))
    )
    Path(path).write_bytes(data)
    assert [file.name for file in list_files(path, [])] == ["表.png", "青.png"]
    assert read_file(path, "青.png") == PNG


def test_damaged_archives(tmp_path):
    path = Path(
        zipped(
            tmp_path / "a.zip",
            {"a.png": PNG, "b.png": picture(color=(9, 9, 9)), "c.png": picture(color=(7, 7, 7))},
        )
    )
    data = bytearray(path.read_bytes())
    data[data.index(PNG) + 30] ^= 1
    path.write_bytes(data)
    dataset = load_dataset(str(path), 0, 16, 0)
    assert len(dataset.images) == 2
    assert dataset.report.skipped[0][0] == "a.png"
    assert dataset.report.skipped[0][1].startswith("cannot be opened: damaged archive")
    (tmp_path / "b.zip").write_bytes(b"PK\3\4 and nothing else")
    with pytest.raises(DataError, match="not a zip archive"):
        load_dataset(str(tmp_path / "b.zip"), 0, 16, 0)


@pytest.mark.parametrize(
    ("listed", "note"),
    [
        ("images/{}.png", ["labels.csv: file names are read without 'images/'"]),
        ("../pictures/{}.png", ["labels.csv: file names are read without '../pictures/'"]),
        ("C:\\x\\{}.png", ["labels.csv: file names are read without 'C:/x/'"]),
        (
            "https://example.com/x/{}.png",
            ["labels.csv: file names are read without 'https://example.com/x/'"],
        ),
        ("{}.jpg", ["labels.csv: file names are read with any ending"]),
        ("/home/x/{}.webp", ["labels.csv: file names are read without '/home/x/' and with any ending"]),
        ("%30{}.png", []),
    ],
)
def test_names_of_pictures_that_were_moved_or_converted(tmp_path, listed, note):
    names = ("7", "8") if listed.startswith("%") else ("07", "08")
    rows = "".join(f"{listed.format(name)},{number}\n" for number, name in enumerate(names))
    labels = read(tmp_path, {"07.png": PNG, "08.png": PNG, "labels.csv": f"file,smile\n{rows}"})
    assert (labels.names, labels.labels.tolist(), labels.notes) == (["07.png", "08.png"], [[-1], [1]], note)


def test_numbers_without_their_zeros(tmp_path):
    labels = read(tmp_path, {"007.png": PNG, "010.png": PNG, "labels.csv": "file,smile\n7,1\n10.0,0\n"})
    assert dict(zip(labels.names, labels.labels[:, 0].tolist(), strict=True)) == {"007.png": 1, "010.png": -1}


@pytest.mark.parametrize(
    ("pictures", "rows"),
    [
        # The table of another part of the pictures.
        (["train/0.png", "train/1.png"], "val/0.png,1\nval/1.png,0\n"),
        (["0.png", "1.png"], "a/0.png,1\nb/0.png,0\n"),
        # Which of the two was converted?
        (["0.png"], "0.jpg,1\n0.webp,0\n"),
    ],
)
def test_names_that_may_be_other_pictures_are_refused(tmp_path, pictures, rows):
    with pytest.raises(ValueError, match=r"no row of labels\.csv matches an image"):
        read(tmp_path, {**dict.fromkeys(pictures, PNG), "labels.csv": "file,smile\n" + rows})


def test_rows_without_a_picture_do_not_decide_what_a_column_means(tmp_path):
    """Such as the units below a header, or a row of totals."""
    table = "file,hair,smile\n(text),(text),(bool)\na.png,blue,1\nb.png,red,0\nTotal,,37\n"
    labels = read(tmp_path, {"a.png": PNG, "b.png": PNG, "labels.csv": table})
    assert labels.schema.columns == ("hair=blue", "hair=red", "smile")
    assert labels.labels.tolist() == [[1, -1, 1], [-1, 1, -1]]
    missing = "listed in labels.csv but missing"
    assert labels.skipped == [("(text)", missing), ("Total", missing)]
