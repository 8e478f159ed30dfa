"""Alerts that wait for one chat, merged into as few words as they need. Pure; a flood costs no more than a handful."""

from collections import Counter
from dataclasses import dataclass, field

from workbench.domain.telling import Message, Severity

SHOWN = 8
MARKS = {Severity.INFO: "", Severity.WARNING: "⚠️ ", Severity.CRITICAL: "🛑 "}


@dataclass(slots=True)
class Digest:
    """What waits for one thread of a chat. Keeps the first messages of each severity and counts the rest."""

    kept: dict[Severity, list[Message]] = field(default_factory=lambda: {severity: [] for severity in Severity})
    counts: Counter = field(default_factory=Counter)  # by (severity, topic)

    def add(self, message: Message) -> None:
        self.counts[message.severity, message.topic] += 1
        if len(self.kept[message.severity]) < SHOWN:
            self.kept[message.severity].append(message)

    @property
    def size(self) -> int:
        return sum(self.counts.values())

    @property
    def loudest(self) -> Severity:
        return max((severity for severity, _ in self.counts), key=lambda severity: severity.rank)

    def alone(self) -> Message | None:
        """The message, where only one waits: it is told whole, picture included."""
        return next(kept[0] for kept in self.kept.values() if kept) if self.size == 1 else None

    def lines(self) -> list[str]:
        """Loudest first; what is not shown is counted by topic."""
        lines, left = list[str](), SHOWN
        for severity in reversed(Severity):
            for message in self.kept[severity][:left]:
                text = f": {message.text}" if message.text and "\n" not in message.text else ""
                lines.append(f"{MARKS[severity]}{message.title}{text}"[:400])
            left = max(0, left - len(self.kept[severity]))
        more = self.size - len(lines)
        if more > 0:
            lines.append(f"… and {more:,} more ({self._topics()})")
        return lines

    def _topics(self) -> str:
        topics = Counter[str]()
        for (_, topic), count in self.counts.items():
            topics[topic] += count
        return ", ".join(f"{topic}: {count:,}" for topic, count in topics.most_common(6))

    def joined(self, later: "Digest") -> "Digest":
        """This one and what came after it."""
        kept = {severity: (self.kept[severity] + later.kept[severity])[:SHOWN] for severity in Severity}
        return Digest(kept, self.counts + later.counts)
