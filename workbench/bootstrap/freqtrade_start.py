"""Freqtrades that a desk starts: which process, with which secrets in its environment, on which kind of market."""

import asyncio
import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence

from workbench.bootstrap.connection import Connection
from workbench.bootstrap.freqtrade_child import PASSWORD, USER
from workbench.bootstrap.freqtrade_env import ensure_freqtrade
from workbench.bootstrap.freqtrade_folder import PAPER, FreqtradeFacts, read_facts, write_address
from workbench.bootstrap.processes import ChildSpec
from workbench.bots.freqtrade_line import login_of_run
from workbench.domain.errors import StartError
from workbench.domain.market import split_symbol
from workbench.settings import Settings

READY_S, STOP_S = 120.0, 16.0
KEY, SECRET = "FREQTRADE__EXCHANGE__KEY", "FREQTRADE__EXCHANGE__SECRET"
GATE_URL, GATE_TOKEN, BOT_ID = "WORKBENCH_GATE_URL", "WORKBENCH_GATE_TOKEN", "WORKBENCH_BOT_ID"
Tell = Callable[[str], None]


def settings_for(settings: Settings, names: Sequence[str], tell: Tell = lambda _: None) -> Settings:
    """The settings under which `names` can trade: Freqtrade lives by the wall clock, so a replay must play now.

    Raises StartError for a name nobody has made.
    """
    facts = [read_facts(settings, name) for name in names]
    exchange = settings.exchange
    if exchange.source != "replay" or not any(each.venue == PAPER for each in facts):
        return settings
    if not exchange.rebase_now or exchange.speed != 1:
        tell("the replay plays at the pace of the wall clock, as Freqtrade needs: its newest bar is now")
    return settings.model_copy(update={"exchange": exchange.model_copy(update={"speed": 1.0, "rebase_now": True})})


async def freqtrade_specs(connection: Connection, names: Sequence[str]) -> list[ChildSpec]:
    """Processes of `names`; their environment is installed where it is missing. Raises StartError."""
    if not names:
        return []
    facts = [read_facts(connection.settings, name) for name in names]
    ports = [each.port for each in facts]
    if twice := next((port for port in ports if ports.count(port) > 1), None):
        raise StartError(f"two Freqtrades want port {twice}; change api_server.listen_port in one of their configs")
    python = str(await asyncio.to_thread(ensure_freqtrade))
    return [await _spec(connection, each, python) for each in facts]


async def _spec(connection: Connection, facts: FreqtradeFacts, python: str) -> ChildSpec:
    run = connection.run
    assert run  # this connection was made for both
    login = login_of_run(facts.name, run.bot_token)
    args = ["--python", python, "--folder", str(facts.folder), "--ready-s", f"{READY_S:g}"]
    env = {
        USER: login.username,
        PASSWORD: login.password,
        "FREQTRADE__API_SERVER__JWT_SECRET_KEY": secrets.token_hex(32),
        "FREQTRADE__API_SERVER__WS_TOKEN": f"ws-{secrets.token_hex(16)}",
        BOT_ID: facts.name,
        GATE_URL: str(getattr(run, "gate_url", "")),  # without one a gated strategy enters nothing
        GATE_TOKEN: str(getattr(run, "gate_token", "")),
    }
    if facts.venue == PAPER:
        args += ["--config", str(write_address(facts, run.exchange_url)), "--tag", "paper"]
        env |= await _paper_key(connection, facts) if facts.orders else {}
    elif facts.orders:
        env |= _own_key(facts, os.environ)
    module = "workbench.bootstrap.freqtrade_child"
    return ChildSpec(facts.name, module, tuple(args), env, ready_s=READY_S + STOP_S, stop_s=STOP_S)


async def _paper_key(connection: Connection, facts: FreqtradeFacts) -> Mapping[str, str]:
    """The account carries the bot's name: so a halt finds it at the venue."""
    venue = connection.venue
    assert venue
    currency = json.loads(facts.config.read_text(encoding="utf-8"))["stake_currency"]
    markets = {split_symbol(symbol)[1] for symbol in (await venue.clock()).symbols}
    if currency not in markets:
        raise StartError(f"{facts.name} pays in {currency}; the paper exchange knows {', '.join(sorted(markets))}")
    key = await venue.open_account(facts.name, {currency: facts.cash})
    return {KEY: key.key, SECRET: key.secret}


def _own_key(facts: FreqtradeFacts, environment: Mapping[str, str]) -> Mapping[str, str]:
    """A real exchange's key is the user's: two variables named after the bot."""
    stem = "".join(letter if letter.isalnum() else "_" for letter in facts.name).upper()
    names = f"{stem}_EXCHANGE_KEY", f"{stem}_EXCHANGE_SECRET"
    if missing := [name for name in names if not environment.get(name)]:
        raise StartError(f"{facts.name} sends orders to {facts.venue}: set {' and '.join(missing)}")
    return {KEY: environment[names[0]], SECRET: environment[names[1]]}
