"""A process that has done a kernel's imports once and becomes kernels by forking: `python -m …kernel_nursery`.

A forked kernel is there in a moment, and shares with the others every page of memory that neither has written to.
Linux only. Reads one JSON line a kernel, {"argv", "env", "cwd"}, and answers {"pid"}; ends with its input, and the
system ends its kernels with it. Nothing here may start a thread or a loop: they do not survive a fork.
"""

import ctypes
import gc
import importlib
import json
import os
import select
import signal
import sys
from typing import Any

FIRST = (
    *("ipykernel.kernelapp", "ipykernel.ipkernel", "ipywidgets", "workbench.bootstrap.connection"),
    *("workbench.dashboard.ask_pages", "workbench.dashboard.pages", "workbench.dashboard.unified_dashboard"),
    *("workbench.dashboard.viewer", "workbench.dashboard.widget_tabs", "workbench.widgets.desk_pump"),
)
"""What the dashboard's first cell imports: without it there is no first figure."""

LATER = (
    *("pandas", "workbench.orchestration.risk_feed", "workbench.dashboard.live_charts", "workbench.visual.picture"),
    *("workbench.dashboard.pattern_lab_page", "pyarrow.parquet", "scipy.stats"),
)
"""What its other tabs import, loaded once nobody has wanted a kernel for `QUIET_S`."""

QUIET_S = 3.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    gc.disable()  # what is loaded stays, and a collection would write to every page of it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # kernels that end are forgotten by the system itself
    _load(FIRST)
    _say({"ready": os.getpid()})
    asked = _nurse()
    if asked is not None:
        _become_kernel(asked)


def _load(names: tuple[str, ...]) -> None:
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # seconds that Altair can do without
    for name in names:
        importlib.import_module(name)
    gc.freeze()


def _nurse() -> dict[str, Any] | None:
    """Fork whenever a kernel is asked for. Returns what was asked in the child, None at the end of the input."""
    lines, later = sys.stdin.buffer.raw, list(LATER)  # type: ignore[union-attr]
    while True:
        if later and not select.select([lines], [], [], QUIET_S)[0]:
            _load((later.pop(0),))
            continue
        line = _line(lines)
        if not line:
            return None
        nurse = os.getpid()
        if (pid := os.fork()) == 0:
            _die_with(nurse)
            return json.loads(line)
        _say({"pid": pid})


def _line(source: Any) -> bytes:
    """One line, byte for byte from the descriptor: a buffer would hide the next one from `select`."""
    found = bytearray()
    while (byte := source.read(1)) and byte != b"\n":
        found += byte
    return bytes(found)


def _say(words: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def _die_with(parent: int) -> None:
    """The system kills this process when `parent` ends, which may have happened already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _become_kernel(asked: dict[str, Any]) -> None:
    """As if started by `asked["argv"]` in a process of its own."""
    from ipykernel.kernelapp import IPKernelApp

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # the nursery's output is for its own answers
    gc.enable()
    at = asked["argv"].index("-f")
    IPKernelApp.launch_instance(argv=[*asked["argv"][at:], f"--IPKernelApp.parent_handle={os.getppid()}"])


if __name__ == "__main__":
    main()
