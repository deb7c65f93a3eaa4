"""Label files of random make whose right answer is known by construction."""

from __future__ import annotations

import json
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

from anime_gan.datasets.folder.image_labels import ImageLabels
from anime_gan.datasets.folder.labels import read_labels
from anime_gan.datasets.reading.storage import list_files

TITLE = "label files: every label as it was meant, or unknown"
SHORT, FULL = 100, 8000

# Tags that occur, and one that never does.
TAGS = ("smile", "hat", "glasses", "open_mouth", "blush", "crown")
COLORS = ("blue", "red", "black", "green")
# What a picture shows: tag -> +1, -1, or 0 (unknown); "hair_color" -> a color or None.
Truth = dict[str, int | str | None]

YES_NO = (
    *(("1", "0"), ("1.0", "0.0"), ("yes", "no"), ("True", "False"), ("Y", "N"), ("t", "f"), ("on", "off")),
    *(
        ("是", "否"),
        ("はい", "いいえ"),
        ("ja", "nein"),
        ("oui", "non"),
        ("1", "-1"),
        ("1.0", "-1.0"),
        ("WAHR", "FALSCH"),
    ),
)
UNKNOWN = ("", "?", "unknown", "NaN", " ")
TRIGGERS = (
    "mystyle",
    "1girl",
    "solo",
    "looking at viewer",
    "best quality",
    "ohwx woman",
    "hatsune_miku",
    "year 2024",
)
PROSE = (
    "a girl stands in front of her house",
    "She is looking at us",
    "portrait of someone in soft evening light",
    "the picture was drawn with watercolors",
    "一个女孩站在花园里看着我们",
)


def run(count: int, seed: int, folder: Path) -> list[str]:
    """Tries `count` label files; returns a line for each that was read wrong."""
    makers = (tag_file, tag_file, table, table, tag_table, json_beside, folders, archive)
    failures = []
    for number in range(count):
        source = random.Random(f"{seed}/{number}")
        place = folder / "faces"
        place.mkdir()
        make = makers[number % len(makers)]
        try:
            wrong = make(source, place)
        except Exception as error:
            wrong = f"{type(error).__name__}: {error}"
        if wrong:
            failures.append(f"{number} ({make.__name__}): {wrong}")
        shutil.rmtree(place)
    return failures


def read(place: Path, labels_from: str = "auto") -> ImageLabels:
    root = str(place)
    return read_labels(root, [file.name for file in list_files(root, [])], 0, labels_from)


def compare(labels: ImageLabels, expected: dict[str, Truth]) -> str:
    """Returns the first difference between labels and what was meant; empty if there is none."""
    if set(labels.names) != set(expected):
        return f"pictures {sorted(labels.names)} instead of {sorted(expected)} ({labels.skipped})"
    columns = labels.schema.columns
    for name, truth in expected.items():
        row = labels.labels[labels.names.index(name)]
        for attribute, value in truth.items():
            if attribute in TAGS:
                found = int(row[columns.index(attribute)]) if attribute in columns else 0
            else:
                having = [
                    c
                    for c, sign in zip(columns, row, strict=True)
                    if c.startswith(f"{attribute}=") and sign > 0
                ]
                found = having[0].partition("=")[2].lower() if having else None
            if found != value:
                return f"{name}: {attribute} is {found} instead of {value}"
    return ""


# Tag files


def spelled(source: random.Random, tag: str) -> str:
    """Writes a tag as people do."""
    text = tag if source.random() < 0.5 else tag.replace("_", " ")
    text = source.choice([str, str, str.title, str.upper])(text)
    if source.random() < 0.3:
        return source.choice(["({}:1.2)", "(({}))", "[{}]", "{{{{{}}}}}", "general:{}", " {} "]).format(text)
    return text


def tag_text(source: random.Random) -> tuple[str, Truth]:
    """Returns the text of a tag file, and what it says."""
    truth: Truth = dict.fromkeys(TAGS, -1)
    items = source.sample(TRIGGERS, source.randint(0, 3))
    chosen = source.sample(TAGS[:-1], source.randint(1, 4))
    sure = chosen[: source.randint(1, len(chosen))]
    for tag in sure:
        if source.random() < 0.25:
            items.append(source.choice(["-", "!", "no ", "not ", "without "]) + tag.replace("_", " "))
        else:
            truth[tag] = 1
            items.append(spelled(source, tag))
    truth["hair_color"] = color = source.choice((*COLORS, None))
    if color:
        items.append(spelled(source, f"{color}_hair"))
    is_open = chosen[len(sure) :]
    if is_open:
        truth.update(dict.fromkeys(is_open, 0))
        options = [tag.replace("_", " ") for tag in is_open] + source.sample(["odd face", ""], 1)
        items.append("{" + "|".join(options) + "}")
    source.shuffle(items)
    if source.random() < 0.4:
        items.insert(source.randrange(len(items) + 1), source.choice(PROSE))
        truth.update({tag: 0 for tag in TAGS if tag not in sure})
    ends = [", ", ",", "\n", " ||| ", " BREAK ", " AND ", "，", ",\n", "; "]
    end = source.choice(ends)
    return end.join(items) + source.choice(["", "\n", ",", "."]), truth


