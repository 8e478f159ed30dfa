"""A model as bytes that can only ever be numbers: arrays, a JSON header, and one SHA-256 that names them.

The layout is that of safetensors (a length, a JSON table, plain array bytes one after another), written in exactly one
way: reading writes anew what was read and compares, so that two different files never hold the same model, and nothing
hides between or behind the arrays. There is no compression, hence nothing that unpacks to more than was sent, and no
name is ever used as a path. Nothing is executed, whoever made the file.
"""

import hashlib
import json
import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.domain.errors import ModelRefused

MOST_BYTES = 64 * 1024 * 1024  # of a whole file
MOST_TABLE = 256 * 1024  # of its JSON table, header included
MOST_ARRAYS = 256
MOST_DIMENSIONS = 8
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_TYPES = {
    **{"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1"},
    **{"U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1"},
}
_CODES = {np.dtype(text): code for code, text in _TYPES.items()}
_STRANGERS = {
    b"PK\x03\x04": "a zip archive (npz is one)",
    b"\x93NUMPY": "a npy file",
    b"\x1f\x8b": "gzip",
    b"\x78": "zlib (joblib writes it)",
    b"\x80": "a pickle",
}


@dataclass(frozen=True, slots=True, eq=False)
class ModelFile:
    """arrays : by name, read-only, NaN allowed. header : plain JSON, finite. sha256 : of the bytes they came from."""

    arrays: Mapping[str, np.ndarray]
    header: Mapping[str, Any]
    sha256: str


