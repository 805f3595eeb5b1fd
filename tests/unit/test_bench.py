"""The benchmark's arithmetic."""

import math

import pytest

from tests.bench.calls import chain, groups
from tests.bench.measures import Measure, at_least, at_most, figure, worse
from tests.bench.open_loop import Timed
from tests.support.proxy import Call, Exchange


def call(begun: float, ended: float) -> Exchange:
    return Exchange(Call("counter", "GET", "/", b""), 200, b"", begun, ended)


def test_a_percentile_is_what_that_share_did_not_exceed() -> None:
    timed = Timed(tuple(float(number) for number in range(1, 101)))
    assert [timed.percentile(share) for share in (0.0, 0.5, 0.99, 1.0)] == [1, 50, 99, 100]


def test_an_order_that_was_not_fulfilled_is_the_slowest() -> None:
    timed = Timed((*[5.0] * 99, math.inf))
    assert timed.percentile(0.99) == 5
    assert timed.percentile(1.0) == math.inf


def test_calls_that_overlap_do_not_wait_for_one_another() -> None:
    """Two at once, a third beside the slower of them, and one after all."""
    calls = [call(0, 2), call(0, 5), call(3, 4), call(6, 7)]
    assert [len(group) for group in groups(calls)] == [3, 1]
    assert [each.ended for each in chain(calls)] == [2, 4, 7]


def test_the_ratio_is_of_the_medians() -> None:
    measure = Measure("m", "1/s", figure([70, 80, 900]), figure([100, 100, 1]), "x", at_least(0.7))
    assert measure.ratio == 0.8
    assert measure.is_met
    assert measure.to_json()["oursSpread"] == (70, 900)


def test_without_another_the_figure_itself_has_to_meet_the_target() -> None:
    assert Measure("calls in a row", "", figure(4), target=at_most(4)).is_met
    assert Measure("calls in a row", "", figure(5), target=at_most(4)).is_met is False
    assert Measure("size", "MB", figure(5)).is_met is None


@pytest.mark.parametrize(
    ("target", "recorded", "bearable", "not_bearable"),
    [(at_least(0.7), 1.0, 0.81, 0.79), (at_most(1.3), 1.0, 1.24, 1.26)],
)
def test_a_ratio_may_be_a_fifth_worse_than_recorded(
    target: object, recorded: float, bearable: float, not_bearable: float
) -> None:
    def found(ratio: float) -> list[str]:
        measure = Measure("m", "", figure(ratio), figure(1.0), "x", target)  # type: ignore[arg-type]  # parametrized
        return worse([measure], {"m ÷ x": recorded}, 0.8)

    assert found(bearable) == []
    assert found(not_bearable) == [f"m ÷ x is {not_bearable:.2f}, and 1.00 was recorded"]
