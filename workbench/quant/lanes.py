"""Many windows side by side: the same step of all of them is one vector instruction of the processor.

Kernels that take windows one after another leave most of a vector empty, or branch; with a window in each lane neither
happens, and a window's numbers do not depend on its neighbours'.
"""

import numba

LANES = 64  # windows of a block: long enough a loop that the compiler keeps it one, short enough for the first cache
_TILE = 16  # a line of the cache


@numba.njit(cache=True, nogil=True)
def columns_to_rows(columns, count, start, out, at):
    """out[start + w, at + f] = columns[f, w] of the first `count` rows f, and of as many windows w as `out` has."""
    for first in range(0, count, _TILE):
        last = min(count, first + _TILE)
        for w in range(min(LANES, len(out) - start)):
            row = out[start + w]
            for f in range(first, last):
                row[at + f] = columns[f, w]
