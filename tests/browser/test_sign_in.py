"""Signing in with a real browser: by the printed link, to OpenRouter's page (the simulator's) and back, and on."""

import httpx
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import title_contains
from selenium.webdriver.support.wait import WebDriverWait

from darkroom.adapters.clock import utc_now
from darkroom.adapters.link_store import DynamoLinkStore
from darkroom.services.accounts.links import Links
from local.stack import Stack
from tests.conftest import ROOT

# One who changes a page looks at it here afterwards.
PICTURES = ROOT / ".local" / "screenshots"
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}


def _wait(chrome: Chrome, title: str) -> None:
    WebDriverWait(chrome, 20).until(title_contains(title))


def _text(chrome: Chrome) -> str:
    return chrome.find_element(By.TAG_NAME, "main").text


def _keep(chrome: Chrome, name: str) -> None:
    """Pictures of the page on a desk, and on a phone in the dark, where nothing may stick out sideways."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    chrome.save_screenshot(str(PICTURES / f"{name}.png"))
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    size = chrome.execute_script(
        "const page = document.documentElement; return [page.scrollWidth, page.clientWidth, page.scrollHeight]"
    )
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**PHONE, "height": min(3000, size[2])})
    chrome.save_screenshot(str(PICTURES / f"{name}-phone.png"))
    chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert size[0] <= size[1], f"{name} is {size[0]} pixels wide on a phone of {size[1]}"
    assert (PICTURES / f"{name}-phone.png").stat().st_size > 5_000


def _press(chrome: Chrome, words: str) -> None:
    button = chrome.find_element(By.XPATH, f"//*[self::a or self::button][normalize-space()='{words}']")
    chrome.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    button.click()


def _fill(chrome: Chrome, name: str, value: str) -> None:
    field = chrome.find_element(By.NAME, name)
    field.clear()
    field.send_keys(value)


def _sign_in_by_link(chrome: Chrome, stack: Stack, user: str) -> None:
    """From the link's page to the studio, which it leads to, and to the account's page."""
    _press(chrome, f"Sign in as {user}")
    WebDriverWait(chrome, 20).until(lambda c: c.find_elements(By.CSS_SELECTOR, ".shell .view-create"))
    chrome.get(f"{stack.url}/oauth")
    _wait(chrome, "Signed in")


def test_from_the_link_to_a_token_and_a_picture(chrome: Chrome, stack: Stack) -> None:
    links = Links(DynamoLinkStore(stack.template.scope.ref("Table"), stack.aws.dynamodb), utc_now)
    link = links.create("walker", origin=stack.url)
    chrome.get(link)
    _keep(chrome, "link")
    _sign_in_by_link(chrome, stack, "walker")
    assert "walker" in _text(chrome)
    _keep(chrome, "signed-in")
    cookie = chrome.get_cookie("darkroom-session")
    assert cookie is not None
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert cookie["value"] not in chrome.page_source

    chrome.find_element(By.TAG_NAME, "summary").click()
    _fill(chrome, "limit_usd", "7.50")
    _press(chrome, "Connect with OpenRouter")
    _wait(chrome, "Connect an application")
    _keep(chrome, "consent")
    chrome.find_element(By.TAG_NAME, "summary").click()
    _fill(chrome, "account", "user_2walker")
    _press(chrome, "Approve")
    _wait(chrome, "Connected")
    assert "$7.50" in _text(chrome)
    assert "Remove the key that is not used" in _text(chrome)
    _keep(chrome, "connected")

    _press(chrome, "Make a picture")
    _wait(chrome, "Your picture")
    picture = chrome.find_element(By.TAG_NAME, "img")
    WebDriverWait(chrome, 20).until(lambda c: c.execute_script("return arguments[0].naturalWidth", picture) > 100)
    _keep(chrome, "picture")

    chrome.get(f"{stack.url}/oauth")
    _fill(chrome, "name", "laptop")
    _press(chrome, "Make a token")
    _wait(chrome, "Your API token")
    token = chrome.find_element(By.ID, "token").text
    _keep(chrome, "token")
    headers = {"authorization": f"Bearer {token}"}
    body = {"prompt": "A red fox", "response_format": "url"}
    made = httpx.post(f"{stack.url}/v1/images/generations", json=body, headers=headers, timeout=60, trust_env=False)
    assert made.status_code == 200, made.text
    session = httpx.get(f"{stack.url}/v1/session", headers=headers, timeout=60, trust_env=False).json()
    assert (session["user"], session["connected"][0]["limit_usd"]) == ("walker", 7.5)
    assert 7 < session["connected"][0]["left_usd"] < 7.5

    chrome.get(f"{stack.url}/oauth")
    _press(chrome, "Sign out")
    _wait(chrome, "Sign in")
    _keep(chrome, "sign-in")
    chrome.get(link)
    assert "SIGN_IN_LINK_INVALID" in _text(chrome)


def test_connect_consent_and_come_back_connected(chrome: Chrome, stack: Stack) -> None:
    chrome.get(f"{stack.url.replace('127.0.0.1', 'localhost')}/oauth")
    _press(chrome, "Sign in with OpenRouter")
    _wait(chrome, "Connect an application")
    chrome.find_element(By.TAG_NAME, "summary").click()
    _fill(chrome, "account", "user_2visitor")
    _press(chrome, "Approve")
    _wait(chrome, "Connected")
    assert chrome.current_url == f"{stack.url}/oauth"
    _press(chrome, "Disconnect")
    _wait(chrome, "Disconnected")
    assert "Revoke it at OpenRouter" in _text(chrome)
    _keep(chrome, "disconnected")


def test_an_account_is_moved_by_the_page_that_says_what_that_means(chrome: Chrome, stack: Stack) -> None:
    links = Links(DynamoLinkStore(stack.template.scope.ref("Table"), stack.aws.dynamodb), utc_now)
    for user, title in (("mover-a", "Connected"), ("mover-b", "belongs to another account")):
        chrome.get(links.create(user, origin=stack.url))
        _sign_in_by_link(chrome, stack, user)
        _press(chrome, "Connect with OpenRouter")
        _consent_as_mover(chrome)
        _wait(chrome, title)
    _keep(chrome, "move")
    _press(chrome, "Move it to this account")
    _consent_as_mover(chrome)
    _wait(chrome, "Connected")
    assert "mover-b" in _text(chrome)


def _consent_as_mover(chrome: Chrome) -> None:
    _wait(chrome, "Connect an application")
    chrome.find_element(By.TAG_NAME, "summary").click()
    _fill(chrome, "account", "user_2mover")
    _press(chrome, "Approve")


def test_a_pasted_code_connects(chrome: Chrome, stack: Stack) -> None:
    chrome.get(f"{stack.url}/oauth/paste")
    _keep(chrome, "paste")
    here = chrome.current_window_handle
    _press(chrome, "Open OpenRouter")
    (there,) = set(chrome.window_handles) - {here}
    chrome.switch_to.window(there)
    _wait(chrome, "Connect an application")
    _press(chrome, "Approve")
    code = WebDriverWait(chrome, 20).until(lambda c: c.find_element(By.TAG_NAME, "code")).text
    chrome.switch_to.window(here)
    chrome.find_element(By.NAME, "code").send_keys(code)
    _press(chrome, "Connect")
    _wait(chrome, "Connected")


def test_advice_to_connect_asks_for_the_account_first(chrome: Chrome, stack: Stack) -> None:
    chrome.get(f"{stack.url}/oauth/connect")
    _keep(chrome, "connect-first")
    chrome.find_element(By.NAME, "token").send_keys(stack.token)
    _press(chrome, "Sign in with a token")
    _wait(chrome, "Connect an application")


def test_a_callback_without_an_attempt_is_a_page_with_a_way_on(chrome: Chrome, stack: Stack) -> None:
    chrome.get(f"{stack.url}/oauth/callback?attempt=forged&code=c")
    assert "belongs to no sign-in" in _text(chrome)
    _keep(chrome, "forged")
    _press(chrome, "Start again")
    assert "Sign in with OpenRouter" in _text(chrome)
