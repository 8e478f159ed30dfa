"""The stand-in for Telegram keeps Telegram's rules, as the real library meets them."""

import asyncio
import time

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaPhoto
from telegram.error import BadRequest, Conflict, InvalidToken, RetryAfter

from tests.support.telegram_server import TOKEN, telegram_server

PICTURE = b"\x89PNG\r\n\x1a\n" + b"0" * 40
GROUP = -1001


@pytest.fixture
async def server():
    async with telegram_server(groups={GROUP: (5,)}) as server:
        yield server


@pytest.fixture
async def bot(server):
    async with Bot(TOKEN, base_url=f"{server.url}/bot") as bot:
        yield bot


async def test_a_wrong_token_is_refused(server):
    with pytest.raises(InvalidToken):
        await Bot("1:wrong", base_url=f"{server.url}/bot").initialize()


async def test_updates_stay_until_the_offset_passes_them(server, bot):
    first = await server.say(1, "/bots")

    again = [await bot.get_updates(timeout=1) for _ in range(2)]
    rest = await bot.get_updates(offset=first + 1, timeout=0)

    assert [update.message.text for updates in again for update in updates] == ["/bots", "/bots"]
    assert rest == ()


async def test_a_long_poll_hears_at_once_and_a_second_poller_is_in_conflict(server, bot):
    waiting = asyncio.create_task(bot.get_updates(timeout=5))
    await server.until(lambda: server.polls)

    async with Bot(TOKEN, base_url=f"{server.url}/bot") as second:
        with pytest.raises(Conflict):
            await second.get_updates(timeout=0)
    await server.say(1, "hello")

    assert len(await waiting) == 1


async def test_messages_buttons_topics_and_edits(server, bot):
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="a:b:c")]])
    sent = await bot.send_message(GROUP, "<b>x</b> &lt;", parse_mode="HTML", reply_markup=keyboard, message_thread_id=5)
    picture = await bot.send_photo(1, PICTURE, caption="y")
    await bot.edit_message_text("z", GROUP, sent.message_id)
    await bot.edit_message_media(InputMediaPhoto(PICTURE + b"1", caption="w"), 1, picture.message_id)
    await server.press(1, server.shown(GROUP)[0], "a:b:c")
    (update,) = await bot.get_updates(timeout=1)
    await bot.answer_callback_query(update.callback_query.id, "ok")

    assert server.shown(GROUP)[0].versions == ["x <", "z"]
    assert server.shown(1)[0].text == "w"
    assert list(server.answers.values()) == ["ok"]


@pytest.mark.parametrize(
    ("send", "words"),
    [
        (lambda bot: bot.send_message(77, "x"), "Chat not found"),
        (lambda bot: bot.send_message(1, "x" * 4097), "Message is too long"),
        (lambda bot: bot.send_message(1, "<b>x", parse_mode="HTML"), "Can't parse entities"),
        (lambda bot: bot.send_message(GROUP, "x", message_thread_id=6), "Message thread not found"),
        (lambda bot: bot.edit_message_text("x", 1, 12), "Message to edit not found"),
        (
            lambda bot: bot.send_message(
                1, "x", reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("y", callback_data="z" * 65)]])
            ),
            "Button_data_invalid",
        ),
    ],
)
async def test_what_telegram_refuses(server, bot, send, words):
    with pytest.raises(BadRequest, match=words):
        await send(bot)


async def test_an_edit_that_changes_nothing_is_refused(server, bot):
    sent = await bot.send_message(1, "x")

    with pytest.raises(BadRequest, match="not modified"):
        await bot.edit_message_text("x", 1, sent.message_id)


async def test_a_flooded_chat_says_how_long(server, bot):
    server.flood(1, 60)

    with pytest.raises(RetryAfter) as refused:
        await bot.send_message(1, "x")

    assert 59 <= refused.value._retry_after.total_seconds() <= 61
    assert server.shown(1) == []
    assert time.monotonic() < server.floods[1]
