"""The memory of panels: it is bounded, and going back to a setting costs nothing."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted_results import as_scores

from simmim_lib import experiments
from simmim_lib.collapse import Diagnosis
from simmim_lib.experiments import Course, Result
from simmim_lib.experiments.kept_models import Trained
from simmim_lib.panels import memory
from simmim_lib.panels.memory import Memory, bytes_of
from simmim_lib.settings import Settings

PLAN = Settings(steps=3, seeds=1)


@pytest.fixture(autouse=True)
def fresh(monkeypatch) -> Memory:
    """A memory of its own for each test."""
    memory_of_test = Memory(max_entries=10, max_bytes=10_000)
    monkeypatch.setattr(memory, "MEMORY", memory_of_test)
    return memory_of_test


@pytest.fixture
def runs(monkeypatch) -> list[Settings]:
    """Replace experiments, and record which were run."""
    settings_run: list[Settings] = []

    def run(settings, *, baseline, progress):
        assert not baseline
        settings_run.append(settings)
        progress(1, 2)
        progress(2, 2)
        return SimpleNamespace(settings=settings)

    monkeypatch.setattr(experiments, "run", run)
    return settings_run


# What it holds


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60)), max_size=60),
    st.integers(1, 6),
    st.integers(0, 150),
)
def test_it_holds_the_latest_that_fit_and_never_more(puts, max_entries, max_bytes):
    remembered, order = Memory(max_entries, max_bytes), []
    for key, size in puts:
        remembered.put(key, np.zeros(size, np.uint8))
        if size <= max_bytes:
            order = [pair for pair in order if pair[0] != key] + [(key, size)]
        while len(order) > max_entries or sum(size for _, size in order) > max_bytes:
            del order[0]
        assert len(remembered) == len(order) <= max_entries
        assert remembered.bytes == sum(size for _, size in order) <= max_bytes
    held = {key: len(remembered.get(key)) for key in range(10) if key in remembered}
    assert held == dict(order)


def test_what_was_used_last_stays():
    remembered = Memory(max_entries=2, max_bytes=100)
    remembered.put("first", 1)
    remembered.put("second", 2)
    assert remembered.get("first") == 1
    remembered.put("third", 3)
    assert "second" not in remembered
    assert (remembered.get("first"), remembered.get("second")) == (1, None)


def test_what_is_larger_than_the_memory_pushes_nothing_out():
    remembered = Memory(max_entries=5, max_bytes=100)
    remembered.put("small", np.zeros(60, np.uint8))
    remembered.put("large", np.zeros(101, np.uint8))
    assert "small" in remembered and "large" not in remembered


def test_the_bytes_are_those_of_all_arrays():
    half = np.zeros((3, 5), np.float16)  # 30 bytes
    diagnosis = Diagnosis(np.zeros(2), np.zeros(2), expected_entropy=2.3)  # 32 bytes
    result = Result(
        PLAN,
        as_scores({"mnist": half}),
        {"mnist": half},
        {"mnist": half},
        seconds=1.0,
        diagnostics={"mnist": diagnosis},
    )
    assert bytes_of(result) == 3 * 30 + 32
    course = Course(PLAN, np.arange(4, dtype=np.int64), {}, result=result)
    assert bytes_of((course, [course])) == 2 * (3 * 30 + 32 + 32)


def test_threads_do_not_meet_in_it():
    remembered, failures = Memory(max_entries=5, max_bytes=400), []

    def work(seed):
        random = np.random.default_rng(seed)
        try:
            for key in random.integers(0, 20, 500):
                outcome = remembered.get(key)
                assert outcome is None or len(outcome) == key
                remembered.put(key, np.zeros(key, np.uint8))
                assert len(remembered) <= 5 and remembered.bytes <= 400
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


# Going back costs nothing


def test_an_outcome_is_computed_once_for_each_question_and_function():
    computed = []

    def double(number, progress):
        computed.append(number)
        return 2 * number

    def negative(number, progress):
        return -number

    assert [memory.remember(double, n, print) for n in (3, 4, 3)] == [6, 8, 6]
    assert computed == [3, 4]
    assert memory.remember(negative, 3, print) == -3


def test_what_failed_is_not_remembered(fresh):
    def fail(asked, progress):
        raise ValueError(asked)

    for _ in range(2):
        with pytest.raises(ValueError, match="3"):
            memory.remember(fail, 3, print)
    assert len(fresh) == 0


def test_a_result_is_measured_once(runs):
    assert not memory.is_measured(PLAN)
    first = memory.measure(PLAN, lambda done, total: None)
    assert memory.is_measured(PLAN)
    assert memory.measure(PLAN.replace(), pytest.fail) is first
    assert runs == [PLAN]


def test_the_bar_is_filled_once_by_what_is_new(runs):
    plans = [PLAN.replace(steps=steps) for steps in (1, 2, 3)]
    memory.measure(plans[1], lambda done, total: None)
    shown = []
    results = list(memory.measure_each(plans, lambda *now: shown.append(now)))
    assert [result.settings for result in results] == plans
    assert shown == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert list(memory.measure_each(plans, pytest.fail)) == results


def test_a_training_is_followed_once_and_then_known_whole(monkeypatch):
    result = Result(PLAN, {}, {}, {}, seconds=1.0)
    looks = [Course(PLAN, np.arange(n), {}) for n in (1, 2)]
    done = Course(PLAN, np.arange(2), {}, result=result)
    monkeypatch.setattr(experiments, "follow", lambda settings, progress: iter([*looks, done]))
    told = list(memory.follow(PLAN, print))
    assert told == [(looks[0],), tuple(looks), (looks[0], done)]
    monkeypatch.setattr(experiments, "follow", pytest.fail)
    assert list(memory.follow(PLAN, print)) == [(looks[0], done)]


def test_a_training_that_was_given_up_is_not_remembered(monkeypatch, fresh):
    look = Course(PLAN, np.arange(1), {})
    monkeypatch.setattr(experiments, "follow", lambda settings, progress: iter([look, look]))
    next(memory.follow(PLAN, print))
    assert len(fresh) == 0


def test_networks_are_not_remembered():
    result = Result(PLAN, {}, {}, {}, seconds=1.0, trained=Trained("small-cnn", None, None, {}, []))
    course = Course(PLAN, np.arange(4), {}, result=result)
    remembered = Memory(max_entries=2, max_bytes=100)
    remembered.put("measured", result)
    remembered.put("followed", (course, course))
    assert remembered.get("measured").trained is None
    assert [each.result.trained for each in remembered.get("followed")] == [None, None]
    assert result.trained is not None
