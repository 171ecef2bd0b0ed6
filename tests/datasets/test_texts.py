"""Texts as datasets: stored without loss, divided without overlap, and refused where images go."""

import numpy as np
import pytest

from simmim_lib import datasets, experiments
from simmim_lib.datasets.texts import packed, same_words, unpacked
from simmim_lib.errors import WorkbookError
from simmim_lib.settings import Settings

DOMAINS = ("amazon", "imdb", "yelp")


def test_texts_come_back_as_they_were_stored():
    texts = ["", "naïve café", "👍 شكرا", "two\nlines", ""]
    assert unpacked(packed("train_texts", texts), "train_texts").tolist() == texts


@pytest.mark.parametrize("name", DOMAINS)
def test_a_domain_has_as_many_sentences_as_its_authors_published(name):
    data = datasets.load(name)
    assert (len(data.train), len(data.test), data.holds_texts) == (700, 300, True)
    assert np.bincount(data.train.labels).tolist() == [350, 350]
    assert np.bincount(data.test.labels).tolist() == [150, 150]
    assert datasets.describe(name).content == "texts"


def test_no_test_sentence_of_any_domain_is_learnt_from():
    all_data = [datasets.load(name) for name in DOMAINS]
    learnt = {same_words(text) for data in all_data for text in data.train.images}
    assert not learnt & {same_words(text) for data in all_data for text in data.test.images}


def test_sentences_with_the_same_words_validate_together():
    data = datasets.load("amazon")
    words = np.array([same_words(text) for text in data.train.images])
    assert len(set(words)) < len(words)
    for seed in range(5):
        chosen = datasets.choose(data, 8, seed)
        rest = {*words[chosen.labelled], *words[chosen.unlabelled]}
        assert not {*words[chosen.validation]} & rest


def test_wikipedia_is_a_hundred_articles_of_prose():
    data = datasets.load("wikipedia")
    assert (len(data.train), len(data.test)) == (96, 10)
    assert 350_000 < sum(len(text.split()) for text in data.train.images) < 450_000
    for text in data.train.images:
        assert not any(mark in text for mark in ("{{", "[[", "<ref", "thumb|"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"targets": ("amazon",), "source": None}, "holds texts"),
        ({"targets": ("mnist",), "trunk": "words", "source": None}, "holds images"),
        ({"targets": ("wikipedia",), "trunk": "words", "source": None}, "no classes"),
        ({"targets": ("amazon",), "source": "glyphs", "trunk": "words"}, "holds images"),
    ],
)
def test_what_does_not_fit_a_trunk_is_refused_in_one_sentence(settings, words):
    if settings.get("trunk") == "words" and settings["source"]:
        settings = settings | {"pretext": "next-word"}
    with pytest.raises(WorkbookError, match=words) as error:
        experiments.run(Settings(seeds=1, **settings), baseline=False)
    assert "\n" not in str(error.value)


def test_texts_are_not_offered_where_images_are():
    assert "amazon" not in datasets.available()
    assert datasets.available("texts") == ("wikipedia", *DOMAINS)


def test_settings_of_a_trunk_for_texts_are_complete_by_themselves():
    settings = Settings(trunk="words", targets=("amazon",))
    assert (settings.source, settings.pretext, settings.image_size) == (
        "wikipedia",
        "next-word",
        64,
    )
    alone = Settings(trunk="minilm-l6", targets=("amazon",)).from_scratch()
    assert (alone.trunk, alone.source, alone.image_size) == ("words", None, 64)
    with pytest.raises(WorkbookError, match="next-word only"):
        settings.replace(pretext="labels")
