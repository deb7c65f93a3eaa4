"""The cascade file, taggers, the statistics of measurements, and errors of the command."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2")

from anime_gan.common.errors import InputError
from anime_gan.datasets.folder.tags import TagTable
from anime_gan.prepare import cascade  # noqa: E402
from anime_gan.prepare.__main__ import main  # noqa: E402
from anime_gan.prepare.boxes import Box  # noqa: E402
from anime_gan.prepare.detection import CascadeDetector, Detection, joined, merge_hits, without_shared  # noqa: E402
from anime_gan.prepare.labeling import Label, combine, decide, join_attributes  # noqa: E402
from anime_gan.prepare.measure.parts import wilson  # noqa: E402


def test_wilson_interval_of_a_textbook_example() -> None:
    # 81 of 263: Newcombe 1998, Statistics in Medicine 17, table I, method 3.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)


def test_overlapping_hits_are_one_face() -> None:
    hits = np.array([[10, 10, 40, 40], [12, 10, 40, 40], [100, 90, 30, 30]], float)
    (face, count), (other, single) = merge_hits(hits)

    assert face == pytest.approx((11, 10, 40, 40)) and count == 2
    assert other == pytest.approx((100, 90, 30, 30)) and single == 1
    assert merge_hits(np.zeros((0, 4))) == []


def test_the_surer_face_wins_and_its_hair_is_none() -> None:
    face = Detection(Box(100, 100, 80, 80), 0.0, 20.0)
    inside = Detection(Box(110, 110, 40, 40), 0.0, 18.0)
    hair = Detection(Box(180, 110, 40, 40), 0.0, 3.0)
    neighbor = Detection(Box(260, 100, 40, 40), 0.0, 3.0)

    assert without_shared([hair, inside, neighbor, face]) == [face, neighbor]


@pytest.mark.parametrize(("hits", "faces"), [(15, 2), (8, 3)])
def test_two_halves_of_a_face_are_one_if_a_second_look_finds_it(hits, faces, monkeypatch) -> None:
    """The third detection is far from the others, and the second looks see `hits` hits each."""
    left = Detection(Box(173, 218, 59, 59), 0.0, 12.0)
    right = Detection(Box(238, 217, 60, 60), 0.0, 10.0)
    other = Detection(Box(500, 200, 60, 60), 0.0, 5.0)
    monkeypatch.setattr(CascadeDetector, "_second_look", lambda *_: hits)
    detector = object.__new__(CascadeDetector)
    found = detector._with_joined_halves(np.zeros((4, 4, 3), np.uint8), [left, right, other])

    assert len(found) == faces
    if faces == 2:
        # From the left edge of one half to the right edge of the other.
        assert found[0].box.left == pytest.approx(173, abs=1)
        assert found[0].box.width == pytest.approx(125, abs=1)
        assert found[1] == other


def test_boxes_that_cannot_be_halves() -> None:
    box = Box(0, 0, 60, 60)
    assert joined(box, Box(90, 0, 60, 60)) is None
    assert joined(box, Box(60, 30, 60, 60)) is None
    assert joined(box, Box(60, 0, 100, 100)) is None


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A local server with a file that stands in for the cascade."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "right.xml").write_bytes(b"right")
    (tmp_path / "home" / "wrong.xml").write_bytes(b"wrong")
    monkeypatch.setattr(cascade, "SHA256", hashlib.sha256(b"right").hexdigest())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path / "home"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_cascade_is_fetched_once(home: str) -> None:
    path = cascade.find_cascade("", f"{home}/right.xml")

    assert path.read_bytes() == b"right"
    assert cascade.find_cascade("", "http://127.0.0.1:9/nowhere") == path


def test_another_file_than_the_pinned_one_is_refused(home: str) -> None:
    with pytest.raises(ValueError, match="wrong checksum"):
        cascade.find_cascade("", f"{home}/wrong.xml")
    assert not (cascade.cache_folder() / cascade.NAME).exists()


def test_offline_says_what_to_do_in_one_line(home: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be downloaded .*download https://raw"):
        cascade.find_cascade("", f"{home}/missing.xml")


def test_unsure_is_unknown() -> None:
    assert [decide(p, 0.6) for p in (0.7, 0.6, 0.4, 0.3, 0.2)] == [True, True, None, None, False]


def test_the_first_source_that_knows_counts() -> None:
    first, second = Label(False, "tag file", 1.0), Label(True, "tagger", 0.9)

    assert combine([{"hat": first}, None, {"hat": second, "smile": second}]) == {
        "hat": first,
        "smile": second,
    }


def test_joined_attributes() -> None:
    joined = join_attributes({"hair": ("blue", "red"), "hat": None}, {"hair": ("red", "teal"), "smile": None})
    assert joined == {"hair": ("blue", "red", "teal"), "hat": None, "smile": None}
    with pytest.raises(ValueError, match="a group in one source"):
        join_attributes({"hat": None}, {"hat": ("big", "small")})


def test_own_tagger_names_its_option_if_there_is_no_such_data() -> None:
    from anime_gan.prepare.own_tagger import OwnTagger

    with pytest.raises(InputError) as error:
        OwnTagger("dranw", 0.5, {})
    assert error.value.as_flag().startswith("--tagger=dranw: no such folder; use drawn")


def test_onnx_tagger_reads_tags_with_their_thresholds(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from anime_gan.prepare.onnx_tagger import OnnxTagger

    # The probabilities of the tags are the mean blue, green, and red (the network takes BGR).
    helper = onnx.helper
    weights = np.zeros((3, 7), np.float32)
    weights[0, 1] = weights[1, 2] = weights[2, 3] = weights[0, 4] = weights[1, 5] = weights[2, 6] = 1 / 255
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
            helper.make_node("MatMul", ["mean", "weights"], ["y"]),
        ],
        "tagger",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 32, 32, 3])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 7])],
        [
            onnx.numpy_helper.from_array(np.array([1, 2]), "axes"),
            onnx.numpy_helper.from_array(weights, "weights"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, str(tmp_path / "model.onnx"))
    tags = "tag_id,name,category,count\n0,sensitive,9,1\n1,blue_hair,0,1\n2,smile,0,1\n3,red_hair,0,1\n"
    (tmp_path / "selected_tags.csv").write_text(tags + "4,glasses,0,1\n5,hat,0,1\n6,blush,0,1\n")
    tagger = OnnxTagger(
        tmp_path / "model.onnx", tmp_path / "selected_tags.csv", TagTable.load(), 0.5, {"blush": 0.9}
    )
    # Red 0.8, green 0.4, blue 0.1.
    picture = np.broadcast_to(np.array([204, 102, 25.5]), (1, 64, 64, 3)).astype(np.uint8)
    (labels,) = tagger.describe(picture)

    assert labels["hair_color"] == ("red", "tagger", pytest.approx(0.8, abs=0.01))
    assert labels["glasses"].value is False
    # 0.4 is between half the threshold and the threshold, and so is 0.8 for the threshold of 0.9.
    assert not {"smile", "hat", "blush"} & set(labels)
    with pytest.raises(ValueError, match=r"no tag 'blus'.*did you mean 'blush'"):
        OnnxTagger(
            tmp_path / "model.onnx", tmp_path / "selected_tags.csv", TagTable.load(), 0.5, {"blus": 0.9}
        )


def test_onnx_tagger_of_any_side(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from anime_gan.prepare.onnx_tagger import OnnxTagger

    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "scale"], ["y"]),
        ],
        "tagger",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", "height", "width", 3])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", "tags"])],
        [
            numpy_helper.from_array(np.array([1, 2]), "axes"),
            numpy_helper.from_array(np.float32(1 / 255), "scale"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, str(tmp_path / "model.onnx"))
    tags = tmp_path / "selected_tags.csv"
    tags.write_text("name,category\nhat,0\nsmile,0\nglasses,0\n")
    tagger = OnnxTagger(tmp_path / "model.onnx", tags, TagTable.load(), 0.5, {})
    red = np.full((2, 64, 64, 3), (255, 0, 0), np.uint8)

    assert [labels["glasses"].value for labels in tagger.describe(red)] == [True, True]
    assert tagger.notes == ["model.onnx accepts images of any size; it gets 448x448, like WD14 taggers"]
    tags.write_text("name,category\nhat,0\nsmile,0\n")
    with pytest.raises(InputError, match="has 3 outputs, but .* lists 2 tags"):
        OnnxTagger(tmp_path / "model.onnx", tags, TagTable.load(), 0.5, {})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{tmp}/none", "{tmp}/out"], "none: no such folder"),
        (["{tmp}/source", "{tmp}/full"], "contains other files"),
        (["{tmp}/source", "{tmp}/source/out"], "must not be inside SOURCE"),
        (["{tmp}/source", "{tmp}/out", "--thresholds=smile"], "--thresholds=smile: must be TAG=NUMBER"),
        (["{tmp}/source", "{tmp}/out", "--cascade={tmp}/none.xml"], "/none.xml: no such file"),
        (["{tmp}/source", "{tmp}/out", "--cascade={tmp}/full/a.txt"], "not a cascade"),
        (["{tmp}/source"], "missing argument: DEST"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    arguments: list[str], message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("mine")

    assert main([argument.replace("{tmp}", str(tmp_path)) for argument in arguments]) == 2
    errors = capfd.readouterr().err.strip().splitlines()
    assert message in errors[-1]
    assert errors[-1].startswith("anime_gan.prepare: ")
    assert (tmp_path / "full" / "a.txt").read_text() == "mine"
    assert not (tmp_path / "out").exists()
