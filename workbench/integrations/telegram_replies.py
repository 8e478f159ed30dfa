"""A reply as pages for a chat: HTML in which everything from outside is escaped, within Telegram's limits. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from html import escape
from typing import Any

from workbench.commands.formats import cells, header, moment, zone_name
from workbench.commands.reply import NUMERIC, Chart, Choices, Question, Reply, Shape, Table, Text, Tone
from workbench.domain.telling import Message
from workbench.integrations.telegram_buttons import Button
from workbench.integrations.telegram_digest import MARKS, Digest
from workbench.visual.phone_form import for_phone

LONGEST, LONGEST_CAPTION, MOST_PAGES = 4000, 960, 5
GRID_WIDTH = 46
"""A table up to this many letters wide is a grid; a wider one would wrap on a phone and becomes one block a row."""
TONES = {Tone.WARNING: "⚠️ ", Tone.BAD: "⛔ ", Tone.GOOD: "✅ "}
Rows = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One message: HTML, a Vega-Lite chart or a finished picture above it, rows of buttons below."""

    html: str
    chart: Mapping[str, Any] | None = None
    png: bytes | None = None
    buttons: Rows = ()

    @property
    def pictured(self) -> bool:
        return self.chart is not None or self.png is not None


def pages(reply: Reply, line: str, zone: tzinfo | None = None) -> list[Page]:
    """`reply` to `line` as one message or several; the last carries the buttons."""
    made = [Page(html) for html in _packed(_blocks(reply, zone), LONGEST)]
    charts = [part for part in reply.parts if isinstance(part, Chart)]
    made += [Page(cut(escape(chart.caption), LONGEST_CAPTION), _narrow(chart)) for chart in charts]
    return [*made[:-1], replace(made[-1], buttons=_buttons(reply, line))]


def live_page(reply: Reply, line: str, zone: tzinfo | None = None, buttons: Rows = ()) -> Page:
    """`reply` as the one message that is edited again and again: a picture with its caption, or text."""
    chart = next((part for part in reply.parts if isinstance(part, Chart)), None)
    blocks = list(_blocks(reply, zone))
    if chart is not None:
        blocks.append(escape(chart.caption))
    html = next(_packed(blocks, LONGEST_CAPTION if chart else LONGEST))
    return Page(html, _narrow(chart) if chart else None, buttons=buttons)


def _narrow(chart: Chart) -> Mapping[str, Any]:
    return chart.phone or for_phone(chart.spec)


def told(message: Message) -> list[Page]:
    """A message that nobody asked for."""
    title = f"<b>{MARKS[message.severity]}{escape(message.title)}</b>"
    if message.png is None:
        return [Page(html) for html in _packed([title, *_lines(message.text)], LONGEST)]
    texts = list(_packed([title, *_lines(message.text)], LONGEST_CAPTION))
    return [Page(texts[0], png=message.png), *(Page(html) for html in texts[1:])]


def digest(waiting: Digest) -> list[Page]:
    """Alerts that were merged."""
    alone = waiting.alone()
    if alone is not None:
        return told(alone)
    lines = [escape(line) for line in waiting.lines()]
    return [Page(next(_packed([f"<b>{waiting.size:,} alerts</b>", *lines], LONGEST)))]


def cut(html: str, longest: int) -> str:
    """Escaped text without tags, shortened where it must be, never in the middle of an entity."""
    if units(html) <= longest:
        return html
    kept = html.encode("utf-16-le")[: 2 * (longest - 1)].decode("utf-16-le", "ignore")
    start = kept.rfind("&", len(kept) - 8)
    return (kept[:start] if start >= 0 and ";" not in kept[start:] else kept) + "…"


def units(text: str) -> int:
    """The length that Telegram counts: UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def _blocks(reply: Reply, zone: tzinfo | None) -> Iterator[str]:
    """Lines of HTML, none of which may be parted."""
    yield f"<b>{cut(escape(' '.join(reply.title.split()) or '–'), 400)}</b>"
    for part in reply.parts:
        if isinstance(part, Text):
            yield from _lines(part.text, TONES.get(part.tone, ""), "i" if part.tone is Tone.MUTED else "")
        elif isinstance(part, Table):
            yield from _table(part, zone)
        elif isinstance(part, Question):
            yield from _lines(part.text)
            until = f"{moment(part.expires_at, zone)} {zone_name(zone)}"
            yield f"<code>{escape(part.answer)}</code> until {escape(until)}"
        elif isinstance(part, Choices):
            yield from _lines(part.text)
    for note in reply.notes:
        yield from _lines(note, tag="i")
    if reply.error:
        yield from _lines(reply.error, "⛔ ")


def _lines(text: str, mark: str = "", tag: str = "") -> Iterator[str]:
    for line in (mark + text).splitlines():
        html = cut(escape(line, quote=False), LONGEST_CAPTION - 200)
        yield f"<{tag}>{html}</{tag}>" if tag and html.strip() else html


def _table(table: Table, zone: tzinfo | None) -> Iterator[str]:
    texts = cells(table, zone)
    shown = [at for at in range(len(table.columns)) if not texts or any(row[at] for row in texts)]
    heads = [header(table.columns[at], zone) for at in shown]
    rows = [[" ".join(row[at].split()) for at in shown] for row in texts]
    if table.title:
        yield f"<u>{cut(escape(table.title), 200)}</u>"
    widths = [max(len(row[at]) for row in [heads, *rows]) for at in range(len(shown))]
    if sum(widths) + 2 * (len(widths) - 1) <= GRID_WIDTH:
        right = [table.columns[at].shape in NUMERIC for at in shown]
        yield from (f"<pre>{escape(_aligned(row, widths, right))}</pre>" for row in [heads, *rows])
    else:
        yield from (_record(heads, row, table.columns[shown[0]].shape) for row in rows)


def _aligned(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    fitted = zip(row, widths, right, strict=True)
    return "  ".join(text.rjust(width) if to_right else text.ljust(width) for text, width, to_right in fitted).rstrip()


def _record(heads: Sequence[str], row: Sequence[str], first: Shape) -> str:
    rest = [f"{head} {text}" for head, text in zip(heads[1:], row[1:], strict=True) if text]
    return f"<b>{cut(escape(row[0]), 200)}</b>  {cut(escape(' · '.join(rest), quote=False), 700)}"


def _packed(blocks: Sequence[str] | Iterator[str], longest: int) -> Iterator[str]:
    """Blocks joined into as few texts as hold them; grid rows that follow each other become one grid."""
    lines, size, count = list[str](), 0, 1
    for block in blocks:
        if size + units(block) + 1 > longest and lines:
            if count == MOST_PAGES:
                lines.append("<i>… more than fits here; ask for less</i>")
                break
            yield _joined(lines)
            lines, size, count = [], 0, count + 1
        lines.append(block)
        size += units(block) + 1
    yield _joined(lines) or "–"


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines).replace("</pre>\n<pre>", "\n")


def _buttons(reply: Reply, line: str) -> Rows:
    question = next((part for part in reply.parts if isinstance(part, Question)), None)
    if question is not None:
        return ((Button("Yes, do it", "ask", "line", question.answer), Button("No", "ask", "drop")),)
    choices = [row for part in reply.parts if isinstance(part, Choices) for row in part.rows]
    if choices:
        return tuple(tuple(Button(one.label, "ask", "line", one.line) for one in row) for row in choices)
    return ()
