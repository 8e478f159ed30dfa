"""A desk in a notebook: the one that runs here, or one to practise on that leaves nothing behind."""

import pytest

from workbench.bootstrap import notebook
from workbench.bootstrap.notebook import open_desk
from workbench.widgets.command_bar import CommandBar


@pytest.fixture
async def session(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = await open_desk()
    yield session
    await session.close()


async def test_without_a_desk_bots_are_there_to_be_registered_and_the_magic_asks_the_same_desk(session):
    for bot_id, bot in session.bots.items():
        session.desk.center.register_bot(bot_id, bot)

    told = await session.desk.center.execute_cross_bot_command(
        "forecast", {"symbol": "BTC/USD", "timeframe": "30m"}, "all"
    )
    here = await notebook._desk.ask("/bots")

    assert set(told.answers) == set(session.bots) == {"trend", "mean_reversion", "breakout"}
    assert all(answer.ok for answer in told.answers.values())
    assert here.title == "3 bots, 3 healthy"
    assert session.desk.settings.home.is_absolute()


async def test_the_command_bar_asks_that_desk_and_offers_lines_that_it_understands(session):
    bar = session.bar()
    said = []
    bar.hand._send = said.append

    bar.hand.hear({"kind": "lines", "id": "1", "page": "bar"})
    bar.hand.hear({"kind": "complete", "id": "2", "line": "/cross f"})

    assert isinstance(bar, CommandBar)
    lines, offers = said
    assert all(session.dispatcher.parse(line) for line in lines["lines"])
    assert offers["offers"][0][0] == "forecast"
    await bar.stop()


async def test_what_was_practised_is_gone_with_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = await open_desk()
    home = session.desk.settings.home
    assert home.exists()

    await session.close()

    assert not home.exists()
