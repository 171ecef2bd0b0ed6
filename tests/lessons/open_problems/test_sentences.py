"""Sentences: pieces of words are joined, and the picture shows what was found."""

import numpy as np
import pytest
from widget_driver import choose, find, follow

from simmim_lib.lessons.open_problems import panels, sentence_figures, sentences
from simmim_lib.lessons.open_problems.sentences import Question, Seen


def test_the_pieces_of_a_word_are_joined_and_their_shares_added():
    pieces = ["\u0120the", "\u0120wa", "iter", ".", "\u0120it"]
    shares = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 0.0, 0.0])
    words, of_words = sentences._joined(pieces, shares)
    assert words == ["the", "waiter.", "it"]
    assert of_words.tolist() == [1.0, 14.0, 16.0]
    words, of_words = sentences._joined([], shares)
    assert words == [] and len(of_words) == 0


def test_the_picture_has_a_bar_for_each_word_and_says_them():
    seen = Seen(["not", "bad"], np.array([2.5, -0.5]), "negative", 0.75, 0.00012)
    picture = sentence_figures.word_shares(Question(), seen)
    assert picture.alt == (
        'The yelp head says "negative" (75%). integrated gradients; completeness error 1e-04. '
        "not +2.50, bad -0.50."
    )
    axes = picture.figure.axes[0]
    assert [bar.get_height() for bars in axes.containers for bar in bars] == [2.5, -0.5]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["not", "bad"]
    other = sentence_figures.word_shares(Question(method="occlusion"), seen._replace(error=np.nan))
    assert "completeness" not in other.alt and "occlusion" in other.alt


@pytest.mark.colab
@pytest.mark.slow
def test_the_browser_asks_heads_that_can_read():
    trained = sentences.reader()
    assert all(accuracy.mean() > 0.65 for accuracy in trained.accuracy.values())
    panel = panels.what_a_word_weighs()
    panel.start()
    assert "not +" in panel.alt and 'The yelp head says "negative"' in panel.alt
    error = float(panel.alt.partition("completeness error ")[2].split(".")[0])
    assert error < 0.02
    love = follow(panel, lambda: choose(find(panel.view, "Sentence"), sentences.SENTENCES[-1]))
    assert 'says "positive"' in love
    for method in ("gradient x input", "occlusion"):
        says = follow(panel, lambda each=method: choose(find(panel.view, "Method"), each))
        assert method in says and "completeness" not in says
    assert "The amazon head" in follow(panel, lambda: choose(find(panel.view, "Head"), "amazon"))
