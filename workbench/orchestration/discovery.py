"""Where bots are found: `[[bots]]` in workbench.toml, installed packages, and bots that announce themselves."""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol

from workbench.bots import freqtrade_bot
from workbench.bots.freqtrade_bot import FreqtradeBot
from workbench.bots.freqtrade_config import configs_in, login_from_environment, login_from_keyring, read_address
from workbench.bots.freqtrade_line import Login, login_of_run
from workbench.bots.http_bot import HttpBot
from workbench.domain.errors import BotError, WorkbenchError
from workbench.domain.ports import Bot
from workbench.orchestration.local_bot import in_thread
from workbench.orchestration.plain_text import plain, reason
from workbench.settings import FreqtradeSettings, Settings

GROUP = "workbench.bots"
LOAD_S = 10.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A bot that was found. `make` builds it; `url` is empty for an object of this process."""

    bot_id: str
    source: str
    make: Callable[[], Any]
    url: str = ""
    tags: tuple[str, ...] = ()
    capabilities: tuple[str, ...] | None = None


class Announced(Protocol):
    """What a bot wrote of itself into the ledger, and has renewed in time."""

    bot_id: str
    url: str
    capabilities: tuple[str, ...]
    tags: tuple[str, ...]


class Announcements(Protocol):
    """The part of `ledger.tables.DeskTables` that discovery reads. Blocking."""

    def announced(self) -> list[Any]: ...


class Discovery:
    """Looks in all three places. `bot_token` opens the bots that announce themselves; settings name theirs."""

    def __init__(self, settings: Settings | None = None, tables: Announcements | None = None, bot_token: str = ""):
        self._settings, self._tables, self._token = settings, tables, bot_token
        self._plugins: dict[str, Candidate] | None = None

    async def look(self) -> tuple[list[Candidate], list[str]]:
        """Everything found, and what went wrong in words. Never raises for one bad bot or one broken package."""
        problems: list[str] = []
        found = self._from_settings() + await asyncio.to_thread(self._freqtrades, problems)
        found += await self._from_packages(problems)
        try:
            found += await self._from_ledger()
        except WorkbenchError as error:
            problems.append(f"announced bots cannot be read: {plain(error)}")
        return found, problems

    def _from_settings(self) -> list[Candidate]:
        bots = self._settings.bots if self._settings else ()
        return [
            Candidate(bot.bot_id, "settings", _http(bot.bot_id, bot.url, _secret(bot.token_env)), bot.url, bot.tags)
            for bot in bots
        ]

    def _freqtrades(self, problems: list[str]) -> list[Candidate]:
        """Those of `[[freqtrade]]`: by config, by a folder of configs, or by address. Blocking."""
        found = []
        for named in self._settings.freqtrade if self._settings else ():
            try:
                found += list(_candidates(named))
            except WorkbenchError as error:
                problems.append(plain(error))
        return found

    async def _from_packages(self, problems: list[str]) -> list[Candidate]:
        """Entry points are loaded once: their import runs other people's code, so in a thread and with a limit."""
        if self._plugins is None:
            self._plugins = {}
            for entry in entry_points(group=GROUP):
                try:
                    async with asyncio.timeout(LOAD_S):
                        self._plugins[entry.name] = await in_thread(partial(_plugin, entry))
                except Exception as error:  # other people's package: told, and costs nobody else
                    problems.append(f"bot {plain(entry.name, 64)!r} of {entry.value} did not load: {reason(error)}")
        return list(self._plugins.values())

    async def _from_ledger(self) -> list[Candidate]:
        if self._tables is None:
            return []
        bots = await asyncio.to_thread(self._tables.announced)
        return [
            Candidate(
                bot.bot_id, "announced", _announced(bot, self._token), bot.url, tuple(bot.tags),
                tuple(bot.capabilities) or None,
            )
            for bot in bots
        ]  # fmt: skip


def _announced(bot: Announced, token: str) -> Callable[[], Bot]:
    """A Freqtrade that the desk has started is opened with a login made of the run's token."""
    if freqtrade_bot.TAG in bot.tags:
        login = login_of_run(bot.bot_id, token)
        return lambda: FreqtradeBot(bot.bot_id, bot.url, login, paper="paper" in bot.tags)
    return _http(bot.bot_id, bot.url, token)


def _candidates(named: FreqtradeSettings) -> Iterator[Candidate]:
    """The login is read when the bot is made, and nowhere kept. Raises BotError."""
    login = login_from_environment(named.username_env, named.password_env)
    if named.config is None:
        if not (named.url and named.bot_id):
            raise BotError("a [[freqtrade]] table needs config, or url and bot_id")
        login = login or login_from_keyring(named.bot_id)
        if login is None:
            raise BotError(f"no login of {named.bot_id}: set {named.username_env} and {named.password_env}")
        yield _freqtrade(named.bot_id, named.url, login, named.tags)
        return
    for path in configs_in(named.config.expanduser()):
        address = read_address(path, login)
        bot_id = named.bot_id if named.bot_id and named.config.is_file() else address.bot_id
        yield _freqtrade(bot_id, address.url, address.login, named.tags)


def _freqtrade(bot_id: str, url: str, login: Login, tags: tuple[str, ...]) -> Candidate:
    return Candidate(bot_id, "settings", lambda: FreqtradeBot(bot_id, url, login), url, tags)


def _http(bot_id: str, url: str, token: str) -> Callable[[], Bot]:
    return lambda: HttpBot(bot_id, url, token)


def _secret(variable: str, environment: Mapping[str, str] = os.environ) -> str:
    return environment.get(variable, "")


def _plugin(entry: EntryPoint) -> Candidate:
    """An entry point names a bot, or whatever makes one when called without arguments."""
    loaded = entry.load()
    bot = loaded() if (callable(loaded) and not hasattr(loaded, "bot_id")) or isinstance(loaded, type) else loaded
    return Candidate(entry.name, "entry point", lambda: bot)
