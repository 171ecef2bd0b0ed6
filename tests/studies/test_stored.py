"""Stored studies: in step with the code, computed, stored, read back, and refused if damaged."""

import json

import numpy as np
import pytest

from simmim_lib import datasets, experiments
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments.environment import versions
from simmim_lib.foundation import directories
from simmim_lib.lessons.loss_formula.studies import compare_and_measure
from simmim_lib.lessons.loss_formula.training_by_loss import LossComparison
from simmim_lib.settings import Settings
from simmim_lib.studies import registry
from simmim_lib.studies.measures import accuracies_and, measure_name
from simmim_lib.studies.stored import Record, StoredStudy, compute, load

STUDIES = registry.studies()
each_study = pytest.mark.parametrize("name", sorted(STUDIES))
study_of_settings = pytest.mark.parametrize(
    "name", sorted(name for name in STUDIES if isinstance(STUDIES[name].plan()[0], Settings))
)


def test_every_stored_file_is_a_study_and_every_study_is_stored():
    folder = directories.data_directory() / "results"
    measured = {"bench", "growth", "trunk-speeds"}
    assert {path.stem for path in folder.glob("*.json")} == {*measured, *STUDIES}


@each_study
def test_what_is_stored_is_what_the_study_asks_for(name):
    stored = load(name)
    assert [record.settings for record in stored.records] == STUDIES[name].plan()
    assert stored.about == STUDIES[name].about
    assert stored.budget == "full"
    assert stored.command == f"simmim study {name}"
    assert set(stored.versions) == set(versions())


UNLEARNED = ("majority", "word-list")
"""Methods that learn nothing, so that every seed is the same."""

NOTHING_DRAWN = ("text-probes", "text-perplexity")
"""Studies that learn from all labels, by methods in which nothing is left to chance, or look at the
one network that is stored."""

CHOOSING = ("fine-tuning-rates", "fine-tuning-extent", "informed-recipes", "text-recipes")
"""Studies by which something is chosen: of few seeds, and of nothing but validation images."""

SHORT = ("mask-ablations", "mask-ablations-again")
"""Studies of few seeds, since each of their experiments is a pre-training; their lesson says so."""


@each_study
def test_every_stored_number_is_finite_and_of_ten_seeds_or_more(name):
    for record in load(name).records:
        fixed = getattr(record.settings, "method", "") in UNLEARNED or name in NOTHING_DRAWN
        least = 1 if fixed or name in (*CHOOSING, *SHORT) else 10
        for measure, values in record.measures.items():
            assert values.shape[-1] == record.settings.seeds >= least, measure
            assert np.all(np.isfinite(values))


@pytest.mark.parametrize("name", CHOOSING)
def test_by_what_something_is_chosen_is_no_test_image(name):
    for record in load(name).records:
        targets = record.settings.targets
        assert {*record.measures} == {
            measure_name("validation", target, record.settings) for target in targets
        }


@study_of_settings
def test_every_stored_accuracy_is_possible(name):
    for record in load(name).records:
        assert record.settings.budget == "full"
        if name in CHOOSING:
            continue
        for target in record.settings.targets:
            validation = record.values("validation", target)
            accuracy = record.values("accuracy", target)
            assert accuracy.shape == validation.shape == (record.settings.seeds,)
            # A set of few validation images may be read without a mistake; a test set was not.
            assert np.all((validation > 0.08) & (validation <= 1))
            assert np.all((accuracy > 0.08) & (accuracy < 1))


@pytest.mark.slow
def test_a_stored_number_comes_out_again():
    stored = load("adaptations").values(
        source="glyphs", targets=("uci-digits",), adaptation="probe"
    )
    settings = Settings(
        source="glyphs",
        targets=("uci-digits",),
        frozen_layers=0,
        adaptation="probe",
        steps=200,
        seeds=3,
        budget="full",
    )
    again = experiments.run(settings, baseline=False).accuracy["uci-digits"]
    # Other processors and versions round otherwise, and an image or two is then read differently.
    np.testing.assert_allclose(again, stored[:3], atol=0.02)


