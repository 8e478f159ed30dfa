"""Slow, obvious twins of the ledger's parts."""


class NaiveLog:
    """The event log as a list."""

    def __init__(self):
        self.rows = []

    def append(self, events):
        numbered = []
        for event in events:
            old = [row for row in self.rows if row[1] == event.event_id]
            if not old:
                self.rows.append((len(self.rows) + 1, event.event_id, event.kind, dict(event.payload)))
            numbered.append(old[0] if old else self.rows[-1])
        return numbered

    def read(self, after, limit, kinds):
        found = [row for row in self.rows if row[0] > after and (kinds is None or row[2] in kinds)]
        return found[:limit]

    def last(self, limit, kinds):
        return [row for row in self.rows if kinds is None or row[2] in kinds][-limit:]


def extremes_kept(values, kept):
    """Whether first, last, lowest and highest of `values` are among the kept positions."""
    chosen = [values[at] for at in kept]
    ends = kept[0] == 0 and kept[-1] == len(values) - 1
    return ends and min(values) in chosen and max(values) in chosen
