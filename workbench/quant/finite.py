"""The NaN policy of the risk numbers, in one place: refuse, and name the culprit."""

import numpy as np

from workbench.domain.errors import ValueRefused


def finite(values, name: str, ndim: int) -> np.ndarray:
    """`values` as a float array of `ndim` axes. Raises ValueRefused for another shape, nothing in it, NaN or inf."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueRefused(f"{name}: not numbers: {error}") from error
    if array.ndim != ndim or array.size == 0:
        raise ValueRefused(f"{name}: needs {ndim} axes and at least one value, got shape {array.shape}")
    if not np.isfinite(array).all():
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueRefused(f"{name}: {array[at]} at {at}; drop or repair it first, unknown risk is not a number")
    return array


def square(values, name: str) -> np.ndarray:
    """A finite symmetric matrix, made exactly symmetric. Raises ValueRefused where it is neither."""
    matrix = finite(values, name, 2)
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueRefused(f"{name}: must be square, got shape {matrix.shape}")
    gap = np.abs(matrix - matrix.T).max()
    if gap > 1e-8 * np.abs(matrix).max():
        raise ValueRefused(f"{name}: not symmetric, opposite entries differ by {gap:.3g}")
    return matrix if gap == 0 else (matrix + matrix.T) / 2


def level(value: float) -> float:
    """A confidence level strictly between 0 and 1, or ValueRefused."""
    if not 0 < value < 1:
        raise ValueRefused(f"a confidence level must lie strictly between 0 and 1, got {value}")
    return float(value)
