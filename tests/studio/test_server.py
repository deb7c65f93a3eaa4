"""The server against wrong and malicious requests."""

from __future__ import annotations

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

pytest.importorskip("starlette")

from anime_gan.studio.server import MAX_FILE, PLACES  # noqa: E402

UNKNOWN = "0123456789ab-012345"


def test_the_page_and_all_that_it_names_come_from_here(visitor):
    about = visitor.client.get("/api/studio").json()
    assert len(about["attributes"]) == 17
    assert {"name": "blonde", "phrase": "blonde hair"} in about["attributes"][0]["values"]
    for path in ("/", "/main.js", "/studio.css", "/icon.svg", "/languages/ja.json", "/api/history"):
        response = visitor.client.get(path)
        assert response.status_code == 200
        assert response.headers["Content-Security-Policy"].startswith("default-src 'self';")
        assert "http://" not in response.text.replace("http://www.w3.org/2000/svg", "")
        assert "https://" not in response.text
    assert visitor.client.get("/main.js").headers["Content-Type"].startswith("text/javascript")


SETTINGS = {"model": "00", "attributes": "", "seeds": "5", "truncation": "1.0"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "kind"),
        ({"kind": "everything"}, "kind"),
        ({"kind": ["faces"]}, "kind"),
        ({"kind": "faces", "number": 10**400}, "must be a number from 1 to 64"),
        ({"kind": "faces", "number": 0}, "“number” must be"),
        ({"kind": "faces", "number": True}, "“number” must be"),
        ({"kind": "faces", "number": 1.5}, "“number” must be"),
        ({"kind": "faces", "candidates": 10**9}, "“candidates” must be"),
        ({"kind": "faces", "truncation": 0}, "“truncation” must be"),
        ({"kind": "faces", "truncation": 10**400}, "“truncation” must be"),
        ({"kind": "faces", "truncation": "1"}, "“truncation” must be"),
        ({"kind": "faces", "seed": "-1"}, "seed must be an integer"),
        ({"kind": "faces", "seed": str(2**63 - 1), "number": 2}, "seed must be an integer"),
        ({"kind": "faces", "seed": "9" * 5_000}, "seed must be an integer"),
        ({"kind": "faces", "seed": "٣"}, "seed must be an integer"),
        ({"kind": "faces", "attributes": []}, "attributes"),
        ({"kind": "faces", "attributes": {"hair": "blue"}}, "no attribute “hair”"),
        ({"kind": "faces", "attributes": {"hair_color": "plaid"}}, "“hair_color” cannot be “plaid”"),
        ({"kind": "faces", "attributes": {"hair_color": True}}, "cannot be “True”"),
        ({"kind": "faces", "attributes": {"smile": "blue hair, no smile"}}, "“smile” cannot be"),
        ({"kind": "change", "set": {}}, "face"),
        ({"kind": "change", "face": f"{UNKNOWN}.0", "set": {}}, "no longer exists"),
        ({"kind": "change", "face": "../../../etc/passwd", "set": {}}, "no longer exists"),
        ({"kind": "nearby", "face": "..", "number": 1}, "no longer exists"),
        ({"kind": "sheet", "face": 5, "attribute": "smile"}, "face"),
        ({"kind": "blend", "faces": "ab"}, "“faces” must be a list with 2 to 8 items"),
        ({"kind": "blend", "faces": ["a"]}, "“faces” must be a list with 2 to 8 items"),
        ({"kind": "blend", "faces": [1, 2]}, "no valid “faces”"),
        ({"kind": "blend", "faces": ["a"] * 3}, "no longer exists"),
        ({"kind": "change", "face": {"seeds": 5}, "set": {}}, "no valid “face”"),
        ({"kind": "change", "face": {"seeds": "5"}, "set": {}}, "no longer exists"),
        ({"kind": "change", "face": {**SETTINGS, "seeds": "5-6"}, "set": {}}, "no longer exists"),
        ({"kind": "change", "face": {**SETTINGS, "truncation": "7"}, "set": {}}, "drawn by model 00"),
        ({"kind": "read", "faces": []}, "“faces” must be a list with 1 to 64 items"),
        ({"kind": "kept"}, "no valid “face”"),
        ({"kind": "point", "face": SETTINGS}, "drawn by model 00"),
        ({"kind": "faces", "attributes": {"smile": 1.5}}, "“smile” cannot be “1.5”"),
    ],
)
def test_a_wrong_request_gets_an_answer_in_words(visitor, body, said):
    response = visitor.client.post("/api/draw", json=body)
    assert 400 <= response.status_code < 500
    assert said in response.json()["message"]


