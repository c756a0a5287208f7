"""The page's gallery, conversations, models, spending and settings, walked in a real browser over the running stack."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from darkroom.adapters.clock import utc_now
from darkroom.adapters.link_store import DynamoLinkStore
from darkroom.services.accounts.links import Links
from local.stack import Stack
from tests.conftest import ROOT

PICTURES = ROOT / ".local" / "screenshots"
SIZES = {"desk": (1440, 900, False), "phone": (390, 844, True)}


class Page:
    """The page in a browser that is signed in. Args: base: where the stack is."""

    def __init__(self, chrome: Chrome, base: str) -> None:
        self.chrome, self.base = chrome, base
        self.size("desk", "light")

    def size(self, name: str, theme: str) -> None:
        width, height, is_phone = SIZES[name]
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone}
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
        self.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def open(self, place: str) -> None:
        self.chrome.get("about:blank")
        self.chrome.get(f"{self.base}/#/{place}")

    def find(self, selector: str, words: str = "") -> WebElement:
        """The first that is shown and has these words."""

        def look(chrome: Chrome) -> WebElement | None:
            found = chrome.find_elements(By.CSS_SELECTOR, selector)
            return next((each for each in found if words in (each.get_attribute("textContent") or "")), None)

        found = WebDriverWait(self.chrome, 30, ignored_exceptions=()).until(look)
        assert found is not None
        return found

    def press(self, selector: str, words: str = "") -> None:
        self.chrome.execute_script("arguments[0].click()", self.find(selector, words))

    def until(self, true: Callable[[], Any]) -> None:
        WebDriverWait(self.chrome, 30).until(lambda _: true())

    def text(self) -> str:
        return self.chrome.find_element(By.TAG_NAME, "main").text

    def keep(self, name: str) -> None:
        """Pictures on a desk and on a phone in the dark, where nothing sticks out sideways."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.chrome.save_screenshot(str(PICTURES / f"studio-{name}.png"))
        self.size("phone", "dark")
        wide = self.chrome.execute_script("return document.documentElement.scrollWidth")
        self.chrome.save_screenshot(str(PICTURES / f"studio-{name}-phone.png"))
        self.size("desk", "light")
        assert wide <= 390, f"{name} is {wide} pixels wide on a phone"


@pytest.fixture
def api(stack: Stack) -> httpx.Client:
    headers = {"authorization": f"Bearer {stack.token}"}
    return httpx.Client(base_url=stack.url, headers=headers, timeout=60, trust_env=False)


@pytest.fixture
def page(chrome: Chrome, stack: Stack) -> Page:
    links = Links(DynamoLinkStore(stack.template.scope.ref("Table"), stack.aws.dynamodb), utc_now)
    chrome.get(links.create("local", origin=stack.url))
    chrome.find_element(By.CSS_SELECTOR, "form button").click()
    WebDriverWait(chrome, 30).until(lambda c: c.get_cookie("darkroom-session"))
    return Page(chrome, stack.url)


def test_what_was_made_is_found_named_and_removed(page: Page, api: httpx.Client) -> None:
    ask = {"prompt": "A heron by the weir", "response_format": "url"}
    made = [api.post("/v1/images/generations", json=ask).json()["job"]["id"] for _ in range(2)]
    page.open("gallery")
    page.find(".tile")
    page.keep("gallery")
    page.open(f"gallery/{made[0]}/0")
    page.find(".light dd", "charged")
    page.press(".light h2 .link")
    name = page.find(".rename input")
    name.clear()
    name.send_keys("Heron at dusk", Keys.ENTER)
    page.find(".light h2", "Heron at dusk")
    assert api.get(f"/v1/jobs/{made[0]}").json()["title"] == "Heron at dusk"
    page.press(".star-it")
    page.until(lambda: api.get(f"/v1/jobs/{made[0]}").json()["favorite"])
    page.keep("picture")
    page.press(".light .stack button", "Delete")
    page.press(".small-sheet .primary")
    page.until(lambda: api.get(f"/v1/jobs/{made[0]}").status_code == 404)
    receipts = api.get("/v1/usage/receipts").json()["data"]
    assert made[0] in {each["job_id"] for each in receipts}


def test_a_picture_is_talked_to_branched_and_kept_as_a_recipe(page: Page, api: httpx.Client) -> None:
    photo = (ROOT / "events" / "photo.jpg").read_bytes()
    begun = api.post("/v1/conversations", files={"image": ("photo.jpg", photo, "image/jpeg")}).json()["id"]
    page.open(f"chat/{begun}")
    page.find(".composer textarea").send_keys("Warmer, and more contrast", Keys.ENTER)
    page.find(".reply .cost", "$")
    page.find(".reply .chips .chip", "Contrast")
    told = api.get(f"/v1/conversations/{begun}").json()
    assert [each["id"] for each in told["versions"]] == ["v1", "v2"]
    assert f"${told['total_usd']:.4f}" in page.find(".talk-head").text
    page.press(".toolbar button[aria-label=Compare]")
    page.find(".compare input[type=range]")
    page.keep("conversation")
    page.press(".toolbar button[aria-label=Undo]")
    page.until(lambda: api.get(f"/v1/conversations/{begun}").json()["current"] == "v1")
    page.press(".frame", "v2")
    page.press(".toolbar button", "Go on from v2")
    page.until(lambda: api.get(f"/v1/conversations/{begun}").json()["current"] == "v2")
    page.press(".toolbar button", "Save as recipe")
    page.find(".sheet input[name=name]").send_keys("walked", Keys.ENTER)
    page.until(lambda: api.get("/v1/recipes/walked").status_code == 200)
    page.open("chat")
    page.find(".recipe-list", "walked")
    page.find(".talks a")
    page.keep("conversations")


def test_a_model_a_limit_and_a_setting_hold_at_once(page: Page, api: httpx.Client) -> None:
    page.open("models")
    page.find("table.models .act button")
    page.keep("models")
    page.press(".act button[aria-label$='Seedream 4.5']")
    page.until(lambda: api.get("/v1/settings").json()["effective"]["generate"] == "bytedance-seed/seedream-4.5")
    page.open("spend")
    page.find(".receipts td", "New picture")
    page.keep("spend")
    limit = page.find(".limits-grid input")
    limit.clear()
    limit.send_keys("0.35", Keys.TAB)
    page.until(lambda: api.get("/v1/settings").json()["max_cost_per_request"] == 0.35)
    page.open("settings")
    page.find(".row-card", "OpenRouter")
    page.keep("settings")
    page.press(".set button", "New token")
    page.find(".paste input[name=name]").send_keys("walker's script", Keys.ENTER)
    token = page.find(".made pre").text
    assert httpx.get(f"{page.base}/v1/session", headers={"x-api-key": token}, trust_env=False).json()["user"] == "local"
    page.open("settings")
    page.find(".row-card", "walker's script")
    assert token not in page.chrome.page_source
    api.patch("/v1/settings", json={"image_generation_model": None, "max_cost_per_request": None})