def digest(data: bytes) -> str:
    """The name of a model: SHA-256 of its file, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def pack(arrays: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> bytes:
    """The file of a model. The same model always gives the same bytes, in whatever order its arrays are given.

    Raises ModelRefused naming the array or header value that is no number, no plain JSON, or too large.
    """
    if len(arrays) > MOST_ARRAYS:
        raise ModelRefused(f"a model holds at most {MOST_ARRAYS} arrays, got {len(arrays)}")
    table: dict[str, Any] = {"__metadata__": {"header": _header_text(header)}}
    parts, at = [], 0
    for name in sorted(arrays):
        array = _plain_array(name, arrays[name])
        raw = array.tobytes()
        table[name] = {
            "dtype": _CODES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [at, at + len(raw)],
        }
        parts.append(raw)
        at += len(raw)
    text = _json(table).encode()
    if len(text) > MOST_TABLE:
        raise ModelRefused(f"the header has {len(text):,} bytes, {MOST_TABLE:,} are allowed; put numbers into arrays")
    if 8 + len(text) + at > MOST_BYTES:
        raise ModelRefused(f"the model has {at:,} bytes of arrays, {MOST_BYTES:,} are allowed")
    return b"".join((struct.pack("<Q", len(text)), text, *parts))


def unpack(data: bytes, expected: str = "") -> ModelFile:
    """Read a model's file. `expected`: the hash that was announced; '' where there is none to hold it to.

    Raises ModelRefused, saying what it is instead or which rule it breaks. Memory is bounded by the size of `data`:
    what a file declares is checked against what it has before anything is made of it.
    """
    if len(data) > MOST_BYTES:
        raise ModelRefused(f"a model's file of {len(data):,} bytes is refused; {MOST_BYTES:,} are allowed")
    sha256 = digest(data)
    if expected and expected.lower() != sha256:
        raise ModelRefused(f"the model's hash is {sha256[:16]}…, announced was {expected[:16]}…; fetch it again")
    table, body = _table(data)
    header = _read_header(table.pop("__metadata__", None))
    arrays = _read_arrays(table, body)
    if pack(arrays, header) != data:
        raise ModelRefused("the file is not written as a model's file is (order, spaces, repeats); save it with `pack`")
    return ModelFile(arrays, header, sha256)


def _plain_array(name: str, given: Any) -> np.ndarray:
    _check_name(name)
    array = np.asarray(given)
    plain = array.dtype.newbyteorder("<")
    if plain not in _CODES:
        raise ModelRefused(
            f"array {name!r} holds {array.dtype}, which is refused; numbers and booleans travel, no more"
        )
    if array.ndim > MOST_DIMENSIONS:
        raise ModelRefused(f"array {name!r} has {array.ndim} dimensions, {MOST_DIMENSIONS} are allowed")
    return np.ascontiguousarray(array, dtype=plain).reshape(array.shape)


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name) or ".." in name:
        raise ModelRefused(f"{str(name)[:80]!r} cannot name an array; use letters, digits, '_', '.' or '-', at most 64")


def _header_text(header: Mapping[str, Any]) -> str:
    try:
        text = _json(dict(header))
        same = json.loads(text) == dict(header)
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelRefused(f"the header is no plain, finite JSON: {error}") from error
    if not same:
        raise ModelRefused("the header is no plain JSON: use lists and text keys, not tuples or numbers as keys")
    return text


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _table(data: bytes) -> tuple[dict[str, Any], memoryview]:
    """The JSON table and the bytes behind it."""
    stranger = next((words for magic, words in _STRANGERS.items() if data.startswith(magic)), "")
    size = struct.unpack("<Q", data[:8])[0] if len(data) >= 8 else 0
    fits = 2 <= size <= min(MOST_TABLE, len(data) - 8)
    if not fits or data[8:9] != b"{":
        what = f"this is {stranger or 'no model file'}, or cut short"
        raise ModelRefused(f"{what}; only arrays with a JSON header are read: ask for a file saved with `pack`")
    table = _strict_json(data[8 : 8 + size], "its table")
    if not isinstance(table, dict) or len(table) > MOST_ARRAYS + 1:  # the header counts as one
        raise ModelRefused(f"the file declares {len(table) - 1:,} arrays; {MOST_ARRAYS} are allowed")
    return table, memoryview(data)[8 + size :]


def _read_header(metadata: Any) -> dict[str, Any]:
    text = metadata.get("header") if isinstance(metadata, dict) and len(metadata) == 1 else None
    if not isinstance(text, str):
        raise ModelRefused("the file has no header; save it with `pack`")
    header = _strict_json(text.encode("utf-8", "surrogatepass"), "its header")
    if not isinstance(header, dict):
        raise ModelRefused(f"the header must be a JSON object, got {type(header).__name__}")
    return header


def _strict_json(raw: bytes, what: str) -> Any:
    """JSON without NaN, infinity, numbers that become infinite, repeated keys or endless nesting."""
    try:
        return json.loads(
            raw.decode("utf-8", "surrogatepass"),
            parse_constant=_refuse_constant,
            parse_float=_finite,
            object_pairs_hook=_once_each,
        )
    except RecursionError as error:
        raise ModelRefused(f"{what} is nested too deep to be read") from error
    except ValueError as error:  # ModelRefused is one too: its words stay
        raise ModelRefused(f"{what} is refused: {error}") from error


def _refuse_constant(text: str) -> float:
    raise ModelRefused(f"{text} is no number; a header holds finite numbers only")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse_constant(text[:20])


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ModelRefused("a name comes twice")
    return found


def _read_arrays(table: Mapping[str, Any], body: memoryview) -> dict[str, np.ndarray]:
    """The arrays, which must lie one behind the other and fill the file to its last byte."""
    arrays, at = {}, 0
    for name in sorted(table):
        _check_name(name)
        dtype, shape, size = _declared(name, table[name], at, len(body) - at)
        raw = body[at : at + size]
        if dtype == np.bool_ and size and np.frombuffer(raw, np.uint8).max() > 1:
            raise ModelRefused(f"array {name!r} holds booleans that are neither 0 nor 1")
        arrays[name] = np.frombuffer(raw, dtype).reshape(shape)  # read-only, as `bytes` are
        at += size
    if at != len(body):
        raise ModelRefused(f"{len(body) - at:,} bytes follow the last array; a model's file ends with it")
    return arrays


def _declared(name: str, entry: Any, at: int, left: int) -> tuple[np.dtype, tuple[int, ...], int]:
    """Type, shape and size in bytes as declared. Raises ModelRefused where the file does not have them."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ModelRefused(f"array {name!r} is not described by dtype, shape and data_offsets")
    code, shape = entry["dtype"], entry["shape"]
    if not isinstance(code, str) or code not in _TYPES:
        raise ModelRefused(f"array {name!r} holds {str(code)[:40]!r}, which is refused; it may be {', '.join(_TYPES)}")
    whole = isinstance(shape, list) and all(type(n) is int and 0 <= n <= MOST_BYTES for n in shape)
    if not whole or len(shape) > MOST_DIMENSIONS:
        raise ModelRefused(f"array {name!r} has the shape {str(shape)[:60]}, which is none")
    dtype = np.dtype(_TYPES[code])
    size = math.prod(shape) * dtype.itemsize
    if size > left:
        raise ModelRefused(f"array {name!r} declares {size:,} bytes and the file has {left:,} left; it is cut or lies")
    if entry["data_offsets"] != [at, at + size]:
        raise ModelRefused(f"array {name!r} lies at {str(entry['data_offsets'])[:60]}, not at [{at}, {at + size}]")
    return dtype, tuple(shape), size
