"""Slow and obvious: swings bar by bar, clusters by trying all pairs, visits as one walks along the chart."""


def swings(high, low, reach):
    found = []
    for t in range(reach, len(high) - reach):
        before, after = range(t - reach, t), range(t + 1, t + reach + 1)
        if all(low[i] > low[t] for i in before) and all(low[i] >= low[t] for i in after):
            found.append((t, -1, low[t]))
        if all(high[i] < high[t] for i in before) and all(high[i] <= high[t] for i in after):
            found.append((t, 1, high[t]))
    return found


def visits(high, low, close, bottom, top):
    """(row, side it came from, whether it left there; None: still inside)."""

    def side(price):
        return "above" if price > top else "below" if price < bottom else "inside"

    found, t = [], 1
    while t < len(close):
        came, now = side(close[t - 1]), side(close[t])
        touched = low[t] <= top and high[t] >= bottom
        jumped = {came, now} == {"above", "below"}
        if came == "inside" or not (touched or jumped):
            t += 1
            continue
        end = t
        while end < len(close) and side(close[end]) == "inside":
            end += 1
        held = None if end == len(close) else side(close[end]) == came
        found.append((t, 1 if came == "above" else -1, held))
        t = end + 1
    return found
