"""The studio in a real browser, in front of the running stack: from nothing to a picture that was paid for once."""

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from local.stack import Stack
from tests.browser.test_sign_in import PHONE, _keep
from tests.conftest import ROOT
from tests.integration.users import People

PROMPT = "A red fox asleep in fresh snow"


def _find(chrome: Chrome, selector: str) -> WebElement:
    found: WebElement = WebDriverWait(chrome, 30).until(lambda c: c.find_element(By.CSS_SELECTOR, selector))
    return found


def _sign_in(chrome: Chrome, token: str) -> None:
    _find(chrome, "details summary").click()
    _find(chrome, "input[name=token]").send_keys(token)
    _find(chrome, "details button").click()


def _complaints(chrome: Chrome) -> list[str]:
    """What the browser's console has of refusals, faults and the content security policy."""
    logged = chrome.get_log("browser")  # type: ignore[no-untyped-call]  # Selenium left it untyped
    return [each["message"] for each in logged if each["level"] == "SEVERE"]


def test_from_a_welcome_to_a_picture_that_is_paid_for_once(chrome: Chrome, stack: Stack) -> None:
    user = People(stack).new("studio")
    token = user.token
    chrome.get(f"{stack.url}/")
    assert "Cut out" in _find(chrome, ".welcome").text
    _keep(chrome, "studio-welcome")
    _sign_in(chrome, token)

    _find(chrome, "textarea").send_keys(PROMPT)
    make = _find(chrome, ".pay button.primary:not([disabled])")
    assert "$0.014" in _find(chrome, ".pay-words").text
    # Two presses of one hand, and a reload while the job is under way.
    chrome.execute_script("arguments[0].click(); arguments[0].click()", make)
    _find(chrome, ".batch")
    chrome.refresh()
    picture = _find(chrome, ".batch .print img")
    WebDriverWait(chrome, 30).until(lambda c: c.execute_script("return arguments[0].naturalWidth", picture) > 100)
    assert _find(chrome, ".batch .cost").text == "$0.014"
    assert len(chrome.find_elements(By.CSS_SELECTOR, ".batch")) == 1
    _keep(chrome, "studio-create")
    receipts = user.get("/v1/usage/receipts").json()["data"]
    assert [each["actual_micro_usd"] for each in receipts] == [14_000]

    chrome.get(f"{stack.url}/#/cutout")
    _find(chrome, "input[type=file][multiple]").send_keys(str(ROOT / "events" / "photo.jpg"))
    slider = _find(chrome, ".compare input[type=range]")
    _keep(chrome, "studio-cutout")
    slider.send_keys("\ue012" * 3)
    assert slider.get_attribute("aria-valuetext") == "47 % original"
    # On a narrow window the download's bar may lie over it, as long as nothing is scrolled.
    chrome.execute_script("arguments[0].click()", _find(chrome, ".presets label:nth-of-type(3) input"))
    frame = _find(chrome, "canvas.hero")
    WebDriverWait(chrome, 10).until(lambda c: c.execute_script("return arguments[0].width", frame) == 1600)
    corner, middle = (
        chrome.execute_script(
            "return [...arguments[0].getContext('2d').getImageData(arguments[1], arguments[1], 1, 1).data]", frame, at
        )
        for at in (5, 800)
    )
    assert corner == [255, 255, 255, 255]
    assert middle != corner
    assert token not in chrome.page_source
    assert _complaints(chrome) == []
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**PHONE, "width": 320})
    assert chrome.execute_script("return document.documentElement.scrollWidth") <= 320
