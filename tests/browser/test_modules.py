"""The page's pure modules, run where they will run."""

import pytest

pytestmark = pytest.mark.browser


def call(page, module, expression):
    return page.evaluate(f"async () => {{ const m = await import('/{module}.js'); return {expression}; }}")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("m.fixed(1234567.891)", "1,234,567.89"),
        ("m.fixed(0)", "0.00"),
        ("m.fixed(-0.004)", "0.00"),
        ("m.fixed(-1234.5)", "−1,234.50"),
        ("m.fixed(NaN)", "–"),
        ("m.fixed(null)", "–"),
        ("m.signed(12.345)", "+12.35"),
        ("m.signed(0.001)", "0.00"),
        ("m.signed(-3)", "−3.00"),
        ("m.tone(0.004)", ""),
        ("m.tone(-0.01)", "down"),
        ("m.price(6512.3)", "6,512.30"),
        ("m.price(0.21347)", "0.21347"),
        ("m.money({amount: -5, currency: 'USD'}, true)", "−5.00 USD"),
        ("m.money(null)", "–"),
        ("m.percent(0.0123)", "+1.23 %"),
        ("m.span(94000)", "1 min"),
        ("m.span(-5)", "0 s"),
        ("m.ago(0, 12000)", "12 s ago"),
        ("m.ago(0, 7200000)", "1970-01-01 01:00"),
        ("m.time(1523491200000)", "2018-04-12 02:00"),
        ("m.timeUtc(1523491200000)", "2018-04-12 00:00:00 UTC"),
        ("m.ZONE", "Europe/Berlin"),
        ("m.words('OrderFilled')", "Order filled"),
        ("m.words('command.finished')", "Command finished"),
    ],
)
def test_figures_and_times_read_as_promised(modules, expression, text):
    assert call(modules, "format", expression) == text


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("1.5", "1.5"),
        ("-1.5", "-1.5"),
        ("'=1+1'", "'=1+1"),
        ("'@x'", "'@x"),
        ("'-cmd|x'", "'-cmd|x"),
        ("""'a,"b"'""", '"a,""b"""'),
        ("'two\\nlines'", '"two\nlines"'),
        ("null", ""),
        ("NaN", ""),
    ],
)
def test_csv_cells_are_quoted_and_formulas_disarmed(modules, value, cell):
    assert call(modules, "csv", f"m.cell({value})") == cell


def test_the_window_zooms_pans_follows_and_resets(modules):
    steps = """(() => {
      const times = Array.from({length: 101}, (_, i) => i * 10), later = [...times, 1010];
      const w = new m.SpanWindow(), seen = [w.over(times)];
      w.zoom(times, 1000, 0.5); seen.push([...w.over(times)]);      // at the newest end
      seen.push([...w.over(later)]);                                // follows
      w.pan(later, -200); seen.push([...w.over([...later, 1020])]); // stays where it was put
      w.pan(later, -1e9); seen.push([...w.over(later)]);            // not past the beginning
      w.zoom(later, 300, 1e-9); seen.push(w.range[1] - w.range[0] > 0);
      w.zoom(later, 300, 1e9); seen.push(w.whole);
      return seen;
    })()"""

    seen = call(modules, "span_window", steps)

    assert seen == [[0, 1000], [500, 1000], [510, 1010], [310, 810], [0, 500], True, True]


def test_lines_with_different_times_share_one_table(modules):
    steps = """m.tableOf([
      {t: [1, 2, 4], v: [10, 11, 12], base: 10}, {t: [2, 3], v: [20, 30], base: 20},
    ], "pnl")"""

    assert call(modules, "lines", steps) == [[1, 2, 3, 4], [0, 1, None, 2], [None, 0, 10, None]]


def test_lines_in_another_currency_are_named_not_drawn(modules):
    steps = """(() => {
      const line = (currency) => ({t: [1, 2], v: [1, 2], currency});
      const bots = new Map(["a", "b"].map((id) => [id, {id, status: null, colour: {dark: "#111111"}}]));
      const equity = new Map([["a", line("USD")], ["b", line("EUR")], ["total", line("USD")]]);
      const found = m.linesOf({order: ["a", "b"], bots, equity, total: null}, "dark");
      return [found.lines.map((one) => one.id), found.left, found.currency];
    })()"""

    assert call(modules, "lines", steps) == [["a", "total"], ["b"], "USD"]


def test_a_page_that_missed_a_difference_asks_for_the_snapshot(modules):
    steps = """(() => {
      const asked = [], store = new m.Store((message) => asked.push(message));
      const none = {order: [], bots: {}, equity: {}, events: []};
      const view = {kind: "snapshot", seq: 5, phase: "live", as_of: Date.now(), ...none};
      store.hear(view);
      store.hear({kind: "diff", seq: 6, set: {state: "active"}});
      store.hear({kind: "diff", seq: 8, set: {state: "halted"}});
      return [asked, store.view.seq, store.view.state];
    })()"""

    asked, seq, state = call(modules, "store", steps)

    assert asked == [{"kind": "hello", "seq": 6}]
    assert (seq, state) == (6, "active")


def test_a_fall_is_seen_from_the_peak_before_it(modules):
    assert call(modules, "lines", "m.drawdown([100, 120, 90, 120, 150])") == [0, 0, -25, 0, 0]
    assert call(modules, "lines", "m.drawdown([0, -5, 10])") == [None, None, 0]


def test_a_files_money_brings_its_currency_and_its_times_are_utc(modules):
    steps = """m.bare([
      {label: "Bot", text: (row) => row.bot},
      {label: "P&L", right: true, text: () => "+1.50", sort: (row) => row.pnl, currency: () => "USD"},
      {label: "Closed", kind: "time", right: true, sort: (row) => row.at},
    ], [{bot: "=evil", pnl: 0.1, at: 1523491200000}, {bot: "b", pnl: null, at: null}])"""

    assert call(modules, "files", steps) == {
        "columns": [
            {"name": "Bot", "kind": "text"},
            {"name": "P&L", "kind": "number"},
            {"name": "P&L currency", "kind": "text"},
            {"name": "Closed", "kind": "time"},
        ],
        "rows": [["=evil", 0.1, "USD", "2018-04-12T00:00:00.000Z"], ["b", None, "USD", None]],
    }


@pytest.mark.parametrize(
    ("unit", "days"),
    [
        ("day", ["2018-03-30", "2018-03-31", "2018-04-01"]),
        ("week", ["2018-03-26"]),
        ("month", ["2018-03-01", "2018-04-01"]),
    ],
)
def test_periods_without_a_trade_are_shown_as_such_up_to_today(modules, unit, days):
    first = f"m.firstDay('2018-03-30', '{unit}')"
    steps = f"m.filled([{{day: {first}, profit: 5, trades: 1, wins: 1}}], '{unit}', '2018-04-01', 31)"

    found = call(modules, "calendar", steps)

    assert [period["day"] for period in found] == days
    assert sum(period["profit"] for period in found) == 5


def test_no_trade_means_no_period_and_only_the_last_are_shown(modules):
    assert call(modules, "calendar", "m.filled([], 'day', '2018-04-01', 31)") == []
    steps = "m.filled([{day: '2017-01-01'}, {day: '2018-04-01'}], 'day', '2018-04-02', 3).map((one) => one.day)"
    assert call(modules, "calendar", steps) == ["2018-03-31", "2018-04-01", "2018-04-02"]
