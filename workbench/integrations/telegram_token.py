"""Where the bot's token is kept: the environment or the system's keyring, never the settings. Light: no library."""

import os
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec

TOKEN_VARIABLE = "WORKBENCH_TELEGRAM_TOKEN"
KEYRING = ("workbench", "telegram")


def token_from(environment: Mapping[str, str] = os.environ) -> str:
    """From the variable, else from the keyring's entry 'telegram' of service 'workbench'; '' where neither has it."""
    if environment.get(TOKEN_VARIABLE):
        return environment[TOKEN_VARIABLE]
    if find_spec("keyring") is None:
        return ""
    try:
        return import_module("keyring").get_password(*KEYRING) or ""
    except Exception:  # a keyring that is locked or has no backend raises kinds of its own: then it knows nothing
        return ""
