"""What each reader wants to hear unasked: topics switched off, quiet hours, how loud it must be."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, time, tzinfo

from sqlalchemy import select

from workbench.domain.errors import LedgerError
from workbench.domain.telling import Severity
from workbench.ledger import payload
from workbench.ledger.store import Store, upsert
from workbench.ledger.telegram_schema import alert_choices, ensure


@dataclass(frozen=True, slots=True)
class AlertChoices:
    """`off`: topics not told. `quiet`: 'HH:MM-HH:MM' in the reader's zone, or ''. `least`: quieter is not told."""

    off: tuple[str, ...] = ()
    quiet: str = ""
    least: Severity = Severity.INFO

    def wants(self, topic: str, severity: Severity) -> bool:
        """Whether this is told at all. What is critical is always told."""
        return severity is Severity.CRITICAL or (topic not in self.off and severity.rank >= self.least.rank)

    def is_quiet(self, now: datetime, zone: tzinfo) -> bool:
        """Whether it is quiet hours in `zone` at `now` (UTC). They may pass midnight; the end is not quiet any more."""
        if not self.quiet:
            return False
        begins, ends = hours(self.quiet)
        clock = now.astimezone(zone).time()
        return begins <= clock < ends if begins < ends else clock >= begins or clock < ends


def hours(text: str) -> tuple[time, time]:
    """'22:00-07:00' as two times of day. Raises LedgerError."""
    begins, dash, ends = text.replace("–", "-").partition("-")
    try:
        found = time.fromisoformat(begins.strip()), time.fromisoformat(ends.strip())
    except ValueError:
        dash = ""
        found = (time(), time())
    if not dash or found[0] == found[1] or any(each.tzinfo for each in found):
        raise LedgerError(f"quiet hours are written 22:00-07:00, got {text[:40]!r}")
    return found


class AlertTable:
    """Choices by reader. A reader is whom the surface names: 'you' in a terminal, a chat in Telegram."""

    def __init__(self, store: Store):
        self._store = store
        with store.write() as connection:
            ensure(connection)

    def get(self, reader: str, usual: AlertChoices | None = None) -> AlertChoices:
        with self._store.read() as connection:
            row = connection.execute(select(alert_choices).where(alert_choices.c.reader == reader)).one_or_none()
        if row is None:
            return usual or AlertChoices()
        said = row.choices
        return AlertChoices(tuple(said["off"]), said["quiet"], Severity(said["least"]))

    def set(self, reader: str, **changes: object) -> AlertChoices:
        """Change some of the choices of `reader`. Raises LedgerError for hours that are none."""
        made = replace(self.get(reader), **changes)  # type: ignore[arg-type]
        if made.quiet:
            hours(made.quiet)
        made = replace(made, off=tuple(sorted(set(made.off))))
        kept = asdict(made) | {"off": list(made.off), "least": made.least.value}
        with self._store.write() as connection:
            row = {"reader": payload.name(reader, "reader"), "choices": payload.document(kept, "choices")}
            upsert(connection, alert_choices, [row])
        return made
