"""Which coins belong together: a sensible default, which `[sectors]` in workbench.toml adds to and overrides."""

from collections.abc import Iterable, Mapping

DEFAULT_SECTORS: Mapping[str, str] = {
    coin: sector
    for sector, coins in {
        "store of value": "BTC BCH LTC XMR ZEC DASH BSV",
        "smart contracts": "ETH SOL ADA AVAX DOT NEAR ATOM TRX EOS ETC XTZ ALGO APT SUI TON ICP",
        "payments": "XRP XLM",
        "exchange": "BNB OKB CRO LEO KCS",
        "scaling": "MATIC POL ARB OP STRK IMX",
        "finance": "UNI AAVE MKR COMP CRV SNX LDO RUNE INJ",
        "data": "LINK GRT FIL AR RNDR RENDER FET",
        "memes": "DOGE SHIB PEPE BONK WIF FLOKI",
        "stable": "USDT USDC DAI FDUSD TUSD",
    }.items()
    for coin in coins.split()
}


def sectors_of(symbols: Iterable[str], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Symbol ('BTC/USD') → sector, for those that have one. given : coin or symbol → sector, before the defaults."""
    own = {name.upper(): sector for name, sector in (given or {}).items()}
    found = {}
    for symbol in symbols:
        coin = symbol.split("/")[0].upper()
        sector = own.get(symbol.upper()) or own.get(coin) or DEFAULT_SECTORS.get(coin)
        if sector:
            found[symbol] = sector
    return found
