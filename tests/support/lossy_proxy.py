"""A TCP proxy that can lose the answer to one request: it passes on what was asked, then hangs up."""

import asyncio
import contextlib


class LossyProxy:
    """Stands before `host:port`. `lose`: the next request whose first bytes contain this gets no answer; `lost` counts.

    `before`: lose the request itself instead, so that it never arrives.
    """

    def __init__(self, url):
        host, port = url.removeprefix("http://").split(":")
        self._to, self.lose, self.lost, self.before = (host, int(port)), b"", 0, False
        self._server = None

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self):
        self._server.close()

    async def _serve(self, reader, writer):
        up_reader, up_writer = await asyncio.open_connection(*self._to)
        down = asyncio.create_task(self._pump(up_reader, writer))
        try:
            while chunk := await reader.read(65536):
                if self.lose and self.lose in chunk:
                    await self._swallow(chunk, up_writer, down, up_reader)
                    break
                up_writer.write(chunk)
                await up_writer.drain()
        except ConnectionError:
            pass
        finally:
            down.cancel()
            for end in (writer, up_writer):
                with contextlib.suppress(ConnectionError, RuntimeError):
                    end.close()

    async def _swallow(self, chunk, up_writer, down, up_reader):
        self.lose, self.lost = b"", self.lost + 1
        down.cancel()
        await asyncio.wait([down])
        if not self.before:
            up_writer.write(chunk)
            await up_writer.drain()
            await up_reader.read(65536)  # the venue has answered: it has been done

    async def _pump(self, reader, writer):
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()
