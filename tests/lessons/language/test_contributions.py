"""Every decision that the panel shows is the sum of its parts."""

import numpy as np
import pytest

from simmim_lib import datasets
from simmim_lib.errors import WorkbookError
from simmim_lib.lessons.language import contributions, panels
from simmim_lib.lessons.language.plain_methods import labelled, word_counts
from simmim_lib.trunks import minilm

SENTENCE = "The food was not bad, not bad at all; a superb zyx!"


@pytest.mark.parametrize("domain", ["amazon", "yelp"])
def test_parts_of_counted_words_add_up_to_the_classifiers_own_logit(domain):
    model = word_counts().fit(*labelled([datasets.load(domain)], "all", 0))
    found = contributions.by_counts(SENTENCE, domain)
    assert found.total == pytest.approx(model.decision_function([SENTENCE])[0])
    assert found.probability == pytest.approx(model.predict_proba([SENTENCE])[0, 1])
    assert found.words.count("bad") == 2 and found.parts[found.words.index("zyx")] == 0


def test_the_word_lists_parts_are_its_moods():
    found = contributions.by_word_list("Not bad, but slow.", "imdb")
    assert dict(zip(found.words, found.parts, strict=True))["bad"] == 3
    assert found.total == found.parts.sum()


@pytest.mark.slow
@pytest.mark.skipif(not minilm.is_there(), reason="needs the packages of the extra `language`")
def test_a_word_that_is_left_out_is_missed_by_as_much():
    found = contributions.decide("MiniLM", "Good food.")["yelp"]
    without = contributions.decide("MiniLM", "food.")["yelp"]
    assert found.total - found.parts[0] == pytest.approx(without.total, abs=1e-4)


@pytest.mark.parametrize(("sentence", "words"), [("  ", "no word"), ("so " * 41, "41 words")])
def test_what_has_no_room_is_refused(sentence, words):
    with pytest.raises(WorkbookError, match=words):
        contributions.decide("word list", sentence)


@pytest.mark.parametrize(("method", "sentence"), [("counts of words", "👍"), ("word list", "!!!")])
def test_signs_without_a_word_are_refused(method, sentence):
    with pytest.raises(WorkbookError, match="has no word that this method knows as one"):
        contributions.decide(method, sentence)


def test_the_panel_answers_and_shows_an_error():
    panel = panels.words_behind()
    panel.controls["sentence"].value = "Superb!"
    panel.wait(60)
    assert panel.error is None and "superb" in panel.alt and "Yelp" in panel.alt
    panel.controls["method"].value = "word list"
    panel.wait(60)
    assert "every domain: words +5.00: positive" in panel.alt
    panel.controls["sentence"].value = ""
    panel.wait(60)
    assert isinstance(panel.error, WorkbookError)
    assert np.isfinite(len(panel.png))
