"""Makes a Freqtrade strategy ask the desk's risk gate before each entry. Standard library only: copy it, or import it.

    from workbench_gate import WorkbenchGate

    class MyStrategy(WorkbenchGate, IStrategy):  # the gate comes first
        ...

Where: WORKBENCH_GATE_URL, WORKBENCH_GATE_TOKEN and WORKBENCH_BOT_ID in the environment. No answer, a wrong one or a
late one is a no: what nobody could weigh is not entered. Exits never ask. Backtests and hyperopt do not ask either.
"""

import json
import logging
import math
import os
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timezone
from typing import Any

log = logging.getLogger(__name__)
TIMEOUT_S = 3.0
NO_QUESTIONS = ("backtest", "hyperopt", "plot", "edge", "webserver", "other", "util_exchange", "util_no_exchange")
MARK = "workbench-gate/1"


class WorkbenchGate:
    """Put it before IStrategy (or your own strategy) among the bases, so that nothing of theirs comes before it."""

    def version(self) -> str:
        """Freqtrade shows this; the desk knows a gated bot by it."""
        own = super().version()  # type: ignore[misc]
        return f"{own} {MARK}" if own else MARK

    def confirm_trade_entry(
        self,
        pair: str,
        order_type: str,
        amount: float,
        rate: float,
        time_in_force: str,
        current_time: datetime,
        entry_tag: "str | None",
        side: str,
        **kwargs: Any,
    ) -> bool:
        """The strategy's own word first, then the desk's. Never raises: Freqtrade takes an error for a yes."""
        try:
            agreed = super().confirm_trade_entry(  # type: ignore[misc]
                pair=pair, order_type=order_type, amount=amount, rate=rate, time_in_force=time_in_force,
                current_time=current_time, entry_tag=entry_tag, side=side, **kwargs,
            )  # fmt: skip
            return bool(agreed) and self._workbench_allows(pair, side, amount, rate)
        except Exception:
            log.exception("workbench gate: %s is not entered, for asking broke", pair)
            return False

    def adjust_trade_position(self, trade: Any, *args: Any, **kwargs: Any) -> Any:
        """Adding to a position asks as well: Freqtrade confirms first entries only."""
        try:
            wanted = super().adjust_trade_position(trade, *args, **kwargs)  # type: ignore[misc]
            stake = wanted[0] if isinstance(wanted, tuple) else wanted
            if stake is None or not stake > 0:
                return wanted  # nothing, or less: leaving never asks
            rate = kwargs.get("current_rate") or (args[1] if len(args) > 1 else None) or trade.open_rate
            amount = stake * (getattr(trade, "leverage", None) or 1.0) / rate
            side = "short" if trade.is_short else "long"
            return wanted if self._workbench_allows(trade.pair, side, amount, rate) else None
        except Exception:
            log.exception("workbench gate: the position is not added to, for asking broke")
            return None

    def _workbench_allows(self, pair: str, side: str, amount: float, rate: float) -> bool:
        runmode = getattr(getattr(getattr(self, "dp", None), "runmode", None), "value", "live")
        if runmode in NO_QUESTIONS:
            return True
        allowed, why = ask_gate(pair, "sell" if side == "short" else "buy", amount, rate)
        if not allowed:
            log.warning("workbench gate: %s %s is not entered: %s", side, pair, why)
        return allowed


def ask_gate(pair: str, side: str, amount: float, price: float) -> "tuple[bool, str]":
    """Whether the desk lets this order through, and why not. Anything but a clear yes to all of it is a no."""
    url, token = os.environ.get("WORKBENCH_GATE_URL", ""), os.environ.get("WORKBENCH_GATE_TOKEN", "")
    bot_id = os.environ.get("WORKBENCH_BOT_ID", "")
    if not (url.startswith(("http://", "https://")) and token and bot_id):
        return False, "WORKBENCH_GATE_URL, WORKBENCH_GATE_TOKEN or WORKBENCH_BOT_ID is not set"
    if not (math.isfinite(amount) and math.isfinite(price) and amount > 0 and price > 0):
        return False, f"amount {amount} at {price} is no order"
    intent = {
        "intent_id": uuid.uuid4().hex,
        "bot_id": bot_id,
        "symbol": pair.split(":")[0],
        "side": side,
        "amount": amount,
        "price": price,
        "decided_at": datetime.now(timezone.utc).isoformat(),  # noqa: UP017 (older Pythons run Freqtrade too)
        "may_shrink": False,
    }
    try:
        return _verdict(_post(url.rstrip("/") + "/v1/intents", token, intent), intent)
    except (OSError, ValueError, TypeError) as error:  # URLError and time-outs are OSErrors
        return False, f"the gate cannot be asked ({type(error).__name__}: {getattr(error, 'reason', error)})"


def _post(url: str, token: str, body: "dict[str, Any]") -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the token goes to no proxy
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            return json.loads(answer.read(65536))
    except urllib.error.HTTPError as error:
        raise ValueError(f"it answered {error.code}: {error.read(300)!r}") from None


def _verdict(said: Any, intent: "dict[str, Any]") -> "tuple[bool, str]":
    if not isinstance(said, dict):
        return False, "the gate answered in a way nobody knows"
    word = str(said.get("verdict", "")).lower()
    same = said.get("intent_id") == intent["intent_id"]
    whole = float(said.get("amount") or 0.0) >= intent["amount"] * (1 - 1e-9)
    if word == "approved" and same and whole:
        return True, ""
    return False, str(said.get("reason") or said.get("error") or f"the gate said {word or 'nothing'}")[:300]
