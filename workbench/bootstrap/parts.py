"""The processes of a desk: which module, with which arguments and which secrets in the environment."""

import os
import random
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from socket import AF_INET, SOCK_STREAM, socket

from workbench.bootstrap.ports import HOST
from workbench.bootstrap.processes import ChildSpec
from workbench.dashboard.page_login import TOKEN_VARIABLE
from workbench.dashboard.passwords import HASH_VARIABLE
from workbench.domain.errors import StartError
from workbench.integrations.telegram_token import TOKEN_VARIABLE as TELEGRAM_TOKEN
from workbench.integrations.telegram_token import token_from
from workbench.market.paper_exchange.client import ApiKey
from workbench.settings import Settings

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LASTING_PORTS = range(20_000, 30_000)
TRIES = 100
_ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
"""Several numerical processes share few cores: each keeps to one, or they fight."""


def settled_port(port: int) -> int:
    """`port`, or for 0 one that is free now: a restarted child must come back where the others look for it.

    Below the range that the system lends to outgoing connections: one from there may be lent out before it is used.
    """
    if port:
        return port
    for candidate in random.sample(LASTING_PORTS, TRIES):
        with closing(socket(AF_INET, SOCK_STREAM)) as probe, suppress(OSError):
            probe.bind((HOST, candidate))
            return candidate
    raise StartError(f"none of {TRIES} ports from {LASTING_PORTS[0]} on is free; name one in the settings")


def set_aside(path: Path) -> None:
    """Rename a file of an earlier run so that nothing of it is lost and nothing of it is read."""
    if path.exists():
        stamp = datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y%m%dT%H%M%SZ")
        for part in path.parent.glob(path.name + "*"):  # the database and its -wal and -shm
            part.rename(part.with_name(f"{stamp}-{part.name}"))


def state_file(settings: Settings) -> Path:
    """Where the venue keeps its accounts: one file a source, so that a replay and a mirror never mix."""
    safe = "".join(letter if letter.isalnum() else "_" for letter in settings.exchange.source)
    now = "-now" if settings.exchange.rebase_now else ""
    return settings.home / "exchange" / f"{safe}{now}.sqlite"


def replays(settings: Settings) -> bool:
    """Whether the venue plays recorded candles, which it can do at any speed and hold."""
    return settings.exchange.source == "replay"


def exchange_spec(settings: Settings, port: int, token: str) -> ChildSpec:
    """A replay starts with its clock stopped: the market does not run ahead of bots that are still starting."""
    exchange = settings.exchange
    args = ["exchange", "serve", "--port", str(port), "--state", str(state_file(settings))]
    args += ["--source", exchange.source, "--speed", f"{exchange.speed:g}", "--timeframe", exchange.timeframe]
    if replays(settings):
        args.append("--paused")
    if exchange.start:
        args += ["--from", exchange.start.isoformat()]
    if exchange.candles:
        args += ["--candles", exchange.candles]
    if exchange.rebase_now:
        args.append("--rebase-now")
    if exchange.symbols:
        args += ["--symbols", ",".join(exchange.symbols)]
    return ChildSpec("exchange", "workbench", tuple(args), {"WORKBENCH_EXCHANGE_TOKEN": token, **_ONE_THREAD})


def memory_file(settings: Settings, kind: str) -> Path:
    """What a research bot must not forget: that it is paused, which commands it has carried out, what it has learnt."""
    return state_file(settings).with_name(f"{state_file(settings).stem}-{kind}.jsonl")


def bot_spec(settings: Settings, kind: str, exchange_url: str, key: ApiKey, token: str) -> ChildSpec:
    memory = str(memory_file(settings, kind))
    args = ("--kind", kind, "--exchange", exchange_url, "--port", "0", "--memory", memory)
    env = {"WORKBENCH_API_KEY": key.key, "WORKBENCH_API_SECRET": key.secret, "WORKBENCH_BOT_TOKEN": token}
    env["WORKBENCH_LEDGER"] = settings.ledger_url  # where it hears of promoted models
    env["WORKBENCH_COMPUTE__SCHEDULER"] = settings.compute.scheduler
    return ChildSpec(kind, "workbench.bots.research", args, env | _ONE_THREAD)


def page_spec(settings: Settings, token: str) -> ChildSpec:
    """`token` opens the page; '' where passwords do."""
    args = ("--port", str(settings.page.port), "--host", settings.page.host)
    env = {"WORKBENCH_HOME": str(settings.home.resolve()), TOKEN_VARIABLE: token} | _given(HASH_VARIABLE)
    return ChildSpec("page", "workbench.dashboard.page", args, env | _ONE_THREAD, reaches_desk=True)


def telegram_specs(settings: Settings) -> list[ChildSpec]:
    """The chat surface, where there is a token; the child finds it where we did, so it is in no argument."""
    if not token_from():
        return []
    env = {"WORKBENCH_HOME": str(settings.home.resolve())} | _given(TELEGRAM_TOKEN)
    return [ChildSpec("telegram", "workbench.bootstrap.telegram_child", (), env | _ONE_THREAD, reaches_desk=True)]


def lab_spec(settings: Settings, port: int, token: str, notebooks: Path) -> ChildSpec:
    """JupyterLab, on this machine only, with the notebooks as its root; the token goes by environment, not argument."""
    args = (
        "--no-browser",
        f"--ip={HOST}",
        f"--port={port}",
        f"--ServerApp.root_dir={notebooks.resolve()}",
        "--allow-root",
    )
    env = {"JUPYTER_TOKEN": token, "WORKBENCH_HOME": str(settings.home.resolve())}
    return ChildSpec("lab", "jupyterlab", args, env, reaches_desk=True, ready_line=False)


def _given(name: str) -> dict[str, str]:
    """A variable that one child needs and the others do not inherit, where it is set."""
    return {name: os.environ[name]} if name in os.environ else {}