def spaced_text(source: random.Random) -> tuple[str, Truth]:
    """Returns tags with underscores, separated by spaces, and what they say."""
    truth: Truth = dict.fromkeys(TAGS, -1)
    chosen = source.sample(TAGS[:-1], source.randint(1, 4))
    truth.update(dict.fromkeys(chosen, 1))
    color = source.choice(COLORS)
    truth["hair_color"] = color
    items = [*chosen, f"{color}_hair", "1girl", "long_sleeves"]
    source.shuffle(items)
    return " ".join(items), truth


def tag_file(source: random.Random, place: Path) -> str:
    """A tag file beside a picture, or beside two of the same name."""
    text, truth = spaced_text(source) if source.random() < 0.2 else tag_text(source)
    name = source.choice(["a.txt", "a.TXT", "a.caption", "a.png.txt"])
    encoding = source.choice(["utf-8", "utf-8-sig", "utf-16"])
    (place / name).write_bytes(text.encode(encoding))
    (place / "a.png").touch()
    (place / "b.jpg").touch()
    unknown: Truth = {**dict.fromkeys(TAGS, 0), "hair_color": None}
    expected = {"a.png": truth, "b.jpg": unknown}
    if source.random() < 0.2:
        (place / "a.webp").touch()
        expected |= {"a.webp": unknown}
        if name != "a.png.txt":
            expected["a.png"] = unknown
    wrong = compare(read(place), expected)
    return f"{wrong} in {text!r}" if wrong else ""


def json_beside(source: random.Random, place: Path) -> str:
    """The JSON of a downloader beside a picture."""
    text, truth = spaced_text(source)
    tags = text.split()
    record = source.choice(
        [
            {"tags": text},
            {"tags": tags},
            {"tag_string": text},
            {"tags": {"general": tags}},
            {"tags_general": text},
        ]
    )
    (place / source.choice(["a.json", "a.jpe.json"])).write_text(json.dumps(record))
    (place / "a.jpe").write_bytes(b"\xff\xd8\xff\xe0")
    wrong = compare(read(place), {"a.jpe": truth})
    return f"{wrong} in {record}" if wrong else ""


# Tables


