"""Annotations as plain JSON and back; and as files: CSV, Parquet, JSON."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.domain.errors import LedgerError, WorkbenchError
from workbench.domain.market import Timeframe
from workbench.domain.orders import Side
from workbench.domain.patterns import Annotation, Outcome, OutcomeRule

_TIMES = ("first_at", "last_at", "seen_until")
_FLAT_RULE = ("side", "target", "stop", "horizon", "cost")
LARGEST_FILE = 1 << 30


def to_json(annotation: Annotation) -> dict[str, Any]:
    """Plain JSON data, times as ISO text in UTC."""
    data: dict[str, Any] = {name: getattr(annotation, name) for name in Annotation.__slots__}
    data |= {name: getattr(annotation, name).astimezone(UTC).isoformat() for name in _TIMES}
    rule = asdict(annotation.rule) if annotation.rule else None
    data["rule"] = {**rule, "side": rule["side"].value} if rule else None
    data["timeframe"], data["outcome"] = annotation.timeframe.text, annotation.outcome.value
    data["bars"] = [list(bar) for bar in annotation.bars]
    return data


def from_json(data: Mapping[str, Any]) -> Annotation:
    """What `to_json` gave. Raises LedgerError naming what is missing or wrong."""
    try:
        values = {name: data[name] for name in Annotation.__slots__}
        values |= {name: _moment(str(data[name])) for name in _TIMES}
        values["timeframe"], values["outcome"] = Timeframe.parse(data["timeframe"]), Outcome(data["outcome"])
        values["bars"] = tuple(tuple(float(value) for value in bar) for bar in data["bars"])
        rule = data["rule"]
        values["rule"] = OutcomeRule(**{**rule, "side": Side(rule["side"])}) if rule else None
        for name in ("annotation_id", "user_id", "pattern", "symbol", "note"):
            if not isinstance(values[name], str):
                raise TypeError(f"{name} must be text, got {values[name]!r}")
        if not isinstance(values["shared"], bool):
            raise TypeError(f"shared must be true or false, got {values['shared']!r}")
        return Annotation(**values)
    except (KeyError, TypeError, ValueError, WorkbenchError) as error:
        who = str(data.get("annotation_id", "without an id"))[:80] if isinstance(data, Mapping) else "of another kind"
        raise LedgerError(f"annotation {who}: {_why(error)}; export it again from a workbench") from error


def write_file(annotations: Iterable[Annotation], path: str | Path) -> Path:
    """Write .json, .csv or .parquet, by the path's ending; returns the path."""
    target, rows = Path(path), [to_json(annotation) for annotation in annotations]
    if target.suffix == ".json":
        target.write_text(json.dumps(rows, indent=1), encoding="utf-8")
        return target
    import pandas as pd  # a second that a process without files need not pay

    flat = pd.DataFrame([_flat(row) for row in rows], columns=_columns(), dtype=object)
    if target.suffix == ".csv":
        flat.to_csv(target, index=False)
    elif target.suffix == ".parquet":
        flat.astype("string").to_parquet(target, index=False)
    else:
        raise LedgerError(f"{target.name}: annotations go to .json, .csv or .parquet")
    return target


def read_file(path: str | Path) -> list[Annotation]:
    """Read what `write_file` wrote. Raises LedgerError where the file is none, or one of its rows is wrong."""
    source = Path(path)
    try:
        if source.stat().st_size > LARGEST_FILE:
            raise LedgerError(f"{source.name} is larger than a file of annotations may be (1 GiB)")
        if source.suffix == ".json":
            rows = json.loads(source.read_text(encoding="utf-8"))
        elif source.suffix in (".csv", ".parquet"):
            rows = [_nested(row) for row in _table(source)]
        else:
            raise LedgerError(f"{source.name}: annotations come from .json, .csv or .parquet")
    except (OSError, ValueError, KeyError) as error:
        raise LedgerError(f"{source.name} cannot be read as annotations: {_why(error)}") from error
    if not isinstance(rows, list):
        raise LedgerError(f"{source.name} holds no list of annotations")
    return [from_json(row) for row in rows]


def _table(source: Path) -> list[dict[str, str]]:
    import pandas as pd

    if source.suffix == ".csv":
        table = pd.read_csv(source, dtype=str, keep_default_na=False, na_filter=False)
    else:
        table = pd.read_parquet(source).astype("string").fillna("")
    missing = [name for name in _columns() if name not in table.columns]
    if missing:
        raise LedgerError(f"{source.name} has no column {missing[0]!r}; export it again from a workbench")
    return [{str(key): str(value) for key, value in row.items()} for row in table.to_dict("records")]


def _columns() -> list[str]:
    return [*(name for name in Annotation.__slots__ if name != "rule"), *(f"rule_{name}" for name in _FLAT_RULE)]


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """One row of text cells. A cell that a spreadsheet would take for a formula is kept from being one by a quote."""
    rule = row["rule"] or {}
    flat = {name: row[name] for name in Annotation.__slots__ if name != "rule"}
    flat |= {f"rule_{name}": repr(rule[name]) if rule and name != "side" else rule.get(name, "") for name in _FLAT_RULE}
    flat |= {"bars": json.dumps(row["bars"]), "shared": "true" if row["shared"] else "false"}
    return {name: _guarded(value) for name, value in flat.items()}


def _nested(row: Mapping[str, str]) -> dict[str, Any]:
    plain = {name: _unguarded(value) for name, value in row.items()}
    rule = {name: plain[f"rule_{name}"] for name in _FLAT_RULE}
    data: dict[str, Any] = {name: plain[name] for name in Annotation.__slots__ if name != "rule"}
    data["bars"], data["shared"] = json.loads(plain["bars"]), {"true": True, "false": False}[plain["shared"]]
    data["rule"] = None
    if rule["side"]:
        numbers = {name: float(rule[name]) for name in ("target", "stop", "cost")}
        data["rule"] = {"side": rule["side"], "horizon": int(rule["horizon"]), **numbers}
    return data


def _guarded(value: Any) -> str:
    cell = str(value)
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "'") else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" else cell


def _moment(written: str) -> datetime:
    moment = datetime.fromisoformat(written)
    if moment.tzinfo is None:
        raise ValueError(f"time {written!r} has no zone")
    return moment.astimezone(UTC)


def _why(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) and error.args else str(error)[:300]
