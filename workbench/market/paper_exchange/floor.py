"""The trading floor: one place where requests, price moves, the state file and the listeners meet.

Every change goes the same way: the engine decides, the state file keeps it, then those who follow the account hear it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from workbench.market.paper_exchange import dialect_account as dialect
from workbench.market.paper_exchange.accounts import EXACT, Account
from workbench.market.paper_exchange.board import Board
from workbench.market.paper_exchange.books import Books
from workbench.market.paper_exchange.engine import Change, Engine, Ticket
from workbench.market.paper_exchange.hub import Hub
from workbench.market.paper_exchange.keyring import Credentials, Keyring
from workbench.market.paper_exchange.markets import decimal_text
from workbench.market.paper_exchange.matching import Move
from workbench.market.paper_exchange.refusals import unknown_symbol
from workbench.market.paper_exchange.store import StateLost, Store
from workbench.market.paper_exchange.streams import Switchboard


@dataclass
class Floor:
    """`boards` by wire name (BTCUSD). `position`: where the clock stands, kept with every change. `broken` is called
    when the state file fails: what memory holds must not be served any more."""

    boards: Mapping[str, Board]
    switchboard: Switchboard
    hub: Hub
    engine: Engine = field(default_factory=Engine)
    keyring: Keyring = field(default_factory=Keyring)
    store: Store | None = None
    position: int = 0
    broken: Callable[[StateLost], None] | None = None
    lost: StateLost | None = None

    @property
    def books(self) -> Books:
        return self.engine.books

    def board(self, market_id: str) -> Board:
        """Raises Refused (-1121)."""
        found = self.boards.get(market_id)
        if found is None:
            raise unknown_symbol()
        return found

    def open_account(self, name: str, funds: Mapping[str, Decimal]) -> Credentials:
        """Open an account, or find it: asking twice gives the same keys and no second deposit."""
        known = name in self.books.accounts
        account = self.books.open_account(name, funds)
        credentials = self.keyring.of(name)
        if not known and self.store:
            self._save([(account, credentials)], [])
        return credentials

    def submit(self, ticket: Ticket) -> list[Change]:
        changes = self.engine.submit(ticket, self.boards[ticket.market.id].quote())
        self.commit(changes)
        return changes

    def cancel(self, account: str, key: int | str, market_id: str, by: str = "") -> Change:
        """`by`: the client id the canceller gives to this act."""
        board = self.board(market_id)
        change = self.engine.cancel(account, key, board.now_ms, board.market.symbol)
        change = replace(change, by_client_id=by)
        self.commit([change])
        return change

    def move(self, moves: Iterable[tuple[str, Move]]) -> list[Change]:
        """Let resting orders meet new prices, by symbol."""
        changes = [change for symbol, move in moves for change in self.engine.move(symbol, move)]
        self.commit(changes)
        return changes

    def commit(self, changes: list[Change]) -> None:
        """Keep changes, then tell them."""
        if not changes:
            return
        if self.store:
            names = dict.fromkeys(change.order.account for change in changes)
            accounts = [(self.books.accounts[name], self.keyring.of(name)) for name in names]
            self._save(accounts, changes)
        for change in changes:
            self._tell(change)
        self.hub.flush()

    def _save(self, accounts: list[tuple[Account, Credentials]], changes: list[Change]) -> None:
        assert self.store
        if self.lost:
            raise self.lost
        try:
            self.store.save(self.position, accounts, changes)
        except StateLost as error:
            self.lost = error
            if self.broken:
                self.broken(error)
            raise

    def _tell(self, change: Change) -> None:
        order, now = change.order, change.order.updated_ms
        account = self.books.accounts[order.account]
        self.hub.tell(account.name, dialect.execution_report(change, now))
        balances = account.touched((order.market.base, order.market.quote))
        self.hub.tell(account.name, dialect.account_position(balances, now))

    def snapshot(self) -> dict:
        """Every account as it stands: balances, open orders, equity."""
        return {name: self._account_view(account) for name, account in self.books.accounts.items()}

    def _account_view(self, account: Account) -> dict:
        held = {
            a: {"free": decimal_text(b.free), "locked": decimal_text(b.locked)}
            for a, b in sorted(account.balances.items())
        }
        orders = [dialect.order_row(order) for order in self.books.open_orders(account.name)]
        worth, currency, unknown = self.equity(account)
        return {
            "balances": held,
            "open_orders": orders,
            "equity": None if worth is None else {"amount": decimal_text(worth), "currency": currency},
            "unknown": unknown,
            "trades": account.trade_count,
            "fees_paid": {asset: decimal_text(fee) for asset, fee in sorted(account.fees_paid.items())},
        }

    def equity(self, account: Account) -> tuple[Decimal | None, str, str]:
        """Worth of an account at last prices: (worth, the quote currency it is told in, why it is unknown)."""
        quotes = [board.market.quote for board in self.boards.values()]
        held = {asset: balance.total for asset, balance in account.balances.items() if balance.total}
        currency = next((asset for asset in held if asset in quotes), quotes[0])
        worth = held.pop(currency, Decimal(0))
        for asset, amount in held.items():
            board = self.boards.get(asset + currency)
            last = board.last_trade() if board else None
            if board is None or last is None:
                return None, currency, f"{asset} has no price in {currency} here"
            worth = EXACT.add(worth, EXACT.multiply(amount, board.market.price(last.price)))
        return worth, currency, ""
