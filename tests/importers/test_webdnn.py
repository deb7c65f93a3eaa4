"""Published models: the file format, the layers found in it, and the pictures."""

from __future__ import annotations

import json
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from anime_gan.attributes.schema import Schema
from anime_gan.commands import generate
from anime_gan.exports import pack
from anime_gan.exports.read import read_label_rows
from anime_gan.exports.write import make_generator
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.request import FaceRequest
from anime_gan.importers import make_girls_moe, webdnn
from anime_gan.importers.webdnn import fill, load_network, network_config
from anime_gan.importers.webdnn_files import WebDnnError, decode_table
from tests.importers.interpreter import read_records, run, tree_table
from tests.importers.writer import LABELS, Files, ModelWriter

ROOT = Path(__file__).parents[2]
PUBLISHED = Path(os.environ.get("ANIME_GAN_SHARED", ROOT.parent / "shared")) / "data" / "makegirlsmoe"
needs_published = pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published files are not here")


@pytest.fixture(scope="module")
def files() -> Files:
    return ModelWriter().files()


@pytest.fixture(scope="module")
def export(files, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("import")
    assert webdnn.main([*files.write(folder), f"--out={folder / 'model'}"]) == 0
    return folder / "model"


def load(files: Files, folder: Path):
    files.write(folder)
    return load_network(folder / "weights.bin", folder / "graph.json")


def refused(files: Files, folder: Path, capsys) -> str:
    """Returns the error of the command for bad files, which is one line."""
    assert webdnn.main([*files.write(folder), f"--out={folder / 'model'}"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("anime_gan.importers.webdnn: ")
    assert not (folder / "model").exists()
    return said


def faces(random, count: int, latent_dim: int) -> np.ndarray:
    latents = random.normal(size=(count, latent_dim))
    return np.concatenate([latents, np.sign(random.normal(size=(count, LABELS)))], axis=1).astype(np.float32)


def compare(generator, graph, arrays, inputs, latent_dim) -> np.ndarray:
    """Asserts that a generator draws the same as the kernels; returns the pictures [n, h, w, 3]."""
    expected = [run(graph, arrays, row)[::-1].transpose(1, 2, 0) for row in inputs]
    images = generator(inputs[:, :latent_dim], inputs[:, latent_dim:]).numpy()
    np.testing.assert_allclose(images, expected, atol=2e-5)
    assert images.std() > 0.1 and np.abs(images[0] - images[1]).max() > 0.1
    return images


def imported_generator(network):
    generator = make_generator(network_config(network), make_girls_moe.schema())
    fill(generator, network)
    return generator


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_it_draws_what_the_kernels_draw(seed, tmp_path):
    """The order of kernels, operands, and arrays does not matter."""
    writer = ModelWriter() if seed is None else ModelWriter(seed, shuffled=True)
    files = writer.files()
    network = load(files, tmp_path)
    assert (network.num_inputs, network.filters, network.blocks) == (39, 4, 2)
    arrays = read_records(files.weights, tree_table())
    generator = imported_generator(network)
    compare(generator, files.graph, arrays, faces(np.random.default_rng(0), 2, 5), 5)


def test_every_weight_arrives(files, tmp_path):
    network = load(files, tmp_path)
    generator = imported_generator(network)
    arrays = read_records(files.weights, tree_table())
    ours = np.sort(np.concatenate([weight.ravel() for weight in generator.get_weights()]))
    theirs = np.sort(np.concatenate(list(arrays.values())))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_decode_table():
    table = decode_table()
    assert table.dtype == np.float32 and (table[0], table[127], table[255]) == (0, 1, -1)
    np.testing.assert_allclose(table[1:127], tree_table(), rtol=2e-7)
    np.testing.assert_array_equal(table[128:], -table[:128])
    assert np.all(np.diff(table[:128]) > 0)


@needs_published
def test_decode_table_is_the_published_one():
    published = np.loadtxt(PUBLISHED / "table.txt", dtype=np.float32)
    np.testing.assert_allclose(decode_table()[1:127], published, rtol=2e-7)


@needs_published
def test_the_published_model_draws_what_its_kernels_draw():
    network = load_network(PUBLISHED / "weight_webgpu.bin", PUBLISHED / "graph_webgpu.json")
    assert (network.num_inputs, network.filters, network.blocks) == (162, 64, 16)
    generator = imported_generator(network)
    assert sum(weight.size for weight in generator.get_weights()) == 4_422_659
    graph = json.loads((PUBLISHED / "graph_webgpu.json").read_text())
    table = np.loadtxt(PUBLISHED / "table.txt", dtype=np.float32)
    arrays = read_records((PUBLISHED / "weight_webgpu.bin").read_bytes(), table)
    schema = make_girls_moe.schema()
    inputs = faces(np.random.default_rng(2), 2, 128)
    inputs[0, 128:] = make_girls_moe.label_rows().rows[0]
    inputs[1, 128:] = np.where(schema.parse("blonde hair, blue eyes, smile") > 0, 1, -1)
    images = compare(generator, graph, arrays, inputs, 128)
    # The channel order is right if blonde hair is yellow.
    red, _, blue = images[1].mean((0, 1))
    assert red > blue + 0.05


def test_the_export_is_like_any_other(export, files):
    assert Schema.from_json((export / "attributes.json").read_text("utf-8")) == make_girls_moe.schema()
    record = json.loads((export / "training.json").read_text("utf-8"))
    assert record["config"]["architecture"] == "srresnet"
    assert record["config"]["latent_dim"] == 5 and record["config"]["resolution"] == 128
    card = (export / "MODEL_CARD.md").read_text("utf-8")
    for said in ("Yanghua Jin", "make.girls.moe", "CC BY-NC 2.0", "not use it commercially", "twin tail"):
        assert said in card
    for unknown in ("steps of", "0 images", "training set's"):
        assert unknown not in card
    generator = FaceGenerator(export)
    latents, labels = generator.inputs(FaceRequest("aqua hair, glasses", (3, 4)))
    assert set(np.unique(labels)) == {-1, 1}
    arrays = read_records(files.weights, tree_table())
    pictures = generator.render(latents, labels)
    for latent, label, picture in zip(latents, labels, pictures, strict=True):
        values = run(files.graph, arrays, np.concatenate([latent, label]))
        expected = np.round(values[::-1].transpose(1, 2, 0) * 127.5 + 127.5)
        assert np.abs(expected - picture).max() <= 1


def test_generate_draws_with_it(export, tmp_path, capsys):
    def draw(*arguments: str) -> None:
        assert generate.main([f"--model={export}", *arguments]) == 0, capsys.readouterr().err

    draw("--attrs=blue hair, smile", "--num=2", "--truncation=0.7", f"--out={tmp_path / 'faces'}")
    draw("--sheet=eye_color", "--seeds=0-1", f"--out={tmp_path / 'sheet.png'}")
    first = sorted((tmp_path / "faces").iterdir())[0]
    draw(f"--like={first}", f"--out={tmp_path / 'again'}")
    (again,) = (tmp_path / "again").iterdir()
    assert again.read_bytes() == first.read_bytes()
    assert (tmp_path / "sheet.png").is_file()


def test_it_can_be_packed(export, tmp_path, capsys):
    assert pack.main([f"--model={export}", f"--out={tmp_path / 'packed'}"]) == 0
    record = json.loads((tmp_path / "packed" / "training.json").read_text("utf-8"))
    assert record["packing"]["picture_error"]["mean"] < 0.5
    assert "CC BY-NC 2.0" in (tmp_path / "packed" / "MODEL_CARD.md").read_text("utf-8")


def test_open_attributes_follow_the_frequencies_of_the_site(export):
    schema, rows = make_girls_moe.schema(), read_label_rows(export)
    assert schema.num_labels == LABELS and rows.counts.sum() == make_girls_moe.ROWS
    shares = (rows.counts @ (rows.rows > 0)) / rows.counts.sum()
    assert shares[schema.column("hair_color", "brown")] == pytest.approx(0.213, abs=1e-3)
    assert shares[schema.column("eye_color", "orange")] == pytest.approx(0.002, abs=3e-4)
    assert shares[schema.column("smile")] == pytest.approx(0.6, abs=1e-3)
    for slot in schema.slots:
        if slot.is_group:
            assert np.all((rows.rows[:, slot.columns] > 0).sum(1) == 1)
    # Attributes are independent of each other.
    smile, blush = (rows.rows[:, schema.column(name)] > 0 for name in ("smile", "blush"))
    assert rows.counts @ (smile & blush) / rows.counts.sum() == pytest.approx(0.36, abs=0.03)
    again = make_girls_moe.label_rows()
    np.testing.assert_array_equal(again.rows, rows.rows)


def record(
    offset: int, codes: bytes, maximum: float = 1.0, zero: int = 0, length: int | None = None
) -> bytes:
    data = zlib.compress(codes)
    return struct.pack("<iifi", offset, len(data) if length is None else length, maximum, zero) + data


def first_record(files: Files) -> tuple[int, int]:
    """Offset and number of bytes of the first array."""
    offset, length = struct.unpack_from("<ii", files.weights)
    return offset, 16 + length


BROKEN_WEIGHTS = {
    "cut": (lambda w, size, at: w[:-3], "bytes, found"),
    "cut in a header": (lambda w, size, at: w + b"\0" * 9, "the file ends inside it"),
    "one array missing": (lambda w, size, at: w[at[1] :], "which is empty"),
    "one twice": (lambda w, size, at: w + w[: at[1]], "occurs twice"),
    "no such array": (lambda w, size, at: w + record(10**8, b"\1"), "is not an array of the graph"),
    "negative length": (
        lambda w, size, at: record(at[0], b"\1", length=-1) + w[at[1] :],
        "expected -1 bytes",
    ),
    "damaged": (lambda w, size, at: w[:20] + b"\xff" + w[21:], "damaged"),
    "too many weights": (
        lambda w, size, at: record(at[0], b"\1" * (size + 1)) + w[at[1] :],
        "contains more than",
    ),
    "too few": (
        lambda w, size, at: record(at[0], b"\1" * (size - 1)) + w[at[1] :],
        f"has {39 * 1024 - 1} weights",
    ),
    "not a number": (
        lambda w, size, at: record(at[0], b"\1" * size, float("nan")) + w[at[1] :],
        "invalid header",
    ),
    "infinite": (
        lambda w, size, at: record(at[0], b"\1" * size, float("inf")) + w[at[1] :],
        "invalid header",
    ),
    "another format": (
        lambda w, size, at: record(at[0], b"\1" * size, zero=1) + w[at[1] :],
        "invalid header",
    ),
}


@pytest.mark.parametrize("case", list(BROKEN_WEIGHTS))
def test_broken_weights_are_one_error_that_says_where(case, files, tmp_path, capsys):
    change, said = BROKEN_WEIGHTS[case]
    weights = change(files.weights, 39 * 1024, first_record(files))
    error = refused(files._replace(weights=weights), tmp_path, capsys)
    assert said in error
    assert "record at byte" in error or "kernel " in error


def set_name(number, name):
    return lambda graph: graph["exec_infos"][number].update(entry_func_name=name)


def set_number(operation, argument, value, which=0):
    def change(graph):
        found = [info for info in graph["exec_infos"] if info["entry_func_name"].startswith(operation + "_")]
        found[which]["meta_buffer"][4 * argument : 4 * argument + 4] = list(value)

    return change


def set_place(name, **values):
    return lambda graph: graph["memory_layout"]["static"]["allocations"][name].update(values)


def integer(value):
    return struct.pack("<i", value)


BROKEN_GRAPHS = {
    "other encoding": (lambda graph: graph.update(weight_encoding="raw"), "weight_encoding is 'raw'"),
    "no kernels": (lambda graph: graph.pop("exec_infos"), "exec_infos is missing"),
    "too many kernels": (lambda graph: graph.update(exec_infos=[{}] * 5000), "5000 kernels; the limit"),
    "too many arrays": (
        lambda graph: graph["memory_layout"]["static"].update(
            allocations=dict.fromkeys(map(str, range(5000)))
        ),
        "5000 arrays; the limit",
    ),
    "two outputs": (lambda graph: graph.update(outputs=["output", "input"]), "outputs: must name one"),
    "a kernel left out": (lambda graph: graph["exec_infos"].pop(40), "kernel 40 (im2col_"),
    "the end left out": (lambda graph: graph["exec_infos"].pop(), "no kernel writes a picture"),
    "unknown kernel": (set_name(30, "softmax_0"), "kernel 30 (softmax_0): unknown operation"),
    "newline in a name": (set_name(30, "a\nb\x1b[2J" * 40), r"kernel 30 (a\nb\x1b[2J"),
    "no argument": (lambda graph: graph["exec_infos"][12].update(meta_buffer=[]), "kernel 12 (relu_"),
    "no bytes": (lambda graph: graph["exec_infos"][12].update(meta_buffer=[256] * 12), "not a list of bytes"),
    "open sizes": (
        lambda graph: graph["exec_infos"][12].update(unresolved_value_list=[{"offset": 0}]),
        "only known at run time",
    ),
    "negative size": (set_place("fc_b", size=-1), "fc_b has offset"),
    "huge size": (set_place("fc_b", size=10**400), "fc_b has offset"),
    "size of another kind": (set_place("fc_b", size=1024.0), "size is missing or is not an integer"),
    "another size": (set_place("fc_b", size=1000), "contains more than 1000 weights"),
    "stride 2": (set_number("im2col", 10, integer(2)), "is not a convolution that keeps the size"),
    "other product": (set_number("sgemm", 3, integer(2)), "does not match its operands"),
    "other power": (set_number("scalarpow", 3, struct.pack("<f", 2.0)), "do not match a batch normalization"),
    "other epsilon": (set_number("scalaradd", 3, struct.pack("<f", 1e-3)), "epsilon is 0.001"),
    "nan": (set_number("scalaradd", 3, struct.pack("<f", float("nan"))), "epsilon is nan"),
    "mean added": (
        set_number("scalaraffine", 3, struct.pack("<f", 1.0)),
        "do not match a batch normalization",
    ),
    "other factor": (set_number("depth2space", 2, integer(3)), "does not double the side"),
    "other transposition": (set_number("transpose", 2, integer(7), which=1), "transposes"),
    "relu for tanh": (set_name(-1, "relu_0"), "expected tanh, found relu"),
    "product for sum": (set_name(7, "elementwisemul_0"), "kernel 7 (elementwisemul_0)"),
}


@pytest.mark.parametrize("case", list(BROKEN_GRAPHS))
def test_an_unexpected_graph_is_one_error_that_names_the_kernel(case, files, tmp_path, capsys):
    change, said = BROKEN_GRAPHS[case]
    broken = files.changed()
    change(broken.graph)
    assert said in refused(broken, tmp_path, capsys)


@pytest.mark.parametrize("which", ["skip", "block", "stage"])
def test_another_network_is_refused(which, tmp_path, capsys):
    """The long skip connection of the paper's figure, which the published weights lack; nested blocks."""
    writer = ModelWriter()
    kernels = writer.kernels
    sums = [i for i, k in enumerate(kernels) if k.operation == "elementwiseadd" and k.numbers == (1024,)][-2:]
    if which == "skip":
        last = kernels[sums[-1]]
        first_relu = next(k.writes for k in kernels if k.operation == "reshape" and k.numbers == (1024,))
        writer.sizes["long"] = 1024
        kernels.insert(sums[-1] + 1, last._replace(reads=(first_relu, last.writes), writes="long"))
        after = kernels[sums[-1] + 2]
        kernels[sums[-1] + 2] = after._replace(reads=("long",))
    elif which == "block":
        kernels[sums[-1]] = kernels[sums[-1]]._replace(
            reads=(kernels[sums[0]].reads[0], kernels[sums[-1]].reads[1])
        )
    else:
        writer.sizes["again"] = 1024
        first = kernels[sums[0]]
        kernels.insert(sums[0] + 1, first._replace(reads=(first.writes, first.writes), writes="again"))
        kernels[sums[0] + 2] = kernels[sums[0] + 2]._replace(reads=("again",))
    said = refused(writer.files(), tmp_path, capsys)
    assert "residual block" in said and "kernel " in said


def test_a_negative_variance_is_refused(files, tmp_path, capsys):
    writer = ModelWriter()
    writer.codes["bn_var"][0][1] |= 128
    assert "a variance is negative" in refused(writer.files(), tmp_path, capsys)


def test_files_that_are_not_there_or_not_json(files, tmp_path, capsys):
    given = files.write(tmp_path)
    assert webdnn.main([given[0], f"--graph={tmp_path / 'none'}", f"--out={tmp_path / 'm'}"]) == 2
    assert "none: no such file" in capsys.readouterr().err
    for text in (b"{", b"\xff\xfe", b"[" * 100_000, b"null", b"{}", b" " * (9 << 20)):
        (tmp_path / "graph.json").write_bytes(text)
        assert webdnn.main([*given, f"--out={tmp_path / 'm'}"]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and "graph.json: " in said


def test_flags(files, tmp_path, capsys):
    given = files.write(tmp_path)
    assert webdnn.main(given) == 2
    assert "--out is required" in capsys.readouterr().err
    assert webdnn.main([*given, f"--out={tmp_path}"]) == 2
    assert "already exists" in capsys.readouterr().err


def mutated(files: Files, random) -> tuple[bytes, bytes]:
    """Weights and graph with a small change in one of them."""
    weights, graph = bytearray(files.weights), bytearray(json.dumps(files.graph).encode())
    kind = random.integers(6)
    victim = weights if kind < 3 else graph
    if kind % 3 == 0:
        del victim[random.integers(len(victim)) :]
    elif kind % 3 == 1:
        for _ in range(random.integers(1, 4)):
            victim[random.integers(len(victim))] ^= 1 << random.integers(8)
    elif kind == 2:
        # Headers are only a small part of the file, so they are targeted.
        _, length = first_record(files)
        victim[random.choice([0, length]) + random.integers(16)] = random.integers(256)
    else:
        changed = files.changed().graph
        infos = changed["exec_infos"]
        one, two = random.integers(len(infos), size=2)
        action = random.integers(3)
        if action == 0:
            infos[one], infos[two] = infos[two], infos[one]
        elif action == 1:
            infos[one]["meta_buffer"] = infos[two]["meta_buffer"]
        else:
            meta = infos[one]["meta_buffer"]
            meta[random.integers(len(meta))] = int(random.integers(256))
        victim[:] = json.dumps(changed).encode()
    return bytes(weights), bytes(graph)


def test_changed_files_are_imported_or_refused_in_one_line(files, tmp_path):
    original = load(files, tmp_path)
    random = np.random.default_rng(0)
    outcomes = {"imported": 0, "refused": 0}
    for _ in range(400):
        weights, graph = mutated(files, random)
        (tmp_path / "weights.bin").write_bytes(weights)
        (tmp_path / "graph.json").write_bytes(graph)
        try:
            network = load_network(tmp_path / "weights.bin", tmp_path / "graph.json")
        except WebDnnError as error:
            assert "\n" not in str(error)
            outcomes["refused"] += 1
            continue
        outcomes["imported"] += 1
        if weights == files.weights:
            # A changed graph that passes has the same meaning.
            np.testing.assert_array_equal(network.rgb.kernel, original.rgb.kernel)
            for (layer, norm), (layer0, norm0) in zip(network.normalized, original.normalized, strict=True):
                for one, two in zip((*layer[1:], *norm[1:5]), (*layer0[1:], *norm0[1:5]), strict=True):
                    np.testing.assert_array_equal(one, two)
    assert min(outcomes.values()) > 10, outcomes
