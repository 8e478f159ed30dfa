"""Participants that the replay waits for at every bar: released one after another, in order of name.

So the orders of several bots arrive in the same order in every run, at any speed.
"""

import asyncio
from dataclasses import dataclass, field

import orjson
import structlog
from aiohttp import WSMsgType, web

log = structlog.get_logger(__name__)
TIMEOUT_S = 30.0
DROPPED = 4000


@dataclass
class Lockstep:
    """`expected`: how many must have joined before the first step; `dropped`: who was too slow, and why."""

    expected: int = 0
    timeout_s: float = TIMEOUT_S
    dropped: list[str] = field(default_factory=list)
    _sockets: dict[str, web.WebSocketResponse] = field(default_factory=dict)
    _done: dict[str, asyncio.Queue] = field(default_factory=dict)
    _joined: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def names(self) -> list[str]:
        return sorted(self._sockets)

    @property
    def waiting(self) -> bool:
        """Whether the replay must not start yet."""
        return len(self._sockets) < self.expected and not self._joined.is_set()

    async def join(self, name: str, socket: web.WebSocketResponse) -> None:
        """Take part until the connection ends. A second participant of the same name takes the first one's place."""
        old = self._sockets.get(name)
        self._sockets[name], self._done[name] = socket, asyncio.Queue(maxsize=16)
        if old is not None:
            await old.close(code=DROPPED, message=b"another participant took this name")
        if len(self._sockets) >= self.expected:
            self._joined.set()
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    await self._done[name].put(_done(message.data))
        finally:
            if self._sockets.get(name) is socket:
                del self._sockets[name]
                self._done.pop(name).put_nowait(None)

    async def release(self, boundary_ms: int, closed: list[str]) -> None:
        """Tell each participant of a boundary, one at a time, and wait for its answer."""
        message = orjson.dumps({"boundary": boundary_ms, "closed": closed}).decode()
        for name in self.names:
            socket, answers = self._sockets.get(name), self._done.get(name)
            if socket is None or answers is None:
                continue
            try:
                async with asyncio.timeout(self.timeout_s):
                    await socket.send_str(message)
                    while (answered := await answers.get()) is not None and answered < boundary_ms:
                        pass
            except TimeoutError:
                await self._drop(name, socket, f"{name} did not answer within {self.timeout_s:g} s")
            except ConnectionError:
                await self._drop(name, socket, f"{name} lost its connection")

    async def _drop(self, name: str, socket: web.WebSocketResponse, why: str) -> None:
        log.warning("lockstep_participant_dropped", participant=name, why=why)
        self.dropped.append(why)
        if self._sockets.get(name) is socket:
            del self._sockets[name]
            del self._done[name]
        await socket.close(code=DROPPED, message=why.encode())


def _done(text: str) -> int:
    try:
        return int(orjson.loads(text)["done"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return -1
