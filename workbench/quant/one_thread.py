"""Products too small to share between cores: on a busy machine threads waiting for each other cost ten times the work,
and the last bits of a result would depend on how many there are."""

from functools import lru_cache


@lru_cache(maxsize=1)
def _controller():
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def one_thread():
    """`with one_thread():` linear algebra keeps to the calling thread."""
    return _controller().limit(limits=1, user_api="blas")
