"""Where reports lie: reports/<job>/<due time>/, an index of all, and the newest N of each job."""

import re
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from urllib.parse import quote

from workbench.domain.errors import StartError
from workbench.domain.jobs import JobRun
from workbench.integrations.job_messages import took_words
from workbench.integrations.report_page import page

_JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,47}", re.ASCII)
_RUN = re.compile(r"\d{8}T\d{6}Z(?:-\d{6})?", re.ASCII)


def new_folder(reports: Path, job: str, due: datetime) -> Path:
    """Make the folder of one run. Raises StartError for a name that is none, or a place that cannot be written."""
    if not _JOB.fullmatch(job):
        raise StartError(f"{job[:60]!r} cannot name a job; use letters, digits, '_' and '-'")
    at = due.astimezone(UTC)
    folder = reports / job / f"{at:%Y%m%dT%H%M%SZ}{f'-{at.microsecond:06d}' if at.microsecond else ''}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"{folder} cannot be written: {error.strerror}; set `reports` to a folder of yours") from error
    return folder


def prune(reports: Path, job: str, keep: int) -> list[str]:
    """Remove the oldest runs of `job` beyond `keep`; only folders that this module names are touched."""
    folder = reports / job
    runs = sorted(p for p in folder.iterdir() if _RUN.fullmatch(p.name) and p.is_dir() and not p.is_symlink())
    for old in runs[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return [old.name for old in runs[:-keep]]


def write_index(reports: Path, runs: Sequence[JobRun]) -> None:
    """One page that lists runs, newest first, with what they said. A reader sees the old page or the new one."""
    rows = "".join(_row(reports, run) for run in runs)
    head = "<tr><th>job</th><th>due, UTC</th><th>how it ended</th><th>took</th><th>what it said</th></tr>"
    body = f"<h1>Runs</h1><p class='muted'>as of {datetime.now(UTC):%Y-%m-%d %H:%M} UTC</p>"
    body += f'<table class="text"><thead>{head}</thead><tbody>{rows}</tbody></table>' if runs else "<p>no run yet</p>"
    fresh = reports / ".index.html.new"
    reports.mkdir(parents=True, exist_ok=True)
    fresh.write_text(page("Runs", body), encoding="utf-8")
    fresh.replace(reports / "index.html")


def _row(reports: Path, run: JobRun) -> str:
    said = " · ".join(f"{name} {text}" for name, text in run.figures) if not run.fault else str(run.fault)
    tone = "good" if run.state.good else "bad"
    name = escape(run.job)
    folder = Path(run.report).name if run.report else ""
    if folder and _RUN.fullmatch(folder) and (reports / run.job / folder / "report.html").exists():
        name = f'<a href="{quote(run.job)}/{quote(folder)}/report.html">{name}</a>'
    made_up = f", {run.origin.value}" if run.origin.value != "schedule" else ""
    cells = (f"{run.due:%Y-%m-%d %H:%M}{made_up}", took_words(run), f"{said}{'; ' + run.words if run.words else ''}")
    due, took, words = (escape(text) for text in cells)
    state = f'<td class="{tone}">{run.state.value}</td>'
    return f"<tr><td>{name}</td><td>{due}</td>{state}<td>{took}</td><td>{words}</td></tr>"
