"""A real browser, Debian's chromium or another Chrome, in front of the page and its functions over memory."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from local.simulator import Simulator
from tests.conftest import ROOT
from tests.studio.site import Site

# One who changes the page looks at it here afterwards.
PICTURES = ROOT / ".local" / "screenshots"
DESK, PHONE = (1440, 900), (390, 844)
_FRESH = count()
# What a busy machine may take; nothing is measured by it.
PATIENCE = 40_000
expect.set_options(timeout=PATIENCE)


@dataclass
class Visitor:
    """Somebody with a browser profile of their own. Args: complaints: what the console had of faults and refusals."""

    site: Site
    context: BrowserContext
    page: Page
    user: str
    complaints: list[str] = field(default_factory=list)

    def go(self, place: str = "") -> Page:
        """Loads the page there, whatever was shown before."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.site.url}/{place}")
        return self.page

    def tab(self) -> Page:
        """Another tab of the same browser."""
        page = self.context.new_page()
        self._watch(page)
        return page

    def _watch(self, page: Page) -> None:
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def keep(self, name: str) -> None:
        """A picture of the window, in which nothing may stick out sideways."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        wide, seen = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        self.page.screenshot(path=str(PICTURES / f"studio-{name}-{seen}.png"))
        assert wide <= seen, f"{name} is {wide} pixels wide in a window of {seen}"


Visit = Callable[..., Visitor]


# For a file and not for all: while it is there, Playwright's loop runs in this thread, and no other can.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    if found is None:
        pytest.skip("NO BROWSER: install chromium to have these tests run")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with Simulator() as simulator, Site(simulator) as running:
        yield running


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    """Opens a browser: signed in as somebody new, unless `signed_in` is false."""
    opened: list[Visitor] = []

    def begin(
        size: tuple[int, int] = DESK, *, dark: bool = False, signed_in: bool = True, connected: bool = True, **more: Any
    ) -> Visitor:
        user = f"visitor-{next(_FRESH)}"
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            locale="en-US",
            **more,
        )
        context.set_default_timeout(PATIENCE)
        if signed_in:
            context.add_cookies([site.session(user, connected=connected)])  # type: ignore[list-item]
        visitor = Visitor(site, context, context.new_page(), user)
        visitor._watch(visitor.page)
        opened.append(visitor)
        return visitor

    yield begin
    site.studio.job_queue.works = site.studio.app.worker
    site.held.clear()
    for each in opened:
        each.context.close()
    for each in opened:
        assert each.complaints == [], each.user
