"""The dashboard over a real ledger: news at once, an orderly end, and no wait outside a heated kernel."""

import asyncio
from datetime import UTC, datetime

from tests.support.desk_views import PlayedDesk
from workbench.dashboard.unified_dashboard import UnifiedDashboard, wait_for_viewer
from workbench.domain.events import NewEvent
from workbench.ledger.log import open_ledger
from workbench.widgets.desk_pump import PanelSettings

SELDOM = PanelSettings(every_s=60.0)


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  the condition is no event of ours
            await asyncio.sleep(0.01)


async def test_an_event_in_the_ledger_is_shown_long_before_the_next_poll(tmp_path):
    desk, ledger = PlayedDesk(), open_ledger(tmp_path / "ledger.sqlite")
    dashboard = UnifiedDashboard(desk, ledger, SELDOM)
    dashboard.show()
    await until(lambda: desk.calls == 1)
    await asyncio.sleep(0.2)  # the tail has begun

    event = NewEvent("BotWentDown", "trend", {}, "e1", datetime.now(UTC))
    await asyncio.to_thread(ledger.append, [event])
    await until(lambda: desk.calls >= 2)

    await dashboard.stop()
    ledger.close()


async def test_it_ends_and_begins_again(tmp_path):
    desk, ledger = PlayedDesk(), open_ledger(tmp_path / "ledger.sqlite")
    dashboard = UnifiedDashboard(desk, ledger, SELDOM)
    before = asyncio.all_tasks()

    panel = dashboard.show()
    await until(lambda: desk.calls == 1)
    await dashboard.stop()
    assert asyncio.all_tasks() == before
    assert not panel.pump.running

    assert dashboard.show() is panel
    await until(lambda: desk.calls == 2)
    await dashboard.stop()
    ledger.close()


async def test_a_ledger_that_closes_leaves_the_page_polling(tmp_path):
    desk, ledger = PlayedDesk(), open_ledger(tmp_path / "ledger.sqlite")
    dashboard = UnifiedDashboard(desk, ledger, PanelSettings(every_s=0.05, least_gap_s=0.01))
    dashboard.show()
    await until(lambda: desk.calls >= 1)

    ledger.close()
    seen = desk.calls
    await until(lambda: desk.calls > seen + 2)

    await dashboard.stop()


def test_outside_a_heated_kernel_nobody_waits(monkeypatch):
    monkeypatch.delenv("VOILA_PREHEAT", raising=False)
    monkeypatch.setenv("QUERY_STRING", "case=empty")

    assert wait_for_viewer() == "case=empty"


def test_a_heated_kernel_without_its_server_goes_on(monkeypatch):
    monkeypatch.setenv("VOILA_PREHEAT", "True")
    monkeypatch.setenv("VOILA_APP_PORT", "1")

    assert wait_for_viewer() == ""
