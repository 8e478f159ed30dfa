"""When the next message may go out, within Telegram's limits. Pure: the clock is an argument (seconds, monotonic)."""

from collections import defaultdict, deque

CHAT_S = 1.0
GROUP_A_MINUTE = 20
ALL_A_SECOND = 30
MOST_CHATS = 5000
_SLACK_S = 0.05  # Telegram's clock is not ours


class Pace:
    """One message a second and chat, 20 a minute in a group, 30 a second in all; and a 429 is obeyed."""

    def __init__(self, chat_s: float = CHAT_S, group_a_minute: int = GROUP_A_MINUTE, all_a_second: int = ALL_A_SECOND):
        self._chat_s, self._group, self._all = chat_s, group_a_minute, all_a_second
        self._sent: defaultdict[int, deque[float]] = defaultdict(lambda: deque(maxlen=max(group_a_minute, 1)))
        self._any: deque[float] = deque(maxlen=max(all_a_second, 1))
        self._until: dict[int, float] = {}

    def wait_s(self, chat: int, now: float) -> float:
        """Seconds until a message to `chat` may go out; 0 for now."""
        sent = self._sent.get(chat)
        free = [now, self._until.get(chat, now)]
        if sent:
            free.append(sent[-1] + self._chat_s)
            if chat < 0 and len(sent) == self._group:
                free.append(sent[0] + 60 + _SLACK_S)
        if len(self._any) == self._all:
            free.append(self._any[0] + 1 + _SLACK_S)
        return max(free) - now

    def sent(self, chat: int, now: float) -> None:
        """A message to `chat` goes out at `now`, answered well or not: Telegram counts it."""
        if len(self._sent) > MOST_CHATS:
            self._sent = defaultdict(
                self._sent.default_factory, {c: s for c, s in self._sent.items() if now - s[-1] < 61}
            )
            self._until = {c: until for c, until in self._until.items() if until > now}
        self._sent[chat].append(now)
        self._any.append(now)

    def refused(self, chat: int, retry_after_s: float, now: float) -> None:
        """Telegram said 429: nothing to `chat` before that is over."""
        self._until[chat] = max(self._until.get(chat, 0.0), now + retry_after_s)
