"""The venues during a halt: read at a pace they allow, and accounts closed by the desk where it has the key."""

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from workbench.domain.errors import ExchangeBusy, ExchangeError
from workbench.domain.halts import AccountView
from workbench.domain.ports import AccountVenue
from workbench.orchestration.plain_text import plain

log = structlog.get_logger(__name__)
READ_S = 1.5
CLOSE_S = 5.0
CLOSERS = 8
MORE_PATIENCE = 2.0  # a venue that still says "too many" is left alone twice as long


class Accounts:
    """All venues as one. A venue that asks for fewer requests (429) is not asked again before it said, whoever wants to
    know: what was last seen then counts as unknown, never as flat."""

    def __init__(self, venues: Sequence[AccountVenue]):
        self._venues = list(venues)
        self._quiet_until: dict[str, float] = {}
        self._pauses: dict[str, float] = {}
        self._home: dict[str, AccountVenue] = {}
        self._closing: dict[str, asyncio.Task] = {}
        self._places = asyncio.Semaphore(CLOSERS)
        self.troubles: dict[str, str] = {}

    @property
    def known(self) -> bool:
        """Whether there is a venue to read at all."""
        return bool(self._venues)

    async def read(self) -> tuple[dict[str, AccountView], str]:
        """Every account by bot id, and in words what could not be read ('' where all was)."""
        found: dict[str, AccountView] = {}
        words = [] if self._venues else ["no venue is known here"]
        answers = await asyncio.gather(*(self._read(venue) for venue in self._venues))
        for venue, (seen, trouble) in zip(self._venues, answers, strict=True):
            words += [trouble] if trouble else []
            for bot_id, view in seen.items():
                if bot_id not in found:
                    found[bot_id], self._home[bot_id] = view, venue
        return found, "; ".join(words)

    def homes(self) -> dict[str, str]:
        """Bot id → the name of the venue that shows its account, as last read."""
        return {bot_id: venue.name for bot_id, venue in self._home.items()}

    def close(self, bot_id: str) -> bool:
        """Begin to close an account that was seen; False where that is under way."""
        if bot_id in self._closing or bot_id not in self._home:
            return False
        task = asyncio.create_task(self._close(bot_id))
        self._closing[bot_id] = task
        task.add_done_callback(lambda _: self._closing.pop(bot_id, None))
        return True

    def closing(self, bot_id: str) -> bool:
        return bot_id in self._closing

    async def stop(self) -> None:
        tasks = list(self._closing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, venue: AccountVenue) -> tuple[Mapping[str, AccountView], str]:
        wait_s = self._wait_s(venue)
        if wait_s > 0:
            return {}, f"{venue.name} asks for fewer requests; it is asked again in {wait_s:.0f} s"
        try:
            async with asyncio.timeout(READ_S):
                seen = await venue.accounts()
        except ExchangeBusy as error:
            self._be_quiet(venue, error)
            return {}, f"{venue.name} asks for fewer requests: {plain(error)}"
        except (ExchangeError, TimeoutError) as error:
            return {}, f"{venue.name} cannot be read: {plain(error) or f'no answer within {READ_S:g} s'}"
        except Exception as error:  # another venue's adapter: its fault must not end a halt
            log.exception("venue_broke", venue=venue.name)
            return {}, f"{venue.name} cannot be read: {plain(repr(error))}"
        self._pauses.pop(venue.name, None)
        return seen, ""

    async def _close(self, bot_id: str) -> None:
        venue = self._home[bot_id]
        async with self._places:
            wait_s = self._wait_s(venue)
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            try:
                async with asyncio.timeout(CLOSE_S):
                    left = await venue.flatten(bot_id)
                self.troubles[bot_id] = "; ".join(left)
            except ExchangeBusy as error:
                self._be_quiet(venue, error)
                self.troubles[bot_id] = f"the desk could not close it: {plain(error)}"
            except Exception as error:  # told by name; the next look decides what is still open
                words = plain(error) or f"no answer within {CLOSE_S:g} s"
                log.warning("account_not_closed", bot=bot_id, error=words)
                self.troubles[bot_id] = f"the desk could not close it: {words}"

    def _wait_s(self, venue: AccountVenue) -> float:
        return self._quiet_until.get(venue.name, 0.0) - asyncio.get_running_loop().time()

    def _be_quiet(self, venue: AccountVenue, error: ExchangeBusy) -> None:
        pause_s = max(error.retry_after_s, self._pauses.get(venue.name, 0.0) * MORE_PATIENCE, 0.2)
        self._pauses[venue.name] = pause_s
        self._quiet_until[venue.name] = asyncio.get_running_loop().time() + pause_s
