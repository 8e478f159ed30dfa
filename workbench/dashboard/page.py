"""Serve the dashboard on this machine: `python -m workbench.dashboard.page --port N`.

Prints one JSON line, {"url": …}, once it answers. A port that is taken, or a missing notebook, is one sentence on
standard error and exit status 1. A token comes from WORKBENCH_PAGE_TOKEN: arguments are for everyone to read.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from workbench.dashboard.page_settings import PageOptions
from workbench.domain.errors import StartError, WorkbenchError


def main(argv: Sequence[str] | None = None) -> int:
    options = _options(argv)
    try:
        serve(options)
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
    page = voila_page.DeskPage(options, _ready)
    page.initialize([])
    page.start()


def _ready(url: str) -> None:
    sys.stdout.write(json.dumps({"url": url}) + "\n")
    sys.stdout.flush()


def _options(argv: Sequence[str] | None) -> PageOptions:
    usual = PageOptions()
    parser = argparse.ArgumentParser(prog="python -m workbench.dashboard.page", description=__doc__)
    parser.add_argument("--port", type=int, default=usual.port, help="0 takes any free one (default: %(default)s)")
    parser.add_argument("--notebook", type=Path, default=usual.notebook)
    parser.add_argument("--viewers", type=int, default=usual.viewers, help="at most so many pages at once")
    parser.add_argument("--heated", type=int, default=usual.heated, help="kernels kept warm for the next viewer")
    parser.add_argument("--cull", type=int, default=usual.cull_s, metavar="SECONDS")
    given = parser.parse_args(argv)
    return PageOptions(
        port=given.port,
        notebook=given.notebook.absolute(),
        viewers=given.viewers,
        heated=given.heated,
        cull_s=given.cull,
        token=os.environ.get("WORKBENCH_PAGE_TOKEN", ""),
    )


if __name__ == "__main__":
    sys.exit(main())
