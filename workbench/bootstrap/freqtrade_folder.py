"""The folder of one Freqtrade: its config, strategy, database and logs, written so that two bots never share any.

No secret is in it. Name and password of its API, and the keys of its exchange, come by environment when it starts.
"""

import ast
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.bootstrap.parts import settled_port
from workbench.domain.errors import StartError
from workbench.domain.market import Timeframe, split_symbol
from workbench.settings import Settings

CONFIG, FACTS, GATE_FILE = "config.json", "workbench.json", "workbench_gate.py"
PAPER = "paper"
GATE_SOURCE = Path(__file__).parents[1] / "bots" / "freqtrade_gate.py"
_NAME = re.compile(r"[A-Za-z][\w.-]{0,63}")


@dataclass(frozen=True, slots=True)
class FreqtradePlan:
    """What `workbench freqtrade new` was asked for. `venue`: 'paper' or the ccxt name of a real exchange. `orders`:
    send them (dry_run false); on the paper exchange that is paper money still, and can be verified there."""

    name: str
    strategy: Path
    venue: str = PAPER
    orders: bool = False
    pairs: tuple[str, ...] = ()
    timeframe: str = ""
    stake: float = 100.0
    max_open_trades: int = 5
    gated: bool = False
    cash: float = 10_000.0


@dataclass(frozen=True, slots=True)
class FreqtradeFacts:
    """What the desk needs to start it again; kept beside the config."""

    name: str
    venue: str
    orders: bool
    gated: bool
    strategy: str
    cash: float
    folder: Path = field(default=Path(), compare=False)

    @property
    def config(self) -> Path:
        return self.folder / CONFIG

    @property
    def port(self) -> int:
        return int(json.loads(self.config.read_text(encoding="utf-8"))["api_server"]["listen_port"])


def folder_of(settings: Settings, name: str) -> Path:
    return settings.home.resolve() / "freqtrade" / name


def read_facts(settings: Settings, name: str) -> FreqtradeFacts:
    """Raises StartError where no bot of that name was made here."""
    folder = folder_of(settings, name)
    try:
        return FreqtradeFacts(**json.loads((folder / FACTS).read_text(encoding="utf-8")), folder=folder)
    except FileNotFoundError:
        made = sorted(path.parent.name for path in folder.parent.glob(f"*/{FACTS}"))
        known = f"made here: {', '.join(made)}" if made else "make it: workbench freqtrade new NAME --strategy FILE"
        raise StartError(f"no Freqtrade named {name!r} in {folder.parent}; {known}") from None
    except (ValueError, TypeError) as error:
        raise StartError(f"{folder / FACTS} is damaged: {error}") from error


