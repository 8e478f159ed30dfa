"""The state file: accounts with their keys, orders, trades and where the clock stands, in one SQLite database.

SQLite rather than a journal of our own: one transaction carries an order, its trades, the balances they left and the
moment they happened at, so that a killed exchange comes back to a state that once was. WAL with synchronous=FULL: what
was acknowledged survives a power loss too. The file holds API secrets, so only its owner may read it.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pysqlite3

from workbench.domain.errors import ExchangeError, StartError
from workbench.market.paper_exchange.accounts import Account, Balance
from workbench.market.paper_exchange.books import Books, Trade
from workbench.market.paper_exchange.engine import Change
from workbench.market.paper_exchange.keyring import Credentials, Keyring
from workbench.market.paper_exchange.markets import Market
from workbench.market.paper_exchange.matching import PaperOrder

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (name TEXT PRIMARY KEY, key TEXT, secret TEXT, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS orders (account TEXT, id INTEGER, body BLOB NOT NULL, PRIMARY KEY (account, id));
CREATE TABLE IF NOT EXISTS trades (account TEXT, id INTEGER, body BLOB NOT NULL, PRIMARY KEY (account, id));
"""


class StateLost(ExchangeError):
    """Memory has run ahead of the state file: only a new start, from the file, is safe."""


class Store:
    """An open state file. Raises StartError where it cannot be used; only one process may hold it."""

    def __init__(self, path: Path):
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            path.chmod(0o600)
            self._db = pysqlite3.connect(str(path), isolation_level=None, timeout=0.2)
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_TABLES)
            self._db.execute(
                "UPDATE facts SET value = value WHERE name = ''"
            )  # takes the lock now, not at the first order
        except pysqlite3.OperationalError as error:
            held = "another exchange holds it" if "locked" in str(error) else str(error)
            raise StartError(f"the state file {path} cannot be used: {held}; name another with --state") from None
        except pysqlite3.DatabaseError as error:
            raise StartError(
                f"the state file {path} is not one of ours ({error}); move it away or name another"
            ) from None
        except OSError as error:
            raise StartError(f"the state file {path} cannot be written: {error.strerror}; name another") from None

    def facts(self) -> dict[str, Any]:
        """What the run that wrote the file was; empty for a new one."""
        return {name: orjson.loads(value) for name, value in self._db.execute("SELECT name, value FROM facts")}

    def note(self, **facts: Any) -> None:
        rows = [(name, orjson.dumps(value)) for name, value in facts.items()]
        self._db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", rows)

    def load(self, books: Books, keyring: Keyring, markets: Mapping[str, Market]) -> None:
        """Give the accounts, their orders and trades to `books`, their keys to `keyring`.

        Raises StartError where an order is of a market that is not served now: its money would stay locked.
        """
        asked = self._db.execute("SELECT DISTINCT body ->> 'market' FROM orders").fetchall()
        missing = [symbol for (symbol,) in asked if symbol not in markets]
        if missing:
            raise StartError(f"the state file {self.path} holds orders of {missing[0]}; serve it too with --symbols")
        for name, key, secret, body in self._db.execute("SELECT name, key, secret, body FROM accounts").fetchall():
            keyring.add(Credentials(name, key, secret))
            orders = [_order(row, markets) for row in self._rows("orders", name)]
            trades = [_trade(row, markets) for row in self._rows("trades", name)]
            books.adopt(_account(orjson.loads(body)), orders, trades)

    def save(self, position: int, accounts: Iterable[tuple[Account, Credentials]], changes: Iterable[Change]) -> None:
        """Write what changed, in one transaction that is durable when this returns. Raises StateLost."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for account, held in accounts:
                row = (account.name, held.key, held.secret, _json(asdict(account)))
                self._db.execute("INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?)", row)
            for change in changes:
                order, trade = change.order, change.trade
                self._put("orders", order.account, order.order_id, order)
                if trade:
                    self._put("trades", trade.account, trade.trade_id, trade)
            self.note(position=position)
            self._db.execute("COMMIT")
        except pysqlite3.Error as error:
            raise StateLost(
                f"the state file {self.path} cannot be written ({error}); make room and start again"
            ) from error

    def close(self) -> None:
        self._db.close()

    def _rows(self, table: str, account: str) -> list[dict]:
        rows = self._db.execute(f"SELECT body FROM {table} WHERE account = ? ORDER BY id", (account,)).fetchall()
        return [orjson.loads(body) for (body,) in rows]

    def _put(self, table: str, account: str, number: int, value: PaperOrder | Trade) -> None:
        body = {name: getattr(value, name) for name in value.__dataclass_fields__} | {"market": value.market.symbol}
        self._db.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", (account, number, _json(body)))


def _json(value: Any) -> bytes:
    return orjson.dumps(value, default=str)


def _account(body: dict) -> Account:
    balances = {a: Balance(Decimal(held["free"]), Decimal(held["locked"])) for a, held in body.pop("balances").items()}
    fees = {asset: Decimal(paid) for asset, paid in body.pop("fees_paid").items()}
    return Account(balances=balances, fees_paid=fees, **body)


def _decimals(body: dict, *names: str) -> dict:
    return body | {name: Decimal(body[name]) for name in names if body[name] is not None}


def _order(body: dict, markets: Mapping[str, Market]) -> PaperOrder:
    numbers = _decimals(body, "amount", "price", "stop", "filled", "spent", "quote_amount")
    return PaperOrder(**numbers | {"market": markets[body["market"]]})


def _trade(body: dict, markets: Mapping[str, Market]) -> Trade:
    numbers = _decimals(body, "price", "amount", "fee")
    return Trade(**numbers | {"market": markets[body["market"]]})