def table(source: random.Random, place: Path) -> str:
    """A table of columns, in a random dialect and encoding."""
    number = source.randint(4, 9)
    expected: dict[str, Truth] = {f"{source.choice(['', 'sub/'])}p{i}.png": {} for i in range(number)}
    columns: dict[str, list[str]] = {}
    for tag in source.sample(TAGS, source.randint(1, 3)):
        columns[tag] = yes_no_column(source, tag, list(expected.values()))
    if source.random() < 0.6:
        columns["hair_color"] = color_column(source, list(expected.values()))
    for junk in source.sample(JUNK, source.randint(0, 2)):
        columns[junk[0]] = [junk[1](i) for i in range(number)]
    if source.random() < 0.3:
        columns["ohne Titel é"] = ["été", "grün"] * (number // 2) + ["été"] * (number % 2)
    return write_table(source, place, expected, columns)


JUNK: tuple[tuple[str, Callable[[int], str]], ...] = (
    ("score", lambda i: f"{i}.5"),
    ("by", lambda i: "somebody"),
    ("url", lambda i: f"https://example.org/{i}"),
    ("nothing", lambda i: ""),
    ("box", lambda i: f"{i},2,3,4"),
)


def yes_no_column(source: random.Random, tag: str, truths: list[Truth]) -> list[str]:
    is_marked = source.random() < 0.15
    yes, no = ("x", "") if is_marked else source.choice(YES_NO)
    unknown = [] if is_marked else [source.choice(UNKNOWN)]
    # With 0, -1 means unknown.
    unknown += ["-1"] if no in ("0", "0.0") and source.random() < 0.3 else []
    cells = [yes, no, *(source.choice([yes, no, *unknown]) for _ in truths[2:])]
    source.shuffle(cells)
    for truth, cell in zip(truths, cells, strict=True):
        truth[tag] = 1 if cell == yes else -1 if cell == no else 0
    return cells


def color_column(source: random.Random, truths: list[Truth]) -> list[str]:
    form = source.choice(["{}", "{} hair", "{}_hair", " {} "])
    cells = []
    colors = [*source.sample(COLORS, 2), *(source.choice((*COLORS, None)) for _ in truths[2:])]
    for truth, color in zip(truths, colors, strict=True):
        truth["hair_color"] = color
        cells.append(form.format(color) if color else source.choice(UNKNOWN))
    return cells


def tag_table(source: random.Random, place: Path) -> str:
    """A table with a column of tags."""
    expected: dict[str, Truth] = {}
    cells = []
    for i in range(source.randint(3, 6)):
        text, truth = tag_text(source)
        expected[f"p{i}.png"] = truth
        cells.append(text.replace("\n", ", "))
    name = source.choice(["tags", "text", "caption"])
    if source.random() < 0.3:
        rows = [{"file_name": picture, name: cell} for picture, cell in zip(expected, cells, strict=True)]
        (place / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
        for picture in expected:
            (place / picture).touch()
        wrong = compare(read(place), expected)
        return f"{wrong} in {cells}" if wrong else ""
    return write_table(source, place, expected, {name: cells})


def write_table(
    source: random.Random, place: Path, expected: dict[str, Truth], columns: dict[str, list[str]]
) -> str:
    """Writes a table of random dialect, reads it, and compares it with what was meant."""
    names = list(columns)
    source.shuffle(names)
    files = [listed(source, picture) for picture in expected]
    header = [source.choice(["filename", "file_name", "File", "image_id", "path"]), *names]
    rows = [[file, *(columns[name][i] for name in names)] for i, file in enumerate(files)]
    at = source.randrange(len(header))
    for row in [header, *rows]:
        row.insert(at, row.pop(0))
    delimiter = source.choice([",", ",", ";", "\t"])
    if source.random() < 0.2:
        header.insert(0, source.choice(["", "Unnamed: 0"]))
        for i, row in enumerate(rows):
            row.insert(0, str(i))
    if source.random() < 0.2:
        for row in [header, *rows]:
            row += ["", ""]
    text = source.choice(["\n", "\r\n"]).join(
        delimiter.join(quoted(cell) for cell in row) for row in [header, *rows]
    )
    encodings = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"]
    encodings += [name for name in ("cp1252", "cp932", "gbk") if fits(text, name)]
    encoding = source.choice(encodings)
    (place / source.choice(["labels.csv", "Labels.CSV", "metadata.csv"])).write_bytes(text.encode(encoding))
    for picture in expected:
        (place / picture).parent.mkdir(exist_ok=True)
        (place / picture).touch()
    labels = read(place)
    wrong = compare(labels, expected)
    junk = {name for name, _ in JUNK} & {slot.name for slot in labels.schema.slots}
    if junk:
        wrong = f"learned {junk}"
    return f"{wrong} in {encoding} {text!r}" if wrong else ""


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set(',;\t"\n') else cell


def fits(text: str, encoding: str) -> bool:
    """Whether an encoding can be recognized: its letters are those of its language."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    foreign = {letter for letter in text if not letter.isascii()}
    return foreign <= set({"cp1252": "éäöüßè", "cp932": "はいえ", "gbk": "是否"}[encoding])


def listed(source: random.Random, picture: str) -> str:
    """Writes the name of a file as people do."""
    forms = [picture] * 3 + [
        "faces/" + picture,
        picture.upper(),
        picture.removesuffix(".png"),
        "./" + picture,
    ]
    forms += [picture.rpartition("/")[2], picture.replace("/", "\\")]
    return source.choice(forms)


# Folders and archives


def folders(source: random.Random, place: Path) -> str:
    """Folders whose names are labels."""
    expected: dict[str, Truth] = {}
    for i, color in enumerate([*COLORS[:2], *source.choices(COLORS, k=3)]):
        folder = source.choice(["", "train/"]) + "hair_color/" + color + source.choice(["", " hair", "_hair"])
        (place / folder).mkdir(parents=True, exist_ok=True)
        (place / folder / f"{i}.png").touch()
        expected[f"{folder}/{i}.png"] = {"hair_color": color}
    (place / "other.png").touch()
    return compare(read(place, "folders"), expected | {"other.png": {"hair_color": None}})


def archive(source: random.Random, place: Path) -> str:
    """A zip archive with tag files, and other files around."""
    top = source.choice(["", "faces/", "a/b/"])
    expected = {}
    texts: list[str] = []
    path = place / "faces.zip"
    with zipfile.ZipFile(path, "w", source.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as file:
        for i in range(3):
            text, truth = tag_text(source)
            file.writestr(f"{top}{i}.png", b"")
            file.writestr(f"{top}{i}.txt", text)
            texts.append(text)
            expected[top.partition("/")[2] + f"{i}.png"] = truth
        file.writestr(f"__MACOSX/{top}._0.png", b"x")
    wrong = compare(read(path), expected)
    return f"{wrong} in an archive {texts!r}" if wrong else ""
