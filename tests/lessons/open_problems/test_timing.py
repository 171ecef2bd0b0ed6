"""One run is timed: what comes before its pace, the pace, and what seconds buy."""

from types import SimpleNamespace

import pytest

from simmim_lib.experiments import cost
from simmim_lib.lessons.open_problems import study_results, timing
from simmim_lib.settings import Settings


@pytest.fixture
def clock(monkeypatch):
    """A clock that shows 3 s for what comes first and 5 s for the first steps, then 2 s each."""
    times = iter([100, 103, 108, 110, 112, 114])
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: next(times)))


@pytest.mark.slow
def test_the_first_steps_and_the_pace_are_told_apart(clock):
    settings = Settings(frozen_layers=0, steps=80, seeds=1)
    told = []
    found = timing.timed(settings, lambda *now: told.append(now))
    assert told[-1] == (80, 80)
    billions = cost.estimate(settings).flops / 1e9
    assert found.cost == pytest.approx(billions)
    assert found.pace == pytest.approx(billions / 8)  # 80 steps of a tenth of a second
    assert found.start == pytest.approx(6)  # 8 s, of which 20 steps are 2
    assert found.seconds(found.cost) == pytest.approx(14)
    assert found.billions(14) == pytest.approx(billions) and found.billions(5) == 0
    assert 0.5 < found.accuracy < 1


def test_the_advice_is_the_best_that_the_seconds_pay_for():
    run = timing.Timed(start=2.0, pace=10.0, cost=16.0, accuracy=0.8125)
    ways = {way.name: way for way in study_results.digits(10)}
    for seconds, name in ((3, None), (5, "2 layers frozen, 200 steps"), (600, "SimMIM, 500 steps")):
        picture = study_results.budget_figure(10, seconds, run)
        advice = "nothing is so quick"
        if name:
            advice = f"take {name}, {2 + ways[name].cost / 10:.0f} s"
        assert f"10 labels per class, {seconds} seconds: {advice}." in picture.alt
        assert "timed here: 4 s, accuracy 0.812 for 16.0." in picture.alt
        (line,) = [each for each in picture.figure.axes[0].lines if each.get_ls() == "--"]
        assert line.get_xdata()[0] == pytest.approx(10 * (seconds - 2))
        (star,) = [each for each in picture.figure.axes[0].lines if each.get_marker() == "*"]
        assert (star.get_xdata()[0], star.get_ydata()[0]) == (16.0, 0.8125)


def test_before_a_run_is_timed_nothing_is_said_of_seconds():
    picture = study_results.budget_figure(1, 10, None)
    assert "1 label per class: one run is being timed." in picture.alt
    assert "seconds" not in picture.alt
