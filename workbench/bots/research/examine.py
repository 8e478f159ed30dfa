"""What the four strategies would have done on the bundled candles, after fees.

    python -m workbench.bots.research.examine        (about a minute)

Honest, not flattering: values were chosen on the bars before FROM and are judged on the bars after it. The bot that
learns is retrained along the way on the past only (less often than when it trades, to end in minutes).
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.bots.research.backtest import BUDGET, Run, simulate
from workbench.bots.research.kinds import KINDS, strategy
from workbench.bots.research.strategy import LEVELS, Strategy
from workbench.market import sample
from workbench.quant.walk_forward import sharpe

FROM = pd.Timestamp("2018-04-12", tz="UTC")
BARS_A_YEAR = 17_532
RETRAIN_BARS = 960
HORIZON = 48
Panel = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Verdict:
    """Five markets with a fifth of the money each. Fractions; `inside_90`, `inside_50`: outcomes within the fan's
    bands 24 hours ahead; `crps_ratio`: mean pinball loss over that of the market's own unconditional quantiles."""

    total: float
    drawdown: float
    sharpe: float
    trades: int
    won: float
    in_market: float
    inside_90: float
    inside_50: float
    crps_ratio: float


def examine(kind: str, panel: Panel) -> Verdict:
    """Judge `kind` on `panel` from FROM on."""
    runs: dict[str, list[Run]] = {symbol: [] for symbol in panel}
    scores: list[np.ndarray] = []
    for mind, start, stop in _lives(kind, panel):
        for symbol, table in panel.items():
            first, last = table.index.searchsorted(start), table.index.searchsorted(stop)
            past = max(0, first - mind.history)
            part = table.iloc[past:last]
            runs[symbol].append(simulate(mind, part, first - past, len(part)))
            scores += _fan_scores(mind, table, first, last)
    series = [np.concatenate([run.returns for run in parts]) for parts in runs.values()]
    shortest = min(map(len, series))
    returns = np.mean([one[-shortest:] for one in series], axis=0)
    trades = [trade for parts in runs.values() for run in parts for trade in run.trades]
    returns = returns * BUDGET.weight * len(panel)
    curve = np.cumprod(1 + returns)
    seen = np.array(scores)
    return Verdict(
        total=float(curve[-1] - 1),
        drawdown=float((curve / np.maximum.accumulate(curve) - 1).min()),
        sharpe=sharpe(returns, BARS_A_YEAR),
        trades=len(trades),
        won=float(np.mean([trade.pnl > 0 for trade in trades])) if trades else 0.0,
        in_market=sum(run.bars_long for parts in runs.values() for run in parts) / sum(map(len, series)),
        inside_90=float(seen[:, 0].mean()),
        inside_50=float(seen[:, 1].mean()),
        crps_ratio=float(seen[:, 2].mean() / seen[:, 3].mean()),
    )


def _lives(kind: str, panel: Panel) -> Iterator[tuple[Strategy, pd.Timestamp, pd.Timestamp]]:
    """The strategy and the span it is used in; one that learns is trained at the start of each span, on the past."""
    mind, end = strategy(kind), max(table.index[-1] for table in panel.values())
    if not mind.retrain:
        yield mind, FROM, end
        return
    step = RETRAIN_BARS * pd.Timedelta(minutes=30)
    for start in pd.date_range(FROM, end, freq=step):
        past = {symbol: table[table.index < start].iloc[-mind.history :] for symbol, table in panel.items()}
        yield mind.fitted(past), start, min(start + step, end)


def _fan_scores(mind: Strategy, table: pd.DataFrame, first: int, last: int) -> Iterator[np.ndarray]:
    """Once a day: within the 90 % band, within the 50 % band, pinball loss, the unconditional fan's pinball loss."""
    close, levels = table["close"].to_numpy(float), np.array(LEVELS)
    for row in range(first, last - HORIZON, HORIZON):
        past = table.iloc[max(0, row - mind.history) : row + 1]
        fan = np.log(np.array(mind.fan(past, HORIZON)) / close[row])
        moves = np.log(close[max(0, row - 3000) + HORIZON : row + 1] / close[max(0, row - 3000) : row + 1 - HORIZON])
        outcome = np.log(close[row + HORIZON] / close[row])
        losses = [_pinball(outcome, quantiles, levels) for quantiles in (fan, np.quantile(moves, levels))]
        yield np.array([fan[0] <= outcome <= fan[-1], fan[2] <= outcome <= fan[4], *losses])


def _pinball(outcome: float, quantiles: np.ndarray, levels: np.ndarray) -> float:
    miss = outcome - quantiles
    return float(np.mean(np.maximum(levels * miss, (levels - 1) * miss)))


def main() -> int:
    panel = sample.load_all()
    held = np.mean([t["close"].iloc[-1] / t["close"][FROM:].iloc[0] - 1 for t in panel.values()])
    say(f"from {FROM:%Y-%m-%d} to {max(t.index[-1] for t in panel.values()):%Y-%m-%d}, five coins, fee 10 bp a trade")
    say(f"buying all five and holding: {held:+.0%}")
    heads = ["bot", "total", "fall", "Sharpe", "trades", "won", "in-market", "in-90%", "in-50%", "CRPS-ratio"]
    say(f"| {' | '.join(heads)} |")
    say("|---|---|---|---|---|---|---|---|---|---|")
    for kind in KINDS:
        v = examine(kind, panel)
        money = f"{v.total:+.1%} | {v.drawdown:.1%} | {v.sharpe:+.2f} | {v.trades} | {v.won:.0%} | {v.in_market:.0%}"
        say(f"| {kind} | {money} | {v.inside_90:.0%} | {v.inside_50:.0%} | {v.crps_ratio:.3f} |")
    return 0


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
