"""One run of a notebook, in a process of its own: `python -m workbench.integrations.notebook_run`.

The order comes as one JSON line on standard input (arguments are for everyone to read); when that input closes, whoever
ordered it is gone, and the run ends with its kernel. It answers on standard output with JSON lines that carry the
order's mark: `began`, when the kernel is there; `ended`, as soon as it is known how; `left`, once executed.ipynb (which
is written after each cell), report.html and, where there is a chart, chart.png lie in the folder. Nothing is written
with a secret in it.
"""

import json
import math
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.modules.update({"rfc3987_syntax": None, "pyarrow": None})  # type: ignore[dict-item]
# before the imports below: four seconds of grammar for addresses and Hadoop files, which no notebook has

# ruff: noqa: E402
import nbformat
import psutil
from nbclient.exceptions import DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.execute import execute_notebook
from papermill.inspection import _infer_parameters
from papermill.iorw import load_notebook_node, papermill_io
from traitlets.config import Config

from workbench.domain.jobs import Fault, RunState
from workbench.integrations.fault_of import fault_in, fault_under, tags_of, without_markers
from workbench.integrations.headline import collected
from workbench.integrations.report_page import report_page
from workbench.integrations.scrub import Scrubber, secrets_of

NOTEBOOK, PAGE, CHART = "executed.ipynb", "report.html", "chart.png"
START_S = 180  # a kernel on a machine that is busy with other things
EXTENSION = "--InteractiveShellApp.extra_extensions=workbench.integrations.kernel_charts"


def main() -> int:
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_whoever_ordered, daemon=True, name="tether").start()
    home, ledger = Path(os.environ["WORKBENCH_HOME"]), os.environ.get("WORKBENCH_LEDGER", "")
    named = os.environ.get("WORKBENCH_RUN_SECRET_ENV", "").split(",")
    files = CleanFiles(Scrubber(secrets_of(os.environ, home, ledger, named=named)))
    state, fault = (RunState(order["state"]), Fault(**order["fault"])) if "state" in order else _run(order, files)
    notebook = _read(str(Path(order["folder"]) / NOTEBOOK))
    notebook["cells"] = without_markers(notebook["cells"])
    figures = collected(notebook["cells"])
    _say(order, files, "ended", state=state, fault=asdict(fault) if fault else None, figures=figures)
    _say(order, files, "left", words=_leave(order, files, notebook, state, fault))
    return 0


def _say(order: dict[str, Any], files: "CleanFiles", what: str, **facts: Any) -> None:
    sys.stdout.write(files.scrubber.clean(json.dumps({"mark": order["mark"], "said": what, **facts})) + "\n")
    sys.stdout.flush()


def _run(order: dict[str, Any], files: "CleanFiles") -> tuple[RunState, Fault | None]:
    """Execute. Whatever goes wrong is how it ended, not an exception."""
    watch = Watch(order["time_limit"], lambda: _say(order, files, "began"))
    JobEngine.watch = watch
    papermill_io.register("clean://", files)
    papermill_engines.register("workbench", JobEngine)
    target = str(Path(order["folder"]) / NOTEBOOK)
    try:
        notebook = nbformat.read(order["notebook"], as_version=4)
        _check_parameters(notebook, order["parameters"])
        execute_notebook(notebook, f"clean://{target}", order["parameters"], "workbench", progress_bar=False)
    except PapermillExecutionError:
        return _ended(target, watch, order)
    except DeadKernelError:
        return RunState.KILLED, fault_under(_read(target), "the kernel died: killed, crashed, or out of memory")
    except Exception as error:  # this process exists to report how the run went, whatever happened to it
        return RunState.BROKEN, Fault(f"{type(error).__name__}: {' '.join(str(error).split())[:400]}")
    return RunState.DONE, None


def _ended(target: str, watch: "Watch", order: dict[str, Any]) -> tuple[RunState, Fault | None]:
    fault = fault_in(_read(target)) or Fault("a cell failed")
    if not watch.over:
        return RunState.FAILED, fault
    words = f"interrupted after {order['time_limit']:g} s, the time limit"
    return RunState.TIMED_OUT, Fault(words, fault.cell, fault.line, fault.source)


