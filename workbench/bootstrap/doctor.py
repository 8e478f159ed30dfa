"""What is installed, reachable and writable here, and the mend for each fault."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from workbench.bootstrap.ports import require_free
from workbench.bootstrap.run_file import read_run
from workbench.domain.errors import SettingsError, StartError, WorkbenchError
from workbench.integrations.telegram_token import token_from
from workbench.settings import Settings, load_settings

_PACKAGES = ("jupyterlab", "voila", "anywidget", "pandas", "numpy", "altair", "scikit-learn", "ccxt", "sqlalchemy")
_LOW_DISK_GB = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `mend`: the next step, empty where nothing is wrong. A `warning` does not fail the check."""

    what: str
    found: str
    mend: str = ""
    warning: bool = False

    @property
    def ok(self) -> bool:
        return not self.mend or self.warning


def examine() -> list[Finding]:
    """Look at everything. A check that itself fails is a finding, never a traceback."""
    findings = [*_python(), *_packages()]
    try:
        settings = load_settings()
    except SettingsError as error:
        return [*findings, Finding("settings", "cannot be read", str(error))]
    findings.append(Finding("settings", "workbench.toml" if Path("workbench.toml").exists() else "defaults, no file"))
    for check in (_home, _ledger, _desk, _bots, _telegram, _browser):
        findings += _guarded(check, settings)
    return findings


def _guarded(check: Callable[[Settings], Iterator[Finding]], settings: Settings) -> list[Finding]:
    try:
        return list(check(settings))
    except (WorkbenchError, OSError, ImportError) as error:
        return [Finding(check.__name__.strip("_"), "failed", str(error))]


def _python() -> Iterator[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", found, "" if sys.version_info >= (3, 11) else "install Python 3.11 or newer")


def _packages() -> Iterator[Finding]:
    for name in _PACKAGES:
        try:
            yield Finding(name, version(name))
        except PackageNotFoundError:
            yield Finding(name, "missing", "run: make setup")


def _home(settings: Settings) -> Iterator[Finding]:
    home = settings.home
    while not home.exists() and home != home.parent:
        home = home.resolve().parent
    writable = os.access(home, os.W_OK)
    yield Finding(
        "home", f"{settings.home}", "" if writable else "not writable: set WORKBENCH_HOME to a folder of yours"
    )
    free_gb = shutil.disk_usage(home).free / 1e9
    low = free_gb < _LOW_DISK_GB
    yield Finding("disk", f"{free_gb:,.1f} GB free", "nearly full: the ledger stops acknowledging" if low else "", low)


def _ledger(settings: Settings) -> Iterator[Finding]:
    where = settings.ledger_url
    if "://" not in where and not Path(where).exists():
        yield Finding("ledger", f"{where}, made at the first start")
        return
    from workbench.ledger.log import open_ledger  # only now: it takes half a second

    ledger = open_ledger(where)
    try:
        ledger.check()
        yield Finding("ledger", f"{ledger.place} answers")
        for caveat in ledger.caveats:
            yield Finding("ledger", "promises less", caveat, warning=True)
    finally:
        ledger.close()


def _desk(settings: Settings) -> Iterator[Finding]:
    run = read_run(settings.home)
    if run:
        yield Finding("desk", f"runs as process {run.pid}, page {run.page_url or 'none'}")
        return
    yield Finding("desk", "not running", "start it: make up", warning=True)
    for port, what, name in (
        (settings.exchange.port, "the paper exchange", "exchange.port"),
        (settings.page.port, "the page", "page.port"),
    ):
        try:
            require_free(port, what, name)
        except StartError as error:
            yield Finding(f"port {port}", "taken", str(error))
        else:
            yield Finding(f"port {port}", f"free for {what}")


def _bots(settings: Settings) -> Iterator[Finding]:
    for bot in settings.bots:
        known = bot.token_env in os.environ
        mend = "" if known else f"set the environment variable {bot.token_env} to its token"
        yield Finding(f"bot {bot.bot_id}", bot.url, mend, warning=True)


def _telegram(settings: Settings) -> Iterator[Finding]:
    if not token_from():
        yield Finding("Telegram", "no token; docs/telegram.md says how to have the desk in a chat")
    elif not settings.telegram.admins:
        mend = "name yourself in telegram.admins: send the bot /start, and workbench ask /people shows your number"
        yield Finding("Telegram", "a token, but no admin: nobody may do anything", mend, warning=True)
    else:
        yield Finding(
            "Telegram", f"a token, {len(settings.telegram.admins)} admins, {len(settings.telegram.chats)} groups"
        )


def _browser(_settings: Settings) -> Iterator[Finding]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    mend = "" if found else "only the browser tests need it: make test installs it where it may"
    yield Finding("Chromium", found or "not found", mend, warning=True)
