"""Where heavy work runs: in this process, or on a Dask cluster. One path, joblib's; what is spread returns in order.

with a cluster: [compute] scheduler = "tcp://10.0.0.5:8786", and its workers started in the folder of the desk
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from workbench.domain.errors import StartError

Item = TypeVar("Item")
Result = TypeVar("Result")
REACH_S = 10


def spread(work: Callable[[Item], Result], items: Iterable[Item], scheduler: str = "") -> list[Result]:
    """`work` of each item, in the items' order. Blocking; an error of one ends it and is raised.

    scheduler : '' does them here, one after the other; 'tcp://host:port' on its workers, which must be able to import
    what `work` needs. Raises StartError where Dask is not installed or the scheduler cannot be reached.
    """
    if not scheduler:
        return [work(item) for item in items]
    import joblib

    with _cluster(scheduler):
        return list(joblib.Parallel()(joblib.delayed(work)(item) for item in items))


@contextmanager
def _cluster(scheduler: str) -> Iterator[None]:
    """joblib's work goes to this scheduler inside the block. The client belongs to the thread that makes it."""
    import joblib

    try:
        from distributed import Client
    except ImportError as error:
        raise StartError(
            f"compute.scheduler is {scheduler}, and Dask is not installed: pip install 'workbench[dask]'"
        ) from error
    try:
        client: Any = Client(scheduler, timeout=REACH_S, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise StartError(f"no Dask scheduler answers at {scheduler}: {error}; see compute.scheduler") from error
    with client, client.as_current(), joblib.parallel_config(backend="dask"):
        yield
