"""Parameters that commands of several topics take."""

from workbench.commands.spec import Kind, Parameter

SYMBOL = Parameter("symbol", Kind.SYMBOL, "a market, as in BTCUSD, btc or BTC/USD")
TIMEFRAME = Parameter("tf", Kind.TIMEFRAME, "the bar length, as in 30m or 1h")
MARKET = (SYMBOL, TIMEFRAME)
ONE = Parameter("bot", Kind.BOT, "a bot; without it the least busy of the healthy ones answers", needed=False)
SOME = Parameter("targets", Kind.TARGET, "a bot, @tag, several joined by commas, or all", needed=False)
HORIZON = Parameter("horizon", Kind.COUNT, "how many bars ahead", needed=False, option=True)
ID = Parameter("id", Kind.WORD, "a name for this request: sent twice it acts once", needed=False, option=True)
BARS = Parameter("tf", Kind.TIMEFRAME, "the bar length, 1h without it", needed=False)
