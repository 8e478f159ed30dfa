"""The pages behind the overview. A new one is a class with `name`, `look` and `choose`, and one line here."""

from typing import Any, Protocol

from workbench.dashboard.overview_page import OverviewPage
from workbench.dashboard.risk_page import RiskPage
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.widgets.page_pump import Page


class Desk(Protocol):
    """The part of a `bootstrap.connection.Connection` that pages are made of."""

    @property
    def center(self) -> UnifiedCommandCenter: ...

    @property
    def dispatcher(self) -> Any: ...

    @property
    def ledger(self) -> Any: ...

    @property
    def run(self) -> Any: ...


def pages_of(desk: Desk) -> list[Page]:
    """In the order of their tabs."""
    return [OverviewPage(desk.center), RiskPage.of(desk.center, desk.run.exchange_url if desk.run else "")]
