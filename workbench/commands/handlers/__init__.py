"""Who answers which command: the names that `catalogue.CATALOGUE` refers to."""

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module

from workbench.commands.asked import Asked
from workbench.commands.confirming import Look, Preview
from workbench.commands.handlers.alerts import alerts, alerts_least, alerts_off, alerts_on, alerts_quiet
from workbench.commands.handlers.dashboard import dashboard
from workbench.commands.handlers.effects import pause, resume, tune
from workbench.commands.handlers.halts import halt, may_release, release
from workbench.commands.handlers.holding import risk_hold
from workbench.commands.handlers.models import (
    may_promote,
    may_roll_back,
    model_list,
    model_promote,
    model_rollback,
    model_train,
)
from workbench.commands.handlers.overview import bots, events, help_, risk, status
from workbench.commands.handlers.people import may_remove, people, people_approve, people_refuse, people_remove
from workbench.commands.handlers.questions import analyze, cross_analyze, cross_forecast, cross_plan, forecast, plan
from workbench.commands.handlers.records import audit, report
from workbench.commands.handlers.risks import risk_limits, risk_size, risk_status, risk_whatif
from workbench.commands.handlers.sharing import share
from workbench.commands.reply import Reply
from workbench.commands.spec import Line


async def correlate(asked: Asked, line: Line) -> Reply:
    """Brings pandas, numba and ccxt: whoever only connects need not pay for them."""
    from workbench.commands.handlers.correlate import correlate as answer

    return await answer(asked, line)


async def regime(asked: Asked, line: Line) -> Reply:
    """Brings pandas, numba and ccxt."""
    from workbench.commands.handlers.regime import regime as answer

    return await answer(asked, line)


async def league(asked: Asked, line: Line) -> Reply:
    """Brings numpy, and Altair where it draws."""
    from workbench.commands.handlers.league import league as answer

    return await answer(asked, line)


async def learning(asked: Asked, line: Line) -> Reply:
    """Brings numpy, and Altair where it draws."""
    from workbench.commands.handlers.learning import learning as answer

    return await answer(asked, line)


async def stream(asked: Asked, line: Line) -> Reply:
    """Brings pandas, numba and ccxt."""
    from workbench.commands.handlers.stream import stream as answer

    return await answer(asked, line)


Handler = Callable[[Asked, Line], Awaitable[Reply]]


def _charted(module: str, name: str) -> Handler:
    """A handler that brings pandas, numba and ccxt when it is first asked."""

    async def answer(asked: Asked, line: Line) -> Reply:
        return await getattr(import_module(f"workbench.commands.handlers.{module}"), name)(asked, line)

    return answer


HANDLERS: Mapping[str, Handler] = {
    "help_": help_,
    "bots": bots,
    "status": status,
    "forecast": forecast,
    "plan": plan,
    "analyze": analyze,
    "cross_forecast": cross_forecast,
    "cross_plan": cross_plan,
    "cross_analyze": cross_analyze,
    "correlate": correlate,
    "draw_sr": _charted("drawing", "draw_sr"),
    "draw_level": _charted("drawing", "draw_level"),
    "draw_line": _charted("drawing", "draw_line"),
    "draw_zone": _charted("drawing", "draw_zone"),
    "draw_note": _charted("drawing", "draw_note"),
    "draw_list": _charted("drawing", "draw_list"),
    "draw_keep": _charted("drawing", "draw_keep"),
    "draw_drop": _charted("drawing", "draw_drop"),
    "draw_undo": _charted("drawing", "draw_undo"),
    "draw_redo": _charted("drawing", "draw_redo"),
    **{
        f"pattern_{word}": _charted("patterns", f"pattern_{word}")
        for word in ("list", "train", "scan", "recognize", "success", "recommend", "feedback")
    },
    **{
        f"pattern_{word}": _charted("pattern_consent", f"pattern_{word}")
        for word in ("share", "unshare", "offers", "accept", "decline", "watch")
    },
    "track_setup": _charted("setups", "track_setup"),
    "track_list": _charted("setups", "track_list"),
    "track_drop": _charted("setups", "track_drop"),
    "analyze_zone": _charted("zone", "analyze_zone"),
    "stream": stream,
    "league": league,
    "learning": learning,
    "regime": regime,
    "model_list": model_list,
    "model_train": model_train,
    "model_promote": model_promote,
    "model_rollback": model_rollback,
    "share": share,
    "tune": tune,
    "pause": pause,
    "resume": resume,
    "halt": halt,
    "release": release,
    "events": events,
    "report": report,
    "audit": audit,
    "dashboard": dashboard,
    "alerts": alerts,
    "alerts_on": alerts_on,
    "alerts_off": alerts_off,
    "alerts_quiet": alerts_quiet,
    "alerts_least": alerts_least,
    "people": people,
    "people_approve": people_approve,
    "people_refuse": people_refuse,
    "people_remove": people_remove,
    "risk": risk,
    "risk_status": risk_status,
    "risk_whatif": risk_whatif,
    "risk_limits": risk_limits,
    "risk_size": risk_size,
    "risk_hold": risk_hold,
}


async def _may_drop_setup(asked: Asked, line: Line) -> Preview:
    """Brings pandas, numba and ccxt."""
    from workbench.commands.handlers.setups import may_drop

    return await may_drop(asked, line)


PREVIEWS: Mapping[str, Look] = {
    "release": may_release,
    "model_promote": may_promote,
    "model_rollback": may_roll_back,
    "people_remove": may_remove,
    "track_drop": _may_drop_setup,
}
"""What a command that asks back says first; every one of them has an entry."""
TAKES_CODE = ("release",)
"""Whose code the ledger itself takes, in the transaction that changes what it is for."""
