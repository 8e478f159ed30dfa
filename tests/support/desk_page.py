"""What tests/support/desk_page.ipynb composes: a played desk in the state that the page's address asks for."""

from urllib.parse import parse_qs

from tests.support import desk_page_risk, desk_views
from tests.support.desk_page_trades import PlayedTrades
from workbench.dashboard.risk_page import RiskPage
from workbench.dashboard.unified_dashboard import UnifiedDashboard
from workbench.ledger.log import open_ledger
from workbench.widgets.desk_pump import PanelSettings


def open_page(query: str) -> tuple[desk_views.PlayedDesk, UnifiedDashboard]:
    """`case` names a change in desk_views or 'broken'; `every`, `gap`, `lapse` are seconds; `ledger` is where
    the look that `viewer` likes is remembered."""
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    desk = desk_views.PlayedDesk()
    desk.change = _broken if asked.get("case") == "broken" else getattr(desk_views, asked.get("case", ""), None)
    settings = PanelSettings(
        every_s=float(asked.get("every", 0.5)),
        least_gap_s=float(asked.get("gap", 0.25)),
        lapse_s=float(asked.get("lapse", 90)),
    )
    risk = desk_page_risk.PlayedRisk(getattr(desk_page_risk, asked.get("case", ""), None))
    trades = PlayedTrades(asked.get("case", ""))
    choices = None
    if "ledger" in asked:
        choices = open_ledger(asked["ledger"]).page_choices(asked.get("viewer", "desk"))
    pages = [trades, RiskPage(risk.look, risk.what_if)]
    return desk, UnifiedDashboard(desk, settings=settings, pages=pages, choices=choices)


def _broken(_data):
    raise OSError("the ledger file .workbench/ledger.sqlite cannot be read: disk I/O error")
