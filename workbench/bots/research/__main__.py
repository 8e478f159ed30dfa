"""Run one research bot: `python -m workbench.bots.research --kind trend --exchange URL --port 0`.

Keys and the token come from WORKBENCH_API_KEY, WORKBENCH_API_SECRET and WORKBENCH_BOT_TOKEN; WORKBENCH_LEDGER names the
ledger where promoted models are heard of. One JSON line when the API
answers. SIGTERM and Ctrl-C stop it in order; nothing is cancelled or sold: positions and stops stay at the venue.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import structlog
import uvloop

from workbench.bots.research.bot import ResearchBot
from workbench.bots.research.kinds import KINDS
from workbench.bots.research.options import ResearchOptions
from workbench.bots.server import BotServer
from workbench.domain.errors import StartError, WorkbenchError

SWITCH_S = 0.001  # a training thread hands the interpreter over this often


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="python -m workbench.bots.research", description=__doc__)
    arguments.add_argument("--kind", required=True, choices=sorted(KINDS))
    arguments.add_argument("--exchange", required=True, help="URL of the paper exchange")
    arguments.add_argument("--port", type=int, default=0, help="of the bot's API; 0 for any free one")
    arguments.add_argument("--bot-id", default="", help="default: the kind")
    arguments.add_argument("--symbols", default="", help="as BTC/USD,ETH/USD (default: the first five of the venue)")
    arguments.add_argument("--timeframe", default="", help="as 30m (default: the venue's)")
    arguments.add_argument("--lockstep", action="store_true", help="take part in the venue's lockstep")
    arguments.add_argument("--memory", type=Path, help="file in which state, command ids and tuned values survive")
    arguments.add_argument("--wait-s", type=float, default=15.0, help="how long the ready line waits for the venue")
    return arguments


def main() -> int:
    args = parser().parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before scikit-learn is imported: several bots share few cores
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,  # without local variables: they may hold keys
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),  # standard output is for the ready line
    )
    sys.setswitchinterval(SWITCH_S)
    try:
        uvloop.run(serve(_options(args), _secret("WORKBENCH_BOT_TOKEN"), args.port, args.wait_s))
    except WorkbenchError as error:
        sys.stderr.write(f"workbench: {error}\n")
        return 1
    return 0


async def serve(options: ResearchOptions, token: str, port: int, wait_s: float) -> None:
    """Trade and answer until told to stop."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    bot = ResearchBot(options)
    server = BotServer(bot, token)
    try:
        url = await server.start(port)
        begun = asyncio.create_task(bot.start(wait_s))
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait([begun, stopped], return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        sys.stdout.write(json.dumps({"bot_id": options.bot_id, "url": url}) + "\n")
        sys.stdout.flush()
        await stopped
    finally:
        await server.stop()
        await bot.stop()


def _options(args: argparse.Namespace) -> ResearchOptions:
    return ResearchOptions(
        kind=args.kind,
        bot_id=args.bot_id or args.kind,
        exchange=args.exchange,
        key=_secret("WORKBENCH_API_KEY"),
        secret=_secret("WORKBENCH_API_SECRET"),
        symbols=tuple(part.strip() for part in args.symbols.split(",") if part.strip()),
        timeframe=args.timeframe,
        lockstep=args.lockstep,
        memory=args.memory,
        ledger=os.environ.get("WORKBENCH_LEDGER", ""),
        scheduler=os.environ.get("WORKBENCH_COMPUTE__SCHEDULER", ""),
    )


def _secret(name: str) -> str:
    if not os.environ.get(name):
        raise StartError(f"{name} is not set; the bot needs it")
    return os.environ[name]


if __name__ == "__main__":
    sys.exit(main())
