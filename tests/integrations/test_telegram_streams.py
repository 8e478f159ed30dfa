"""Live messages in a chat: pictures that follow a real venue, restarts, two desks, and what ends them."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.telegram_desk import ADMIN, GROUP, OPERATOR, VIEWER, telegram_desk
from tests.support.telegram_server import TOKEN
from tests.support.tiny_venue import TinyVenue, bar, forming
from workbench.domain.events import NewEvent
from workbench.integrations.unified_telegram import UnifiedTelegram


@asynccontextmanager
async def market():
    venue = TinyVenue()
    await venue.start()
    for n in range(1, 40):
        venue.close_bar("BTC/USD", bar(n))
    venue.now_row["BTC/USD"] = forming(40, 0.1)
    try:
        yield venue
    finally:
        await venue.stop()


@asynccontextmanager
async def streaming(home, **own):
    """(desk, venue) with the venue's address where the desk's clock is."""
    async with market() as venue, telegram_desk(home, **own) as desk:
        desk.center.venue.url = venue.url
        yield desk, venue


def charts(telegram):
    return telegram._charts


async def begun(desk, line="/stream btc 1m", chat=VIEWER, **more):
    await desk.server.say(VIEWER, line, chat, **more)
    return await desk.server.heard(chat, "BTC/USD 1m")


async def moved(desk, venue, said):
    """The market goes on until the picture has followed it."""
    versions = len(said.versions)
    for n in range(41, 60):
        await venue.play("BTC/USD", [n])
        try:
            return await desk.server.until(lambda: len(said.versions) > versions, 4)
        except TimeoutError:
            continue
    raise AssertionError(f"the picture stands still: {said.versions}")


async def test_a_chart_is_one_picture_that_follows_its_market_until_it_is_stopped(tmp_path):
    async with streaming(tmp_path) as (desk, venue):
        said = await begun(desk)
        first = said.photo
        await moved(desk, venue, said)
        (stop,) = said.buttons
        await desk.server.press(VIEWER, said, stop["callback_data"])
        await desk.server.heard(VIEWER, "ended: stopped")
        await desk.server.until(lambda: charts(desk.telegram).open == 0)

        assert first.startswith(b"\x89PNG")
        assert said.photo != first
        assert said.buttons == []
        assert len(desk.server.shown(VIEWER)) == 1
        assert desk.ledger.live_messages(99, "look").take() == []


async def test_a_restart_goes_on_with_the_same_message(tmp_path):
    async with streaming(tmp_path) as (desk, venue):
        said, other = await begun(desk), desk.server
        await other.say(VIEWER, "/dashboard")
        screen = await other.heard(VIEWER, "Dashboard")

        await desk.stop()
        await desk.start()

        await other.until(lambda: "BTC/USD 1m  " in said.text and "when it is back" not in screen.text)
        assert any("this goes on when it is back" in version for version in said.versions)
        await moved(desk, venue, said)
        assert len(other.shown(VIEWER)) == 2


async def test_of_two_desks_the_newer_one_edits_and_the_other_stops(tmp_path):
    async with streaming(tmp_path) as (desk, venue):
        said = await begun(desk)
        older = desk.telegram
        newer = UnifiedTelegram(desk.center, desk.ledger, desk.settings, TOKEN)
        await newer.start()
        try:
            await desk.server.until(lambda: charts(older).open == 0 and charts(newer).open == 1)
            await moved(desk, venue, said)
            await desk.stop()

            assert "the desk is off" not in said.text
            assert len(desk.server.shown(VIEWER)) == 1
        finally:
            await newer.stop()


async def test_its_time_is_limited_and_a_button_goes_on(tmp_path):
    async with streaming(tmp_path, live_for_s=2.0) as (desk, _):
        said = await begun(desk)
        await desk.server.heard(VIEWER, "minutes are over")
        (again,) = said.buttons
        await desk.server.until(lambda: charts(desk.telegram).open == 0)

        await desk.server.press(VIEWER, said, again["callback_data"])

        await desk.server.until(lambda: len(desk.server.shown(VIEWER)) == 2)


async def test_a_deleted_picture_is_wanted_no_more(tmp_path):
    async with streaming(tmp_path) as (desk, venue):
        said = await begun(desk)
        del desk.server.messages[VIEWER, said.number]

        async def play():
            for n in range(41, 400):
                await venue.play("BTC/USD", [n])
                await asyncio.sleep(1)

        playing = asyncio.create_task(play())
        await desk.server.until(lambda: charts(desk.telegram).open == 0)
        playing.cancel()

        assert desk.server.shown(VIEWER) == []
        assert desk.ledger.live_messages(99, "look").take() == []


async def test_the_same_chart_asked_again_goes_on_below_and_in_the_thread_where_it_was_asked(tmp_path):
    async with streaming(tmp_path) as (desk, _):
        first = await begun(desk, chat=GROUP, thread=5)
        await desk.server.say(VIEWER, "/stream BTCUSD 1m", GROUP, thread=5)
        await desk.server.until(lambda: len(desk.server.shown(GROUP)) == 2)

        assert "it goes on below" in first.text
        assert [message.thread for message in desk.server.shown(GROUP)] == [5, 5]
        assert charts(desk.telegram).open == 1


async def test_what_ended_while_no_desk_ran_gets_its_last_word(tmp_path):
    async with streaming(tmp_path) as (desk, _):
        await begun(desk)
        await desk.stop()
        table = desk.ledger.live_messages(99, "earlier")
        (left,) = table.take()
        table.begin(replace(left, ends_at=datetime.now(UTC) - timedelta(seconds=1)))

        await desk.start()

        await desk.server.heard(VIEWER, "minutes are over")
        await desk.server.until(lambda: charts(desk.telegram).open == 0)


@pytest.mark.parametrize("line", ["/stream", "/stream nosuch 1m", "/dashboard now"])
async def test_a_live_line_that_is_wrong_is_told_why(tmp_path, line):
    async with streaming(tmp_path) as (desk, _):
        update = await desk.server.say(VIEWER, line)

        assert (await desk.settled(update)).startswith("failed")
        assert not desk.server.shown(VIEWER) or desk.server.shown(VIEWER)[0].text.startswith("⛔")


def setup_changed(n, at):
    facts = {"symbol": "BTC/USD", "timeframe": "1m", "at": at, "level": 110.0, "stop": 105.0, "after": "triggered"}
    words = f"breakout {n} on BTC/USD 1m is triggered"
    return NewEvent("SetupChanged", "you", {**facts, "words": words}, f"s{n}", datetime.now(UTC))


def after(n):
    """Close of the n-th bar of the tiny venue."""
    return datetime.fromtimestamp((n + 1) * 60, UTC).isoformat()


async def test_a_change_of_a_market_is_an_alert_with_its_picture_and_a_flood_goes_without(tmp_path):
    async with streaming(tmp_path) as (desk, _):
        desk.ledger.append([setup_changed(1, after(35))])
        said = await desk.server.heard(ADMIN, "breakout 1 on BTC/USD 1m")
        assert said.photo.startswith(b"\x89PNG")

        desk.ledger.append([setup_changed(n, after(36)) for n in range(2, 60)])
        await desk.server.until(lambda: sum("breakout" in m.text for m in desk.server.shown(ADMIN)) >= 2)
        await desk.server.say(OPERATOR, "/halt all")
        await desk.server.heard(OPERATOR, "Halted: desk")
        await desk.server.until(lambda: not desk.telegram.alerts._waiting and not desk.telegram.alerts._press.busy)

        told = [message for message in desk.server.shown(ADMIN) if "breakout" in message.text]
        assert len(told) <= 8
        assert any("alerts" in message.text for message in told)


async def test_one_that_cannot_be_drawn_goes_as_words_and_a_switch_silences_it(tmp_path):
    async with streaming(tmp_path) as (desk, _):
        desk.ledger.alerts.set(f"telegram:{VIEWER}", off=("setups",))
        await asyncio.sleep(2.5)  # readers' choices are read anew every two seconds
        desk.ledger.append([setup_changed(1, after(3)), setup_changed(2, "yesterday")])

        assert not (await desk.server.heard(ADMIN, "breakout 1")).photo
        await desk.server.heard(ADMIN, "breakout 2")
        assert not desk.server.shown(VIEWER)
