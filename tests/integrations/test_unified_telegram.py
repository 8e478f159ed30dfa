"""The chat surface end to end: the real library over HTTP, real gate, journal, dispatcher and bots."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.telegram_desk import ADMIN, GROUP, OPERATOR, PENDING, STRANGER, VIEWER, telegram_desk
from tests.support.telegram_server import TOKEN
from workbench.domain.errors import LedgerError, TellingError
from workbench.domain.events import NewEvent
from workbench.domain.telling import Message, Severity, Teller
from workbench.integrations.telegram_api import drawn
from workbench.integrations.telegram_replies import Page
from workbench.orchestration.telling import LedgerTeller, pictures_of
from workbench.visual.telegram_pictures import PictureGone


@pytest.fixture
async def desk(tmp_path):
    async with telegram_desk(tmp_path) as desk:
        yield desk


async def test_a_question_is_answered_with_a_table(desk):
    await desk.server.say(VIEWER, "/bots")

    said = await desk.server.heard(VIEWER, "2 bots, 2 healthy")

    assert "trend" in said.text


async def test_in_private_the_slash_of_a_question_may_be_left_out_and_in_a_group_it_may_not(desk):
    await desk.server.say(VIEWER, "bots")
    await desk.server.say(VIEWER, "bots", GROUP)
    await desk.server.say(VIEWER, "/bots@desk_bot", GROUP, thread=5)
    await desk.server.say(VIEWER, "/bots@another_bot", GROUP)

    await desk.server.heard(VIEWER, "2 bots")
    said = await desk.server.heard(GROUP, "2 bots")

    assert said.thread == 5
    assert len(desk.server.shown(GROUP)) == 1


async def test_a_forecast_names_every_bot(desk):
    await desk.server.say(VIEWER, "/cross forecast btc 1h")

    said = await desk.server.heard(VIEWER, "together")

    assert "trend" in said.text
    assert "breakout" in said.text


async def test_a_wrong_line_is_told_what_was_meant(desk):
    await desk.server.say(VIEWER, "/forcast btc 1h <b>")

    said = await desk.server.heard(VIEWER, "did you mean /forecast?")

    assert "/forcast" in said.text


async def test_an_effect_is_done_once_though_its_update_comes_again(desk):
    update = await desk.server.say(OPERATOR, "/pause trend")
    await desk.server.heard(OPERATOR, "1 of 1 bot paused")
    again = dict(update_id=update, message=_message(OPERATOR, "/pause trend"))
    await desk.server.deliver(again)
    await desk.server.say(OPERATOR, "/bots")
    await desk.server.heard(OPERATOR, "2 bots")

    assert desk.bots["trend"].acts == {"pause": 1}


def _message(person, text):
    import time

    chat = {"id": person, "type": "private"}
    sender = {"id": person, "is_bot": False, "first_name": "x"}
    return {"message_id": 9, "date": int(time.time()), "chat": chat, "from": sender, "text": text}


async def test_registration_is_asked_approved_by_button_and_then_heard(desk):
    await desk.server.say(STRANGER, "/bots", name="Eve <b>")
    await desk.server.heard(STRANGER, "Send /start to ask")
    await desk.server.say(STRANGER, "/start", name="Eve <b>")
    await desk.server.heard(STRANGER, "An admin has to approve it")
    asked = await desk.server.heard(ADMIN, "Eve <b> (5) asks for access")
    (viewer,) = [button for button in asked.buttons if button["text"] == "Viewer"]

    await desk.server.press(ADMIN, asked, viewer["callback_data"])
    await desk.server.heard(ADMIN, "Eve <b> is viewer now")
    await desk.server.say(STRANGER, "/bots")

    await desk.server.heard(STRANGER, "2 bots")


async def test_a_release_is_confirmed_by_a_button_that_works_once(desk):
    await desk.server.say(ADMIN, "/halt all")
    await desk.server.heard(ADMIN, "Halted: desk")
    await desk.server.say(ADMIN, "/release all")
    asked = await desk.server.heard(ADMIN, "Release all?")
    yes, no = asked.buttons

    await desk.server.press(OPERATOR, asked, yes["callback_data"])
    await desk.server.press(ADMIN, asked, yes["callback_data"])
    await desk.server.heard(ADMIN, "desk released")
    await desk.server.press(ADMIN, asked, yes["callback_data"])
    await desk.server.heard(ADMIN, "nothing")

    assert no["text"] == "No"
    assert desk.ledger.states.all() == {}
    assert all(len(button["callback_data"].encode()) <= 64 for button in asked.buttons)


async def test_an_old_command_is_refused_and_an_old_halt_is_not(desk):
    await desk.server.say(OPERATOR, "/pause trend", age_s=300)
    await desk.server.heard(OPERATOR, "was not done")
    await desk.server.say(OPERATOR, "/halt trend", age_s=3000)
    await desk.server.heard(OPERATOR, "Halted: trend")

    assert "pause" not in desk.bots["trend"].acts


async def test_what_was_received_and_not_done_is_done_after_a_restart(desk):
    await desk.stop()
    journal = desk.ledger.telegram(99)
    from workbench.integrations.telegram_update import read_update

    for number, begun in ((11, True), (12, False)):
        came = read_update({"update_id": number, "message": _message(OPERATOR, f"/pause trend --id n{number}")})
        journal.receive({number: came.body()})
        if begun:
            journal.begin(number)

    await desk.start()

    assert await desk.settled(11) == "done"
    assert await desk.settled(12) == "done"
    assert desk.bots["trend"].acts == {"pause": 2}
    assert journal.open() == []


async def test_an_update_that_cannot_be_written_down_is_not_acknowledged(desk, monkeypatch):
    real, refused = desk.telegram.intake._journal.receive, []

    def full(bodies):
        if len(refused) < 2:
            refused.append(bodies)
            raise LedgerError("the disk is full")
        return real(bodies)

    monkeypatch.setattr(desk.telegram.intake._journal, "receive", full)
    await desk.server.say(OPERATOR, "/pause trend")
    await desk.server.heard(OPERATOR, "1 of 1 bot paused")

    assert len(refused) == 2
    assert desk.bots["trend"].acts == {"pause": 1}


async def test_a_live_message_edits_itself_until_it_is_stopped(desk):
    await desk.server.say(VIEWER, "/dashboard")
    said = await desk.server.heard(VIEWER, "Dashboard")
    await desk.server.until(lambda: len(said.versions) >= 3)
    (stop,) = said.buttons
    await desk.server.press(VIEWER, said, stop["callback_data"])
    await desk.server.heard(VIEWER, "ended: stopped")
    versions = len(said.versions)
    await asyncio.sleep(1.5)

    assert len(said.versions) == versions
    assert said.buttons == []
    assert len(desk.server.shown(VIEWER)) == 1


async def test_a_live_message_ends_with_the_right_to_see_it(desk):
    await desk.server.say(VIEWER, "/dashboard")
    await desk.server.heard(VIEWER, "Dashboard")
    desk.ledger.people.remove(VIEWER, "test")

    await desk.server.heard(VIEWER, "not allowed any more")


async def test_a_message_is_told_to_everyone_let_in(desk):
    assert isinstance(desk.telegram, Teller)

    await desk.telegram.tell(Message("Brief <b>", "two\nlines & more", b"\x89PNG" + b"0" * 30, topic="brief"))

    for chat in (ADMIN, VIEWER, OPERATOR, GROUP):
        said = await desk.server.heard(chat, "Brief <b>")
        assert said.text == "Brief <b>\ntwo\nlines & more"
        assert said.photo
    assert desk.server.shown(PENDING) == []


async def test_a_message_to_one_chat_goes_there_alone(desk):
    await desk.telegram.tell(Message("For you", to=str(VIEWER)))

    await desk.server.heard(VIEWER, "For you")
    assert desk.server.shown(ADMIN) == []
    with pytest.raises(TellingError, match="is no chat of this desk"):
        await desk.telegram.tell(Message("For nobody", to="77"))


async def test_switches_silence_a_topic_and_a_thread_holds_it_in_a_group(desk):
    await desk.server.say(OPERATOR, "/alerts off trades")
    await desk.server.heard(OPERATOR, "Alerts")
    await desk.server.until(lambda: desk.telegram.alerts.readers.choices[OPERATOR].off)

    await desk.telegram.tell(Message("Trade opened", topic="trades"))
    await desk.telegram.tell(Message("Bot is down", topic="bots", severity=Severity.WARNING))

    await desk.server.heard(OPERATOR, "Bot is down")
    trade, down = await desk.server.heard(GROUP, "Trade opened"), await desk.server.heard(GROUP, "Bot is down")
    assert trade.thread != down.thread
    assert trade.thread in desk.server.groups[GROUP]
    assert not any("Trade opened" in message.text for message in desk.server.shown(OPERATOR))


async def test_the_token_is_in_no_log_and_no_record(desk, caplog, capfd):
    caplog.set_level(logging.WARNING)
    await desk.server.say(VIEWER, "/bots")
    await desk.server.heard(VIEWER, "2 bots")
    await desk.server.stop()
    await asyncio.sleep(1.0)

    secret = TOKEN.split(":")[1]
    assert secret not in caplog.text + "".join(capfd.readouterr())
    assert all(secret not in str(event) for event in desk.ledger.last(500))
    assert all(secret.encode() not in file.read_bytes() for file in desk.home.rglob("*") if file.is_file())


SPEC = {
    "mark": "point",
    "data": {"values": [{"a": 1}]},
    "encoding": {"x": {"field": "a", "type": "quantitative"}},
}


async def test_a_chart_is_a_picture_and_one_that_cannot_be_drawn_its_words(desk):
    for page in (Page("dots &amp; lines", SPEC), Page("no picture", {"mark": "no such"})):
        await desk.telegram.api.send(VIEWER, await drawn(page))

    assert (await desk.server.heard(VIEWER, "dots & lines")).photo.startswith(b"\x89PNG")
    assert not (await desk.server.heard(VIEWER, "no picture")).photo


async def test_quiet_hours_hold_back_what_can_wait(tmp_path):
    now, hours = datetime.now(UTC), timedelta(hours=2)
    async with telegram_desk(tmp_path, quiet=f"{now - hours:%H:%M}-{now + hours:%H:%M}") as desk:
        await desk.telegram.tell(Message("a trade", topic="trades"))
        await desk.telegram.tell(Message("a bot is down", topic="bots", severity=Severity.WARNING))
        await desk.telegram.tell(
            Message("HALT", topic="halts", severity=Severity.CRITICAL),
        )
        said = await desk.server.heard(ADMIN, "HALT")
        await desk.telegram.tell(Message("another trade", topic="trades", to=str(VIEWER)))
        desk.ledger.alerts.set(f"telegram:{VIEWER}", quiet="")

        later = await desk.server.heard(VIEWER, "another trade")

        assert "a trade" in said.text  # what waited goes along once something goes
        assert later.chat == VIEWER
        assert not any("another trade" in message.text for message in desk.server.shown(ADMIN))


async def test_live_charts_are_sent_through_the_same_outbox(desk):
    pictures = desk.telegram.pictures()

    number = await pictures.send(VIEWER, b"\x89PNG1", "BTC <b>")
    edited = await pictures.edit(VIEWER, number, b"\x89PNG2", "BTC 2")

    assert edited
    assert desk.server.messages[VIEWER, number].versions == ["BTC <b>", "BTC 2"]
    with pytest.raises(PictureGone):
        await pictures.edit(VIEWER, 5, b"\x89PNG2", "gone")
    with pytest.raises(TellingError, match="no picture can be sent to chat 77"):
        await pictures.send(77, b"\x89PNG1", "x")


async def test_events_of_the_ledger_are_told_and_a_restart_goes_on_where_it_was(desk):
    await desk.server.say(OPERATOR, "/halt trend")
    await desk.server.heard(ADMIN, "halt of trend by telegram:3")
    await desk.server.until(lambda: not desk.telegram.alerts._waiting)
    await desk.stop()
    desk.ledger.append([NewEvent("BotWentDown", "trend", {"words": "trend is down"}, "e1", datetime.now(UTC))])

    await desk.start()

    await desk.server.heard(ADMIN, "trend is down")
    begins = [message for message in desk.server.shown(ADMIN) if "halt of trend" in message.text]
    assert len(begins) <= 2


async def test_a_message_left_in_the_ledger_is_told_with_its_picture(desk):
    teller = LedgerTeller(desk.ledger, pictures_of(desk.home))

    await teller.tell(Message("Brief", "all well", b"\x89PNG" + b"0" * 20, topic="brief"))

    assert (await desk.server.heard(ADMIN, "Brief\nall well")).photo.startswith(b"\x89PNG")


async def test_an_admins_emergency_stop_waits_for_no_ledger(desk, monkeypatch):
    def full(*_):
        raise LedgerError("the disk is full")

    journal, people = desk.telegram.journal, desk.ledger.people
    monkeypatch.setattr(journal, "receive", full)
    monkeypatch.setattr(people, "all", full)

    await desk.server.say(OPERATOR, "/halt trend")
    await desk.server.say(ADMIN, "/pause breakout")
    await desk.server.say(ADMIN, "/halt trend")
    await desk.server.heard(ADMIN, "Halted: trend")
    assert len(desk.server.pending) == 3  # not acknowledged
    assert "pause" not in desk.bots["breakout"].acts
    monkeypatch.undo()
    await desk.server.heard(ADMIN, "1 of 1 bot paused")

    assert desk.bots["trend"].acts["halt"] >= 1
    assert desk.bots["breakout"].acts["pause"] == 1


async def test_what_was_acknowledged_waits_for_a_ledger_that_is_away(desk, monkeypatch):
    real, failed = desk.telegram.journal.begin, []

    def away(update_id):
        if len(failed) < 2:
            failed.append(update_id)
            raise LedgerError("the disk is full")
        return real(update_id)

    monkeypatch.setattr(desk.telegram.journal, "begin", away)
    await desk.server.say(OPERATOR, "/pause trend")
    await desk.server.heard(OPERATOR, "1 of 1 bot paused")

    assert len(failed) == 2
    assert desk.bots["trend"].acts == {"pause": 1}
