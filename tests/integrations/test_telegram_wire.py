"""The wire to Telegram goes on, whatever breaks behind it."""

import asyncio

from tests.support.telegram_server import TOKEN, telegram_server
from workbench.integrations.telegram_api import TelegramApi
from workbench.integrations.telegram_buttons import Signer
from workbench.integrations.telegram_wire import Polling


async def test_a_fault_in_taking_updates_does_not_end_the_listening():
    taken, again = [], asyncio.Event()

    async def take(raw):
        taken.extend(each["message"]["text"] for each in raw)
        if len(taken) == 1:
            raise RuntimeError("something nobody thought of")
        if raw:
            again.set()

    async with telegram_server() as server:
        api = TelegramApi(TOKEN, server.url, Signer(b"k" * 32))
        await api.start()
        polling = Polling(api, take)
        await polling.start()
        try:
            await server.say(1, "/halt")
            async with asyncio.timeout(60):
                await again.wait()
        finally:
            await polling.stop()
            await api.stop()

    assert taken[:2] == ["/halt", "/halt"]  # not acknowledged by the fault, and so heard again
