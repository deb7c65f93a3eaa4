"""The page in a browser that can reach nothing but the studio."""

from __future__ import annotations

import json
import re
import threading
import zipfile

import numpy as np
import pytest
from PIL import Image

from anime_gan.faces.picture_files import read_origin
from tests.studio.browser import (
    address,
    alt,
    draw,
    drop,
    expect,
    needs_chromium,
    on_white,
    pick,
    pixels,
    saved,
)

pytestmark = needs_chromium


def test_pick_draw_and_save(page, generator):
    pick(page, "Hair color", "blue")
    pick(page, "glasses", "yes")
    pick(page, "smile", "no")
    faces = draw(page, 6, seed=20)
    assert len(faces) == 6
    for face in faces:
        assert alt(face).startswith("Face with blue hair, ")
        assert "glasses" in alt(face) and "smile" not in alt(face)
        assert face.evaluate("image => image.complete && image.naturalWidth") == generator.resolution
    packed = saved(page, lambda: page.get_by_role("link", name="All as zip").click())
    with zipfile.ZipFile(packed) as archive:
        names = [name for name in archive.namelist() if name.endswith(".png")]
        pictures = [archive.read(name) for name in names]
    assert len(pictures) == 6 and names[0] == "00_blue-hair_no-smile_glasses_seed20.png"
    path = saved(page, lambda: page.get_by_role("link", name="Settings").click())
    origin = read_origin(path)
    assert origin.request.seeds == tuple(range(20, 26))
    for picture, face in zip(pictures, generator.faces(origin.request), strict=True):
        np.testing.assert_array_equal(pixels(picture), face.image)
    # The next drawing uses new seeds.
    assert page.get_by_label("First seed").input_value() == "26"


def test_keep_edit_and_blend(page, generator):
    faces = draw(page, 3, seed=50)
    faces[1].click()
    dialog = page.get_by_role("dialog")
    first = saved(page, lambda: dialog.get_by_role("link", name="Picture").click())
    pick(page, "Hair color", "pink", "dialog")
    expect(dialog.locator(".large")).to_have_attribute("alt", re.compile("pink hair"))
    edited = saved(page, lambda: dialog.get_by_role("link", name="Picture").click())
    before, after = (generator.inputs(read_origin(path).request) for path in (first, edited))
    np.testing.assert_array_equal(before[0], after[0])
    assert generator.schema.describe(after[1][0]).startswith("pink hair")
    dialog.get_by_role("button", name="♡ Keep").click()
    expect(dialog.get_by_role("button", name="Kept")).to_have_attribute("aria-pressed", "true")
    # Go back to the first face, and keep it too.
    dialog.locator(".strip button").first.click()
    dialog.get_by_role("button", name="♡ Keep").click()
    expect(page.locator("#kept-count")).to_have_text("2")
    dialog.get_by_role("button", name="Close", exact=True).click()
    page.get_by_role("tab", name="Kept").click()
    expect(page.get_by_role("button", name="Blend", exact=True)).to_be_disabled()
    for button in page.get_by_role("button", name="Choose for blending").all():
        button.click()
    page.get_by_role("button", name="Blend", exact=True).click()
    expect(page.locator(".blended .faces img")).to_have_count(7)
    movie = saved(page, lambda: page.get_by_role("link", name="Animation (WebP)").click())
    with Image.open(movie) as animation:
        assert animation.n_frames == 48
        np.testing.assert_array_equal(on_white(animation), on_white(Image.open(first)))
        animation.seek(24)
        np.testing.assert_array_equal(on_white(animation), on_white(Image.open(edited)))
    movie = saved(page, lambda: page.get_by_role("link", name="Animation (GIF)").click())
    with Image.open(movie) as animation:
        assert animation.n_frames == 48
    # It stands still for those who want that.
    image = page.locator(".animation img")
    expect(image).to_have_attribute("src", re.compile(r"animation\.webp$"))
    page.emulate_media(reduced_motion="reduce")
    page.get_by_role("button", name="Choose for blending").first.click()
    expect(image).to_have_attribute("src", re.compile(r"\.png$"))
    page.get_by_role("button", name="Play").click()
    expect(image).to_have_attribute("src", re.compile(r"animation\.webp$"))
    for left in ("1", ""):
        page.locator("#panel-kept").get_by_role("button", name="Remove").first.click()
        expect(page.locator("#kept-count")).to_have_text(left)
    expect(page.locator("#panel-kept")).to_contain_text("No faces kept yet")


