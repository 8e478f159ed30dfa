"""What tests/support/xss_page.ipynb composes: every tab of the page over a desk in which an enemy has named everything.

The names go round: each look begins with the next of the sixty texts, so that each field shows all of them in turn.
"""

from datetime import UTC, datetime, timedelta
from itertools import cycle
from types import SimpleNamespace

import ipywidgets

from tests.support import desk_page_risk, desk_views
from tests.support.desk_page_trades import PlayedTrades
from tests.support.xss import PAYLOADS
from workbench.commands.asked import Viewer
from workbench.commands.reply import Chart, Column, Question, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Known
from workbench.dashboard.ask_pages import ask_pages
from workbench.dashboard.live_charts import REPLAY_FROM
from workbench.dashboard.risk_page import RiskPage
from workbench.dashboard.unified_dashboard import UnifiedDashboard
from workbench.dashboard.widget_tabs import widget_tabs
from workbench.domain.drawings import Anchor, Board, Drawing, Note
from workbench.domain.errors import WorkbenchError
from workbench.domain.market import Timeframe
from workbench.domain.patterns import Annotation, Outcome
from workbench.domain.portfolio import Money
from workbench.market import sample
from workbench.widgets.desk_pump import PanelSettings
from workbench.widgets.tab_hand import WidgetTab

HALF = Timeframe.parse("30m")
SPEC = {"mark": "point", "data": {"values": [{"a": 1}]}, "encoding": {"x": {"field": "a", "type": "quantitative"}}}
LINES = tuple(text for text in PAYLOADS if text.isprintable())
"""Those that a name, a note or a line may be: one line of printable letters."""


def open_page():
    """The dashboard; the desk stays alive with it."""
    desk_views.EVIL = PAYLOADS
    desk = desk_views.PlayedDesk()
    desk.change = turning(desk_views.hostile)
    risk = desk_page_risk.PlayedRisk(turning(desk_page_risk.hostile))
    trades = PlayedTrades("hostile")
    enemy = Enemy()
    floor = SimpleNamespace(center=trades._center, ledger=trades.ledger, dispatcher=enemy, run=None)
    draw(trades.ledger)
    label(trades.ledger)
    refusing = WidgetTab("refuses", PAYLOADS[0], choices, refuse, refuse)
    widgets = [*widget_tabs(floor), WidgetTab("offers", PAYLOADS[1], choices, words, refuse), refusing]
    settings = PanelSettings(every_s=0.3, least_gap_s=0.2)
    return desk, UnifiedDashboard(
        desk, None, settings, [trades, RiskPage(risk.look, risk.what_if)], enemy, ask_pages(), widgets
    )


def turning(change):
    """`change`, beginning four texts further on each time."""
    at = cycle(range(0, len(PAYLOADS), 4))

    def turned(data):
        first = next(at)
        desk_views.EVIL = PAYLOADS[first:] + PAYLOADS[:first]
        return change(data)

    return turned


class Enemy:
    """A dispatcher whose every answer is hostile in every part, and names the line it was asked."""

    viewer = Viewer(LINES[3])

    def known(self):
        return Known(bots=LINES, tags=LINES, symbols=LINES, now=datetime.now(UTC), zone=None)

    async def ask(self, line, progress=None, request_id=""):
        if progress:
            progress(0.5, PAYLOADS[len(line) % len(PAYLOADS)])
        return hostile_reply(line)


def hostile_reply(line=""):
    """Every kind of part, every text of it hostile, each with all of them."""
    words = tuple(Shape(shape) for shape in ("text", "bot", "state", "change", "number"))
    columns = tuple(Column(PAYLOADS[n], shape) for n, shape in enumerate(words))
    rows = tuple((text, text, text, Money(1.0, text), None) for text in PAYLOADS)
    why = {(n, PAYLOADS[4]): text for n, text in enumerate(PAYLOADS)}
    until = datetime.now(UTC) + timedelta(minutes=5)
    return Reply(
        line or PAYLOADS[0],
        (
            *(Text(text, tone) for text, tone in zip(PAYLOADS, cycle(Tone))),
            Table(columns, rows, PAYLOADS[1], why),
            Chart(SPEC | {"title": list(PAYLOADS)}, " ".join(PAYLOADS)),
            Chart({"mark": PAYLOADS[11]}, PAYLOADS[2]),
            Question(PAYLOADS[3], PAYLOADS[5], until),
        ),
        ok=False,
        error="\n".join(PAYLOADS),
        notes=PAYLOADS,
        as_of=datetime.now(UTC),
    )


def draw(ledger):
    """Notes of the viewer and of others on the first bars of the live chart."""
    for user in ("you", "desk", Enemy.viewer.name):
        board = Board(user, sample.SYMBOLS[0], HALF)
        notes = [
            Drawing(f"n{n}", board, Note(Anchor(REPLAY_FROM - n * HALF.step, 7500.0 + 10 * n)), text)
            for n, text in enumerate(LINES)
        ]
        ledger.drawings.change(board, notes)


def label(ledger):
    """Labels of the lab's viewer, each window named and annotated by an enemy."""
    table = sample.load(sample.SYMBOLS[0])
    for n, text in enumerate(LINES):
        window = table.iloc[9000 + 7 * n : 9012 + 7 * n]
        bars = tuple(tuple(map(float, row)) for row in window[["open", "high", "low", "close", "volume"]].to_numpy())
        first, last = window.index[0].to_pydatetime(), window.index[-1].to_pydatetime()
        outcome = Outcome.SUCCESS if n % 2 else Outcome.FAILURE
        ledger.annotations.add(
            Annotation(
                f"a{n}", Enemy.viewer.name, text, sample.SYMBOLS[0], HALF, first, last, bars, last, outcome, note=text
            )
        )


def choices():
    return {PAYLOADS[7]: PAYLOADS, PAYLOADS[8]: PAYLOADS}


async def words(choice):
    return ipywidgets.Label(" ".join(PAYLOADS))


async def refuse(choice):
    raise WorkbenchError("; ".join(PAYLOADS))
