"""The scan beside its definition, and what a shape must not depend on."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import naive_shapes as naive
from workbench.domain.errors import ValueRefused
from workbench.quant.shapes import BLOCK, NEWEST, lengths_around, newest, scan, shape, similarity, without_overlap


def walk(seed, bars=520):
    return np.random.default_rng(seed).normal(0, 0.01, bars).cumsum() + 5


def templates(seed, count=3):
    return np.array([shape(walk(seed + n, 48)) for n in range(count)])


@pytest.mark.parametrize("bars", [2, 5, 31, 32, 33, 64, 100])
def test_a_shape_is_what_its_definition_says(bars):
    np.testing.assert_allclose(shape(walk(bars, bars)), naive.shape(walk(bars, bars)), atol=2e-6)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("length", [8, 24, 32, 45, 64])
def test_hits_are_those_of_the_definition(length, first):
    x, bank = walk(1), templates(20)
    found = scan([x], bank, [length], 0.8, first)

    for p, template in enumerate(bank):
        expected = naive.hits(x, template, length, 0.8, first)
        assert found.ends[found.patterns == p].tolist() == expected
    rows = [naive.likeness(x, bank[p], length)[end] for p, end in zip(found.patterns, found.ends, strict=True)]
    np.testing.assert_allclose(found.similarities, rows, atol=1e-5)


def test_several_series_lengths_and_blocks_in_one_call():
    long, short = walk(2, BLOCK + 60), walk(3, 200)
    bank = templates(30)
    found = scan([long, short, walk(4, 5)], bank, [16, 40], 0.85)

    assert set(found.series) == {0, 1}
    for number, x in enumerate([long, short]):
        for length in (16, 40):
            mine = (found.series == number) & (found.lengths == length) & (found.patterns == 1)
            assert found.ends[mine].tolist() == naive.hits(x, bank[1], length, 0.85, True)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 99), scale=st.sampled_from([1e-3, 1.0, 1e3]), level=st.floats(-20, 20), times=st.integers(1, 4)
)
def test_a_shape_knows_neither_price_nor_scale_nor_bar_length(seed, scale, level, times):
    x = walk(seed, 40)

    same = shape(np.repeat(x * scale + level, times))

    np.testing.assert_allclose(same, shape(x), atol=2e-5)
    assert similarity(x, shape(x)[None])[0] == pytest.approx(1, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(cut=st.integers(60, 510), seed=st.integers(0, 50))
def test_later_bars_change_no_hit(cut, seed):
    x, bank = walk(seed), templates(seed + 100)
    spoiled = x.copy()
    spoiled[cut:] = np.random.default_rng(seed).normal(0, 1e6, x.size - cut)
    lengths = [12, 40]

    known = scan([x[:cut]], bank, lengths, 0.8)

    for later in (x, spoiled):
        full = scan([later], bank, lengths, 0.8)
        before = full.of(np.flatnonzero(full.ends < cut))
        for name in ("ends", "lengths", "patterns", "similarities"):
            np.testing.assert_array_equal(getattr(before, name), getattr(known, name))


def test_the_newest_bar_of_many_series_is_what_the_scan_says():
    many, bank, lengths = [walk(seed, 90) for seed in range(5)] + [walk(9, 20)], templates(60), (16, 33)

    now = newest(many, bank, lengths)

    assert (now[5, 1] == 0).all()
    for number, place in np.ndindex(5, 2):
        x = many[number][-lengths[place] :]
        np.testing.assert_allclose(now[number, place], similarity(x, bank), atol=1e-6)


def test_the_newest_bar_of_a_series_does_not_depend_on_the_others_or_on_what_was_before_its_window():
    many, bank, lengths = [walk(seed, 40 + seed) for seed in range(NEWEST + 9)], templates(60), (16, 33)
    many[3][-5], many[4][-30:], many[5][:-33] = np.nan, 3.25, np.nan

    now = newest(many, bank, lengths)

    assert not now[3].any()
    assert not now[4, 0].any()
    assert now[5].all()
    for number in (0, 1, 5, NEWEST - 1, NEWEST, NEWEST + 8):
        np.testing.assert_array_equal(now[number], newest([many[number][-33:]], bank, lengths)[0])


def test_gaps_and_flat_stretches_resemble_nothing_and_spoil_nobody():
    x = walk(5)
    x[100:140] = 3.25
    x[300], x[450] = np.nan, np.inf
    found = scan([x], templates(40), [24], 0.3)

    touched = [(e - 23 <= gap <= e) for e in found.ends for gap in (300, 450)]
    assert not any(touched)
    assert not any(e - 23 >= 100 and e < 140 for e in found.ends)
    expected = naive.hits(x, templates(40)[0], 24, 0.3, True)
    assert found.ends[found.patterns == 0].tolist() == expected


def test_an_outlier_ends_with_its_windows():
    x = walk(6)
    bank = templates(50)
    wild = x.copy()
    wild[50] = 1e9

    far = scan([wild], bank, [24], 0.8)
    same = scan([x], bank, [24], 0.8)

    start = 50 + 24 + 12
    assert far.ends[far.ends > start].size
    for end, pattern, r in zip(far.ends, far.patterns, far.similarities, strict=True):
        if end > start:
            assert r == pytest.approx(naive.likeness(x[end - 23 : end + 1], bank[pattern], 24)[-1], abs=1e-3)
    assert len(same)


def test_overlapping_windows_are_told_once():
    x = walk(7)
    found = scan([x], shape(x[200:260])[None], lengths_around(60), 0.9, first=False)
    kept = without_overlap(found)

    best = np.argmax(kept.similarities)
    assert (kept.ends[best], kept.lengths[best]) == (259, 60)
    spans = sorted((e - n + 1, e) for e, n in zip(kept.ends, kept.lengths, strict=True))
    for (_, last), (begin, end) in pairwise(spans):
        assert min(last, end) - begin + 1 <= 60


def test_bad_input_is_named():
    with pytest.raises(ValueRefused, match="2 finite values"):
        shape(np.array([1.0, np.nan]))
    with pytest.raises(ValueRefused, match="2 bars or more"):
        scan([walk(0)], templates(0), [1])
    with pytest.raises(ValueRefused, match="threshold"):
        scan([walk(0)], templates(0), [8], 0.0)


def test_nothing_is_an_answer():
    assert len(scan([], templates(0), [8])) == 0
    assert len(scan([walk(0, 5)], templates(0), [8])) == 0
