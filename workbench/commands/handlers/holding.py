"""One market held back: /risk hold."""

import asyncio

from workbench.commands.asked import Asked
from workbench.commands.reply import Column, Reply, Shape, Table, Text, Tone
from workbench.commands.spec import Line
from workbench.domain.desk import DeskState
from workbench.domain.halts import AccountView
from workbench.ledger.log import SqlLedger
from workbench.orchestration.member import Member
from workbench.orchestration.plain_text import plain


async def risk_hold(asked: Asked, line: Line) -> Reply:
    """Latch the market as halted, and name who holds it: what is held stays, for its bots to leave."""
    symbol, ledger = line.values["symbol"], asked.center.ledger
    assert isinstance(ledger, SqlLedger)
    reason = plain(line.values.get("reason") or "typed /risk hold", 200)
    await asyncio.to_thread(ledger.states.tighten, symbol, DeskState.HALTED, reason, asked.viewer.name)
    accounts, unread = await asked.center.emergency.accounts.read()
    members = sorted(asked.center.registry.members.values(), key=lambda member: member.bot_id)
    rows = tuple(_row(m, symbol, accounts.get(m.bot_id)) for m in members if "status" in m.capabilities)
    columns = (Column("bot", Shape.BOT), Column(f"holds of {symbol}", Shape.SIZE), Column("from now on"))
    parts: tuple[Table | Text, ...] = (Table(columns, rows),) if rows else (Text("no bot is known here", Tone.WARNING),)
    if unread:
        parts = (*parts, Text(f"by the bots' own word where the venue is not read: {plain(unread)}", Tone.WARNING))
    notes = (*line.notes, f"it lasts until a person types /release {symbol}", "to close what is held: /halt BOT")
    return Reply(f"{symbol} is held back", parts, as_of=asked.now, notes=notes)


def _row(member: Member, symbol: str, account: AccountView | None) -> tuple[str, float | None, str]:
    status = member.pulse.status
    if account is not None:
        held: float | None = account.positions.get(symbol, 0.0)
    else:
        held = sum(p.amount for p in status.positions if p.symbol == symbol) if status else None
    return member.bot_id, held, _fate(member, held)


def _fate(member: Member, held: float | None) -> str:
    if member.gated:
        return "every order that would grow it is refused"
    if held is None:
        return "supervised, and what it holds is not known: /pause it to be sure"
    if held:
        return "supervised: paused by the desk within seconds"
    return "supervised: paused by the desk once it holds some"
