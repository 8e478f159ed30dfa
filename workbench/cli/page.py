"""Print the address of the running desk's page, on standard output; where a token opens it, with the token in it."""

import argparse
import os

from workbench.bootstrap.run_file import read_run
from workbench.dashboard.page_login import TOKEN_VARIABLE, PageLogin
from workbench.domain.errors import StartError
from workbench.settings import load_settings


def configure(parser: argparse.ArgumentParser) -> None:
    """Takes nothing."""


def run(args: argparse.Namespace) -> int:
    home = load_settings().home
    desk = read_run(home)
    if desk is None or not desk.page_url:
        raise StartError(f"no desk runs in {home}, so there is no page; start it with: workbench up")
    chosen = PageLogin(os.environ.get(TOKEN_VARIABLE, "")).address(desk.page_url)
    print(desk.page_address if desk.page_token else chosen)
    return 0
