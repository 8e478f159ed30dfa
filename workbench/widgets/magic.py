"""`%wb /cross forecast BTCUSD 1h` in a cell: the same lines as everywhere, shown as tables and charts.

    %load_ext workbench
    %wb /bots
    reply = %wb /status trend          # the value itself, nothing shown

A line magic cannot await, and a notebook's loop is never blocked or nested: so lines that begin with `%wb` are
rewritten, before Python sees the cell, into ones that await. `%%wb` takes several lines, one command each. Everything
that a bot, an exchange or a user said is text here, never markup.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, tzinfo
from html import escape
from typing import Any

from workbench.commands.formats import ago, cells, header, moment, zone_name
from workbench.commands.reply import NUMERIC, Chart, Choices, Part, Question, Reply, Table, Text, Tone
from workbench.domain.errors import ValueRefused

NAME = "_workbench_magic"
MOST_ROWS = 500
_LINE = re.compile(r"^(?P<indent>\s*)(?:(?P<target>[A-Za-z_]\w*)\s*=\s*)?%wb(?:[ \t]+(?P<line>.*?))?\s*$")
_TONES = {
    Tone.MUTED: "opacity:.65",
    Tone.GOOD: "color:#2e8b57",
    Tone.WARNING: "color:#b8860b",
    Tone.BAD: "color:#c0392b",
}
Ask = Callable[[str], Awaitable[Reply]]
Bundle = dict[str, str]


class Magic:
    """What a rewritten line calls. `ask` answers a line; times are shown in `zone`."""

    def __init__(self, ask: Ask, zone: tzinfo | None = None):
        self._ask, self._zone = ask, zone

    async def value(self, line: str) -> Reply:
        """The reply, nothing shown."""
        return await self._ask(line)

    async def show(self, *lines: str) -> None:
        """The replies, one below the other."""
        from IPython.display import display

        for line in lines:
            for bundle in shown(await self._ask(line), self._zone):
                display(bundle, raw=True)


def install(shell: Any, magic: Magic) -> None:
    """Let cells of `shell` say %wb. Loading twice is harmless."""
    remove(shell)
    shell.user_ns[NAME] = magic
    shell.user_ns_hidden[NAME] = magic
    shell.input_transformers_cleanup.append(rewritten)


def remove(shell: Any) -> None:
    kept = [each for each in shell.input_transformers_cleanup if each is not rewritten]
    shell.input_transformers_cleanup[:] = kept
    shell.user_ns.pop(NAME, None)


def rewritten(lines: Sequence[str]) -> list[str]:
    """The lines of a cell with %wb made into calls that are awaited; all others as they are. Pure."""
    first = next((at for at, line in enumerate(lines) if line.strip()), None)
    if first is not None and re.fullmatch(r"%%wb\s*", lines[first]):
        asked = [line.strip() for line in lines[first + 1 :] if line.strip()]
        return [f"await {NAME}.show({', '.join(map(repr, asked))})\n"]
    return [_rewritten(line) for line in lines]


def _rewritten(line: str) -> str:
    found = _LINE.match(line)
    if found is None:
        return line
    asked = repr((found["line"] or "/help").strip())
    if found["target"]:
        return f"{found['indent']}{found['target']} = await {NAME}.value({asked})\n"
    return f"{found['indent']}await {NAME}.show({asked})\n"


def shown(reply: Reply, zone: tzinfo | None = None, now: datetime | None = None) -> list[Bundle]:
    """`reply` as what a notebook displays: HTML with its plain words, and a picture for each chart."""
    now = now or datetime.now(UTC)
    html, plain, bundles = [_title(reply, zone, now)], [reply.title], list[Bundle]()
    for part in reply.parts:
        if isinstance(part, Chart):
            bundles.append(_picture(part))
        else:
            html.append(_part(part, zone))
            plain.append(_words(part, zone))
    html += [f'<div style="{_TONES[Tone.MUTED]}">{escape(note)}</div>' for note in reply.notes]
    if reply.error:
        html.append(f'<div style="{_TONES[Tone.BAD]}">{escape(reply.error)}</div>')
    plain += [*reply.notes, *([reply.error] if reply.error else [])]
    return [{"text/html": "\n".join(html), "text/plain": "\n".join(plain)}, *bundles]


def _title(reply: Reply, zone: tzinfo | None, now: datetime) -> str:
    old = reply.as_of is not None and abs((now - reply.as_of).total_seconds()) > 5
    age = f' <span style="{_TONES[Tone.MUTED]}">{escape(ago(reply.as_of, now, zone))}</span>' if old else ""  # type: ignore[arg-type]
    return f"<div><b>{escape(reply.title)}</b>{age}</div>"


def _part(part: Part, zone: tzinfo | None) -> str:
    if isinstance(part, Text):
        lines = "<br>".join(escape(line) for line in part.text.splitlines())
        return f'<div style="{_TONES.get(part.tone, "")}">{lines}</div>'
    if isinstance(part, Question):
        until = f"{moment(part.expires_at, zone)} {zone_name(zone)}"
        return f"<div>{escape(part.text)}<br>until {escape(until)}: <code>%wb {escape(part.answer)}</code></div>"
    if isinstance(part, Choices):
        rows = (" · ".join(f"<code>%wb {escape(choice.line)}</code>" for choice in row) for row in part.rows)
        return "<div>" + "<br>".join((escape(part.text), *rows)) + "</div>"
    assert isinstance(part, Table)
    return _table(part, zone)


def _table(table: Table, zone: tzinfo | None) -> str:
    texts = cells(table, zone)
    at = [n for n in range(len(table.columns)) if not texts or any(row[n] for row in texts)]
    sides = ["right" if table.columns[n].shape in NUMERIC else "left" for n in at]
    heads = "".join(
        f'<th style="text-align:{side}">{escape(header(table.columns[n], zone))}</th>'
        for n, side in zip(at, sides, strict=True)
    )
    rows = [
        "".join(f'<td style="text-align:{side}">{escape(row[n])}</td>' for n, side in zip(at, sides, strict=True))
        for row in texts[:MOST_ROWS]
    ]
    title = f"<caption>{escape(table.title)}</caption>" if table.title else ""
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    more = f"<div>{len(texts) - MOST_ROWS:,} more rows</div>" if len(texts) > MOST_ROWS else ""
    return f"<table>{title}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{more}"


def _words(part: Part, zone: tzinfo | None) -> str:
    if isinstance(part, Table):
        rows = [[header(column, zone) for column in part.columns], *cells(part, zone)[:MOST_ROWS]]
        return "\n".join("  ".join(row) for row in rows)
    if isinstance(part, Choices):
        return "\n".join((part.text, *("  ".join(choice.line for choice in row) for row in part.rows)))
    return f"{part.text}: {part.answer}" if isinstance(part, Question) else part.text  # type: ignore[union-attr]


def _picture(chart: Chart) -> Bundle:
    from workbench.visual.picture import svg  # brings altair: only whoever sees a chart pays for it

    try:
        return {"image/svg+xml": svg(chart.spec), "text/plain": chart.caption}
    except ValueRefused as error:
        return {"text/plain": f"{chart.caption} ({error})"}
