"""Frozen values of arrays and numbers as a model's file and back (`model_file`): one rule for every fitted model.

A dataclass is its fields; an array goes among the arrays under its path ("blend.ridge.weights"), everything else into
the JSON header. Reading follows the types that the class declares, so a file decides values and never what is built.
"""

import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from workbench.domain.errors import ModelRefused, ValueRefused
from workbench.quant.model_file import ModelFile


@dataclass(slots=True)
class Taken:
    """A value taken apart: what `model_file.pack` wants."""

    arrays: dict[str, np.ndarray]
    header: Any


def taken_apart(value: Any, path: str = "") -> Taken:
    """Arrays by path, and the rest as plain JSON. Raises ModelRefused for what is neither."""
    taken = Taken({}, None)
    taken.header = _apart(value, path, taken.arrays)
    return taken


def put_together(kind: type, file: ModelFile, header: Any, path: str = "") -> Any:
    """A `kind` from what `taken_apart` gave. Raises ModelRefused where the file holds something else."""
    try:
        return _together(kind, header, path, file.arrays)
    except (KeyError, TypeError, IndexError, AttributeError, ValueRefused) as error:
        raise ModelRefused(f"the file holds no {kind.__name__}: {error}") from error


def _apart(value: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, np.ndarray):
        arrays[path] = value
        return None
    if is_dataclass(value):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
        return {name: _apart(part, _under(path, name), arrays) for name, part in parts.items()}
    if isinstance(value, Mapping):
        return [[key, _apart(part, _under(path, str(n)), arrays)] for n, (key, part) in enumerate(value.items())]
    if isinstance(value, tuple | list):
        return [_apart(part, _under(path, str(n)), arrays) for n, part in enumerate(value)]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise ModelRefused(f"{path} is a {type(value).__name__}; a model holds arrays, numbers and text")


def _together(kind: Any, told: Any, path: str, arrays: Mapping[str, np.ndarray]) -> Any:
    if kind is np.ndarray:
        return arrays[path]
    if is_dataclass(kind):
        declared = get_type_hints(kind)
        parts = {f.name: _together(declared[f.name], told[f.name], _under(path, f.name), arrays) for f in fields(kind)}
        return kind(**parts)  # type: ignore[operator]
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (dict, Mapping):
        pairs = enumerate(told)
        return {str(key): _together(inner[1], part, _under(path, str(n)), arrays) for n, (key, part) in pairs}
    if origin is tuple:
        kinds = [inner[0]] * len(told) if inner[-1] is Ellipsis else inner
        if len(kinds) != len(told):
            raise TypeError(f"{path} has {len(told)} parts, not {len(kinds)}")
        parted = zip(kinds, told, strict=True)
        return tuple(_together(k, part, _under(path, str(n)), arrays) for n, (k, part) in enumerate(parted))
    if origin in (Union, types.UnionType):
        (some,) = (one for one in inner if one is not types.NoneType)
        return None if told is None and path not in arrays else _together(some, told, path, arrays)
    if kind is float and isinstance(told, int) and not isinstance(told, bool):
        return float(told)
    if kind in (str, int, float, bool) and type(told) is kind:
        return told
    raise TypeError(f"{path or 'it'} is {str(told)[:40]!r}, not {kind}")


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
