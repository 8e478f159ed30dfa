"""Chromium without a window, for what is measured on a screen."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workbench.domain.errors import StartError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


def find_chromium(bench: str) -> str:
    """Path of the program. Raises StartError, in the name of `bench`, where there is none."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        raise StartError(f"{bench}: no Chromium here; install the distribution's package and measure again")
    return found


@contextmanager
def chromium(program: str) -> "Iterator[Browser]":
    """A browser of its own, closed at the end. Raises StartError without the package playwright."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise StartError("the package playwright is missing; install the extra [test]") from None
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()
