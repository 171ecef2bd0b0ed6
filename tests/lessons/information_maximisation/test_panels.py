"""Panels of lesson 05, driven as a browser would."""

import numpy as np
import pytest
from widget_driver import choose, click, find, follow

from simmim_lib import experiments
from simmim_lib.errors import WorkbookError
from simmim_lib.lessons.information_maximisation import panels, studies
from simmim_lib.panels import memory
from simmim_lib.panels.panel import Cancelled
from simmim_lib.settings import INFORMED, Settings
from simmim_lib.studies import registry
from simmim_lib.studies import stored as studies_stored
from simmim_lib.studies.measures import measure_name
from simmim_lib.studies.stored import Record, StoredStudy

HALVES = Settings(
    **{**INFORMED, "agreement": 0.0, "augmentation": 0.0}, labels_per_class=1, steps=60, seeds=1
)
RECIPE = Settings(**INFORMED, labels_per_class=1, steps=20, seeds=1)


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch):
    monkeypatch.setattr(memory, "MEMORY", memory.Memory(max_entries=100, max_bytes=10**8))


@pytest.fixture
def stored(monkeypatch):
    """Stored studies with made-up numbers: a panel shows what it is given."""

    def load(name):
        records, random = [], np.random.default_rng(0)
        for settings in registry.STUDIES[name].plan():
            values = random.uniform(0.7, 0.9, settings.seeds)
            measures = {measure_name("accuracy", settings.targets[0], settings): values}
            records.append(Record(settings, {**measures, "source only": values / 2}))
        return StoredStudy(name, "", f"compute {name}", "full", {}, records)

    monkeypatch.setattr(studies_stored, "load", load)
    return load


def quiet(done, total):
    """Nobody looks at this progress."""


def code(panel) -> Settings:
    """The settings that the panel's copied line holds."""
    click(find(panel.view, "Copy settings"))
    line = find_code(panel.code.value)
    return eval(line, {"Settings": Settings})


def find_code(html) -> str:
    text = html.split(">", 1)[1].rsplit("<", 1)[0].replace("&#x27;", "'")
    return text.removeprefix("simmim_lib.run(simmim_lib.").removesuffix(")")


@pytest.mark.colab
@pytest.mark.slow
def test_without_the_spreading_half_predictions_collapse_and_the_alarm_says_so():
    panel = panels.two_halves(HALVES)
    says = follow(panel, lambda: choose(find(panel.view, "Information"), "3"))
    assert "Information 3, spread 1, mnist with 1 label per class" in says
    assert "The alarm: no collapse" in says
    says = follow(panel, lambda: choose(find(panel.view, "Spread"), "0"))
    assert "after 60 of 60 steps" in says
    assert "The alarm: collapsed in 1 of 1 seeds" in says and "raise spread" in says
    assert code(panel) == HALVES.replace(information=3.0, spread=0.0)
    says = follow(panel, lambda: choose(find(panel.view, "Labels per class"), "5"))
    assert "5 labels per class" in says


@pytest.mark.slow
def test_without_information_there_is_a_picture_too():
    panel = panels.two_halves(HALVES)
    says = follow(panel, lambda: choose(find(panel.view, "Information"), "0"))
    assert "Information 0" in says and "The alarm: no collapse" in says


@pytest.mark.slow
def test_the_pictures_come_as_the_network_learns_and_are_remembered():
    settings = HALVES.replace(information=0.5)
    panel, told = panels.two_halves(settings), []
    pictures = list(panel.update(panel.values, lambda *now: told.append(now)))
    assert ["after 0 of" in picture.alt for picture in pictures] == [True] + 4 * [False]
    assert told == [(20, 60), (40, 60), (60, 60)]
    *_, course = experiments.follow(settings)
    assert f"accuracy {course.validation['mnist'][-1, 0]:.2f}, at the start" in pictures[-1].alt
    nats = pictures[-1].figure.axes[2]
    assert nats.lines[0].get_xdata().tolist() == [0, 20, 40, 60]
    (again,) = panel.update(panel.values, lambda *_: pytest.fail("trained again"))
    assert again.alt == pictures[-1].alt


@pytest.mark.slow
def test_a_collapse_is_shown_in_the_picture_and_not_warned_of_below_it(recwarn):
    panel = panels.two_halves(HALVES.replace(information=3.5, spread=0.0))
    *_, last = panel.update(panel.values, quiet)
    assert "collapsed" in last.alt
    assert not [each for each in recwarn if "collapsed" in str(each.message)]


