"""Request parameters, read with Binance's complaints."""

import re
from collections.abc import Mapping
from decimal import Decimal

from workbench.market.paper_exchange.refusals import Refused, illegal, mandatory

_NUMBER = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_INTEGER = r"^[0-9]{1,20}$"
_CLIENT_ID = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"


class Params:
    """What a request carries, by name; empty is absent."""

    def __init__(self, values: Mapping[str, str]):
        self._values = values

    def __contains__(self, name: str) -> bool:
        return bool(self._values.get(name))

    def text(self, name: str, required: bool = False) -> str | None:
        value = self._values.get(name) or None
        if required and value is None:
            raise mandatory(name)
        return value

    def needed(self, name: str) -> str:
        value = self._values.get(name)
        if not value:
            raise mandatory(name)
        return value

    def choice(self, name: str, allowed: tuple[str, ...], refusal: Refused, default: str | None = None) -> str:
        value = self.text(name) or default
        if value is None:
            raise mandatory(name)
        if value.upper() not in allowed:
            raise refusal
        return value.upper()

    def decimal(self, name: str, required: bool = False) -> Decimal | None:
        value = self.text(name, required)
        if value is None:
            return None
        if not re.fullmatch(_NUMBER, value):
            raise illegal(name, _NUMBER)
        return Decimal(value)

    def integer(self, name: str, required: bool = False) -> int | None:
        value = self.text(name, required)
        if value is None:
            return None
        if not re.fullmatch(_INTEGER, value):
            raise illegal(name, _INTEGER)
        return int(value)

    def limit(self, default: int, largest: int) -> int:
        value = self.integer("limit")
        return default if value is None else max(1, min(value, largest))

    def client_id(self, name: str) -> str | None:
        value = self.text(name)
        if value is not None and not re.fullmatch(_CLIENT_ID, value):
            raise illegal(name, _CLIENT_ID)
        return value
