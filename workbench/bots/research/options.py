"""What a research bot is started with."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ResearchOptions:
    """`exchange`: URL of a paper exchange. `symbols` empty: the first MARKETS the venue lists; `timeframe` empty: the
    venue's own. `lockstep`: take part in the venue's lockstep. `memory`: where state, ids and tuned values survive.
    `ledger`: where promoted models are heard of, empty: nowhere. `halt_within_s`: when a halt says what is left; a
    caller over HTTP waits ten seconds. `scheduler`: of a Dask cluster that tunes, empty: this process does."""

    kind: str
    bot_id: str
    exchange: str
    key: str = field(repr=False)
    secret: str = field(repr=False)
    symbols: tuple[str, ...] = ()
    timeframe: str = ""
    lockstep: bool = False
    memory: Path | None = None
    halt_within_s: float = 8.0
    ledger: str = field(default="", repr=False)  # a URL may hold a password
    scheduler: str = ""
