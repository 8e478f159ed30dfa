"""A fitted model goes into a file and comes back the same; what the class does not declare is refused."""

from dataclasses import dataclass

import numpy as np
import pytest

from workbench.domain.errors import ModelRefused
from workbench.quant.model_file import pack, unpack
from workbench.quant.model_values import put_together, taken_apart


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    weights: np.ndarray
    name: str
    level: float


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    pair: tuple[Part, Part]
    names: tuple[str, ...]
    by_name: dict[str, Part]
    count: int
    sure: bool
    more: Part | None = None


def part(seed, name="a"):
    return Part(np.random.default_rng(seed).normal(size=(2, 3)), name, 1.0)


def written(value):
    taken = taken_apart(value)
    return pack(taken.arrays, {"value": taken.header})


def read(kind, data):
    file = unpack(data)
    return put_together(kind, file, file.header["value"])


@pytest.mark.parametrize("more", [None, part(5, "last")])
def test_what_is_written_is_read(more):
    whole = Whole((part(0), part(1)), ("x", "y"), {"\x00none": part(2), "flag/ü": part(3)}, 3, True, more)

    back = read(Whole, written(whole))

    assert (back.names, back.count, back.sure, list(back.by_name)) == (("x", "y"), 3, True, ["\x00none", "flag/ü"])
    for mine, theirs in zip(
        back.pair + tuple(back.by_name.values()), (part(0), part(1), part(2), part(3)), strict=True
    ):
        assert np.array_equal(mine.weights, theirs.weights)
    assert (back.more is None) == (more is None)
    assert written(back) == written(whole)


def test_another_class_or_a_changed_header_is_refused():
    data = written(part(0))
    with pytest.raises(ModelRefused, match="no Whole"):
        read(Whole, data)
    for header in ({"weights": None, "name": 3, "level": 1.0}, {"weights": None, "name": "a"}, None, [1]):
        with pytest.raises(ModelRefused, match="no Part"):
            read(Part, pack({"weights": np.zeros(2)}, {"value": header}))
    with pytest.raises(ModelRefused, match="weights"):
        read(Part, pack({}, {"value": {"weights": None, "name": "a", "level": 1.0}}))


def test_what_is_neither_array_nor_number_is_refused():
    with pytest.raises(ModelRefused, match="level is a object"):
        taken_apart(Part(np.zeros(1), "a", object()))
