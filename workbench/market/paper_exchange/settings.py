"""What an exchange is started with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd

from workbench.domain.market import Timeframe
from workbench.market.paper_exchange.books import Terms


@dataclass(frozen=True)
class ExchangeOptions:
    """`candles`: tables by symbol (replay only). `speed`: market seconds a wall second, infinity for max. `start`: the
    first market moment (UTC). `liquidity_share`: the part of a step's volume that our orders may have. `lockstep`:
    how many participants to wait for. `weight_limit`: request weight a minute and address, None for no limit.
    For a mirror: `symbols`, `source_url`, `stale_s` (silence after which nothing trades), `silent_s` (silence after
    which the connection is made again). `stamp`: messages carry wall time and a running number, for measuring.
    `admin_token` None: no commands are taken.
    """

    candles: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    timeframe: Timeframe = field(default_factory=lambda: Timeframe.parse("30m"))
    source: str = "replay"
    start: datetime | None = None
    speed: float = 900.0
    fee_bps: Decimal = Decimal(10)
    rebase_now: bool = False
    lockstep: int = 0
    paused: bool = False
    state: Path | None = None
    admin_token: str | None = field(default=None, repr=False)
    liquidity_share: float = 0.25
    weight_limit: int | None = None
    stamp: bool = False
    symbols: tuple[str, ...] = ()
    source_url: str | None = None
    stale_s: float = 60.0
    silent_s: float = 45.0

    @property
    def terms(self) -> Terms:
        return Terms(self.fee_bps, self.fee_bps)
