"""An event loop whose time jumps: hours of waiting cost nothing, and every run is the same."""

import asyncio
import selectors


class _NoWires(selectors.SelectSelector):
    """Nothing ever arrives from outside; waiting moves the clock instead."""

    def __init__(self, clock):
        super().__init__()
        self._clock = clock

    def select(self, timeout=None):
        if timeout is None:
            raise RuntimeError("everybody waits for something that will never come")
        self._clock[0] += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self._clock = [1000.0]
        super().__init__(_NoWires(self._clock))

    def time(self):
        return self._clock[0]


def run(make):
    """The value of the coroutine `make(loop)`, in its own time. Tasks left over are an error."""
    loop = VirtualLoop()
    try:
        value = loop.run_until_complete(make(loop))
        left = asyncio.all_tasks(loop)
        assert not left, f"left behind: {left}"
        return value
    finally:
        loop.close()
