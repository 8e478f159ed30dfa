"""Every error the workbench raises on purpose.

WorkbenchError
├── SettingsError            a value in workbench.toml or the environment is wrong
├── SymbolError              a market is not known, or is quoted otherwise
├── TimeframeError           a bar length is not known
├── ValueRefused             a domain value breaks its own rule (NaN price, negative size …)
│   ├── CurrencyMismatch     money of two currencies met without a price
│   └── ModelRefused         bytes that are no model, or not the one announced
├── CandleError              candles cannot be read, or break a rule of candles
├── LedgerError              the ledger cannot promise what was asked
│   ├── LeaseLost            an effect was tried under an old token
│   └── UnsafeDatabase       the database library is in a known corruption range
├── ExchangeError            the venue refused or could not be reached
│   └── ExchangeBusy         the venue asks for fewer requests, and says how long to wait
├── BotError                 a bot refused, or could not be reached
│   ├── UnknownBotError      nobody by that name
│   ├── CapabilityMissing    the bot does not do that
│   ├── BotUnreachable       nothing was delivered, or a question stayed without an answer: nothing has changed
│   ├── BotUnknown           an effect was sent and no answer came: it may have happened; reconcile, never resend
│   └── BotFenced            the effect came under a token older than the newest the bot has seen
├── CommandError             a command line cannot be understood
├── TellingError             a message that cannot be told, or nobody who could be told
└── StartError               the desk cannot start: port taken, folder not writable …

A message gives the culprit, its value and the next step, in one line.
"""


class WorkbenchError(Exception):
    """Base of everything raised on purpose."""


class SettingsError(WorkbenchError):
    """A setting is missing or wrong."""


class SymbolError(WorkbenchError):
    """A market is not known here."""


class TimeframeError(WorkbenchError):
    """A bar length is not known."""


class ValueRefused(WorkbenchError, ValueError):
    """A domain value breaks its own rule."""


class CurrencyMismatch(ValueRefused):
    """Money of two currencies met without a price."""


class ModelRefused(ValueRefused):
    """Bytes that are no model of numbers, or not the model that was announced."""


class CandleError(WorkbenchError):
    """Candles cannot be read or are not candles."""


class LedgerError(WorkbenchError):
    """The ledger cannot promise what was asked."""


class LeaseLost(LedgerError):
    """An effect was tried under a token that is no longer the newest."""


class UnsafeDatabase(LedgerError):
    """The database library lies in a documented corruption range."""


class ExchangeError(WorkbenchError):
    """The venue refused, or could not be reached."""


class ExchangeBusy(ExchangeError):
    """The venue asks for fewer requests (429, 418). Asking again before `retry_after_s` may end in a ban."""

    def __init__(self, words: str, retry_after_s: float = 1.0):
        super().__init__(words)
        self.retry_after_s = retry_after_s


class BotError(WorkbenchError):
    """A bot refused, or could not be reached."""


class UnknownBotError(BotError):
    """Nobody by that name is registered."""


class CapabilityMissing(BotError):
    """The bot does not do what was asked."""


class BotUnreachable(BotError):
    """No connection, or a question without an answer in time. Nothing has changed at the bot."""


class BotUnknown(BotError):
    """An effect was sent and no answer came. It may have happened: read the bot's status, never resend blindly."""


class BotFenced(BotError):
    """The effect came under a fencing token older than the newest the bot has seen."""


class CommandError(WorkbenchError):
    """A command line cannot be understood."""


class TellingError(WorkbenchError):
    """A message that cannot be told, or nobody who could be told."""


class StartError(WorkbenchError):
    """The desk, or one of its parts, cannot start."""
