"""The word list, by the rules and with the results of those who published it."""

import numpy as np
import pytest

from simmim_lib import datasets
from simmim_lib.language import mood, moods_of_words, word_list


@pytest.mark.parametrize(
    ("name", "published"), [("amazon", 0.726), ("imdb", 0.765), ("yelp", 0.696)]
)
def test_it_is_as_good_as_its_authors_say(name, published):
    data = datasets.load(name)
    right = sum(
        np.count_nonzero(word_list.classify(part.images) == part.labels)
        for part in (data.train, data.test)
    )
    # They also count the empty row without a class, as a positive one that is named correctly.
    assert (right + 1) / 1001 == pytest.approx(published, abs=5e-4)


def test_a_negator_turns_the_next_word_around():
    assert mood("good") == 3 and mood("not good") == -3 and mood("not a good one") == 3
    assert moods_of_words("It's NOT bad!") == [("it's", 0), ("not", 0), ("bad", 3)]
    assert mood("") == 0
