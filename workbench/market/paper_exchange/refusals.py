"""What the exchange answers when it says no: Binance's codes and words, so that ccxt raises what it would there."""

from workbench.domain.errors import ExchangeError


class Refused(ExchangeError):
    """A request was refused. `code` is Binance's, `status` the HTTP status."""

    def __init__(self, code: int, words: str, status: int = 400):
        super().__init__(words)
        self.code, self.words, self.status = code, words, status


def mandatory(name: str) -> Refused:
    return Refused(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def illegal(name: str, rule: str) -> Refused:
    return Refused(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{rule}'.")


def not_required(name: str) -> Refused:
    return Refused(-1106, f"Parameter '{name}' sent when not required.")


def filter_failure(name: str) -> Refused:
    return Refused(-1013, f"Filter failure: {name}")


def rejected(words: str) -> Refused:
    return Refused(-2010, words)


INSUFFICIENT = "Account has insufficient balance for requested action."


def unknown_symbol() -> Refused:
    return Refused(-1121, "Invalid symbol.")


def market_closed() -> Refused:
    return Refused(-1013, "Market is closed.")


def unknown_order(canceling: bool = False) -> Refused:
    return Refused(-2011, "Unknown order sent.") if canceling else Refused(-2013, "Order does not exist.")
