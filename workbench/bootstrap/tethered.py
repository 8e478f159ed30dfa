"""Run a module as `python -m` would, and end when the parent is gone.

The parent holds the other end of our standard input; its death, however sudden, closes it. So a killed desk leaves no
exchange and no bot behind, on every operating system.
"""

import os
import runpy
import signal
import sys
import threading


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """`python -m workbench.bootstrap.tethered MODULE ARG…`"""
    module, sys.argv = sys.argv[1], sys.argv[1:]
    threading.Thread(target=_end_with_parent, daemon=True, name="tether").start()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