# Two small studies, one of each kind, computed for real.

SETTINGS = Settings(source=None, targets=("uci-digits",), steps=2, seeds=2, budget="full")


def answer(result):
    return {"answer": np.array([42.0, 43.0000004])}


@pytest.fixture
def results(tmp_path, monkeypatch):
    """The folder of the results, with these two studies only."""
    monkeypatch.setattr(registry, "STUDIES", {})
    monkeypatch.setattr(registry, "studies", lambda: registry.STUDIES)

    @registry.study("Does it work?", accuracies_and(answer))
    def of_settings():
        return [SETTINGS, SETTINGS.replace(labels_per_class=5)]

    @registry.study("And with losses?", compare_and_measure, LossComparison.from_mapping)
    def of_losses():
        comparison = LossComparison(losses=("written", "cross-entropy"), steps=1, seeds=2)
        return [comparison]

    for name in ("uci-digits", "mnist"):
        datasets.load(name)  # read, and kept, before the folder is another
    monkeypatch.setattr(directories, "data_directory", lambda: tmp_path)
    return tmp_path / "results"


each_kind = pytest.mark.parametrize("name", ["of-settings", "of-losses"])


@pytest.mark.slow
@each_kind
def test_a_study_is_computed_stored_and_read_back(name, results):
    told = []
    computed = compute(name, lambda done, total: told.append((done, total)))
    assert [path.name for path in results.iterdir()] == [f"{name}.json"]
    loaded = load(name)
    assert loaded.command == f"simmim study {name}"
    assert told == [(done, len(loaded.records)) for done in range(len(loaded.records) + 1)]
    for one, other in zip(computed.records, loaded.records, strict=True):
        assert one.settings == other.settings
        assert one.measures.keys() == other.measures.keys()
        for measure, values in one.measures.items():
            np.testing.assert_allclose(other.measures[measure], values, atol=5.1e-7)


def test_one_experiment_is_found_by_its_settings(results):
    compute("of-settings")
    stored = load("of-settings")
    assert stored.values("answer", labels_per_class=10).tolist() == [42, 43]  # six decimals
    assert stored.values("answer", steps=2, labels_per_class=10).tolist() == [42, 43]
    plain = json.loads((results / "of-settings.json").read_text())
    assert plain["records"][0]["settings"]["steps"] == 2
    with pytest.raises(WorkbookError, match="2 of the 2 experiments"):
        stored.values()
    with pytest.raises(WorkbookError, match="0 of the 2 experiments"):
        stored.values(labels_per_class=7)
    with pytest.raises(WorkbookError, match="Did you mean 'accuracy'"):
        stored.values("acuracy", labels_per_class=5)
    with pytest.raises(WorkbookError, match="Did you mean 'labels_per_class'"):
        stored.values(labels_of_class=5)


def test_a_measure_of_several_targets_is_found_by_the_targets_name():
    measures = {"mnist accuracy": np.array([0.5]), "fashion accuracy": np.array([0.25])}
    record = Record(Settings(targets=("mnist", "fashion"), seeds=1), measures)
    assert record.values("accuracy", "fashion") == [0.25]
    with pytest.raises(WorkbookError, match="Did you mean 'mnist accuracy'"):
        record.values("accuracy")
    alone = Record(Settings(targets=("mnist",), seeds=1), {"accuracy": np.array([0.75])})
    assert alone.values("accuracy", "mnist") == alone.values() == [0.75]


def test_a_measure_of_several_losses_has_a_row_for_each():
    stored = load("noisy-labels")
    values = stored.values("test", flipped=0.4)
    assert values.shape == (2, 10)
    assert values[0].mean() < values[1].mean()  # cross-entropy learns the wrong labels by heart


def refusal(name):
    with pytest.raises(WorkbookError) as caught:
        load(name)
    return str(caught.value)


def advice(name):
    return f": run `simmim study {name}` in a checkout to compute them again."


