"""Close one account of the paper exchange with its own key: cancel its orders, sell what it holds."""

from typing import Any

import ccxt

from workbench.domain.errors import ExchangeBusy
from workbench.market.exchange import open_exchange, plainly
from workbench.market.paper_exchange.client import ApiKey


async def flatten(url: str, key: ApiKey) -> list[str]:
    """Returns what could not be closed, in words. Raises ExchangeError, or ExchangeBusy with the time to wait."""
    exchange = open_exchange("binance", url=url, key=key.key, secret=key.secret)
    exchange.options["warnOnFetchOpenOrdersWithoutSymbol"] = False
    try:
        return await _flatten(exchange)
    except (ccxt.RateLimitExceeded, ccxt.DDoSProtection) as error:
        raise ExchangeBusy(str(plainly(error, exchange)), 2.0) from error
    except ccxt.BaseError as error:
        raise plainly(error, exchange) from error
    finally:
        await exchange.close()


async def _flatten(exchange: Any) -> list[str]:
    await exchange.load_markets()
    left: list[str] = []
    for order in await exchange.fetch_open_orders():
        try:
            await exchange.cancel_order(order["id"], order["symbol"])
        except ccxt.OrderNotFound:  # filled or cancelled meanwhile
            continue
        except ccxt.ExchangeError as error:
            left.append(f"order {order['clientOrderId']} in {order['symbol']}: {plainly(error, exchange)}")
    balance = await exchange.fetch_balance()
    for asset, amount in balance["free"].items():
        market = next((m for m in exchange.markets.values() if m["base"] == asset and m["spot"]), None)
        if market is None or not amount:
            continue
        try:
            whole = float(exchange.amount_to_precision(market["symbol"], amount))
            await exchange.create_order(market["symbol"], "market", "sell", whole)
        except ccxt.InvalidOrder:  # dust: below the market's least amount or value
            continue
        except ccxt.InsufficientFunds:  # the bot sold it meanwhile
            continue
        except ccxt.ExchangeError as error:
            left.append(f"{amount:,.8g} {market['symbol']}: {plainly(error, exchange)}")
    return left
