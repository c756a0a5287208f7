"""What people come for, from beginning to end: on a desk by day, and on a phone by night."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import ROOT
from tests.studio.conftest import DESK, PHONE, Visit, Visitor

PHOTO = str(ROOT / "events" / "photo.jpg")
PROMPT = "A red fox asleep in fresh snow"
WINDOWS = pytest.mark.parametrize(("size", "dark"), [(DESK, False), (PHONE, True)], ids=["desk", "phone"])


def _words(page: Page, place: str) -> str:
    return page.locator(place).inner_text()


@WINDOWS
def test_who_has_no_account_cuts_a_picture_out_and_keeps_it(visit: Visit, size: tuple[int, int], dark: bool) -> None:
    guest = visit(size, dark=dark, signed_in=False)
    page = guest.go()
    expect(page.locator(".welcome h1")).to_be_visible()
    guest.keep("welcome")
    page.get_by_role("button", name="Cut out a picture").click()
    expect(page.get_by_text("without an account")).to_be_visible()
    page.locator("input[type=file][multiple]").set_input_files([PHOTO, PHOTO])
    slider = page.get_by_role("slider", name="How much of the original")
    slider.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", "49 % original")
    expect(page.locator(".queue-foot")).to_contain_text("2 of 2 done")
    guest.keep("cutout")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download", exact=True).click()
    assert saved.value.suggested_filename == "photo.png"
    with page.expect_download() as saved:
        page.get_by_role("button", name="All 2 as ZIP").click()
    assert saved.value.suggested_filename == "darkroom.zip"
    page.locator(".presets label").nth(2).locator("input").check(force=True)
    expect(page.locator("canvas.hero")).to_have_attribute("width", "1600")
    # Everything else asks for an account first, and keeps what was written.
    page.goto(f"{guest.site.url}/#/create")
    page.get_by_label("What should it show?").fill(PROMPT)
    page.get_by_role("link", name="Connect to make it").click()
    expect(page.locator(".welcome h1")).to_be_visible()
    page.get_by_text("I have a Darkroom token").click()
    token = guest.site.studio.token(guest.user)
    page.get_by_label("Darkroom token").fill(token)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_label("What should it show?")).to_have_value(PROMPT)
    assert token not in page.content()


@WINDOWS
def test_a_picture_is_paid_for_once_whatever_happens_to_the_tab(
    visit: Visit, size: tuple[int, int], dark: bool
) -> None:
    ada = visit(size, dark=dark)
    ada.site.waiting()
    page = ada.go("#/create")
    page.get_by_label("What should it show?").fill(PROMPT)
    make = page.get_by_role("button", name="Make it")
    expect(make).to_be_enabled()
    assert "$0.014" in _words(page, ".pay-words")
    # Two presses of one hand, another tab, and a reload while the job is under way.
    make.evaluate("button => (button.click(), button.click())")
    expect(page.get_by_role("img", name="Picture 1 is developing")).to_be_visible()
    ada.keep("developing")
    other = ada.tab()
    other.goto(f"{ada.site.url}/#/create")
    page.reload()
    for each in (page, other):
        expect(each.get_by_role("img", name="Picture 1 is developing")).to_be_visible()
    ada.site.studio.carry_out()
    for each in (page, other):
        expect(each.locator(".batch .cost")).to_have_text("$0.014")
        expect(each.locator(".batch")).to_have_count(1)
    assert ada.site.studio.charged(ada.user) == [14_000]
    other.close()
    # The same words with another model, and both side by side.
    ada.site.studio.job_queue.works = ada.site.studio.app.worker
    page.get_by_role("button", name="Another model").click()
    page.locator(".popover").get_by_role("button", name="GPT Image 1 Mini").click()
    expect(page.locator(".pay-words")).to_contain_text("$0.0093")
    page.get_by_role("button", name="Make it").click()
    expect(page.locator(".batch .cost")).to_have_count(2)
    for index in (0, 1):
        page.locator(".print").nth(index).get_by_role("button", name="Compare").click(force=True)
    expect(page.get_by_role("dialog", name="Two results").get_by_role("slider")).to_be_visible()
    ada.keep("two-results")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert ada.site.studio.charged(ada.user) == [14_000, 9_264]


def _begin_edit(ada: Visitor) -> Page:
    page = ada.go("#/chat")
    page.locator("input[type=file]").first.set_input_files(PHOTO)
    expect(page.locator(".frame")).to_have_count(1)
    return page


@WINDOWS
def test_a_picture_is_talked_with_and_worked_on_by_hand(visit: Visit, size: tuple[int, int], dark: bool) -> None:
    ada = visit(size, dark=dark)
    page = _begin_edit(ada)
    say = page.get_by_label("What should change?")
    for number, words in enumerate(("Make it warmer", "Black and white"), 2):
        say.fill(words)
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".frame")).to_have_count(number)
    paid = len(ada.site.studio.charged(ada.user))
    # A chip's value is moved, which is a branch of the version before, and costs nothing.
    page.get_by_role("button", name="Warmer +20").click()
    page.get_by_role("slider", name="Temperature").press("End")
    page.locator(".op-edit").get_by_role("button", name="Apply").click()
    expect(page.locator(".frame")).to_have_count(4)
    expect(page.get_by_role("radio", name=re.compile("v4 Warmer"))).to_have_attribute("aria-checked", "true")
    # An area is marked by its box, and erased.
    page.get_by_role("button", name="Mark an area").click()
    page.locator(".brush-box summary").click()
    page.get_by_role("button", name="Fill the box").click()
    page.locator(".brush-box summary").click()
    ada.keep("mark")
    page.get_by_role("button", name="Erase it").click()
    expect(page.locator(".frame")).to_have_count(5)
    page.get_by_role("button", name="Mark an area").click()
    ada.keep("edit")
    # One step back, one forth, and another operation from an old version on.
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_role("radio", name=re.compile("^v4"))).to_have_attribute("aria-checked", "true")
    page.get_by_role("button", name="Redo", exact=True).click()
    expect(page.get_by_role("radio", name=re.compile("^v5"))).to_have_attribute("aria-checked", "true")
    page.get_by_role("radio", name=re.compile("^v2")).click()
    page.get_by_role("button", name="Adjust", exact=True).click()
    page.locator(".adjust").get_by_role("button", name="Brighter").click()
    page.locator(".adjust").get_by_role("slider").press("End")
    page.locator(".adjust").get_by_role("button", name="Apply").click()
    expect(page.locator(".frame")).to_have_count(6)
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_role("slider", name="How much of the original")).to_be_visible()
    assert len(ada.site.studio.charged(ada.user)) == paid
    # What was done is kept as a recipe, and done to a pile.
    page.get_by_role("button", name="Save as recipe").click()
    page.get_by_label("Name").fill("shop")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("Kept as shop")
    page = ada.go("#/chat")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Run on many").click()
    chooser.value.set_files([PHOTO, PHOTO])
    expect(page.locator(".pile [role=status]")).to_contain_text("2 of 2 done")
    with page.expect_download() as saved:
        page.get_by_role("button", name="All 2 as ZIP").click()
    assert saved.value.suggested_filename == "shop.zip"
    assert len(ada.site.studio.charged(ada.user)) == paid
    ada.keep("pile")


@WINDOWS
def test_tokens_are_made_and_revoked_and_keys_disconnected(visit: Visit, size: tuple[int, int], dark: bool) -> None:
    ada = visit(size, dark=dark, permissions=["clipboard-read", "clipboard-write"])
    page = ada.go("#/settings")
    page.get_by_role("button", name="New token").click()
    page.get_by_label("What it is for").fill("laptop")
    page.get_by_role("button", name="Make it").click()
    token = _words(page, ".told.made pre")
    page.get_by_role("button", name="Copy").last.click()
    expect(page.locator(".toast")).to_contain_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f"Authorization: Bearer {token}" in copied
    assert f"{ada.site.url}/v1/images/generations" in copied
    page.get_by_role("button", name="I have it").click()
    assert token not in page.content()
    ada.keep("settings")
    page.get_by_role("button", name="Revoke laptop").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("button", name="Revoke laptop")).to_have_count(0)
    page.get_by_role("button", name="Disconnect").click()
    page.get_by_role("dialog").get_by_role("button", name="Disconnect").click()
    expect(page.get_by_role("link", name="Connect, $5 a month")).to_be_visible()
    # Nobody pays now: the button says so, and cutting out goes on.
    page = ada.go("#/create")
    expect(page.get_by_role("link", name="Connect to make it")).to_be_visible()
    page = ada.go("#/cutout")
    page.locator("input[type=file][multiple]").set_input_files(PHOTO)
    expect(page.locator(".queue-foot")).to_contain_text("1 of 1 done")


@WINDOWS
def test_what_was_made_is_found_again_and_its_cost(visit: Visit, size: tuple[int, int], dark: bool) -> None:
    ada = visit(size, dark=dark)
    page = ada.go("#/create")
    page.get_by_label("What should it show?").fill(PROMPT)
    page.get_by_role("button", name="Make it").click()
    expect(page.locator(".batch .cost")).to_have_count(1)
    page = ada.go("#/gallery")
    page.get_by_role("button", name=PROMPT).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("$0.014 charged")
    dialog.get_by_role("button", name="Favorite").click()
    expect(dialog.get_by_role("button", name="A favorite")).to_be_visible()
    ada.keep("picture")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Favorites").click()
    expect(page.locator(".tile")).to_have_count(1)
    ada.keep("gallery")
    page = ada.go("#/models")
    page.get_by_role("row", name=re.compile("GPT Image 1 Mini")).get_by_role(
        "button", name="Use"
    ).click() if size == DESK else None
    expect(page.locator(".view-models")).to_contain_text("FLUX.2 Klein 4B")
    ada.keep("models")
    page = ada.go("#/spend")
    expect(page.locator(".receipts")).to_contain_text("$0.014")
    ada.keep("spend")
    limit = page.get_by_label("A day")
    limit.fill("3")
    limit.blur()
    expect(page.locator(".toast")).to_contain_text("Saved")
    assert json.loads(page.evaluate("fetch('/v1/settings').then(a => a.text())"))["max_cost_per_day"] == 3


def test_only_what_is_marked_is_painted(visit: Visit) -> None:
    ada = visit()
    page = _begin_edit(ada)
    page.get_by_role("button", name="Mark an area").click()
    page.locator(".brush-box summary").click()
    page.get_by_role("button", name="Fill the box").click()
    expect(page.get_by_text("only the marked area may be painted")).to_be_visible()
    page.get_by_label("What should change?").fill("Paint a red hat")
    with page.expect_request("**/messages") as sent:
        page.get_by_role("button", name="Send").click()
    assert json.loads(sent.value.post_data or "")["mask"].startswith("upl_")
    expect(page.locator(".reply")).to_contain_text("outside of it the picture stays as it was")
    expect(page.locator(".frame")).to_have_count(2)
