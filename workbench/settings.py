"""Typed configuration: `workbench.toml` in the working folder, then WORKBENCH_* variables, then the caller.

Secrets are not settings. A bot's token is read from the environment variable that `token_env` names.
"""

import re
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from workbench.domain.cron import parse_cron, parse_zone
from workbench.domain.errors import SettingsError, TimeframeError
from workbench.domain.market import Timeframe

FILE = Path("workbench.toml")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ExchangeSettings(_Section):
    """Where candles and fills come from. `speed`: market seconds a wall second, replay only (900: a 30-minute bar
    every two seconds). `source`: 'replay', or the ccxt name of a real exchange to mirror. `candles`: a Parquet file or
    lake folder to replay instead of the sample. `rebase_now`: its times are shifted so that it plays now (at speed 1),
    as bots need that live by the wall clock."""

    source: str = "replay"
    port: int = Field(8750, ge=0, le=65535)
    speed: float = Field(900.0, gt=0, le=1e7)
    start: date | None = Field(None, alias="from")
    symbols: tuple[str, ...] = ()
    timeframe: str = "30m"
    candles: str = ""
    rebase_now: bool = False


class PageSettings(_Section):
    """The Voila page. `host`: the address it listens on beside this machine's own; other machines need a password or a
    chosen token. `names`: host names under which it may be asked for, as a proxy passes them on."""

    port: int = Field(8866, ge=0, le=65535)
    host: str = "127.0.0.1"
    names: tuple[str, ...] = ()


class BotSettings(_Section):
    """A bot that somebody else runs, found at `url`."""

    bot_id: str = Field(min_length=1, max_length=64, pattern=r"^[\w.-]+$")
    url: str = Field(pattern=r"^https?://")
    token_env: str = "WORKBENCH_BOT_TOKEN"
    tags: tuple[str, ...] = ()


class FreqtradeSettings(_Section):
    """A Freqtrade that somebody else runs: `config` is its config.json or a folder of them (address and login are
    taken from there), or `url` and `bot_id` name it. A login in the environment or the keyring wins."""

    config: Path | None = None
    url: str = Field("", pattern=r"^(https?://.+)?$")
    bot_id: str = Field("", max_length=64, pattern=r"^[\w.-]*$")
    username_env: str = "WORKBENCH_FREQTRADE_USERNAME"
    password_env: str = "WORKBENCH_FREQTRADE_PASSWORD"
    tags: tuple[str, ...] = ()


class ResearchSettings(_Section):
    """The research bots that `workbench up` starts, and the paper money each of them gets."""

    kinds: tuple[Literal["trend", "mean_reversion", "breakout", "learning"], ...] = (
        "trend",
        "mean_reversion",
        "breakout",
        "learning",
    )
    cash: float = Field(10_000.0, gt=0)


class HaltSettings(_Section):
    """The emergency stop. `deadline_s`: by then every bot is confirmed or named; `watch_s`: how long nothing may
    re-open; `settle_s`: how far apart the two looks at a venue are that confirm a bot. Wall seconds."""

    deadline_s: float = Field(8.0, gt=0, le=60)
    watch_s: float = Field(600.0, ge=0, le=86400)
    watch_every_s: float = Field(2.0, gt=0, le=60)
    settle_s: float = Field(1.0, ge=0, le=30)


class TriggerSettings(_Section):
    """What halts by itself. Each may be switched off; fractions are of the highest equity of the run, seconds are wall
    seconds. A bot's trigger halts that bot only; the desk's halts everything."""

    drawdown: bool = True
    desk_drawdown: float = Field(0.20, gt=0, lt=1)
    bot_drawdown: float = Field(0.25, gt=0, lt=1)
    stale: bool = True
    stale_s: float = Field(300.0, gt=0)
    reconciliation: bool = True
    reconciliation_looks: int = Field(5, ge=2)
    errors: bool = True
    errors_most: int = Field(20, ge=1)
    errors_window_s: float = Field(120.0, gt=0)


class LimitSettings(_Section):
    """What may be held, as fractions of equity: a bot's of its own, the desk's of the total. Above it a bot is
    REDUCING and paused. `check_every_s`: how often supervised bots are reconciled. The rest is asked of orders of
    gated bots, whose limits also `tighten` when it gets rough: `desk_cvar` (mean loss of the worst bars), `collar`
    (distance from the desk's price), `orders_a_minute`, and `repeats` (growing orders of one market and side within
    ten minutes)."""

    bot_gross: float = Field(1.05, gt=0)
    desk_gross: float = Field(1.05, gt=0)
    desk_symbol: float = Field(1.05, gt=0)
    tighten: bool = True
    desk_cvar: float = Field(0.10, gt=0, le=1)
    collar: float = Field(0.05, gt=0, lt=1)
    orders_a_minute: int = Field(60, ge=1)
    repeats: int = Field(60, ge=1)
    check_every_s: float = Field(3.0, gt=0, le=60)


