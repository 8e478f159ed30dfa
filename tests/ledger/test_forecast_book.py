"""Forecasts are kept before their outcome can exist, settled once, and the sums agree with the scores."""

from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import delete, select, update

from tests.ledger.builders import AT
from tests.support.plain_bots import a_forecast
from workbench.domain.errors import LedgerError
from workbench.ledger import forecast_tables
from workbench.ledger.forecast_book import Settled, forecast_id, lateness
from workbench.ledger.forecast_sums import Filter
from workbench.ledger.log import open_ledger

HOUR = timedelta(hours=1)
SEEN = AT.replace(minute=0, second=0, microsecond=0)
WORLD = "replay-1"


@pytest.fixture
def book(ledger):
    return ledger.forecasts


def fan(bot="trend", symbol="BTC/USD", seen_at=SEEN, horizon=4, **changes):
    return a_forecast(bot, symbol, seen_at=seen_at, horizon=horizon, **changes)


def score(kept, **changes):
    figures = {"outcome": 8000.0, "sigma": 0.02, "crps": 0.5, "naive": 0.6, "pinball": 0.2, "pit": 0.4}
    told = {"reason": "", "regime": "usual", "qlike": None, "qlike_naive": None} | figures | changes
    return {"forecast_id": kept.forecast_id, **told}


def sums(bot="trend", symbol="BTC/USD", **changes):
    key = {"bot_id": bot, "symbol": symbol, "timeframe": "1h", "ahead_s": 14_400, "regime": "usual", "month": 202405}
    figures = {"scored": 1, "crps": 0.5, "naive": 0.6, "pit_08": 1, "lowest": 0.05, "highest": 0.95}
    return key | figures | changes


def days(bot="trend", symbol="BTC/USD", day=1, crps=0.5):
    table = np.zeros((31, 3))
    table[day - 1] = 1, crps, 0.6
    return {
        "bot_id": bot,
        "symbol": symbol,
        "timeframe": "1h",
        "ahead_s": 14_400,
        "month": 202405,
        "days": table,
    }


def settle(book, rounds, trust=None):
    scores = [score(kept) for one in rounds for kept in one.kept]
    bots = [(kept.forecast.bot_id, kept.forecast.symbol) for one in rounds for kept in one.kept]
    added = [sums(*who) for who in bots], [days(*who) for who in bots]
    return book.settle(WORLD, Settled(scores, *added, trust or {}))


def test_a_forecast_is_kept_as_it_was_given(book, second):
    given = fan(volatility=0.031, model_version="m-2")

    told = book.record(WORLD, [given], SEEN + timedelta(minutes=5))

    kept, scored = second.forecasts.find(forecast_id(WORLD, given))
    assert (told.kept, told.known, told.late) == (1, 0, {})
    assert kept.forecast == given
    assert kept.stored_at == SEEN + timedelta(minutes=5)
    assert scored is None
    assert second.forecasts.waiting(WORLD) == 1


def test_the_first_word_of_a_bot_on_a_close_counts(book):
    first, later = fan(), fan(values=tuple(9000.0 + n for n in range(7)), model_version="2")

    book.record(WORLD, [first], SEEN)
    told = book.record(WORLD, [later, first], SEEN + HOUR)
    both = book.record("replay-2", [later, first], SEEN)

    assert (told.kept, told.known) == (0, 2)
    assert book.find(forecast_id(WORLD, first))[0].forecast == first
    assert (both.kept, both.known) == (1, 1)
    assert book.find(forecast_id("replay-2", first))[0].forecast == later
    assert book.waiting(WORLD) == 1


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (SEEN + 4 * HOUR, "after its moment had passed"),
        (SEEN + 40 * HOUR, "after its moment had passed"),
        (SEEN - timedelta(seconds=1), "claims to have seen"),
        (SEEN + 3 * HOUR, "bars had gone by"),
    ],
)
def test_a_late_forecast_is_marked_and_never_scored(book, now, words):
    told = book.record(WORLD, [fan()], now)

    assert words in told.late["trend"]
    assert book.matured(WORLD, SEEN + 100 * HOUR) == []
    assert book.find(forecast_id(WORLD, fan()))[0].late == told.late["trend"]
    assert book.sums.read(WORLD, ["bot_id"], Filter())[0]["late"] == 1


def test_a_forecast_between_closes_is_marked():
    odd = fan(seen_at=SEEN + timedelta(minutes=7))

    assert "no 1h bar closes at" in lateness(odd, SEEN + timedelta(minutes=8))
    assert lateness(fan(horizon=1), SEEN + timedelta(minutes=59)) == ""


@pytest.mark.parametrize("table", ["forecasts", "forecast_scores"])
def test_what_is_kept_is_never_changed(book, ledger, table):
    book.record(WORLD, [fan()], SEEN)
    settle(book, book.matured(WORLD, SEEN + 4 * HOUR))
    kept = forecast_tables.metadata.tables[table]

    for statement in (update(kept).values(forecast_id="x"), delete(kept)):
        with pytest.raises(LedgerError, match="never changed"), ledger._store.write() as connection:
            connection.execute(statement)


