"""A page gets as much as it draws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.visual.viewer_pace import Pacing, ViewerPace

PACING = Pacing(gap_s=0.05, burst=2, window=2, lapse_s=90)


def test_two_may_be_on_their_way_and_no_third_before_one_was_drawn():
    pace = ViewerPace(PACING, 0.0)
    assert pace.due_s(0.0) == 0.0

    pace.sent(1, 0.0)
    assert pace.due_s(0.01) == 0.0
    pace.sent(2, 0.05)
    assert pace.due_s(10.0) is None

    pace.drew(1, 10.0)
    assert pace.due_s(10.0) == 0.0


def test_a_close_and_the_bar_after_it_need_not_wait_for_each_other_but_a_third_does():
    pace = ViewerPace(PACING, 0.0)

    pace.sent(1, 1.0)
    pace.sent(2, 1.01)
    pace.drew(2, 1.03)

    assert pace.due_s(1.04) == pytest.approx(0.06)


def test_a_page_that_says_nothing_is_gone_after_a_while_and_comes_back():
    pace = ViewerPace(PACING, 0.0)

    assert pace.there(89.0)
    assert not pace.there(90.0)
    assert pace.due_s(90.0) is None
    pace.sign(200.0)
    assert pace.due_s(200.0) == 0.0
    pace.gone()
    assert not pace.there(200.0)


def test_a_page_without_anything_begins_anew():
    pace = ViewerPace(PACING, 0.0)
    pace.sent(5, 0.0)
    pace.sent(6, 1.0)

    pace.lost(2.0)

    assert pace.rev == -1
    assert pace.due_s(2.0) == 0.0


@given(st.lists(st.floats(0.001, 0.4), min_size=50, max_size=300))
def test_never_more_than_twenty_a_second(steps):
    pace, now, sent = ViewerPace(PACING, 0.0), 0.0, []
    for rev, step in enumerate(steps):
        now += step
        if pace.due_s(now) == 0.0:
            pace.sent(rev, now)
            sent.append(now)
            pace.drew(rev, now)

    assert all(later - earlier >= 2 * 0.05 - 1e-9 for earlier, later in zip(sent, sent[2:], strict=False))