_SECRET_NAME = re.compile(r"secret|password|passphrase|token|api_?key|credential", re.IGNORECASE)


class JobSettings(_Section):
    """A notebook that runs by itself: `cron` in `zone`, within `time_limit` seconds, reports of the last `keep` runs
    kept. `notebook`: a file, or the name of one of this product's. `tell`: who hears of it, everyone without.
    Parameters stand in the report, so a secret is none."""

    name: str = Field(min_length=1, max_length=48, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    notebook: Path
    parameters: dict[str, bool | int | float | str | tuple[bool | int | float | str, ...]] = {}
    cron: str
    zone: str = "UTC"
    time_limit: float = Field(900.0, ge=1, le=86400)
    tell: tuple[str, ...] = ()
    keep: int = Field(30, ge=1, le=10_000)

    @field_validator("cron")
    @classmethod
    def _due(cls, value: str) -> str:
        return parse_cron(value).text

    @field_validator("zone")
    @classmethod
    def _somewhere(cls, value: str) -> str:
        return parse_zone(value).key

    @field_validator("parameters")
    @classmethod
    def _named(cls, value: dict) -> dict:
        for name in value:
            if not name.isidentifier() or name.startswith("_"):
                raise ValueError(f"{name!r} cannot name a parameter; use letters, digits and '_'")
            if _SECRET_NAME.search(name):
                raise ValueError(
                    f"{name!r} looks like a secret, and parameters stand in the report; use the environment"
                )
        return value


class TelegramSettings(_Section):
    """The chat surface; it starts where a token is in WORKBENCH_TELEGRAM_TOKEN or the keyring (never here). `admins`:
    numbers of people who may do everything and let others in; none means nobody. `chats`: groups in which commands are
    taken and alerts told. `zone`: how times are read and shown. `quiet`: hours in which only what is critical is told,
    as 22:00-07:00. A command older than `command_age_s` is refused, but for the emergency stop. `webhook_url`: be
    called there instead of polling; a proxy passes the calls on to `webhook_port` on this machine."""

    admins: tuple[int, ...] = ()
    chats: tuple[int, ...] = ()
    zone: str = "UTC"
    quiet: str = Field("", pattern=r"^(\d\d:\d\d-\d\d:\d\d)?$")
    topics: bool = True
    command_age_s: float = Field(60.0, gt=0, le=3600)
    live_every_s: float = Field(3.0, ge=1, le=600)
    live_for_s: float = Field(900.0, gt=0, le=86400)
    webhook_url: str = Field("", pattern=r"^(https?://.+)?$")
    webhook_port: int = Field(8443, ge=0, le=65535)
    api_url: str = Field("https://api.telegram.org", pattern=r"^https?://.+$")

    @field_validator("zone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"no time zone is named {value!r}; write one as Europe/Berlin") from error


def _lengths(value: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(Timeframe.parse(text).text for text in value)
    except TimeframeError as error:
        raise ValueError(str(error)) from error


class ForecastSettings(_Section):
    """The accuracy database. `ask`: the desk asks the bots itself when a bar has closed, at most every `every_s` wall
    seconds; `ahead`: how far ahead, as bar lengths."""

    ask: bool = True
    every_s: float = Field(5.0, ge=0, le=86400)
    ahead: tuple[str, ...] = ("4h", "24h")

    @field_validator("ahead")
    @classmethod
    def _each(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _lengths(value)


class LearningSettings(_Section):
    """Learning from each other. `ask`: the desk asks the bots for features and votes when a bar has closed, at most
    every `every_s` wall seconds; `regime`: bar length of the regime told. `train`: the joint model is trained anew
    every `train_every` of market time, in a process of its own, with `rest_s` wall seconds between and `time_limit_s`
    for each."""

    ask: bool = True
    every_s: float = Field(10.0, ge=0, le=86400)
    regime: str = "1h"
    train: bool = True
    train_every: str = "1w"
    rest_s: float = Field(600.0, ge=0, le=604_800)
    time_limit_s: float = Field(900.0, ge=1, le=86400)

    @field_validator("regime", "train_every")
    @classmethod
    def _length(cls, value: str) -> str:
        return _lengths((value,))[0]


class ComputeSettings(_Section):
    """Where heavy work runs: in this process, or on the workers of a Dask scheduler."""

    scheduler: str = Field("", pattern=r"^((tcp|tls)://[^\s/]+:\d+)?$")


class ConflictSettings(_Section):
    """When bots' plans differ. `policy`: who decides; `enter`: share of the trust that another side needs to take over;
    `vetoers`: bots that may veto, empty: all."""

    policy: Literal["trust", "freshest", "unanimous", "veto"] = "trust"
    enter: float = Field(0.6, gt=0.5, le=1)
    vetoers: tuple[str, ...] = ()


class Settings(BaseSettings):
    """Everything that may be set. Frozen: a change needs a restart. `currency`: in which sums over bots are told;
    empty: in the one that all of them have."""

    model_config = SettingsConfigDict(
        env_prefix="WORKBENCH_", env_nested_delimiter="__", extra="forbid", frozen=True, populate_by_name=True
    )

    home: Path = Path(".workbench")
    ledger: str = ""
    currency: str = Field("", max_length=12, pattern=r"^[A-Z0-9]*$")
    deadline_s: float = Field(10.0, gt=0, le=600)
    record_every_s: float = Field(2.0, gt=0, le=3600)
    exchange: ExchangeSettings = ExchangeSettings()
    page: PageSettings = PageSettings()
    research: ResearchSettings = ResearchSettings()
    halt: HaltSettings = HaltSettings()
    triggers: TriggerSettings = TriggerSettings()
    limits: LimitSettings = LimitSettings()
    conflicts: ConflictSettings = ConflictSettings()
    forecasts: ForecastSettings = ForecastSettings()
    learning: LearningSettings = LearningSettings()
    telegram: TelegramSettings = TelegramSettings()
    compute: ComputeSettings = ComputeSettings()
    sectors: dict[str, str] = {}
    scores: dict[str, Path] = {}
    bots: tuple[BotSettings, ...] = ()
    freqtrade: tuple[FreqtradeSettings, ...] = ()
    jobs: tuple[JobSettings, ...] = ()
    reports: Path = Path("reports")

    @classmethod
    def settings_customise_sources(
        cls, settings_cls, init_settings, env_settings, dotenv_settings, file_secret_settings
    ):
        """The environment wins over the file, whose values `load_settings` hands to the constructor."""
        return env_settings, init_settings

    @field_validator("home", "reports")
    @classmethod
    def _expand(cls, value: Path) -> Path:
        return value.expanduser()

    @field_validator("jobs")
    @classmethod
    def _each_once(cls, value: tuple[JobSettings, ...]) -> tuple[JobSettings, ...]:
        names = [job.name.lower() for job in value]  # two that differ by case would share a folder on some disks
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two jobs are called {twice[0]!r}; a name means one job")
        return value

    @property
    def ledger_url(self) -> str:
        """The ledger asked for, or the embedded one in `home`."""
        return self.ledger or str(self.home / "ledger.sqlite")

    @property
    def secret_variables(self) -> tuple[str, ...]:
        """Variables of the environment that hold a secret of a bot, whatever they are called."""
        named = {bot.token_env for bot in self.bots} | {bot.password_env for bot in self.freqtrade}
        return tuple(sorted(named))

    @property
    def replay_from(self) -> datetime | None:
        """First market moment of a replay, UTC; None where the source decides."""
        start = self.exchange.start
        return None if start is None else datetime(start.year, start.month, start.day, tzinfo=UTC)


def load_settings(file: Path | None = None, **overrides: Any) -> Settings:
    """Read `file` (workbench.toml where it exists), the environment and `overrides` (they win; None is skipped).

    Raises SettingsError naming the first wrong value and where it stands.
    """
    path = file or FILE
    values = _read_toml(path) if path.exists() or file else {}
    for dotted, value in overrides.items():
        if value is not None:
            section, _, key = dotted.rpartition("__")
            (values.setdefault(section, {}) if section else values)[key] = value
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError(_sentence(error, path)) from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}; mend that line or remove the file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error


def _sentence(error: ValidationError, path: Path) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{path}: no setting is named {where!r}; see docs/settings.md for the names"
    return f"{path}: {where} = {first.get('input')!r} is refused: {first['msg'].lower()}"
