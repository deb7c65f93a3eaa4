"""What the page shows is in its address: nothing that was done is lost or shown falsely."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

import numpy as np
from PIL import Image

from tests.studio.browser import address, alt, draw, drop, expect, needs_chromium, pick, pixels, saved

pytestmark = needs_chromium


def shown(page) -> dict[str, list[str]]:
    """What the address says."""
    return parse_qs(page.url.partition("#")[2])


def words(page) -> list[str]:
    return [alt(image) for image in page.locator("#panel-faces .faces img").all()]


def count_entries(page) -> int:
    return len(page.request.get(address(page) + "api/history").json()["entries"])


def thumb(page, group: str, value: str):
    return (
        page.get_by_role("dialog")
        .get_by_role("group", name=group, exact=True)
        .get_by_role("radio", name=value)
    )


def test_faces_on_arrival_are_live(page):
    faces = page.locator("#panel-faces button.face")
    expect(faces).to_have_count(16)
    expect(page.locator("#panel-faces figcaption").first).to_have_text(re.compile("^blonde hair, "))
    assert count_entries(page) == 0
    faces.nth(3).click()
    thumb(page, "Hair color", "pink").click()
    expect(page.get_by_role("dialog").locator(".facts").first).to_have_text(re.compile("^pink hair"))


def test_a_surprise_shows_the_best_faces_at_once_and_then_new_ones(page):
    changes = {}

    def about(route):
        answer = route.fetch().json()
        # Loading the critic would take longer than all else.
        limits = {**answer["limits"], "candidates": 1}
        route.fulfill(json={**answer, "limits": limits, **changes})

    page.route("**/api/studio", about)
    page.reload()
    pick(page, "Hair color", "green")
    page.get_by_label("Describe in words").fill("smile")
    drawings = []
    page.on("request", lambda request: drawings.append(request.url) if "/api/draw" in request.url else None)
    surprise = page.get_by_role("button", name="Surprise me")
    surprise.click()
    heading = page.locator("#panel-faces .heading")
    expect(heading).to_contain_text("best faces")
    expect(page.locator("#panel-faces button.face")).to_have_count(16)
    best = words(page)
    # They were not drawn, and the words and the green hair are gone.
    assert drawings == []
    assert page.get_by_label("Describe in words").input_value() == ""
    assert shown(page).keys() == {"show", "model"}
    surprise.click()
    expect(heading).to_contain_text("seed")
    assert words(page) != best
    page.go_back()
    expect(heading).to_contain_text("best faces")
    page.reload()
    expect(heading).to_contain_text("best faces")
    assert words(page) == best
    # Without such faces, new ones are drawn.
    changes["best"] = None
    page.goto(address(page))
    page.reload()
    with page.expect_request("**/api/draw"):
        surprise.click()


def test_reload_back_and_a_link_bring_everything_back(page, new_page):
    pick(page, "Hair color", "green")
    draw(page, 3, seed=41)
    first = words(page)
    assert shown(page)["want"] == ["hair_color=green"] and shown(page)["seed"] == ["41"]
    pick(page, "smile", "yes")
    draw(page, 2, seed=9)
    page.locator("#panel-faces button.face").nth(1).click()
    thumb(page, "Eye color", "red").click()
    large = page.get_by_role("dialog").locator(".large")
    expect(large).to_have_attribute("alt", re.compile("red eyes"))
    expect(page).to_have_url(re.compile(r"face\.set=red\+eyes"))
    entries = count_entries(page)

    page.reload()
    expect(large).to_have_attribute("alt", re.compile("red eyes"))
    expect(page.locator("#panel-faces button.face")).to_have_count(2)
    # A link in another browser shows the same.
    friend = new_page(locale="en-US")
    friend.goto(page.url)
    expect(friend.get_by_role("dialog").locator(".large")).to_have_attribute("alt", alt(large))
    assert count_entries(page) == entries

    page.go_back()
    expect(large).not_to_have_attribute("alt", re.compile("red eyes"))
    page.go_back()
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.go_back()
    expect(page.locator("#panel-faces button.face")).to_have_count(3)
    assert words(page) == first
    page.go_forward()
    expect(page.locator("#panel-faces button.face")).to_have_count(2)


def test_picks_that_are_not_drawn_survive_a_reload(page):
    pick(page, "Hair color", "aqua")
    page.reload()
    group = page.locator("#picker").get_by_role("group", name="Hair color")
    expect(group.get_by_role("radio", name="aqua")).to_be_checked()


def test_a_link_of_another_model_is_told(page):
    page.goto(address(page) + "#seed=3&model=0123456789abcdef")
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("drawn by model 0123456789abcdef")
    expect(page.locator("#panel-faces button.face")).to_have_count(16)


def test_each_visit_has_other_seeds_and_the_largest_is_refused(page):
    seed = page.get_by_label("First seed")
    before = seed.input_value()
    page.reload()
    page.wait_for_selector("#picker fieldset", state="attached")
    assert seed.input_value() != before
    page.locator("#more").evaluate("details => details.open = true")
    page.get_by_label("Number of faces").fill("2")
    for value, valid in ((2**63 - 2, True), (2**63 - 1, False), (2**63, False)):
        seed.fill(str(value))
        assert seed.evaluate("input => input.checkValidity()") is valid, value
    seed.fill(str(2**63 - 2))
    page.get_by_role("button", name="Draw", exact=True).click()
    expect(page.locator("#panel-faces .heading")).to_contain_text(f"seed {2**63 - 2}-{2**63 - 1}")
    assert seed.input_value() == "0"


def test_a_changed_face_that_is_saved_and_dropped_is_the_changed_one(page):
    pick(page, "Hair color", "green")
    draw(page, 1, seed=33)[0].click()
    thumb(page, "Hair color", "pink").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".facts").first).to_have_text(re.compile("^pink hair"))
    path = saved(page, lambda: dialog.get_by_role("link", name="Picture").click())
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Clear").click()
    drop(page, path)
    large = dialog.locator(".large")
    expect(large).to_have_attribute("alt", re.compile("pink hair"))
    group = page.locator("#picker").get_by_role("group", name="Hair color", include_hidden=True)
    expect(group.get_by_role("radio", name="pink", include_hidden=True)).to_be_checked()
    again = saved(page, lambda: dialog.get_by_role("link", name="Picture").click())
    np.testing.assert_array_equal(pixels(again), pixels(path))


def test_the_history_has_the_last_form_of_a_face_and_brings_its_changes_back(page):
    draw(page, 1, seed=7)[0].click()
    facts = page.get_by_role("dialog").locator(".facts").first
    for value in ("pink", "blue", "silver"):
        thumb(page, "Hair color", value).click()
        expect(facts).to_have_text(re.compile(f"^{value} hair"))
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="History").click()
    expect(page.locator(".entry")).to_have_count(2)
    page.locator(".entry").first.get_by_role("button", name="Use again").click()
    group = page.locator("#picker").get_by_role("group", name="Hair color")
    expect(group.get_by_role("radio", name="silver")).to_be_checked()


def test_many_steps_leave_the_tools_in_sight(page):
    draw(page, 1, seed=7)[0].click()
    dialog = page.get_by_role("dialog")
    for value in ("pink", "blue", "silver", "red", "green", "white", "aqua", "orange"):
        thumb(page, "Hair color", value).click()
        expect(dialog.locator(".facts").first).to_have_text(re.compile(f"^{value} hair"))
    strip = dialog.locator(".strip button")
    expect(strip).to_have_count(9)
    portrait, tools = (dialog.locator(name).bounding_box() for name in (".portrait", ".tools"))
    assert portrait["x"] + portrait["width"] <= tools["x"]
    expect(strip.last).to_be_in_viewport(ratio=0.9)
    # A branch of the family tree starts in a row of its own.
    strip.first.click()
    thumb(page, "Eye color", "red").click()
    expect(strip).to_have_count(10)
    assert strip.last.bounding_box()["y"] > strip.nth(1).bounding_box()["y"]


def test_similar_faces_follow_the_open_face(page):
    draw(page, 1, seed=7)[0].click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Similar faces").click()
    expect(dialog.locator(".results button.face")).to_have_count(8)
    thumb(page, "Hair color", "pink").click()
    expect(dialog.locator(".results .center img")).to_have_attribute("alt", re.compile("pink hair"))
    expect(dialog.locator(".results button.face img").first).to_have_attribute("alt", re.compile("pink hair"))


def test_faces_that_differ_in_one_family_alone(page):
    draw(page, 1, seed=7)[0].click()
    dialog = page.get_by_role("dialog")
    facts = dialog.locator(".facts").first.text_content()
    kept = [part for part in facts.split(", ") if not re.search("hair|eyes|skin|cut|tails", part)]
    lock = dialog.get_by_role("button", name="Keep in variations: Skin")
    lock.click()
    expect(lock).to_have_attribute("aria-pressed", "true")
    skin = re.search(r"\w+ skin", facts)[0]
    dialog.get_by_role("button", name="Other colors").click()
    expect(dialog.locator(".results button.face")).to_have_count(16)
    described = [alt(image) for image in dialog.locator(".results img").all()]
    assert len(set(described)) > 8
    for text in described:
        assert skin in text and all(part in text for part in kept)
    dialog.get_by_role("button", name="Other people").click()
    expect(dialog.locator(".results h3")).to_have_text("Other people")
    assert {alt(image) for image in dialog.locator(".results img").all()} == {"Face with " + facts}


def test_the_judge_finds_no_fault_with_what_cannot_be_seen(page):
    judged = """async ([wanted, seen]) => (await import("/readings.js"))
        .judged(wanted, { attributes: seen, intact: null }, [{ hidden: "eye_color", by: "closed_eyes" }])"""
    seen = {"eye_color": "pink", "smile": False}
    for closed, said in ((False, "requested: yellow eyes; recognized: pink eyes · "), (True, "")):
        wanted = {"eye_color": "yellow", "smile": True, "closed_eyes": closed}
        text = page.evaluate(judged, [wanted, {**seen, "closed_eyes": closed}])
        assert text == f"{said}requested: smile: yes; recognized: smile: no"


def test_a_second_tab_sees_what_is_kept(page):
    other = page.context.new_page()
    other.goto(address(page))
    other.wait_for_selector("#picker fieldset", state="attached")
    draw(page, 1, seed=5)[0].click()
    page.get_by_role("dialog").get_by_role("button", name="♡ Keep").click()
    expect(other.locator("#kept-count")).to_have_text("1")


def test_traits_of_a_kept_face(page):
    draw(page, 2, seed=50)[0].click()
    dialog = page.get_by_role("dialog")
    thumb(page, "Hair color", "aqua").click()
    expect(dialog.locator(".facts").first).to_have_text(re.compile("^aqua hair"))
    dialog.get_by_role("button", name="♡ Keep").click()
    page.keyboard.press("Escape")
    page.locator("#panel-faces button.face").nth(1).click()
    dialog.get_by_label("Take from a kept face").select_option("hair")
    dialog.locator(".donors button.face").click()
    expect(dialog.locator(".facts").first).to_have_text(re.compile("^aqua hair"))


def test_a_server_that_dies_takes_no_faces_away(page, served, monkeypatch):
    from anime_gan.studio.studio import Studio

    drawn = Studio._add

    def dying(self, draft, request):
        if len(draft.faces) == 2:
            raise RuntimeError("gone")
        return drawn(self, draft, request)

    monkeypatch.setattr(Studio, "_add", dying)
    page.locator("#more").evaluate("details => details.open = true")
    page.get_by_label("Number of faces").fill("5")
    page.get_by_role("button", name="Draw", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text(re.compile("Something went wrong|does not respond"))
    expect(page.locator("#panel-faces button.face")).to_have_count(2)


def test_sizes_and_backgrounds(page):
    draw(page, 1, seed=5)[0].click()
    dialog = page.get_by_role("dialog")
    dialog.locator(".outputs summary").click()
    dialog.get_by_label("Size", exact=True).select_option("256")
    dialog.get_by_label("On a color").check()
    path = saved(page, lambda: dialog.locator("#save-picture").click())
    with Image.open(path) as image:
        assert image.size == (256, 256) and image.mode == "RGB"
    # The clipboard gets the same picture, or the page says that the browser refuses.
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dialog.get_by_role("button", name="Copy picture").click()
    expect(dialog.get_by_role("alert")).to_contain_text("was copied")
    copied = """navigator.clipboard.read().then(([item]) => item.getType("image/png"))
        .then(createImageBitmap).then(({ width }) => width)"""
    assert page.evaluate(copied) == 256
    page.evaluate("() => { navigator.clipboard.write = () => Promise.reject(new Error('no')); }")
    dialog.get_by_role("button", name="Copy picture").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Save the picture instead")


def test_dragging_through_the_neighborhood_keeps_the_attributes(page):
    draw(page, 1, seed=5)[0].click()
    dialog = page.get_by_role("dialog")
    large = dialog.locator(".large")
    before, described = large.get_attribute("src"), alt(large)
    box = dialog.locator(".pad").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 30, middle[1] + 20, steps=3)
    expect(large).not_to_have_attribute("src", before)
    page.mouse.up()
    expect(dialog.locator(".strip button")).to_have_count(2)
    assert alt(large) == described
    assert count_entries(page) == 1


def test_on_a_phone_the_face_stays_in_sight(new_page):
    page = new_page(viewport={"width": 390, "height": 844}, locale="en-US", has_touch=True)
    expect(page.locator("#panel-faces button.face").first).to_be_in_viewport()
    page.locator("#panel-faces button.face").first.click()
    thumb(page, "headphones", "yes").scroll_into_view_if_needed()
    expect(page.get_by_role("dialog").locator(".large")).to_be_in_viewport(ratio=0.9)
    small = page.evaluate(
        """() => [...document.querySelectorAll("dialog :is(button, a.button, select, summary)")]
            .filter((element) => element.checkVisibility())
            .map((element) => [element.textContent, element.getBoundingClientRect()])
            .filter(([, box]) => box.width < 44 || box.height < 44)
            .map(([text, box]) => `${text} ${box.width} x ${box.height}`)"""
    )
    assert small == []


def test_few_tabs_lead_to_draw(page):
    is_draw = "() => document.activeElement.type === 'submit'"
    presses = 0
    while not page.evaluate(is_draw) and presses < 9:
        page.keyboard.press("Tab")
        presses += 1
    assert presses <= 5


def test_what_an_entry_saves_can_be_dropped(page):
    pick(page, "Hair color", "green")
    draw(page, 2, seed=21)
    described = words(page)
    links = [
        page.locator("#panel-faces").get_by_role("link", name=name) for name in ("All as zip", "Settings")
    ]
    for path in [saved(page, link.click) for link in links]:
        page.get_by_role("button", name="Clear").click()
        draw(page, 1, seed=1)
        drop(page, path)
        expect(page.locator("#panel-faces .heading")).to_contain_text("seed 21-22")
        assert words(page) == described
