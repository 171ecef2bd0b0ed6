"""Three stages of learning: what is left out is left out, and nothing else."""

import pytest

from simmim_lib.errors import WorkbookError
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.lessons.language import three_stages
from simmim_lib.lessons.language.three_stages import Staged


@pytest.fixture
def reads(monkeypatch):
    """Return what is read in the second stage, and from which weights on."""
    found = []

    def train(source, *, steps, start, learning_rate):
        found.append((source, steps, start, learning_rate))
        return "read on"

    monkeypatch.setattr(three_stages.next_word, "train", train)
    return found


def test_the_domains_own_texts_are_read_after_the_articles(reads):
    assert three_stages.read(Staged(tested_on="imdb")) == "read on"
    articles = pretrained("wikipedia", "words", "next-word")
    steps, rate = three_stages.OWN_TEXTS_STEPS, three_stages.OWN_TEXTS_RATE
    assert reads == [("imdb", steps, articles.blocks, rate)]


def test_each_stage_can_be_left_out(reads):
    articles = pretrained("wikipedia", "words", "next-word")
    assert three_stages.read(Staged(tested_on="yelp", own_texts=False)) is articles
    assert three_stages.read(Staged(tested_on="yelp", own_texts=False, articles=False)) is None
    assert reads == []
    three_stages.read(Staged(tested_on="yelp", articles=False))
    assert reads[0][2] is None


def test_each_manner_can_be_left_out():
    whole = Staged(tested_on="amazon").settings
    assert (whole.layer_decay, whole.adaptation) == (1 / 2.6, "gradual-unfreezing")
    equal = Staged(tested_on="amazon", smaller_steps=False).settings
    assert (equal.layer_decay, equal.adaptation) == (1.0, "gradual-unfreezing")
    at_once = Staged(tested_on="amazon", gradually=False).settings
    assert (at_once.layer_decay, at_once.adaptation) == (1 / 2.6, "fine-tune")
    nothing = Staged(tested_on="amazon", articles=False, own_texts=False, gradually=False).settings
    assert nothing.source is None and whole.source == "wikipedia"


def test_another_text_is_refused():
    with pytest.raises(WorkbookError, match="Unknown domain 'wikipedia'"):
        Staged(tested_on="wikipedia")