def test_around_a_face(page):
    draw(page, 1, seed=7)[0].click()
    dialog = page.get_by_role("dialog")
    large = dialog.locator(".large")
    name, words = large.get_attribute("src"), alt(large)
    dialog.get_by_role("button", name="Vary a little").click()
    expect(large).not_to_have_attribute("src", name)
    assert alt(large) == words
    dialog.get_by_role("button", name="Similar faces").click()
    expect(dialog.locator(".results button.face")).to_have_count(8)
    dialog.get_by_label("All values of").select_option(label="Eye color")
    dialog.get_by_role("button", name="Show", exact=True).click()
    expect(dialog.locator(".results figcaption")).to_have_text(
        ["blue", "red", "brown", "green", "purple", "yellow", "pink", "aqua", "black", "orange"]
    )
    sheet = saved(page, lambda: dialog.get_by_role("link", name="Sheet").click())
    assert pixels(sheet).shape[0] == 10 * 130 - 2
    dialog.locator(".results figure").filter(has_text="aqua").get_by_role("button").click()
    expect(large).to_have_attribute("alt", re.compile("aqua eyes"))
    expect(dialog.locator(".strip button")).to_have_count(3)


def test_closed_eyes_are_opened_for_their_color(page):
    pick(page, "closed eyes", "no")
    draw(page, 1, seed=3)[0].click()
    large = page.get_by_role("dialog").locator(".large")
    pick(page, "closed eyes", "yes", "dialog")
    expect(large).to_have_attribute("alt", re.compile("closed eyes"))
    pick(page, "Eye color", "red", "dialog")
    expect(large).to_have_attribute("alt", re.compile("red eyes"))
    assert "closed eyes" not in alt(large)


def test_what_was_made_is_there_after_a_restart(page, served):
    pick(page, "Skin", "tan")
    words = [alt(face) for face in draw(page, 3, seed=70)]
    page.locator("#panel-faces .faces img").first.click()
    page.get_by_role("dialog").get_by_role("button", name="♡ Keep").click()
    expect(page.locator("#kept-count")).to_have_text("1")
    served.end()
    page.get_by_role("dialog").get_by_role("button", name="Vary a little").click()
    expect(page.get_by_role("alert")).to_contain_text("Is it still running in the terminal?")
    served.start()
    page.reload()
    expect(page.locator("#kept-count")).to_have_text("1")
    # The face was open.
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="History").click()
    entry = page.locator(".entry").first
    expect(entry.locator("img")).to_have_count(3)
    assert [alt(face) for face in entry.locator("img").all()] == words
    pick(page, "Skin", "any")
    page.get_by_label("Number of faces", exact=True).evaluate("input => input.value = 9")
    entry.get_by_role("button", name="Use again").click()
    group = page.locator("#picker").get_by_role("group", name="Skin")
    expect(group.get_by_role("radio", name="tan")).to_be_checked()
    values = [page.get_by_label(label).input_value() for label in ("Number of faces", "First seed")]
    assert values == ["3", "70"]
    count = page.locator(".entry").count()
    entry.get_by_role("button", name="Remove").click()
    expect(page.locator(".entry")).to_have_count(count - 1)
    page.get_by_role("tab", name="Kept").click()
    page.locator("#panel-kept").get_by_role("button", name="Remove").click()


def test_a_dropped_picture_brings_its_settings_back(page, tmp_path):
    pick(page, "Hair color", "green")
    pick(page, "blush", "yes")
    draw(page, 1, seed=33)[0].click()
    path = saved(page, lambda: page.get_by_role("dialog").get_by_role("link", name="Picture").click())
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Clear").click()
    draw(page, 2, seed=1)
    drop(page, path)
    expect(page.locator("#panel-faces .heading")).to_contain_text("seed 33")
    group = page.locator("#picker").get_by_role("group", name="Hair color")
    expect(group.get_by_role("radio", name="green")).to_be_checked()
    assert page.get_by_label("First seed").input_value() == "33"
    shown = page.request.get(
        address(page) + page.locator("#panel-faces .faces img").get_attribute("src")
    ).body()
    np.testing.assert_array_equal(pixels(shown), pixels(path))
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({**Image.open(path).text, "truncation": "0.07", "seeds": "41-43"}))
    drop(page, settings)
    expect(page.locator("#panel-faces .heading")).to_contain_text("seed 41-43")
    expect(page.locator("output[for=truncation]")).to_have_text("7%")
    assert page.get_by_label("Number of faces").input_value() == "3"
    # Other files are refused with a message, and the page keeps working.
    for content, said in (
        (path.read_bytes()[:300], "cannot be read"),
        (b"{}", "contains no generation settings"),
        (
            json.dumps({"model": "00", "attributes": "", "seeds": "1", "truncation": "1"}).encode(),
            "drawn by model 00",
        ),
    ):
        broken = tmp_path / "broken.png"
        broken.write_bytes(content)
        drop(page, broken)
        expect(page.get_by_role("alert")).to_contain_text(said)
    assert len(draw(page, 2, seed=5)) == 2
    expect(page.get_by_role("alert")).to_be_empty()


