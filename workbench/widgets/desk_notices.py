"""What is missing on the desk, in words, with the command that mends it. Pure."""

from dataclasses import asdict, dataclass

from workbench.domain.desk import DashboardData

START = "workbench up"
EXAMINE = "workbench doctor"


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence for the trader. `code` names the case; `mend` is a command to type, empty where none helps."""

    code: str
    level: str
    words: str
    mend: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def notices(data: DashboardData) -> list[Notice]:
    """The most important first; none where all is well."""
    if data.desk is None and data.market is None and not any(row.health.live for row in data.bots):
        heard = " What was last heard is shown below." if data.bots else ""
        return [Notice("off", "off", f"The desk is not running.{heard}", START)]
    found = []
    if data.market is None:
        found.append(
            Notice("venue", "warning", "The venue does not answer: prices and its clock are unknown.", EXAMINE)
        )
    elif data.market.ended:
        found.append(Notice("ended", "info", "The replay has ended: no new bar will come.", START))
    if data.desk is None:
        found.append(Notice("nobody", "warning", "Nobody executes commands now: pause and resume would wait.", START))
    if not data.bots:
        found.append(Notice("empty", "info", "No bot is registered.", "workbench up --with BOT"))
    return found
