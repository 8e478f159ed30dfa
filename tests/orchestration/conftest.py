"""A ledger, a registry and a center for one test."""

import asyncio

import pytest

from tests.support.klines import Klines
from workbench.ledger.log import open_ledger
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter


@pytest.fixture
def ledger(tmp_path):
    opened = open_ledger(tmp_path / "ledger.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def registry():
    return BotRegistry()


@pytest.fixture
async def venue():
    """A venue whose clock the test turns, with candles to ask for."""
    made = Klines()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def center(registry, ledger):
    made = UnifiedCommandCenter(registry, ledger)
    yield made
    await made.stop()


@pytest.fixture
def until():
    """Wait until something is so, at most a while."""

    async def wait(condition, within_s=60.0):
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 - what is waited for has no event to set
                await asyncio.sleep(0.01)

    return wait
