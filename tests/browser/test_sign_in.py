"""Signing in with a real browser: to OpenRouter's page (the simulator's) and back, and what goes wrong."""

from pathlib import Path

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import title_contains
from selenium.webdriver.support.wait import WebDriverWait

from local.stack import Stack
from tests.conftest import ROOT

# Whoever changes a page looks at it here afterwards.
PICTURES = ROOT / ".local" / "screenshots"


def _wait(chrome: Chrome, title: str) -> None:
    WebDriverWait(chrome, 30).until(title_contains(title))


def _text(chrome: Chrome) -> str:
    return chrome.find_element(By.TAG_NAME, "main").text


def _keep(chrome: Chrome, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    path: Path = PICTURES / f"{name}.png"
    chrome.save_screenshot(str(path))
    assert path.stat().st_size > 5_000


def _press(chrome: Chrome, words: str) -> None:
    chrome.find_element(By.XPATH, f"//*[self::a or self::button][normalize-space()='{words}']").click()


def test_connect_consent_and_come_back_connected(chrome: Chrome, stack: Stack) -> None:
    chrome.get(f"{stack.url}/oauth")
    _keep(chrome, "sign-in")
    _press(chrome, "Connect with OpenRouter")
    _wait(chrome, "Connect an application")
    _keep(chrome, "consent")
    chrome.find_element(By.ID, "limit").send_keys("7.50")
    _press(chrome, "Approve")
    _wait(chrome, "Connected")
    assert chrome.current_url == f"{stack.url}/oauth"
    assert "$7.50" in _text(chrome)
    _keep(chrome, "connected")
    cookie = chrome.get_cookie("darkroom-session")
    assert cookie is not None
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert cookie["value"] not in chrome.page_source

    _press(chrome, "Disconnect")
    _wait(chrome, "Disconnected")
    assert "Revoke it at OpenRouter" in _text(chrome)
    _keep(chrome, "disconnected")
    chrome.get(f"{stack.url}/oauth")
    assert "Connect with OpenRouter" in _text(chrome)


def test_from_localhost_it_comes_back_connected_too(chrome: Chrome, stack: Stack) -> None:
    chrome.get(f"{stack.url.replace('127.0.0.1', 'localhost')}/oauth")
    _press(chrome, "Connect with OpenRouter")
    _wait(chrome, "Connect an application")
    _press(chrome, "Approve")
    _wait(chrome, "Connected")


def test_a_pasted_code_connects(chrome: Chrome, stack: Stack) -> None:
    chrome.get(f"{stack.url}/oauth/paste")
    _keep(chrome, "paste")
    here = chrome.current_window_handle
    _press(chrome, "Open OpenRouter")
    (there,) = set(chrome.window_handles) - {here}
    chrome.switch_to.window(there)
    _wait(chrome, "Connect an application")
    _press(chrome, "Approve")
    code = WebDriverWait(chrome, 30).until(lambda c: c.find_element(By.TAG_NAME, "code")).text
    chrome.switch_to.window(here)
    chrome.find_element(By.NAME, "code").send_keys(code)
    _press(chrome, "Connect")
    _wait(chrome, "Connected")


def test_a_callback_that_nobody_asked_for_is_a_page_with_a_way_on(chrome: Chrome, stack: Stack) -> None:
    chrome.get(f"{stack.url}/oauth/callback?attempt=forged&code=c")
    assert "belongs to no sign-in" in _text(chrome)
    _keep(chrome, "forged")
    _press(chrome, "Start again")
    assert "Connect with OpenRouter" in _text(chrome)
