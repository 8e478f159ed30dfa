"""Open the page in the user's browser, without its token in anybody's process list."""

import contextlib
import os
import sys
import webbrowser
from html import escape
from pathlib import Path


def open_page(home: Path, address: str) -> None:
    """A machine without a browser is no reason to fail: the address stands on the screen.

    A browser is started with what to open as its argument, which every user of the machine can read; so it opens a
    file that only this user can read, and that leads on.
    """
    if not sys.stdout.isatty():
        return
    path = home / "run" / "open.html"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f'<!DOCTYPE html><meta http-equiv="refresh" content="0; url={escape(address)}">')
    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(path.resolve().as_uri())
