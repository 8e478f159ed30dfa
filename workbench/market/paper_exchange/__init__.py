"""A local exchange that speaks Binance's spot dialect: recorded candles (replay) or a real exchange's prices (mirror),
paper money either way."""