@pytest.mark.slow
def test_what_was_cancelled_is_not_remembered():
    panel = panels.two_halves(HALVES.replace(information=0.7))

    def stop(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        list(panel.update(panel.values, stop))
    *_, last = panel.update(panel.values, quiet)
    assert "after 60 of 60 steps" in last.alt


@pytest.mark.colab
@pytest.mark.slow
def test_one_point_trains_beside_the_stored_curves(stored):
    panel = panels.labels_or_unlabelled(RECIPE)
    says = follow(panel, lambda: choose(find(panel.view, "Labels per class"), "20"))
    assert "Test accuracy on mnist" in says and "from scratch: 1: 0." in says
    assert "on test images (1 seed, 20 of 20 steps), with 20 labels per class" in says
    says = follow(panel, lambda: choose(find(panel.view, "Target"), "UCI digits"))
    assert "Test accuracy on uci-digits" in says
    says = follow(panel, lambda: choose(find(panel.view, "Labels per class"), "0"))
    assert "steps), without a label" in says
    assert code(panel) == RECIPE.replace(targets=("uci-digits",), labels_per_class=0)


def test_the_stored_curves_are_there_before_anything_is_trained(stored):
    panel = panels.labels_or_unlabelled(RECIPE.replace(labels_per_class=2))
    pictures = panel.update(panel.values, quiet)
    assert "now:" not in next(pictures).alt
    assert "on validation images (1 seed, 0 of 20 steps)" in next(pictures).alt


@pytest.mark.colab
def test_clothes_without_any_label_are_refused_in_words(stored):
    panel = panels.labels_or_unlabelled(RECIPE.replace(targets=("fashion",)))
    choose(find(panel.view, "Labels per class"), "0")
    panel.wait()
    assert isinstance(panel.error, WorkbookError)
    assert "has no labels" in panel.message.value and "give it labels" in panel.message.value


@pytest.mark.slow
def test_digits_are_read_without_a_label_of_theirs(stored):
    panel = panels.no_labels("glyphs to UCI digits", steps=20)
    first, *_, last = panel.update(panel.values, quiet)
    learnt = [float(each.alt.split("validation accuracy ")[1][:4]) for each in (first, last)]
    assert learnt[1] > learnt[0] > 0.3  # the source's own head knows digits
    assert "uci-digits learnt without a label of its own, from glyphs," in last.alt
    after = stored("unlabelled").values(targets=("uci-digits",), labels_per_class=0).mean()
    assert f"source only {after / 2:.3f} ± " in last.alt and f"steps {after:.3f} ± " in last.alt
    settings = studies.DIRECTIONS["glyphs to UCI digits"].replace(steps=20, seeds=1)
    assert code(panel) == settings


@pytest.mark.colab
@pytest.mark.slow
def test_a_labelled_set_of_digits_teaches_one_without_labels(stored):
    panel = panels.no_labels(steps=20)
    says = follow(panel, lambda: choose(find(panel.view, "Direction"), "UCI digits to MNIST"))
    assert "mnist learnt without a label of its own, from glyphs and uci-digits" in says
    targets = ("mnist", "uci-digits")
    (record,) = [each for each in stored("directions").records if each.settings.targets == targets]
    after = record.measures["mnist accuracy"].mean()
    assert f"{record.settings.steps:,} steps {after:.3f} ± " in says
    assert f"source only {after / 2:.3f} ± " in says


@pytest.mark.colab
@pytest.mark.slow
def test_every_number_of_the_recipe_has_a_control():
    panel = panels.recipe(RECIPE)
    assert panel.values == {name: getattr(RECIPE, name) for name in panels.KNOBS}
    says = follow(panel, lambda: choose(find(panel.view, "Agreement"), "0"))
    assert "after 20 of 20 steps" in says
    assert code(panel) == RECIPE.replace(agreement=0.0)


@pytest.mark.colab
@pytest.mark.slow
def test_images_that_are_not_expected_may_be_made_known(stored):
    panel = panels.unlike_expected(steps=20)
    says = follow(panel, lambda: choose(find(panel.view, "Expected"), "nine in ten ones"))
    assert "mnist learnt with 5 labels per class of its own, from glyphs" in says
    asked = RECIPE.replace(labels_per_class=5, class_shares=studies.MOSTLY_ONES)
    assert code(panel) == asked.replace(class_prior=studies.MOSTLY_ONES)
    fields = {"targets": ("mnist",), "labels_per_class": 5, "source": "glyphs"}
    for name, information in (("none at all", 0.0), ("as it should be", 1.0)):
        known = {"information": information, "augmentation": 1.0}
        mean = stored("unlabelled").values(**fields, **known).mean()
        assert f"{name} {mean:.3f} ± " in says
    follow(panel, lambda: choose(find(panel.view, "Unlabelled"), "half are clothes"))
    settings = code(panel)
    assert settings.foreign_images == "fashion" and settings.class_shares is None


@pytest.mark.colab
def test_a_study_that_is_not_there_is_told_of(monkeypatch):
    def missing(name):
        raise WorkbookError(f"The stored results of {name!r} are missing: compute them.")

    monkeypatch.setattr(studies_stored, "load", missing)
    panel = panels.no_labels(steps=20)
    choose(find(panel.view, "Steps"), "120")
    panel.wait()
    assert "&#x27;directions&#x27; are missing: compute them." in panel.message.value


def test_a_study_without_the_direction_is_told_of(monkeypatch):
    empty = StoredStudy("unlabelled", "", "compute it", "full", {}, [])
    monkeypatch.setattr(studies_stored, "load", lambda name: empty)
    panel = panels.no_labels()
    with pytest.raises(WorkbookError, match="nothing about mnist without labels from glyphs"):
        next(panel.update(panel.values, quiet))


@pytest.mark.parametrize("build", ["two_halves", "recipe", "labels_or_unlabelled"])
def test_several_targets_are_refused(build):
    several = Settings(targets=("mnist", "uci-digits"), seeds=1)
    with pytest.raises(WorkbookError, match="one target, but mnist, uci-digits were given"):
        getattr(panels, build)(several)


def test_an_unknown_direction_or_pile_is_refused_with_the_nearest():
    with pytest.raises(WorkbookError, match="Did you mean 'glyphs to MNIST'"):
        panels.no_labels("glyph to MNIST")
    with pytest.raises(WorkbookError, match="Did you mean 'half are clothes'"):
        panels.unlike_expected("half clothes")


@pytest.mark.colab
def test_the_controls_start_where_they_are_told():
    panel = panels.two_halves(HALVES.replace(information=0.2, labels_per_class=3))
    assert panel.values == {"information": 0.2, "spread": 1.0, "labels_per_class": 3}
    assert "0.2" in find(panel.view, "Information")._options_labels