def test_words_that_are_not_understood(page):
    page.get_by_label("Describe in words").fill("long blu hair smile")
    page.keyboard.press("Enter")
    alert = page.get_by_role("alert")
    expect(alert).to_have_text(re.compile("left out: “blu hair” .did you mean “blue hair”"))
    # The known part is applied and drawn.
    expect(page.locator("#panel-faces .heading h2")).to_have_text("long hair, smile")
    page.get_by_label("Describe in words").fill("银发碧眼 不戴眼镜")
    page.get_by_role("button", name="Draw", exact=True).click()
    expect(page.locator("#panel-faces .heading h2")).to_have_text("silver hair, blue eyes")
    group = page.locator("#picker").get_by_role("group", name="Hair color")
    expect(group.get_by_role("radio", name="silver")).to_be_checked()
    expect(alert).to_be_empty()
    # A later click counts, and the words are gone.
    pick(page, "Hair color", "red")
    assert page.get_by_label("Describe in words").input_value() == ""
    page.get_by_role("button", name="Draw", exact=True).click()
    expect(page.locator("#panel-faces .heading h2")).to_have_text("red hair, blue eyes")


def test_a_number_that_is_too_large_is_shown_and_not_sent(page):
    page.get_by_label("Number of faces").evaluate("input => input.value = '1e99'")
    page.get_by_role("button", name="Draw", exact=True).click()
    expect(page.get_by_label("Number of faces")).to_be_focused()
    assert page.request.get(address(page) + "api/history").json()["entries"] == []


def test_what_goes_wrong_far_away_is_told_and_what_was_there_stays(page, served, monkeypatch):
    from anime_gan.studio.errors import StudioError
    from anime_gan.studio.studio import Studio

    assert len(draw(page, 2, seed=4)) == 2
    page.locator("#panel-faces .faces img").first.click()
    dialog = page.get_by_role("dialog")

    def failing(self, *_):
        raise StudioError("gone", 404)

    with monkeypatch.context() as broken:
        broken.setattr(Studio, "_preview", failing)
        dialog.get_by_role("button", name="Vary a little").click()
        expect(dialog.get_by_role("alert")).to_have_text(re.compile("no longer exists"))
    asked = []
    page.on("request", lambda request: asked.append(request.post_data or ""))
    with monkeypatch.context() as broken:
        broken.setattr(Studio, "_read", failing)
        dialog.get_by_role("button", name="Check the attributes").click()
        expect(dialog.get_by_role("alert")).to_have_text(re.compile("no longer exists"))
    dialog.get_by_role("alert").get_by_role("button", name="Close").click()
    expect(page.get_by_role("alert")).to_be_empty()
    # A face needs no history entry.
    served.empty()
    dialog.get_by_role("button", name="Similar faces").click()
    expect(dialog.locator(".results button.face")).to_have_count(8)
    # The judge is not asked again.
    assert len([body for body in asked if '"read"' in body]) == 1
    page.keyboard.press("Escape")
    expect(page.locator("#panel-faces img")).to_have_count(2)