def _check_parameters(notebook: Any, parameters: dict[str, Any]) -> None:
    known = {parameter.name for parameter in _infer_parameters(load_notebook_node(notebook))}
    unknown = sorted(set(parameters) - known)
    if unknown:
        there = ", ".join(sorted(known)) or "none: it has no cell tagged 'parameters'"
        raise ValueError(f"the notebook has no parameter {unknown[0]!r}; it has {there}")


class Watch:
    """How long a run may last, counted from when its kernel is there, and whether that time is over."""

    def __init__(self, limit: float, began: Callable[[], None]):
        self._limit, self._began, self._until, self.over = limit, began, math.inf, False

    def start(self) -> None:
        self._until = time.monotonic() + self._limit
        self._began()

    def left(self, cell: Any = None) -> float:
        return max(self._until - time.monotonic(), 0.01)


class JobClient(PapermillNotebookClient):
    """Interrupts the cell that is running when time is up: its traceback then says where it hung."""

    watch: Watch

    def papermill_execute_cells(self) -> None:
        self.watch.start()
        super().papermill_execute_cells()

    async def _async_handle_timeout(self, timeout: float, cell: Any = None) -> Any:  # type: ignore[override]
        self.watch.over = True
        return await super()._async_handle_timeout(timeout, cell)


class JobEngine(NBClientEngine):
    watch: Watch

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **_: Any) -> Any:
        with tempfile.TemporaryDirectory(prefix="wb-kernel-") as folder:  # ours alone: no other user can listen in
            return cls._client(nb_man, kernel_name, folder).execute()

    @classmethod
    def _client(cls, nb_man: Any, kernel_name: str, folder: str) -> JobClient:
        sockets = {"transport": "ipc", "ip": f"{folder}/k"} if sys.platform != "win32" else {}
        client = JobClient(
            nb_man,
            kernel_name=kernel_name,
            startup_timeout=START_S,
            timeout_func=cls.watch.left,
            interrupt_on_timeout=True,
            store_widget_state=False,
            shutdown_kernel="immediate",
            extra_arguments=[EXTENSION],
            config=Config({"KernelManager": sockets}),
        )
        client.watch = cls.watch
        return client


class CleanFiles:
    """A papermill I/O handler that writes without secrets, and so that a reader sees the old file or the new one."""

    def __init__(self, scrubber: Scrubber):
        self.scrubber = scrubber

    def write(self, text: str, path: str | Path) -> None:
        target = Path(str(path).removeprefix("clean://"))
        fresh = target.with_name(f".{target.name}.new")
        fresh.write_text(self.scrubber.clean(text), encoding="utf-8")
        fresh.replace(target)

    def pretty_path(self, path: str) -> str:
        return Path(path).name


def _leave(order: dict[str, Any], files: CleanFiles, notebook: dict[str, Any], state: RunState, fault: Any) -> str:
    """Notebook, page and chart. What could not be made, in words: the run itself went as it went."""
    folder = Path(order["folder"])
    try:
        for name in ("input_path", "output_path", "environment_variables"):
            notebook.get("metadata", {}).get("papermill", {}).pop(name, None)
        if notebook["cells"]:
            files.write(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", folder / NOTEBOOK)
        told = f"{state}: {fault}" if fault else ""
        page = report_page(notebook, order["title"], order["said"], collected(notebook["cells"]), told)
        files.write(page, folder / PAGE)
        _draw(notebook, folder / CHART)
    except Exception as error:  # whatever a notebook's output does to its page is told, and costs nothing else
        return f"its page could not be made: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return ""


def _draw(notebook: dict[str, Any], path: Path) -> None:
    """The first picture of a cell tagged `headline`, else the first of all, as PNG for the message."""
    cells = sorted(notebook["cells"], key=lambda cell: "headline" not in tags_of(cell))
    for cell in cells:
        for output in cell.get("outputs", ()):
            if svg := output.get("data", {}).get("image/svg+xml"):
                import vl_convert

                path.write_bytes(vl_convert.svg_to_png("".join(svg), scale=2))
                return


def _read(path: str) -> dict[str, Any]:
    """What was written so far, as plain JSON; no cells where nothing was."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {"cells": []}


def _end_with_whoever_ordered() -> None:
    while os.read(0, 4096):
        pass
    for child in psutil.Process().children(recursive=True):
        child.kill()
    os._exit(3)


if __name__ == "__main__":
    sys.exit(main())
