"""What every pretext has, and that experiments ask for the one that their settings name."""

from dataclasses import replace

import numpy as np
import pytest
from image_making import fill_table

from simmim_lib import trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import initialise, pretraining
from simmim_lib.experiments.pretexts import PRETEXTS, contrastive, labels, masked, next_word
from simmim_lib.experiments.pretexts.self_taught import Recipe
from simmim_lib.experiments.pretrained import Pretrained
from simmim_lib.experiments.tasks import knows_classes
from simmim_lib.settings import PRETEXTS as NAMES
from simmim_lib.settings import Settings, choices
from simmim_lib.trunks import catalogue


@pytest.fixture
def guessing(tmp_path, monkeypatch):
    """A pretext without labels, which the small network knows, and an empty cache."""

    def train(source, trunk, progress=None):
        parts = trunks.cut_trunk(0, trunk).variables
        blocks = {
            name: [np.full(variable.shape, 0.5, np.float32) for variable in block]
            for name, block in parts.items()
        }
        return Pretrained(source, blocks, [], None, trunk, "guessing")

    monkeypatch.setenv("SIMMIM_CACHE", str(tmp_path))
    pretext = pretraining.PRETEXTS["labels"]
    pretext = replace(pretext, train=train, recipe=lambda *_: {"steps": 0}, has_head=False)
    monkeypatch.setitem(PRETEXTS, "guessing", pretext)
    monkeypatch.setitem(choices.PRETEXTS, "guessing", "to guess")
    small = replace(catalogue.SMALL_CNN, pretexts=("labels", "guessing"))
    monkeypatch.setitem(catalogue.TRUNKS, "small-cnn", small)
    pretraining._pretrained.cache_clear()
    yield tmp_path / "trunks" / "guessing-uci-digits.npz"
    pretraining._pretrained.cache_clear()


def test_an_experiment_starts_from_what_its_pretext_has_taught(guessing):
    made = initialise(Settings(source="uci-digits", pretext="guessing"))
    assert (made.pretext, made.head, made.accuracy) == ("guessing", [], None)
    other = initialise(Settings(source="uci-digits"))
    assert other.pretext == "labels" and len(other.head) == 2


def test_a_network_without_a_head_is_kept_and_read_again(guessing, monkeypatch):
    asked = ("uci-digits", "small-cnn", "guessing")
    made = pretraining.pretrained(*asked)
    pretraining._pretrained.cache_clear()
    monkeypatch.setitem(PRETEXTS, "guessing", replace(PRETEXTS["guessing"], train=None))
    again = pretraining.pretrained(*asked)
    assert again is not made and list(again.blocks) == list(made.blocks)
    for one, other in zip(made.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert guessing.exists()
    assert pretraining._read(guessing, "uci-digits") is None  # another pretext's
    stronger = replace(PRETEXTS["guessing"], recipe=lambda *_: {"steps": 1})
    monkeypatch.setitem(PRETEXTS, "guessing", stronger)
    assert pretraining._read(guessing, *asked) is None


def test_without_a_head_no_class_is_known(guessing):
    assert knows_classes("uci-digits", "labels", "mnist")
    assert not knows_classes("uci-digits", "guessing", "mnist")
    settings = Settings(source="uci-digits", pretext="guessing", labels_per_class=0, information=1)
    from simmim_lib import run

    with pytest.raises(WorkbookError, match="nor does the source 'uci-digits' know its classes"):
        run(settings, baseline=False)


def test_from_scratch_there_is_no_pretext(guessing):
    settings = Settings(source="uci-digits", pretext="guessing")
    assert settings.from_scratch() == Settings(source=None)
    assert "pretext='guessing'" in settings.as_code()


@pytest.mark.parametrize("name", PRETEXTS)
def test_every_pretext_is_explained(name):
    assert name in NAMES


def test_every_pretext_of_a_trunk_is_explained():
    for trunk in trunks.TRUNKS.values():
        assert set(trunk.pretexts) <= set(NAMES)


def test_the_recipe_of_labels_is_the_one_of_the_files_that_ship():
    assert labels.recipe("glyphs", "small-cnn") == {
        "steps": 800,
        "batch_size": 128,
        "learning_rate": 1e-3,
        "seed": 0,
    }


def test_what_is_seen_on_the_way_to_labels_ends_where_training_ends():
    looks = [*labels.follow("uci-digits", "small-cnn", replace(labels.RECIPE, steps=25))]
    assert [done for done, _ in looks] == [20, 25]
    last = looks[-1][1]
    trained = labels.train("uci-digits", steps=25)
    for one, other in zip(last.weights, trained.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert last.accuracy is None and trained.accuracy is not None


def test_what_no_pretext_can_learn_from_gets_a_sentence(tmp_path):
    table = fill_table(tmp_path)
    with pytest.raises(WorkbookError, match=r"does not have one class for each image.*masked"):
        labels.train(f"csv:{table}?label=score", "small-cnn", steps=1)
    with pytest.raises(WorkbookError, match="'chest-phantoms-64' has images of 64 x 64 pixels"):
        next(contrastive.follow("chest-phantoms-64", "small-cnn", Recipe(1)))
    with pytest.raises(WorkbookError, match="'chest-phantoms-64' has images of 64 x 64 pixels"):
        next(masked.follow("chest-phantoms-64", "small-cnn", Recipe(1)))
    lines = ["text,label", *(f"number {n},{n % 2}" for n in range(12))]
    (tmp_path / "texts.csv").write_text("\n".join(lines))
    with pytest.raises(WorkbookError, match=r"tokens for training.*give it more text"):
        next_word.train(f"csv:{tmp_path}/texts.csv?text=text", steps=1)
