"""Who listens to what, and how a message reaches them: encoded once, queued per listener, never lost in between.

A listener that falls more than `SLOW_BYTES` behind is closed with code 1008 after what it was already sent; others
never wait for it. It reconnects, asks over REST, and has missed nothing that it was not told about.
"""

import asyncio
import struct
import time
from collections.abc import Iterable
from typing import Any, Protocol

import orjson

SLOW_BYTES = 8 * 1024 * 1024
BUSY_BYTES = 256 * 1024
LINGER_S = 5.0
TOO_SLOW, GOING_AWAY = 1008, 1001


class Pipe(Protocol):
    """The part of an asyncio transport that is used."""

    def write(self, data: bytes) -> None: ...
    def get_write_buffer_size(self) -> int: ...
    def is_closing(self) -> bool: ...
    def abort(self) -> None: ...


def text_frame(payload: bytes) -> bytes:
    """One unmasked WebSocket text frame (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


def close_frame(code: int, reason: str) -> bytes:
    body = struct.pack("!H", code) + reason.encode()[:123]
    return bytes((0x88, len(body))) + body


class Listener:
    """One WebSocket connection. `combined`: its messages come wrapped as {"stream": …, "data": …}."""

    def __init__(self, pipe: Pipe, combined: bool):
        self.pipe, self.combined = pipe, combined
        self.streams: set[str] = set()
        self.closing = False
        self._pending: list[bytes] = []

    def push(self, frame: bytes) -> None:
        if not self.closing:
            self._pending.append(frame)

    def say(self, message: Any) -> None:
        """Answer at once, after what is already queued."""
        self.push(text_frame(orjson.dumps(message)))
        self.flush()

    def flush(self) -> None:
        if not self._pending:
            return
        frames, self._pending = self._pending, []
        if self.pipe.is_closing():
            self.closing = True
            return
        self.pipe.write(b"".join(frames))
        if self.behind > SLOW_BYTES:
            self.close(
                TOO_SLOW, f"too slow: {self.behind} bytes behind; reconnect and ask over REST for what you missed"
            )

    @property
    def behind(self) -> int:
        """Bytes the peer has not taken yet."""
        return self.pipe.get_write_buffer_size()

    def close(self, code: int, reason: str) -> None:
        """Say why, then cut the line once the peer has had time to read it."""
        if self.closing:
            return
        self.closing = True
        if not self.pipe.is_closing():
            self.pipe.write(close_frame(code, reason))
            asyncio.get_running_loop().call_later(LINGER_S, self.pipe.abort)


class Hub:
    """Streams and their listeners. `stamp`: add the wall time of sending and a running number to each message."""

    def __init__(self, stamp: bool = False):
        self._listeners: dict[str, set[Listener]] = {}
        self._users: dict[str, dict[Listener, int | None]] = {}
        self._dirty: set[Listener] = set()
        self._everyone: set[Listener] = set()
        self._stamp, self._sent = stamp, 0

    @property
    def streams(self) -> Iterable[str]:
        return self._listeners.keys()

    def welcome(self, listener: Listener) -> None:
        """A connection has opened; `drop` forgets it."""
        self._everyone.add(listener)

    def goodbye(self, reason: str) -> None:
        """Close every connection, saying why."""
        for listener in self._everyone:
            listener.close(GOING_AWAY, reason)

    def subscribe(self, listener: Listener, stream: str) -> bool:
        """True where nobody listened to that stream before."""
        first = stream not in self._listeners
        self._listeners.setdefault(stream, set()).add(listener)
        listener.streams.add(stream)
        return first

    def unsubscribe(self, listener: Listener, stream: str) -> bool:
        """True where nobody listens to that stream any more."""
        listener.streams.discard(stream)
        left = self._listeners.get(stream, set())
        left.discard(listener)
        if stream in self._listeners and not left:
            del self._listeners[stream]
            return True
        return False

    def follow(self, listener: Listener, account: str, subscription: int | None = None) -> None:
        """Send a listener what happens to an account; `subscription` numbers it on the WebSocket API."""
        self._users.setdefault(account, {})[listener] = subscription

    def unfollow(self, listener: Listener, account: str | None = None) -> None:
        for name in [account] if account else list(self._users):
            self._users.get(name, {}).pop(listener, None)

    def publish(self, stream: str, message: Any) -> None:
        """Queue a message for everyone on `stream`; `flush` sends it."""
        listeners = self._listeners.get(stream)
        if not listeners:
            return
        payload = orjson.dumps(message)
        if self._stamp:
            self._sent += 1
            payload = b'%b,"seq":%d,"sent":%d}' % (payload[:-1], self._sent, time.time_ns())
        plain = wrapped = b""
        for listener in listeners:
            if listener.combined:
                wrapped = wrapped or text_frame(b'{"stream":"%b","data":%b}' % (stream.encode(), payload))
                listener.push(wrapped)
            else:
                plain = plain or text_frame(payload)
                listener.push(plain)
        self._dirty |= listeners

    def tell(self, account: str, event: Any, stream: str = "") -> None:
        """Queue a user event for everyone who follows `account`."""
        for listener, subscription in self._users.get(account, {}).items():
            if subscription is not None:
                event_out = {"subscriptionId": subscription, "event": event}
            else:
                event_out = {"stream": stream, "data": event} if listener.combined else event
            listener.push(text_frame(orjson.dumps(event_out)))
            self._dirty.add(listener)

    def flush(self) -> None:
        """Send what is queued, one write a listener."""
        for listener in self._dirty:
            listener.flush()
        self._dirty.clear()

    def drop(self, listener: Listener) -> list[str]:
        """Forget a connection; returns the streams nobody listens to any more."""
        listener.closing = True
        self._everyone.discard(listener)
        self.unfollow(listener)
        return [stream for stream in list(listener.streams) if self.unsubscribe(listener, stream)]

    def slowest(self) -> Listener | None:
        """The listener furthest behind, where it is behind enough for a replay at full speed to wait for it."""
        late = [listener for listener in self._everyone if not listener.closing and listener.behind > BUSY_BYTES]
        return max(late, key=lambda listener: listener.behind, default=None)