def test_wrong_requests_about_a_face(visitor):
    face = visitor.faces()[0]["id"]
    for body, said in (
        ({"kind": "sheet", "face": face, "attribute": "hair_color; smile"}, "no attribute"),
        ({"kind": "nearby", "face": face, "angle": 7}, "“angle” must be"),
        ({"kind": "nearby", "face": face, "angle": float("nan")}, "“angle” must be"),
        ({"kind": "nearby", "face": face, "number": 65}, "“number” must be"),
        ({"kind": "blend", "faces": [face, face], "frames": 10**6}, "“frames” must be"),
        ({"kind": "change", "face": f"{face}9", "set": {}}, "no longer exists"),
        ({"kind": "change", "face": face.replace(".0", ".-1"), "set": {}}, "no longer exists"),
        ({"kind": "change", "face": face, "set": {"hair_color": "plaid"}}, "cannot be"),
        ({"kind": "change", "face": face, "sets": []}, "“sets” must be a list"),
        ({"kind": "change", "face": face, "sets": [{}], "size": 2_000}, "“size” must be"),
        ({"kind": "change", "face": face, "sets": [{}], "background": "red"}, "background"),
        ({"kind": "point", "face": face, "x": 9}, "“x” must be"),
        ({"kind": "character", "face": face, "engine": "quake"}, "engine"),
    ):
        content = json.dumps(body)
        response = visitor.client.post(
            "/api/draw", content=content, headers={"Content-Type": "application/json"}
        )
        assert response.status_code in (400, 404), body
        assert said in response.json()["message"]


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "7", "[" * 50_000, '{"kind": ' + "9" * 5_000 + "}", "\xff\xfe", '{"a":"\\ud800"}']
)
def test_what_is_no_json_gets_an_answer_in_words(visitor, body):
    for path in ("/api/draw", "/api/words", "/api/keep", "/api/remove"):
        headers = {"Content-Type": "application/json"}
        response = visitor.client.post(path, content=body.encode("latin-1"), headers=headers)
        assert response.status_code == 400
        assert response.json()["message"]


def picture_with(text: dict[str, str]) -> bytes:
    info = PngImagePlugin.PngInfo()
    for key, value in text.items():
        info.add_text(key, value)
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def test_files_that_cannot_be_opened_are_explained(visitor, generator):
    face = visitor.faces()[0]
    own, text = visitor.png(face), face["settings"]
    cases = {
        b"": "cannot be read",
        own[:200]: "cannot be read",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 500: "cannot be read",
        b"MZ" + b"\0" * 500: "cannot be read",
        b"{" * 60_000: "contains no generation settings",
        b"{}": "contains no generation settings",
        b"\0\0\0\x20ftypisom" + b"\0" * 99: "cannot be read",
        picture_with({}): "made elsewhere",
        picture_with({**text, "model": "0123"}): "drawn by model 0123",
        picture_with({**text, "seeds": "0-900000"}): "900001 pictures",
        picture_with({**text, "seeds": "x"}): "contains no generation settings",
        picture_with({**text, "attributes": "plaid hair"}): "unknown attribute 'plaid hair'",
        picture_with({**text, "model": "<script>"}): "contains no generation settings",
        json.dumps({**text, "interpolate": "-> ", "frames": "2000", "fps": "20"}).encode(): "2000 pictures",
        json.dumps({**text, "critic": "00", "candidates": "2"}).encode(): "critic",
        json.dumps({**text, "latent": "AAAAAA=="}).encode(): "vector of 100 numbers",
    }
    for data, said in cases.items():
        response = visitor.open(data)
        told = json.loads(response.text.splitlines()[-1])
        assert said in told["message"], (data[:60], told)
    assert visitor.finished(visitor.open(own))


def test_too_much_is_refused(visitor):
    long = visitor.client.post("/api/draw", json={"kind": "faces", "seed": "1" * 100_000})
    large = visitor.open(b"\0" * (MAX_FILE + 1))
    assert (long.status_code, large.status_code) == (413, 413)
    assert "limit is 32768 kilobytes" in large.json()["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/../setup.cfg",
        "/%2e%2e/%2e%2e/__main__.py",
        "/languages/..%2f..%2f..%2fattributes.py",
        "/files/../history/entry.json",
        f"/files/{UNKNOWN}/0.png",
        f"/files/{UNKNOWN}/..%2f..%2fentry.json",
        "/files/%2e%2e/entry.json",
        "/files/.partial-1/0.png",
        "/api/nothing",
    ],
)
def test_no_path_leads_out(visitor, path):
    visitor.faces()
    response = visitor.client.get(path)
    assert response.status_code == 404
    assert response.json()["message"] == "This no longer exists."


