"""The tabs that are questions in the one grammar: what each asks first. The viewer may change the line."""

from collections.abc import Sequence

from workbench.commands.catalogue import CATALOGUE
from workbench.commands.spec import Known
from workbench.widgets.ask_hand import AskPage

MARKETS = 6


def ask_pages() -> list[AskPage]:
    """In the order of their tabs, behind the pages of `pages.pages_of`."""
    return [
        AskPage("forecasts", "Forecasts", _forecasts, "What bots expect, how right they were, how they learn."),
        AskPage("correlation", "Correlation", _correlation, "How the markets move together, and whether that changed."),
        AskPage("patterns", "Patterns", _patterns, "Your own shapes: where they are now, and whether they are real."),
        AskPage("runs", "Runs and audit", _runs, "What was decided, by whom, and what ran by itself."),
        AskPage("ask", "Ask", _ask, "Every command, as in a terminal or a chat."),
    ]


def _offered(lines: Sequence[str]) -> list[str]:
    """Those whose command exists."""
    words = {spec.words for spec in CATALOGUE}

    def exists(line: str) -> bool:
        said = line.removeprefix("/").split()
        return any(tuple(said[:n]) in words for n in range(len(said), 0, -1))

    return [line for line in lines if exists(line)]


def _first(known: Known) -> str:
    return _typed(known.symbols[0]) if known.symbols else "BTCUSD"


def _typed(symbol: str) -> str:
    return symbol.replace("/", "")


def _forecasts(known: Known) -> list[str]:
    first = _first(known)
    market = [f"/cross forecast {first} 30m", f"/cross plan {first} 30m", f"/regime {first}"]
    return _offered(["/league", "/learning", *market, "/model list"])


def _correlation(known: Known) -> list[str]:
    markets = [_typed(symbol) for symbol in known.symbols[:MARKETS]] or ["BTCUSD", "ETHUSD"]
    return _offered(
        [f"/correlate {' '.join(markets)}"] + [f"/correlate {markets[0]} {other}" for other in markets[1:4]]
    )


def _patterns(known: Known) -> list[str]:
    lines = ["/pattern list", "/pattern success", "/pattern recommend", "/pattern scan", f"/draw sr {_first(known)}"]
    return _offered(lines)


def _runs(known: Known) -> list[str]:
    return _offered(["/audit", "/report", "/alerts", "/events 50"])


def _ask(known: Known) -> list[str]:
    return _offered(["/help", "/bots", "/status", "/risk status", "/risk limits"])