def test_with_the_keyboard_alone(page):
    def tab_to(role: str, name: str) -> None:
        wanted = page.get_by_role(role, name=name, exact=True).first
        for _ in range(60):
            if wanted.evaluate("element => element === document.activeElement"):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {name}")

    tab_to("radio", "any")
    for _ in range(4):  # blonde, brown, black, blue
        page.keyboard.press("ArrowRight")
    page.get_by_label("Describe in words").focus()
    tab_to("button", "Draw")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    page.keyboard.press("Enter")
    expect(page.locator("#panel-faces .heading h2")).to_have_text("blue hair")
    expect(page.get_by_role("status")).to_contain_text("16 faces")
    tab_to("tab", "Faces")
    page.keyboard.press("Tab")
    face = page.locator("#panel-faces button.face").first
    for _ in range(8):
        if face.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="This face")
    expect(dialog).to_be_visible()
    group = dialog.get_by_role("group", name="Hair color")
    for _ in range(20):
        if group.get_by_role("radio", name="blue").evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    # Arrows move the focus and show the value large; Enter takes it.
    page.keyboard.press("ArrowRight")
    expect(group.get_by_role("radio", name="pink")).to_be_focused()
    expect(group.get_by_role("radio", name="blue")).to_be_checked()
    page.keyboard.press("Enter")
    expect(dialog.locator(".facts").first).to_have_text(re.compile("pink hair"))
    # The focus stays where it was.
    expect(group.get_by_role("radio", name="pink")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(face).to_be_focused()


def test_many_clicks_draw_once(page):
    with page.expect_response("**/api/draw") as drawing:
        page.evaluate("for (let i = 0; i < 50; i++) document.querySelector('#request [type=submit]').click()")
    # Before, the panel shows the faces to start with.
    drawing.value.finished()
    expect(page.locator("#panel-faces .heading")).to_be_visible()
    expect(page.locator("#panel-faces img")).to_have_count(16)
    expect(page.get_by_role("alert")).to_be_empty()
    assert len(page.request.get(address(page) + "api/history").json()["entries"]) == 1


def test_a_long_drawing_shows_how_far_it_is_and_can_be_stopped(page, served, monkeypatch):
    from anime_gan.studio.studio import Studio

    drawn = Studio._add
    going_on = threading.Event()

    def slowly(self, draft, request):
        if len(draft.faces) == 3:
            going_on.wait(30)
        return drawn(self, draft, request)

    monkeypatch.setattr(Studio, "_add", slowly)
    page.locator("#more").evaluate("details => details.open = true")
    page.get_by_label("Number of faces").fill("10")
    page.get_by_role("button", name="Draw", exact=True).click()
    expect(page.locator("#busy-words")).to_have_text("3 of 10")
    expect(page.locator("#panel-faces button.face")).to_have_count(3)
    expect(page.locator("#panel-faces .empty")).to_have_count(7)
    page.get_by_role("button", name="Stop").click()
    going_on.set()
    expect(page.locator("#busy")).to_be_hidden()
    # The faces drawn so far can be used.
    page.locator("#panel-faces button.face").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize(
    ("locale", "draw_", "hair", "reasons"),
    [
        (
            "zh-CN",
            "生成",
            "发色",
            ["必须大于 0 且不超过 1", "未知的属性 'smilee'；是指 'smile' / 'silver' / 'smiling' 吗？"],
        ),
        (
            "ja-JP",
            "描く",
            "髪の色",
            ["0より大きく、1以下", "不明な属性'smilee'。'smile' / 'silver' / 'smiling'のことですか？"],
        ),
    ],
)
def test_in_their_language(new_page, locale, draw_, hair, reasons, tmp_path):
    page = new_page(locale=locale)
    expect(page.locator("html")).to_have_attribute("lang", locale if locale == "zh-CN" else "ja")
    expect(page.locator("#picker legend").first).to_have_text(hair)
    page.get_by_role("button", name=draw_, exact=True).click()
    expect(page).to_have_url(re.compile("seed="))
    # Also the reasons of errors are in this language.
    path = tmp_path / "settings.json"
    (entry,) = page.request.get(address(page) + "api/history").json()["entries"]
    for wrong, reason in zip(({"truncation": "2"}, {"set": "smilee"}), reasons, strict=True):
        path.write_text(json.dumps({**entry["settings"], **wrong}))
        drop(page, path)
        expect(page.get_by_role("alert")).to_contain_text(reason)
    # The choice is remembered.
    page.locator("#language").select_option("en")
    expect(page.locator("#picker legend").first).to_have_text("Hair color")
    page.reload()
    expect(page.locator("#picker legend").first).to_have_text("Hair color")


def test_on_a_phone_the_faces_come_into_view(new_page):
    page = new_page(viewport={"width": 390, "height": 844}, locale="en-US")
    draw(page, 16)
    expect(page.locator("#panel-faces button.face").first).to_be_in_viewport()
    page.locator("#panel-faces button.face").first.click()
    expect(page.get_by_role("dialog").locator(".large")).to_be_in_viewport(ratio=0.9)


def test_nothing_is_wider_than_the_window(new_page):
    page = new_page(locale="en-US")
    draw(page, 2)[0].click()
    overflow = "element => element.scrollWidth - element.clientWidth"
    for width in (1280, 860, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        for element in ("html", "dialog"):
            assert page.locator(element).evaluate(overflow) <= 0, (width, element)


def test_a_model_without_attributes(new_page):
    page = new_page(locale="en-US", viewport={"width": 900, "height": 700})

    def without(route):
        about = route.fetch().json()
        route.fulfill(json={**about, "attributes": [], "hidden": []})

    page.route("**/api/studio", without)
    page.reload()
    draw(page, 2, seed=1)[0].click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("All values of")).to_have_count(0)
    dialog.get_by_role("button", name="Similar faces").click()
    expect(dialog.locator(".results button.face")).to_have_count(8)
    expect(page.get_by_role("alert")).to_be_empty()
    # A click on the padding does not close the dialog, one outside does.
    box = dialog.bounding_box()
    page.mouse.click(box["x"] + 5, box["y"] + box["height"] / 2)
    expect(dialog).to_be_visible()
    page.mouse.click(5, 5)
    expect(dialog).to_be_hidden()