def test_files_of_an_entry_that_are_not_for_others(visitor):
    entry = visitor.faces()[0]["id"].split(".")[0]
    for name in (
        "entry.json",
        "1.png",
        "0.gif",
        "animation.webp",
        "sheet.png",
        "all.png",
        "0.png%00",
        "٠.png",
    ):
        assert visitor.client.get(f"/files/{entry}/{name}").status_code == 404, name


def test_only_the_own_page_is_answered(visitor):
    body = {"kind": "faces", "number": 1}
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        response = visitor.client.post("/api/draw", json=body, headers=headers)
        assert response.status_code == 403, headers
        assert response.headers["Content-Security-Policy"]
    # Content types that a form can send across origins.
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        content = json.dumps(body)
        response = visitor.client.post("/api/draw", content=content, headers={"Content-Type": kind})
        assert response.status_code == 415
    own = {"Origin": visitor.address, "Sec-Fetch-Site": "same-origin"}
    assert visitor.client.post("/api/draw", json=body, headers=own).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "evil.example:8642", "a b", "[x]"]
)
def test_a_strange_name_is_not_answered(visitor, host):
    """A foreign host name that points to this machine gives an attacker the same origin (DNS rebinding)."""
    for path in ("/", "/api/history"):
        assert visitor.client.get(path, headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("host", ["localhost:1", "LOCALHOST", "127.0.0.1", "[::1]:8642", "192.168.1.5:80"])
def test_names_of_this_machine_are_answered(visitor, host):
    assert visitor.client.get("/api/history", headers={"Host": host}).status_code == 200


def test_fifty_clicks_at_once(make_studio, visiting, generator, tmp_path):
    """All requests arrive while the model is loading, so none can finish before the last one arrives."""
    loaded = threading.Event()

    def load(_):
        assert loaded.wait(30)
        return generator

    with visiting(make_studio(tmp_path, load=load)) as visitor:
        refused = threading.Semaphore(0)

        def click(seed: int):
            response = visitor.client.post(
                "/api/draw", json={"kind": "faces", "number": 2, "seed": str(seed)}
            )
            refused.release()
            return response

        with ThreadPoolExecutor(50) as people:
            answers = [people.submit(click, seed) for seed in range(50)]
            try:
                # The first one loads the model, and the other accepted requests wait.
                for _ in range(50 - PLACES):
                    assert refused.acquire(timeout=20)
                assert visitor.client.get("/api/studio").json()["ready"] is False
            finally:
                loaded.set()
            responses = [answer.result() for answer in answers]
        codes = [response.status_code for response in responses]
        assert (codes.count(200), codes.count(429)) == (PLACES, 50 - PLACES)
        for response in responses:
            if response.status_code == 429:
                assert "Too many drawings at once" in response.json()["message"]
            else:
                assert "done" in response.text.splitlines()[-1]
        assert len(visitor.client.get("/api/history").json()["entries"]) == PLACES


def test_the_model_is_loaded_once_the_page_is_shown(make_studio, visiting, generator, tmp_path, monkeypatch):
    """Loading TensorFlow stops everything else for a moment, in which the first faces should appear."""
    from anime_gan.studio import server

    loaded = threading.Event()

    def load(_):
        loaded.set()
        return generator

    monkeypatch.setattr(server, "AFTER_VISIT", 0.0)
    with visiting(make_studio(tmp_path, load=load)) as visitor:
        for path in ("/", "/main.js", "/api/kept"):
            assert visitor.client.get(path).status_code == 200
        assert not loaded.is_set()
        assert len(visitor.client.get("/api/studio").json()["arrival"]["faces"]) == 16
        assert loaded.wait(60)


def test_a_model_that_cannot_be_loaded_is_explained(make_studio, visiting, tmp_path):
    def load(_):
        raise OSError("variables are missing")

    with visiting(make_studio(tmp_path, load=load)) as visitor:
        response = visitor.client.post("/api/draw", json={"kind": "faces"})
        told = json.loads(response.text.splitlines()[-1])
        assert told["message"] == "The model could not be loaded: variables are missing"


def test_a_full_disk_is_explained_and_nothing_half_is_left(visitor, monkeypatch, tmp_path):
    from anime_gan.studio import history

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(history, "save_png", full)
    response = visitor.client.post("/api/draw", json={"kind": "faces", "number": 1})
    assert "could not be saved: No space left on device" in response.text.splitlines()[-1]
    assert list((tmp_path / "studio" / "history").iterdir()) == []
    monkeypatch.undo()
    assert len(visitor.faces(2)) == 2


def test_headers_of_a_file(visitor):
    (face,) = visitor.faces(seed=9, hair_color="red")
    response = visitor.client.get(f"/files/{face['id'].replace('.', '/')}.png")
    assert response.headers["Content-Type"] == "image/png"
    assert "filename*=UTF-8''red-hair_seed9.png" in response.headers["Content-Disposition"]
