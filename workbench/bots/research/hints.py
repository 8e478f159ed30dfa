"""The account's own stream, taken as a hint that something has changed. What changed is read over REST."""

import asyncio
from collections.abc import Awaitable, Callable

import ccxt
import structlog

from workbench.bots.research.session import Session

log = structlog.get_logger(__name__)
LONGEST_PAUSE_S = 30.0


async def follow(session: Session, changed: Callable[[set[str]], Awaitable[None]]) -> None:
    """Call `changed` with the markets whose orders moved, for ever; with all of them after every broken connection."""
    pause_s = 1.0
    while True:
        try:
            orders = await session.exchange.watch_orders()
            pause_s = 1.0
            await changed({order["symbol"] for order in orders} & set(session.symbols))
        except ccxt.BaseError as error:
            log.warning("account_stream_broke", error=str(error), again_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            await changed(set(session.symbols))
