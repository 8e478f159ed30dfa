"""Taking part in the venue's lockstep: it tells a boundary, we act on it, we answer, time goes on."""

from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import quote

import aiohttp
import orjson

from workbench.domain.errors import ExchangeError

Act = Callable[[int], Awaitable[None]]


async def take_part(url: str, name: str, act: Act) -> None:
    """Await `act(boundary_ms)` for each boundary, then say that it is done; until the venue ends the conversation.

    Raises ExchangeError when it does: time may have gone on without us.
    """
    address = f"ws{url.rstrip('/').removeprefix('http')}/workbench/v1/lockstep?name={quote(name)}"
    try:
        async with aiohttp.ClientSession() as session, session.ws_connect(address, heartbeat=30.0) as socket:
            async for boundary_ms in _boundaries(socket):
                await act(boundary_ms)
                await socket.send_str(orjson.dumps({"done": boundary_ms}).decode())
            raise ExchangeError(f"{url} ended the lockstep with {name} (code {socket.close_code}); joining again")
    except aiohttp.ClientError as error:
        raise ExchangeError(f"no lockstep with {url}: {error}") from error


async def _boundaries(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[int]:
    async for message in socket:
        if message.type is aiohttp.WSMsgType.TEXT:
            yield int(orjson.loads(message.data)["boundary"])
