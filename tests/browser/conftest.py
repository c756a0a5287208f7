"""A real browser, Debian's chromium or another Chrome, in front of the running stack."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

_QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--window-size=900,700",
)


@pytest.fixture
def chrome(tmp_path: Path) -> Iterator[Chrome]:
    browser = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("NO BROWSER: install chromium and chromium-driver to have these tests run")
    options = ChromeOptions()
    options.binary_location = browser
    for argument in (*_QUIET, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(argument)
    running = Chrome(options=options, service=ChromeService(driver))
    yield running
    running.quit()
