"""The desk's risk as the page receives it: names are cropped text, what is not finite is null. Pure."""

from collections.abc import Sequence

from workbench.domain.risk_desk import Contribution, DrawdownRow, GroupRow, LimitRow, RiskDesk, TailLoss
from workbench.widgets import desk_wire as wire
from workbench.widgets.desk_wire import Json
from workbench.widgets.tokens import bot_colour


def risk(desk: RiskDesk) -> Json:
    """Everything the page shows of one RiskDesk."""
    return {
        "as_of": wire.millis(desk.as_of),
        "currency": wire.clean(desk.currency, 12),
        "equity": wire.number(desk.equity),
        "confidence": wire.number(desk.confidence),
        "bots": [{"id": _name(bot), "colour": _colour(bot)} for bot in desk.bots],
        "symbols": [_name(symbol) for symbol in desk.symbols],
        "exposure": [[wire.number(value) for value in row] for row in desk.exposure],
        "figures": figures(desk),
        "by_bot": shares(desk.contributions_by_bot, desk.bots),
        "by_symbol": shares(desk.contributions_by_symbol),
        "groups": [*_groups("cluster", desk.clusters), *_groups("venue", desk.venues)],
        "drawdowns": [_drawdown(row, desk.bots) for row in desk.drawdowns],
        "limits": [_limit(row) for row in desk.limits],
        "states": [
            {"scope": _name(row.scope), "state": row.state.value, "why": wire.clean(row.why)} for row in desk.states
        ],
        "unknown": [wire.clean(words) for words in desk.unknown],
        "what_if": None,
    }


def what_if(label: str, desk: RiskDesk) -> Json:
    """What the page shows of another RiskDesk beside the present one."""
    return {
        "label": wire.clean(label),
        "trouble": "",
        "figures": figures(desk),
        "by_bot": shares(desk.contributions_by_bot, desk.bots),
        "by_symbol": shares(desk.contributions_by_symbol),
    }


def figures(desk: RiskDesk) -> Json:
    """The desk in numbers; shares are fractions of equity."""
    per_equity = 1 / desk.equity if desk.equity > 0 else float("nan")
    return {
        "gross": wire.number(desk.gross),
        "gross_share": wire.number(desk.gross * per_equity),
        "net": wire.number(desk.net),
        "net_share": wire.number(desk.net * per_equity),
        "volatility_bar": wire.number(desk.volatility.bar),
        "volatility_year": wire.number(desk.volatility.annual),
        "var": _tail(desk.var),
        "cvar": _tail(desk.cvar),
    }


def shares(rows: Sequence[Contribution], bots: Sequence[str] = ()) -> list[Json]:
    """The largest first; what is not known comes last."""
    told = [
        {
            "name": _name(row.name),
            "volatility": wire.number(row.volatility),
            "cvar": wire.number(row.cvar),
            "colour": _colour(row.name) if row.name in bots else None,
        }
        for row in rows
    ]
    return sorted(told, key=lambda row: (row["volatility"] is None, -(row["volatility"] or 0.0)))


def _tail(loss: TailLoss) -> Json:
    return {
        "historical": {"share": wire.number(loss.historical), "money": wire.number(loss.historical_money)},
        "parametric": {"share": wire.number(loss.parametric), "money": wire.number(loss.parametric_money)},
    }


def _groups(kind: str, rows: Sequence[GroupRow]) -> list[Json]:
    return [
        {"kind": kind, "name": _name(row.name), "gross": wire.number(row.gross), "net": wire.number(row.net)}
        for row in rows
    ]


def _drawdown(row: DrawdownRow, bots: Sequence[str]) -> Json:
    return {
        "name": _name(row.name),
        "colour": _colour(row.name) if row.name in bots else None,
        "drawdown": wire.number(row.drawdown),
        "step": wire.number(row.step),
        "next": wire.number(row.next_step),
        "factor": wire.number(row.factor),
    }


def _limit(row: LimitRow) -> Json:
    used, cap = wire.number(row.used), wire.number(row.cap)
    full = 1.0 if used else 0.0  # a cap of nothing is full as soon as anything is held
    return {
        "scope": _name(row.scope),
        "name": _name(row.name),
        "used": used,
        "cap": cap,
        "before": wire.number(row.cap_before),
        "part": None if used is None or cap is None else used / cap if cap > 0 else full,
        "headroom": wire.number(row.headroom),
        "tightened": bool(row.why) and row.cap < row.cap_before,
        "why": wire.clean(row.why),
    }


def _name(text: str) -> str:
    return wire.clean(text, wire.NAME_CHARS)


def _colour(bot_id: str) -> Json:
    colour = bot_colour(bot_id)
    return {"dark": colour.dark, "light": colour.light}
