"""What the page's store does with messages, the obvious way: the slow twin of static/desk/store.js."""

import json


def after(view: dict | None, message: dict) -> dict:
    """The page's view once `message` has arrived; None: a page just opened. Works on copies, as a wire does."""
    told = json.loads(json.dumps(message))
    if told["kind"] == "snapshot":
        return {key: value for key, value in told.items() if key != "kind"}
    assert view is not None
    assert told["seq"] == view["seq"] + 1, "a page that misses a message must ask for the snapshot"
    new = {**view, "seq": told["seq"], **told.get("set", {})}
    rows = {**view["bots"], **told.get("bots", {})}
    new["bots"] = {bot_id: row for bot_id, row in rows.items() if bot_id in new["order"]}
    new["events"] = (told.get("events", []) + view["events"])[:60]
    new["equity"] = _lines(view["equity"], told.get("equity", {}))
    return new


def _lines(held: dict, change: dict) -> dict:
    lines = {name: line for name, line in held.items() if name not in change.get("drop", [])}
    lines |= change.get("set", {})
    for name, tail in change.get("add", {}).items():
        line = lines[name]
        lines[name] = {**line, "t": line["t"] + tail["t"], "v": line["v"] + tail["v"]}
    return lines
