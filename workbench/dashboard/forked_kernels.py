"""Kernels that are forked from a nursery instead of started from nothing; as before where that cannot be."""

import asyncio
import contextlib
import json
import os
import select
import signal
import sys
import time
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_server.services.kernels.kernelmanager import ServerKernelManager

NURSERY = "workbench.dashboard.kernel_nursery"
PATIENCE_S = 60.0
FORKS = sys.platform == "linux" and hasattr(os, "pidfd_open")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_FRUGAL = {
    **dict.fromkeys(_THREADS, "1"),  # more do not survive a fork
    "MALLOC_ARENA_MAX": "2",  # a kernel has a dozen threads that hardly allocate: one heap each is a waste
}


class Forked:
    """What `subprocess.Popen` is for one's own child: as much of it as `LocalProvisioner` needs, for another's."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int):
        self.pid, self.returncode = pid, None
        self._fd = os.pidfd_open(pid)  # type: ignore[attr-defined]  # names this process only, also when the id is reused

    def poll(self) -> int | None:
        """None while it runs, then 0: what it ended with is its parent's to know."""
        if self.returncode is None and self._ended():
            os.close(self._fd)
            self.returncode = 0  # type: ignore[assignment]
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        end = time.monotonic() + (timeout or PATIENCE_S)
        while self.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        return 0

    def send_signal(self, signum: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._fd, signum)  # type: ignore[attr-defined]

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _ended(self) -> bool:
        ready = select.poll()
        ready.register(self._fd, select.POLLIN)
        return bool(ready.poll(0))


class Nursery:
    """The process that forks; begun at the first kernel, and anew where it has ended. Lives as long as our pipe."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def fork(self, argv: list[str], env: dict[str, str], cwd: str) -> Forked:
        """A kernel as `argv` would have started. Raises OSError or ValueError where none comes."""
        async with self._turn, asyncio.timeout(PATIENCE_S):
            process = await self._running()
            assert process.stdin
            process.stdin.write(json.dumps({"argv": argv, "env": env, "cwd": cwd}).encode() + b"\n")
            await process.stdin.drain()
            return Forked(json.loads(await self._said(process))["pid"])

    def end(self) -> None:
        """At once, whatever it is loading. Kernels that are left notice."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            pipe = asyncio.subprocess.PIPE
            env = {**_FRUGAL, **os.environ}
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", NURSERY, stdin=pipe, stdout=pipe, env=env
            )
            await self._said(self._process)  # its first words: the imports are done
        return self._process

    async def _said(self, process: asyncio.subprocess.Process) -> bytes:
        assert process.stdout
        line = await process.stdout.readline()
        if not line:
            raise OSError(f"{NURSERY} has ended; its own words are above")
        return line


class ForkedProvisioner(LocalProvisioner):
    """Launches through the nursery that all kernels of this server share."""

    nursery = Nursery()

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        try:
            forked = await self.nursery.fork(cmd, dict(kwargs["env"]), kwargs.get("cwd") or os.getcwd())
        except (OSError, ValueError, TimeoutError) as error:
            self.log.warning("No kernel can be forked (%s: %s); one is started instead.", type(error).__name__, error)
            return await super().launch_kernel(cmd, **kwargs)
        self.process = forked  # type: ignore[assignment]
        self.pid = self.pgid = forked.pid  # type: ignore[assignment]
        return self.connection_info


class DeskKernelManager(ServerKernelManager):
    """A kernel of the page."""

    async def _async_pre_start_kernel(self, **kw: Any) -> Any:
        if FORKS and self.provisioner is None:
            kernel_id = self.kernel_id or kw.get("kernel_id", "")
            self.provisioner = ForkedProvisioner(kernel_id=kernel_id, kernel_spec=self.kernel_spec, parent=self)
        return await super()._async_pre_start_kernel(**kw)
