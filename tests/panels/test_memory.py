"""The one memory of all panels is bounded, and goes back to what was asked last."""

import threading

from simmim_lib import experiments
from simmim_lib.panels import memory
from simmim_lib.panels.memory import Memory, measure, measured, remembered
from simmim_lib.settings import Settings


def quiet(*_):
    pass


def test_it_holds_so_many_outcomes_and_forgets_what_was_not_used_for_longest():
    bounded = Memory(2)
    bounded.keep("first", 1)
    bounded.keep("second", 2)
    assert bounded.recall("first") == 1
    bounded.keep("third", 3)
    assert [bounded.recall(key) for key in ("first", "second", "third")] == [1, None, 3]


def test_threads_do_not_meet_in_it():
    bounded = Memory(5)

    def use(start):
        for number in range(2000):
            bounded.keep(start + number % 7, number)
            bounded.recall(number % 11)

    threads = [threading.Thread(target=use, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(bounded.recall(key) is not None for key in range(20)) == 5


def test_going_back_to_a_setting_trains_nothing(monkeypatch):
    asked = []

    def run(settings, **_):
        asked.append(settings)
        return f"result {len(asked)}"

    monkeypatch.setattr(memory, "MEMORY", Memory(2))
    monkeypatch.setattr(experiments, "run", run)
    one, other = Settings(steps=1), Settings(steps=2)
    assert measured(one) is None
    assert [measure(each, quiet) for each in (one, other, one)] == [
        "result 1",
        "result 2",
        "result 1",
    ]
    assert asked == [one, other] and measured(one) == "result 1"


def test_two_functions_of_the_same_settings_have_outcomes_of_their_own(monkeypatch):
    monkeypatch.setattr(memory, "MEMORY", Memory(4))
    settings = Settings(steps=1)
    assert remembered(lambda *_: "first", settings, quiet) == "first"
    assert remembered(lambda *_: "second", settings, quiet) == "second"
