"""The command `simmim study`, which computes what lessons quote."""

import numpy as np
import pytest

from simmim_lib.commands import cli
from simmim_lib.foundation import directories
from simmim_lib.settings import Settings
from simmim_lib.studies import registry, stored


@pytest.fixture
def computed(tmp_path, monkeypatch):
    """The names of the studies that were run, two of which exist; the results go elsewhere."""
    names = []
    monkeypatch.setattr(registry, "STUDIES", {})
    monkeypatch.setattr(registry, "studies", lambda: registry.STUDIES)
    monkeypatch.setattr(directories, "data_directory", lambda: tmp_path)

    def register(name):
        def run(settings, progress):
            names.append(name)
            return {"answer": np.array([42.0])}

        def plan():
            return [Settings(seeds=1)]

        plan.__name__ = name
        registry.study("Does it work?", run)(plan)

    register("first_study")
    register("second_study")
    return names


def test_named_studies_are_computed_and_stored(computed, capsys, tmp_path):
    assert cli.main(["study", "second-study"]) == 0
    assert computed == ["second_study"]
    out = capsys.readouterr().out
    assert "Computing second-study" in out
    assert f"Written to {tmp_path / 'results' / 'second-study.json'}." in out
    assert stored.load("second-study").values("answer") == [42]


def test_without_a_name_all_are_computed(computed):
    assert cli.main(["study"]) == 0
    assert computed == ["first_study", "second_study"]


def test_an_unknown_study_is_refused_before_any_is_computed(computed, capsys):
    assert cli.main(["study", "first-study", "second-studi"]) == 2
    assert capsys.readouterr().err == (
        "Unknown study 'second-studi'. Did you mean 'second-study'? Choose one of: first-study, "
        "second-study.\n"
    )
    assert computed == []


def test_an_interruption_says_what_is_left(computed, capsys, monkeypatch):
    def interrupt(settings, progress):
        raise KeyboardInterrupt

    study = registry.STUDIES["second-study"]
    monkeypatch.setitem(
        registry.STUDIES,
        "second-study",
        registry.Study(study.about, study.plan, interrupt, study.read),
    )
    assert cli.main(["study"]) == 130
    assert "go on with `simmim study second-study`" in capsys.readouterr().err
    assert stored.load("first-study").values("answer") == [42]


def test_the_studies_of_all_lessons_are_known(capsys):
    assert cli.main(["study", "few-label"]) == 2
    assert "Did you mean 'few-labels'?" in capsys.readouterr().err
