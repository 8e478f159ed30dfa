"""Messages in chats that go on editing themselves, so that a restart takes them up, and each has one editor.

Whoever takes them up becomes their editor; an earlier one finds at its next edit that it is none any more, and stops.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Row, delete, select, update

from workbench.ledger import payload
from workbench.ledger.store import Store, upsert
from workbench.ledger.telegram_schema import ensure, live


@dataclass(frozen=True, slots=True)
class LiveMessage:
    """`line`: the question that is asked again and again for `person`; `update_id`: the update that began it;
    `message`: its number in `chat`, 0 before it is sent; `ends_at` UTC."""

    chat: int
    thread: int
    person: int
    update_id: int
    line: str
    ends_at: datetime
    message: int = 0


class LiveMessageTable:
    """Blocking; raises LedgerError. `editor`: a name that no other process and no later run has."""

    def __init__(self, store: Store, bot: int, editor: str):
        self._store, self._bot, self._editor = store, bot, payload.name(editor, "editor")
        self._mine = live.c.bot == bot
        with store.write() as connection:
            ensure(connection)

    def begin(self, message: LiveMessage) -> None:
        """Remember one that was sent; this editor has it."""
        row = asdict(message) | {"line": payload.text(message.line, "line")}
        with self._store.write() as connection:
            upsert(connection, live, [row | {"bot": self._bot, "editor": self._editor}])

    def begun(self, update_id: int) -> bool:
        """Whether this update has a message that lives: asked again after a crash, it begins no second one."""
        query = select(live.c.message).where(self._mine & (live.c.update_id == update_id)).limit(1)
        with self._store.read() as connection:
            return connection.execute(query).one_or_none() is not None

    def take(self) -> list[LiveMessage]:
        """Become the editor of all of them; returns them, oldest first."""
        with self._store.write() as connection:
            connection.execute(update(live).where(self._mine).values(editor=self._editor))
            rows = connection.execute(select(live).where(self._mine).order_by(live.c.ends_at)).all()
        return _messages(rows)

    def held(self, message: LiveMessage) -> bool:
        """Whether it still lives and this editor has it."""
        query = select(live.c.message).where(self._this(message) & (live.c.editor == self._editor))
        with self._store.read() as connection:
            return connection.execute(query).one_or_none() is not None

    def end(self, message: LiveMessage) -> bool:
        """Forget it; False where another editor has it or it has ended."""
        with self._store.write() as connection:
            gone = delete(live).where(self._this(message) & (live.c.editor == self._editor))
            return connection.execute(gone).rowcount == 1

    def _this(self, message: LiveMessage):
        return self._mine & (live.c.chat == message.chat) & (live.c.message == message.message)


def _messages(rows: Sequence[Row]) -> list[LiveMessage]:
    return [
        LiveMessage(row.chat, row.thread, row.person, row.update_id, row.line, row.ends_at, row.message) for row in rows
    ]
