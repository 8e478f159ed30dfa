"""Serve the dashboard on this machine: `python -m workbench.dashboard.page --port N`.

Prints one JSON line, {"url": …}, once it answers; with "login" too, the address that logs in by itself, where the token
is one that was made for this start. A port that is taken, or a missing notebook, is one sentence on standard error and
exit status 1. A token of one's own comes from WORKBENCH_PAGE_TOKEN: arguments are for everyone to read.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from workbench.dashboard.page_login import TOKEN_VARIABLE, PageLogin, login_of
from workbench.dashboard.page_settings import PageOptions
from workbench.dashboard.passwords import HASH_VARIABLE
from workbench.domain.errors import StartError, WorkbenchError
from workbench.settings import load_settings


def main(argv: Sequence[str] | None = None) -> int:
    try:
        serve(_options(argv))
    except WorkbenchError as error:
        sys.stderr.write(f"workbench: {error}\n")
        return 1
    return 0


def serve(options: PageOptions) -> None:
    """Serve until SIGTERM or Ctrl-C, then end every kernel. Raises StartError."""
    if not options.notebook.is_file():
        raise StartError(f"page: there is no notebook at {options.notebook}; name one with --notebook")
    from workbench.dashboard import voila_page  # Voila takes a second to import: not for --help or a wrong argument

    voila_page.prepare_environment()
    page = voila_page.DeskPage(options, lambda url: _ready(url, options.login))
    page.initialize([])
    page.start()


def _ready(url: str, login: PageLogin) -> None:
    said = {"url": url} | ({"login": login.address(url)} if login.made else {})
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def _options(argv: Sequence[str] | None) -> PageOptions:
    usual = PageOptions()
    parser = argparse.ArgumentParser(prog="python -m workbench.dashboard.page", description=__doc__)
    parser.add_argument("--port", type=int, help=f"0 takes any free one (default: page.port, {usual.port})")
    parser.add_argument("--host", help=f"an address to listen on beside {usual.host} (default: page.host)")
    parser.add_argument("--notebook", type=Path, default=usual.notebook)
    parser.add_argument("--viewers", type=int, default=usual.viewers, help="at most so many pages at once")
    parser.add_argument("--heated", type=int, default=usual.heated, help="kernels kept warm for the next viewer")
    parser.add_argument("--cull", type=int, default=usual.cull_s, metavar="SECONDS")
    given = parser.parse_args(argv)
    settings = load_settings(page__port=given.port, page__host=given.host)
    return PageOptions(
        port=settings.page.port,
        host=settings.page.host,
        names=settings.page.names,
        login=_login(settings.home, settings.page.host),
        notebook=given.notebook.absolute(),
        viewers=given.viewers,
        heated=given.heated,
        cull_s=given.cull,
    )


def _login(home: Path, host: str) -> PageLogin:
    """What opens the page; taken out of the environment, for kernels inherit that and have no need of it."""
    login = login_of(home, host)
    for name in (TOKEN_VARIABLE, HASH_VARIABLE):
        os.environ.pop(name, None)
    return login


if __name__ == "__main__":
    sys.exit(main())
