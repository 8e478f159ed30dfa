"""When which bot opened a trade on which market, as the desk wrote it down."""

from datetime import datetime

from workbench.ledger.log import SqlLedger

TRADE_OPENED, TRADE_CLOSED = "TradeOpened", "TradeClosed"
_BATCH = 1000
Entries = dict[str, set[tuple[str, datetime]]]
"""By bot: (symbol, market time) of each trade that it opened."""


def trade_entries(ledger: SqlLedger) -> Entries:
    """Every trade that was ever opened while a desk looked. Blocking; raises LedgerError."""
    found: Entries = {}
    after = 0
    while batch := ledger.read(after, _BATCH, (TRADE_OPENED,)):
        after = batch[-1].seq
        for event in batch:
            said = event.payload
            opened = datetime.fromisoformat(str(said["opened_at"]))
            found.setdefault(str(said["bot_id"]), set()).add((str(said["symbol"]), opened))
    return found