@each_kind
def test_a_missing_file_is_refused_with_the_command(name, results):
    path = results / f"{name}.json"
    assert refusal(name) == (
        f"The stored results of the study {name!r} are missing ({path})" + advice(name)
    )


def stored_file(name):
    """What a whole file holds, with numbers that nobody computed."""
    study = registry.studies()[name]
    records = [
        {"settings": experiment.as_dict(), "measures": {"accuracy": [0.5, 0.75]}}
        for experiment in study.plan()
    ]
    head = {"name": name, "about": study.about, "command": "", "budget": "full", "versions": {}}
    return {**head, "records": records}


DAMAGE = {
    "a list": (lambda file: [], "list indices must be"),
    "no name": (lambda file: {"records": file["records"]}, "it lacks 'name'"),
    "no records": (lambda file: file.pop("records") and file, "it lacks 'records'"),
    "another study's": (lambda file: {**file, "name": "parts"}, "it is the study 'parts'"),
    "another layout": (
        lambda file: {**file, "records": [{"plan": {}, "measures": {}}]},
        "it lacks 'settings'",
    ),
    "a setting of another name": (
        lambda file: {**file, "records": [{"settings": {"stepz": 3}, "measures": {}}]},
        "Unknown setting 'stepz'",
    ),
    "a number for all seeds": (
        lambda file: {
            **file,
            "records": [{**file["records"][0], "measures": {"accuracy": 0.5}}],
        },
        "'accuracy' does not have one number for each of 2 seeds",
    ),
    "words for numbers": (
        lambda file: {
            **file,
            "records": [{**file["records"][0], "measures": {"accuracy": ["high", "low"]}}],
        },
        "could not convert string to float",
    ),
}


@each_kind
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_of_another_shape_is_refused_with_the_command(name, damage, results):
    change, reason = DAMAGE[damage]
    results.mkdir()
    path = results / f"{name}.json"
    path.write_text(json.dumps(stored_file(name)))
    assert isinstance(load(name), StoredStudy)
    path.write_text(json.dumps(change(stored_file(name))))
    says = refusal(name)
    assert says.startswith(
        f"The stored results of the study {name!r} are damaged ({path}: {reason}"
    )
    assert says.endswith(")" + advice(name))


@each_kind
def test_a_half_written_file_is_refused_with_the_command(name, results):
    results.mkdir()
    path = results / f"{name}.json"
    text = json.dumps(stored_file(name))
    for half in ("", text[: len(text) // 2], text[:-1]):
        path.write_text(half)
        assert refusal(name).startswith(
            f"The stored results of the study {name!r} are damaged ({path}: "
        )
        assert refusal(name).endswith(")" + advice(name))


@pytest.mark.slow
@each_kind
def test_an_experiment_that_fails_leaves_the_stored_results_as_they_are(name, results, monkeypatch):
    results.mkdir()
    path = results / f"{name}.json"
    path.write_text(json.dumps(stored_file(name)))
    before = path.read_bytes()

    def stop(done, total):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compute(name, stop)
    assert path.read_bytes() == before
    assert [each.name for each in results.iterdir()] == [path.name]


def test_results_with_the_old_name_of_a_setting_are_refused_with_the_new_one(results):
    results.mkdir()
    path = results / "of-settings.json"
    file = stored_file("of-settings")
    file["records"][0]["settings"] = {"strangers": None}
    path.write_text(json.dumps(file))
    assert refusal("of-settings") == (
        f"The stored results of the study 'of-settings' are damaged ({path}: The setting "
        "'strangers' is called 'foreign_images' now: use this name)" + advice("of-settings")
    )


@pytest.mark.parametrize("ask", [load, compute])
def test_an_unknown_study_is_refused_with_the_nearest(ask):
    with pytest.raises(WorkbookError, match="Did you mean 'few-labels'"):
        ask("few-label")


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_computed(results):
    results.write_text("a file where the folder should be")

    def never(done, total):
        raise AssertionError

    with pytest.raises(WorkbookError, match="Cannot make the folder"):
        compute("of-settings", never)
