"""Where a Freqtrade answers and under which login, from its own config.json, the environment or the keyring.

Freqtrade's configs allow comments and trailing commas, and may name more files that are merged in; so they are read
here as Freqtrade reads them. Nothing of a login is kept anywhere but in the value handed over.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workbench.bots.freqtrade_line import Login
from workbench.domain.errors import BotError

_TOKENS = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])', re.DOTALL)
_ENV = "FREQTRADE__API_SERVER__"
KEYRING_SERVICE = "workbench"
DEPTH = 4


@dataclass(frozen=True, slots=True)
class FreqtradeAddress:
    """One Freqtrade: its name, where it answers, and under which login."""

    bot_id: str
    url: str
    login: Login = field(repr=False)


def read_address(
    path: Path, known_login: Login | None = None, environment: Mapping[str, str] = os.environ
) -> FreqtradeAddress:
    """From a config.json. Raises BotError where it has no API, or no login is known."""
    config = read_config(path)
    server = config.get("api_server")
    if not isinstance(server, Mapping) or not server.get("enabled"):
        raise BotError(f"{path} has no api_server that is enabled; the workbench can only reach a Freqtrade with one")
    name = str(config.get("bot_name") or "")
    bot_id = re.sub(r"[^\w.-]", "-", name)[:64] if name and name != "freqtrade" else path.resolve().parent.name
    host = str(server.get("listen_ip_address") or "127.0.0.1")
    host = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
    port = server.get("listen_port", 8080)
    if not isinstance(port, int) or not 0 < port < 65536:
        raise BotError(f"{path}: api_server.listen_port = {port!r} is no port")
    login = known_login or login_from_keyring(bot_id) or _login_of(server, environment)
    if login is None:
        raise BotError(f"{path} holds no login for {bot_id}; set the variables, or keep it in the keyring")
    return FreqtradeAddress(bot_id, f"http://{f'[{host}]' if ':' in host else host}:{port}", login)


def configs_in(path: Path) -> tuple[Path, ...]:
    """The configs meant by a file or a folder: its own, and those one level below, that have an API."""
    if path.is_file():
        return (path,)
    if not path.is_dir():
        raise BotError(f"{path} is neither a config.json nor a folder of them")
    found = [*sorted(path.glob("*.json")), *sorted(path.glob("*/config*.json"))]
    return tuple(each for each in found if _has_api(each))


def login_from_environment(user: str, password: str, environment: Mapping[str, str] = os.environ) -> Login | None:
    """From the two variables named, where both are set."""
    if environment.get(user) and environment.get(password):
        return Login(environment[user], environment[password])
    return None


def login_from_keyring(bot_id: str) -> Login | None:
    """From the system's keyring, entry 'freqtrade:BOT' of service 'workbench' as NAME:PASSWORD; None without one."""
    if find_spec("keyring") is None:
        return None
    try:
        kept = import_module("keyring").get_password(KEYRING_SERVICE, f"freqtrade:{bot_id}")
    except Exception:  # a keyring that is locked or has no backend raises kinds of its own: then it knows nothing
        return None
    name, colon, password = (kept or "").partition(":")
    return Login(name, password) if colon and name and password else None


def read_config(path: Path, depth: int = 0) -> dict[str, Any]:
    """A config with what it adds from other files. Raises BotError."""
    try:
        config = json.loads(_plain_json(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise BotError(f"{path} cannot be read: {error}") from error
    except ValueError as error:
        raise BotError(f"{path} is not JSON: {error}") from error
    if not isinstance(config, dict):
        raise BotError(f"{path} is not a Freqtrade config: it must be a JSON object")
    merged: dict[str, Any] = {}
    for more in config.get("add_config_files") or () if depth < DEPTH else ():
        merged = _merge(merged, read_config(path.parent / str(more), depth + 1))
    return _merge(merged, config)


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _plain_json(text: str) -> str:
    """Without comments and trailing commas; what stands inside a string stays."""
    bare = _TOKENS.sub(lambda match: match[1] or " ", text)
    return _TRAILING.sub(lambda match: match[1] or "", bare)


def _login_of(server: Mapping[str, Any], environment: Mapping[str, str]) -> Login | None:
    name = environment.get(f"{_ENV}USERNAME") or server.get("username")
    password = environment.get(f"{_ENV}PASSWORD") or server.get("password")
    return Login(str(name), str(password)) if name and password else None


def _has_api(path: Path) -> bool:
    try:
        server = read_config(path).get("api_server")
    except BotError:
        return False
    return isinstance(server, Mapping) and bool(server.get("enabled"))
