"""Every view by axe-core (WCAG 2.2 A and AA, best practice), by day and by night; and each flow by keyboard alone."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import ROOT
from tests.studio.conftest import DESK, PHONE, Visit, Visitor

AXE = ROOT / "tests" / "clients" / "javascript" / "node_modules" / "axe-core" / "axe.min.js"
PHOTO = str(ROOT / "events" / "photo.jpg")
VIEWS = ("create", "cutout", "chat", "gallery", "models", "spend", "settings", "welcome")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def _violations(page: Page, where: str) -> list[str]:
    found: dict[str, Any] = page.evaluate(
        "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", TAGS
    )
    return [
        f"{where}: {each['id']} at {node['target']}: {node['failureSummary'][:300]}"
        for each in found["violations"]
        for node in each["nodes"][:3]
    ]


def _with_axe(visitor: Visitor) -> Visitor:
    if not AXE.is_file():
        pytest.skip("NO AXE: `make test` installs it where npm is")
    # Before the page's own scripts, for its policy lets no others in afterwards.
    visitor.context.add_init_script(path=str(AXE))
    return visitor


@pytest.mark.parametrize(("size", "dark"), [(DESK, False), (PHONE, True)], ids=["desk-light", "phone-dark"])
def test_axe_finds_nothing_in_any_view(visit: Visit, size: tuple[int, int], dark: bool) -> None:
    ada = _with_axe(visit(size, dark=dark))
    page = ada.go("#/create")
    page.get_by_label("What should it show?").fill("A lighthouse in fog")
    page.get_by_role("button", name="Make it").click()
    expect(page.locator(".batch .cost")).to_have_count(1)
    found = _violations(page, "a picture that was made")
    page = ada.go("#/chat")
    page.locator("input[type=file]").first.set_input_files(PHOTO)
    page.get_by_label("What should change?").fill("Make it warmer")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".frame")).to_have_count(2)
    page.get_by_role("button", name="Warmer +20").click()
    found += _violations(page, "a conversation")
    page.get_by_role("button", name="Mark an area").click()
    expect(page.locator(".brush canvas")).to_be_visible()
    found += _violations(page, "a mark")
    page = ada.go("#/cutout")
    page.locator("input[type=file][multiple]").set_input_files(PHOTO)
    expect(page.locator(".queue-foot")).to_contain_text("1 of 1 done")
    found += _violations(page, "a cut-out")
    page = ada.go("#/gallery")
    page.locator(".tile").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    found += _violations(page, "a picture's dialog")
    for view in VIEWS:
        page = ada.go(f"#/{view}")
        expect(page.locator(".welcome, .view").first).to_be_visible()
        expect(page.get_by_role("status", name="Loading")).to_have_count(0)
        found += _violations(page, view)
    assert not found, "\n".join(found)


def _press_until(page: Page, key: str, selector: str, most: int = 60) -> None:
    """Presses a key until what has the focus fits the selector."""
    for _ in range(most):
        page.keyboard.press(key)
        if page.evaluate("selector => Boolean(document.activeElement?.matches(selector))", selector):
            return
    raise AssertionError(f"{key} does not lead to {selector}")


def test_a_picture_is_made_and_looked_at_by_keyboard_alone(visit: Visit) -> None:
    ada = visit()
    page = ada.go("#/gallery")
    expect(page.get_by_text("Everything you make is kept here")).to_be_visible()
    page.keyboard.press("1")
    expect(page.get_by_label("What should it show?")).to_be_visible()
    _press_until(page, "Tab", "textarea")
    page.keyboard.type("A lighthouse in fog")
    expect(page.get_by_role("button", name="Make it")).to_be_enabled()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".batch .cost")).to_have_count(1)
    _press_until(page, "Tab", ".print .button")
    page.keyboard.press("Enter")
    # "Edit": a conversation about it, in which words are said and versions are walked.
    expect(page.locator(".frame")).to_have_count(1)
    _press_until(page, "Tab", ".composer textarea")
    page.keyboard.type("Make it warmer")
    page.keyboard.press("Enter")
    expect(page.locator(".frame")).to_have_count(2)
    _press_until(page, "Shift+Tab", ".frame")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("radio", checked=True)).to_have_accessible_name("v1 as it was")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", checked=True)).not_to_have_accessible_name("v1 as it was")
    page.keyboard.press("c")
    expect(page.locator(".compare input")).to_be_visible()
    _press_until(page, "Shift+Tab", ".compare input")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".compare input")).to_have_attribute("aria-valuetext", "51 % original")
    page.keyboard.press("b")
    _press_until(page, "Tab", ".brush-box summary")
    page.keyboard.press("Enter")
    _press_until(page, "Tab", ".brush-box button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Erase it")).to_be_enabled()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Erase it":
            break
    page.keyboard.press("Enter")
    expect(page.locator(".frame")).to_have_count(3)
