"""Every view of the page passes the checks of axe, in each color scheme."""

from __future__ import annotations

import pytest

from tests.studio.browser import draw, expect, needs_chromium, pick

pytestmark = needs_chromium
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

# Other schemes change colors alone.
COLORS = {"runOnly": ["color-contrast", "link-in-text-block"], "resultTypes": ["violations"]}
SCHEMES = (
    ({"color_scheme": "light", "forced_colors": "none"}, axe.DEFAULT_OPTIONS),
    ({"color_scheme": "dark", "forced_colors": "none"}, COLORS),
    ({"color_scheme": "dark", "forced_colors": "active"}, COLORS),
)


def test_no_view_violates_the_rules_of_accessibility(new_page):
    # Colors that are on their way to others have no contrast that counts.
    page = new_page(locale="en-US", reduced_motion="reduce")
    found = {}

    def check(view: str) -> None:
        for scheme, options in SCHEMES:
            page.emulate_media(**scheme)
            for violation in axe.Axe().run(page, options=options).response["violations"]:
                found[view, str(scheme), violation["id"]] = [node["html"] for node in violation["nodes"]]

    page.locator("#more").evaluate("details => details.open = true")
    check("arrival")
    page.get_by_label("Describe in words").fill("long hair frog")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("frog")
    check("alert")
    draw(page, 4, seed=20)
    page.get_by_role("button", name="Check the attributes").click()
    expect(page.locator("#panel-faces figcaption")).to_have_count(4)
    check("judged faces")
    dialog = page.get_by_role("dialog")
    for number in range(2):
        page.locator("#panel-faces button.face").nth(number).click()
        dialog.get_by_role("button", name="Keep", exact=False).first.click()
        expect(page.locator("#kept-count")).to_have_text(str(number + 1))
        if number == 0:
            page.keyboard.press("Escape")
    pick(page, "Hair color", "pink", "dialog")
    expect(dialog.locator(".steps .strip button")).to_have_count(2)
    dialog.locator(".lock").first.click()
    dialog.locator(".outputs summary").click()
    dialog.get_by_role("button", name="Similar faces").click()
    expect(dialog.locator(".results button.face")).to_have_count(8)
    check("face")
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Kept").click()
    for button in page.get_by_role("button", name="Choose for blending").all():
        button.click()
    page.get_by_role("button", name="Blend", exact=True).click()
    expect(page.locator(".blended .faces img")).to_have_count(7)
    check("kept")
    page.get_by_role("tab", name="History").click()
    expect(page.locator(".entry").first).to_be_visible()
    check("history")
    assert found == {}
