"""Walk-forward: always learn on the past, always judge on what came after. Pure."""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows [train_start, train_stop) to learn from; rows [train_stop, test_stop) to be judged on."""

    train_start: int
    train_stop: int
    test_stop: int


def folds(rows: int, count: int, train_share: float = 0.5) -> tuple[Fold, ...]:
    """`count` folds over `rows` rows: the first `train_share` is only ever learnt from, the rest is judged in equal
    parts, oldest first, each after learning from as many rows as the first time.

    Every judged row is judged once. Raises ValueError where a part would be empty.
    """
    first = int(rows * train_share)
    edges = [first + (rows - first) * i // count for i in range(count + 1)]
    if first < 1 or any(b <= a for a, b in itertools.pairwise(edges)):
        raise ValueError(f"{rows} rows are too few for {count} folds")
    return tuple(Fold(start - first, start, stop) for start, stop in itertools.pairwise(edges))


def sharpe(returns: NDArray[np.float64], bars_per_year: float) -> float:
    """Mean over standard deviation of bar returns, annualised; 0 where nothing moved.

    returns : shape (n,), fractions a bar after costs, no NaN.
    """
    if len(returns) < 2:
        return 0.0
    spread = float(np.std(returns))
    return 0.0 if spread < 1e-12 else float(np.mean(returns)) / spread * float(np.sqrt(bars_per_year))
