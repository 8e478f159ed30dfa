"""How much each bot is heard in a collective forecast, and why: trust read for the bots that speak now."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workbench.domain.forecasts import Forecast
from workbench.ledger.forecast_book import ForecastBook
from workbench.ledger.forecast_sums import Filter

UNSCORED = "equal weights: no forecast of this market, this far ahead, has been scored yet"


@dataclass(frozen=True, slots=True)
class Weighing:
    """weights : bot → share, summing to 1 over the bots asked about; None: equal. by_level : bot → its share at each of
    `levels`, for the fan itself. why : bot → what its weight rests on. note : one sentence for all. read_at : the
    probabilities at which the collective fan is read for `levels`, so that it covers what it says; empty: as it is."""

    weights: Mapping[str, float] | None
    why: Mapping[str, str] = field(default_factory=dict)
    note: str = UNSCORED
    levels: tuple[float, ...] = ()
    by_level: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    read_at: tuple[float, ...] = ()

    def share_at(self, bot_id: str, level: float) -> float:
        """A bot's share at any probability: linear between `levels`, as at the nearest of them outside."""
        shares = self.by_level.get(bot_id)
        if not shares:
            return 0.0
        place = bisect_right(self.levels, level)
        if place in (0, len(self.levels)):
            return shares[0 if place == 0 else -1]
        low, high = self.levels[place - 1], self.levels[place]
        return shares[place - 1] + (shares[place] - shares[place - 1]) * (level - low) / (high - low)


def meant(forecasts: Mapping[str, Forecast]) -> tuple[str, int] | None:
    """(market, seconds ahead) that most of `forecasts` speak of; None without any."""
    counted = Counter((f.symbol, f.horizon * f.timeframe.seconds) for f in forecasts.values())
    return max(counted, key=lambda key: (counted[key], key)) if counted else None


def weigh(book: ForecastBook, world: str, forecasts: Mapping[str, Forecast]) -> Weighing:
    """Trust in who speaks, from scored forecasts of the same market and horizon. Blocking: it reads the ledger."""
    found = meant(forecasts)
    return standing(book, world, found, tuple(forecasts)) if found else Weighing(None)


def standing(book: ForecastBook, world: str, about: tuple[str, int], bots: Sequence[str] = ()) -> Weighing:
    """The same for (market, seconds ahead) and `bots`; without bots for all that were ever scored there."""
    state = book.trust(world, *about)
    if state is None:
        return Weighing(None)
    wanted = Filter(symbol=about[0], ahead_s=about[1], bots=tuple(bots) or None)
    totals = book.sums.read(world, ["bot_id"], wanted)
    record = {row["bot_id"]: (int(row["scored"]), row["crps"], row["naive"]) for row in totals if row["scored"]}
    return _weighed(state, bots, record)


def _weighed(state: str, asked: Sequence[str], record: Mapping[str, tuple[int, float, float]]) -> Weighing:
    import numpy as np

    from workbench.orchestration.heard import Heard, read_at
    from workbench.quant.aggregation import admit, combine

    heard = Heard.from_text(state)
    trust = admit(heard.trust, tuple(sorted(asked)))
    bots = sorted(asked) or list(trust.experts)
    present = np.full((len(trust.experts), len(trust.rule.levels)), np.nan)
    present[[trust.experts.index(bot) for bot in bots]] = 0.0  # who is awake decides the weights, not what they say
    mixed = combine(trust, present)
    if mixed is None:
        return Weighing(None)
    rounds = {bot: int(trust.rounds[trust.experts.index(bot)]) for bot in bots}
    shares = {bot: mixed.weights[trust.experts.index(bot)] for bot in bots}
    watched = trust.rule.probation
    all_new = all(count < watched for count in rounds.values())
    why = {bot: _why(rounds[bot], watched, all_new, record.get(bot)) for bot in bots}
    note = (
        f"equal weights: nobody has {watched} scored forecasts of this market and horizon yet"
        if all_new
        else f"weighed by scored forecasts of this market and horizon; a new bot is heard from its {watched}th on"
    )
    outcomes = heard.calibration.rounds
    note += f"; calibrated on {outcomes:,} outcomes" if outcomes else ""
    return Weighing(
        weights={bot: float(share.mean()) for bot, share in shares.items()},
        why=why,
        note=note,
        levels=trust.rule.levels,
        by_level={bot: tuple(share.tolist()) for bot, share in shares.items()},
        read_at=read_at(heard.calibration) if outcomes else (),
    )


def _why(rounds: int, watched: int, all_new: bool, record: tuple[int, float, float] | None) -> str:
    skill = f", skill {_percent(1 - record[1] / record[2])} against naive" if record and record[2] > 0 else ""
    if rounds >= watched:
        return f"{rounds:,} scored{skill}"
    words = f"new: {rounds} of {watched} scored{skill}"
    return words if all_new else f"{words}, watched until then"


def _percent(value: float) -> str:
    return f"{100 * value:+.1f} %".replace("-", "−")