def test_rounds_come_whole_and_oldest_first(book):
    for hours in (1, 0):
        seen = SEEN + hours * HOUR
        given = [fan(bot, symbol, seen) for bot in ("b", "a") for symbol in ("ETH/USD", "BTC/USD")]
        book.record(WORLD, given, seen)

    early = book.matured(WORLD, SEEN + 4 * HOUR)
    late = book.matured(WORLD, SEEN + 5 * HOUR)
    cut = book.matured(WORLD, SEEN + 5 * HOUR, limit=5)

    assert [(r.symbol, r.seen_at) for r in early] == [("BTC/USD", SEEN), ("ETH/USD", SEEN)]
    assert [[kept.forecast.bot_id for kept in r.kept] for r in late] == [["a", "b"]] * 4
    assert cut == late[:2]  # the third would have been half
    assert book.matured("replay-2", SEEN + 100 * HOUR) == []


def test_settling_writes_scores_sums_and_trust_once(book, second):
    book.record(WORLD, [fan("a"), fan("b")], SEEN)
    rounds = book.matured(WORLD, SEEN + 4 * HOUR)

    done = settle(book, rounds, {("BTC/USD", 14_400): ("{}", SEEN)})
    again = settle(second.forecasts, rounds)

    assert (done, again) == (True, False)
    assert book.matured(WORLD, SEEN + 100 * HOUR) == []
    assert second.forecasts.trust(WORLD, "BTC/USD", 14_400) == "{}"
    assert second.forecasts.trust(WORLD, "ETH/USD", 14_400) is None
    totals = second.forecasts.sums.read(WORLD, ["bot_id"], Filter())
    assert [(row["bot_id"], row["scored"], row["crps"]) for row in totals] == [("a", 1, 0.5), ("b", 1, 0.5)]
    assert second.forecasts.find(rounds[0].kept[0].forecast_id)[1]["crps"] == 0.5


def test_a_race_writes_nothing(book, second):
    book.record(WORLD, [fan("a"), fan("b")], SEEN)
    rounds = book.matured(WORLD, SEEN + 4 * HOUR)
    only_a = [score(rounds[0].kept[0])]
    second.forecasts.settle(WORLD, Settled(only_a, [], [], {}))

    lost = settle(book, rounds, {("BTC/USD", 14_400): ("{}", SEEN)})

    assert not lost
    assert book.trust(WORLD, "BTC/USD", 14_400) is None
    assert book.sums.read(WORLD, ["bot_id"], Filter()) == []
    assert [kept.forecast.bot_id for one in book.matured(WORLD, SEEN + 4 * HOUR) for kept in one.kept] == ["b"]


def test_sums_add_up_by_any_key(book, ledger):
    rows = [
        sums("a", crps=0.25),
        sums("a", "ETH/USD", lowest=0.1),
        sums("b", regime="wild", month=202406, highest=0.9),
        sums("a", scored=3, pit_08=2),
    ]
    with ledger._store.write() as connection:
        book.sums.add(connection, WORLD, rows[:2], [])
        book.sums.add(connection, WORLD, rows[2:], [])

    def read(*by, **wanted):
        found = book.sums.read(WORLD, by, Filter(**wanted))
        return [(*(row[name] for name in by), row["scored"]) for row in found]

    assert read("bot_id") == [("a", 5), ("b", 1)]
    assert read("bot_id", "symbol") == [("a", "BTC/USD", 4), ("a", "ETH/USD", 1), ("b", "BTC/USD", 1)]
    assert read("regime") == [("usual", 5), ("wild", 1)]
    assert read("bot_id", symbol="ETH/USD") == [("a", 1)]
    assert read("bot_id", months=(202406, 202412)) == [("b", 1)]
    assert read("bot_id", bots=("b",), ahead_s=14_400, timeframe="1h", regime="wild") == [("b", 1)]
    (total,) = book.sums.read(WORLD, [], Filter())
    assert (total["lowest"], total["highest"], total["pit_08"]) == (0.1, 0.9, 5)
    assert book.worlds() == [WORLD]


def test_days_add_up(book, ledger):
    with ledger._store.write() as connection:
        book.sums.add(connection, WORLD, [], [days(day=1, crps=0.25)])
        book.sums.add(connection, WORLD, [], [days(day=1), days("b", day=31)])

    told = book.sums.days(WORLD, Filter())
    found = {key[0]: (*key[1:], table) for key, table in zip(told.keys, told.tables, strict=True)}

    assert found["trend"][:3] == ("BTC/USD", 14_400, 202405)
    assert found["trend"][3][0].tolist() == [2, 0.75, 1.2]
    assert found["b"][3][30].tolist() == [1, 0.5, 0.6]
    assert found["b"][3][:30].sum() == 0


def test_names_are_text(book):
    cruel = "'; DROP TABLE forecasts; --"
    given = fan(cruel, cruel, model_version="<script>")

    book.record(WORLD, [given], SEEN)

    assert book.matured(WORLD, SEEN + 4 * HOUR)[0].kept[0].forecast == given


def test_opening_again_and_a_newer_workbench(ledger, ledger_url):
    ledger.forecasts.record(WORLD, [fan()], SEEN)
    again = open_ledger(ledger_url)
    assert again.forecasts.waiting(WORLD) == 1
    again.close()
    with ledger._store.write() as connection:
        connection.execute(
            update(forecast_tables.meta).where(forecast_tables.meta.c.name == "forecasts").values(value="9")
        )
        assert connection.execute(select(forecast_tables.meta.c.value)).scalars().all()

    with pytest.raises(LedgerError, match="version 9 and this workbench knows 1"):
        open_ledger(ledger_url)
