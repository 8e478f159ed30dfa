"""What has changed between two looks at the bots, as events. No clock but the caller's rows, no wire."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from workbench.domain.desk import BotRow
from workbench.domain.events import NewEvent
from workbench.domain.portfolio import Position, Trade
from workbench.orchestration import event_words as kinds

_OF_WORD = {"down": kinds.BOT_WENT_DOWN, "stale": kinds.BOT_STALE, "not ready": kinds.BOT_NOT_READY}


class Changes:
    """Remembers the last look. Ids of events say what they are about, so a desk that starts again repeats nothing."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._run_id = ""

    def notice(self, rows: Sequence[BotRow], run_id: str) -> list[NewEvent]:
        """Bots seen for the first time, bots whose health changed, positions opened."""
        if run_id and run_id != self._run_id:
            self._run_id, self._counts = run_id, {}
        events = []
        for row in rows:
            events += self._of_health(row)
            if row.status and row.health.live:
                events += [_opened(row.bot_id, run_id, position) for position in row.status.positions]
        return events

    def new_trades(self, bot_id: str, count: int) -> int:
        """How many of a bot's `count` finished trades are new since the last look; all where it began afresh."""
        before = self._counts.get(bot_id, 0)
        return count - before if count >= before else count

    def trades_closed(self, bot_id: str, count: int, trades: Sequence[Trade], run_id: str) -> list[NewEvent]:
        """Events for trades that a bot has told; those told before have the same ids and are kept once."""
        self._counts[bot_id] = count
        return [_closed(bot_id, run_id, trade) for trade in trades]

    def _of_health(self, row: BotRow) -> list[NewEvent]:
        word, before = row.health.word, self._words.get(row.bot_id)
        self._words[row.bot_id] = word
        if word == before:
            return []
        if word == "healthy":
            kind = kinds.BOT_ANNOUNCED if before is None else kinds.BOT_RECOVERED
            said = f"{row.bot_id} is here and healthy" if before is None else f"{row.bot_id} is healthy again"
        else:
            kind, said = _OF_WORD[word], f"{row.bot_id} is {word}: {row.health.reason}"
        return [
            _event(kind, row.bot_id, said, {"health": word}, f"{kind}:{row.bot_id}:{datetime.now(UTC).isoformat()}")
        ]


def _event(kind: str, bot_id: str, words: str, facts: dict[str, Any], event_id: str) -> NewEvent:
    return NewEvent(kind, bot_id, {"bot_id": bot_id, "words": words, **facts}, event_id, datetime.now(UTC))


def _opened(bot_id: str, run_id: str, position: Position) -> NewEvent:
    at = position.opened_at.isoformat()
    side = "bought" if position.amount >= 0 else "sold short"
    words = f"{bot_id} {side} {abs(position.amount):,.8g} {position.symbol} at {position.entry_price:,.8g}"
    facts = {
        "run_id": run_id,
        "symbol": position.symbol,
        "amount": position.amount,
        "entry_price": position.entry_price,
        "opened_at": at,
        "stop": position.stop,
        "targets": list(position.targets),
    }
    return _event(kinds.TRADE_OPENED, bot_id, words, facts, f"opened:{run_id}:{bot_id}:{position.symbol}:{at}")


def _closed(bot_id: str, run_id: str, trade: Trade) -> NewEvent:
    opened, closed = trade.opened_at.isoformat(), trade.closed_at.isoformat()
    quote = trade.symbol.partition("/")[2]
    words = f"{bot_id} closed {trade.symbol} at {trade.exit_price:,.8g}: {trade.pnl:+,.2f} {quote}".rstrip()
    facts = {
        "run_id": run_id,
        "symbol": trade.symbol,
        "amount": trade.amount,
        "entry_price": trade.entry_price,
        "exit_price": trade.exit_price,
        "pnl": trade.pnl,
        "fees": trade.fees,
        "reason": trade.reason,
        "opened_at": opened,
        "closed_at": closed,
    }
    event_id = f"closed:{run_id}:{bot_id}:{trade.symbol}:{opened}:{closed}"
    return _event(kinds.TRADE_CLOSED, bot_id, words, facts, event_id)
