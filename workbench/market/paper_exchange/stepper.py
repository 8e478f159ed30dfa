"""One step of a replay: prices move, resting orders meet them, then listeners hear of it.

At a bar's open step the bars that ended are published after the price has moved to the new open, so that an order sent
in answer to a closed bar trades at the next open. All market times are times of steps. Knows nothing of wall time.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.market.paper_exchange.board import Board
from workbench.market.paper_exchange.floor import Floor
from workbench.market.paper_exchange.matching import Move
from workbench.market.paper_exchange.recording import STEPS, Recording
from workbench.market.paper_exchange.replay_board import Cursor, ReplayBoard


@dataclass
class Stepper:
    """`boards` by symbol. `cursor` is where the replay stands; only `advance` moves it."""

    recording: Recording
    floor: Floor
    boards: Mapping[str, ReplayBoard]
    cursor: Cursor

    @property
    def now_ms(self) -> int:
        return self.recording.time_of(self.cursor.position)

    @property
    def next_ms(self) -> int:
        return self.recording.time_of(self.cursor.position + 1)

    @property
    def ended(self) -> bool:
        return self.cursor.position >= self.recording.last_position

    def advance(self) -> bool:
        """Play one step. True at a bar's open step."""
        self.cursor.position += 1
        self.floor.position = self.cursor.position
        now, opening = self.now_ms, self.cursor.position % STEPS == 0
        resting = [symbol for symbol, book in self.floor.books.resting.items() if book.orders]
        if resting:
            moves = [(symbol, move) for symbol in resting if (move := self._move(self.boards[symbol], now, opening))]
            self.floor.move(moves)
        if self.floor.switchboard.heard_symbols:
            self._publish(now, opening)
        return opening

    def closed_ids(self) -> list[str]:
        """Markets whose bar ended at this boundary."""
        ended = self.cursor.position // STEPS - 1
        return [board.market.id for symbol, board in self.boards.items() if self.recording.row_at(symbol, ended)[1]]

    def _move(self, board: ReplayBoard, now: int, opening: bool) -> Move | None:
        """How the price of a market got to where it is. None: it did not trade in this step."""
        if not board.trades_now:
            return None
        place, [(end, takeable)] = board.place, board.quote().asks
        start = board.market.price(board.tape.price_at(place - 1)) if place else end
        return Move(start, end, opening or not place, takeable, now)

    def _publish(self, now: int, opening: bool) -> None:
        switchboard = self.floor.switchboard
        moved: list[Board] = []
        for symbol in sorted(switchboard.heard_symbols):
            board = self.boards[symbol]
            if opening:
                switchboard.closed(board, now)
            if board.trades_now:
                switchboard.moved(board, now)
                moved.append(board)
        switchboard.day(now, moved)
        self.floor.hub.flush()
