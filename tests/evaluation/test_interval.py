import pytest

from videmo.evaluation.interval import Interval, bounds_text, figure_text

UNKNOWN = Interval(50.0)


def test_an_interval_lies_above_or_below_a_limit_as_a_whole():
    interval = Interval(5.0, 2.0, 8.0)
    assert (interval.is_above(1.9), interval.is_above(2.0)) == (True, False)
    assert (interval.is_below(8.1), interval.is_below(8.0)) == (True, False)


@pytest.mark.parametrize("limit", [-1e9, 0, 50, 1e9])
def test_an_unknown_interval_lies_neither_above_nor_below_anything(limit):
    assert not UNKNOWN.known
    assert not UNKNOWN.is_above(limit)
    assert not UNKNOWN.is_below(limit)


def test_an_interval_is_printed_with_its_bounds_or_as_unknown():
    assert figure_text([66.0, 63.14, 67.0]) == "66.0 [63.1, 67.0]"
    assert figure_text([5.0, -1.0, 11.0], signed=True) == "+5.0 [-1.0, +11.0]"
    assert bounds_text(UNKNOWN.as_list()) == "[interval unknown]"


def test_an_interval_from_nothing_to_everything_is_known():
    assert Interval(50.0, 0.0, 100.0).known


def test_a_change_that_rounds_to_zero_has_no_minus():
    assert figure_text([-0.01, -0.04, 0.2], signed=True) == "+0.0 [+0.0, +0.2]"