def create(settings: Settings, plan: FreqtradePlan) -> FreqtradeFacts:
    """Write the folder. Raises StartError for a name that is taken or a strategy that is none; then nothing is left."""
    if not _NAME.fullmatch(plan.name):
        raise StartError(f"{plan.name!r} cannot be a bot's name; letters, digits, '_', '-' and '.', a letter first")
    if plan.name in settings.research.kinds:
        raise StartError(f"{plan.name!r} is a research bot's name; choose another")
    strategy = strategy_class(plan.strategy)
    folder = folder_of(settings, plan.name)
    if folder.exists():
        raise StartError(f"{folder} exists already; choose another name, or remove it")
    fresh = folder.with_name(f".{plan.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        (fresh / "strategies").mkdir(parents=True)
        shutil.copy(plan.strategy, fresh / "strategies" / plan.strategy.name)
        if plan.gated:
            strategy = _gate(fresh / "strategies", plan.strategy.stem, strategy)
        facts = FreqtradeFacts(plan.name, plan.venue, plan.orders, plan.gated, strategy, plan.cash)
        port = settled_port(0)
        (fresh / CONFIG).write_text(json.dumps(config_of(plan, strategy, folder, port), indent=2) + "\n")
        kept = {key: value for key, value in asdict(facts).items() if key != "folder"}
        (fresh / FACTS).write_text(json.dumps(kept, indent=2) + "\n")
        os.replace(fresh, folder)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise StartError(f"{folder} cannot be written: {error}") from error
    return replace(facts, folder=folder)


def config_of(plan: FreqtradePlan, strategy: str, folder: Path, port: int) -> dict[str, Any]:
    """Freqtrade's own config: paused at first and after each restart, its own port, its own database."""
    pairs = plan.pairs or ("BTC/USD", "ETH/USD")
    config: dict[str, Any] = {
        "bot_name": plan.name,
        "strategy": strategy,
        "strategy_path": str(folder / "strategies"),
        "user_data_dir": str(folder),
        "db_url": f"sqlite:///{folder / 'trades.sqlite'}",
        "initial_state": "paused",
        "dry_run": not plan.orders,
        "dry_run_wallet": plan.cash,
        "cancel_open_orders_on_exit": False,
        "trading_mode": "spot",
        "margin_mode": "",
        "stake_currency": split_symbol(pairs[0])[1],
        "stake_amount": plan.stake,
        "max_open_trades": plan.max_open_trades,
        "tradable_balance_ratio": 1.0,
        "unfilledtimeout": {"entry": 5, "exit": 5, "unit": "minutes"},
        "entry_pricing": {"price_side": "other", "use_order_book": False},
        "exit_pricing": {"price_side": "other", "use_order_book": False},
        "exchange": {"name": plan.venue, "pair_whitelist": list(pairs), "pair_blacklist": []},
        "pairlists": [{"method": "StaticPairList"}],
        "api_server": {
            "enabled": True, "listen_ip_address": "127.0.0.1", "listen_port": port, "verbosity": "error",
            "enable_openapi": False, "CORS_origins": [],
        },
        "internals": {"process_throttle_secs": 2},
    }  # fmt: skip
    if plan.timeframe:
        config["timeframe"] = Timeframe.parse(plan.timeframe).text
    if plan.venue == PAPER:
        config["exchange"] |= {"name": "binance", "enable_ws": True}
    return config


def exchange_config(url: str) -> dict[str, Any]:
    """The part that points ccxt at a paper exchange; written at each start, for its address may change."""
    socket = url.replace("http", "ws", 1)
    api = {"public": f"{url}/api/v3", "private": f"{url}/api/v3", "v1": f"{url}/api/v1", "sapi": f"{url}/sapi/v1"}
    urls = {"api": {**api, "ws": {"spot": f"{socket}/stream/ws", "ws-api": {"spot": f"{socket}/ws-api/v3"}}}}
    options = {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False, "fetchCurrencies": False}
    return {"exchange": {"ccxt_config": {"enableRateLimit": False, "urls": urls, "options": options}}}


def write_address(facts: FreqtradeFacts, url: str) -> Path:
    """A second config, merged over the first by Freqtrade, with the paper exchange's address of this run."""
    path = facts.folder / "exchange.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(exchange_config(url), indent=2) + "\n", encoding="utf-8")
    fresh.replace(path)
    return path


def strategy_class(path: Path) -> str:
    """The strategy in a file, read and not run. Raises StartError where there is none, or several."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, SyntaxError) as error:
        raise StartError(f"{path} is no strategy that can be read: {error}") from error
    classes: Mapping[str, list[str]] = {
        node.name: [ast.unparse(base).split(".")[-1] for base in node.bases]
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
    bases = {base for names in classes.values() for base in names}
    found = [name for name, names in classes.items() if name not in bases and any("Strategy" in base for base in names)]
    if len(found) != 1:
        raise StartError(f"{path} must hold one class made from IStrategy; found {', '.join(found) or 'none'}")
    return found[0]


def _gate(folder: Path, module: str, strategy: str) -> str:
    """Put the gate before the strategy, without touching the user's file."""
    shutil.copy(GATE_SOURCE, folder / GATE_FILE)
    name = f"{strategy}Gated"
    lines = (
        f'"""{strategy}, asking the desk before each entry."""',
        "",
        f"from {module} import {strategy}",
        f"from {Path(GATE_FILE).stem} import WorkbenchGate",
        "",
        "",
        f"class {name}(WorkbenchGate, {strategy}):",
        "    pass",
        "",
    )
    (folder / f"{module}_gated.py").write_text("\n".join(lines), encoding="utf-8")
    return name
