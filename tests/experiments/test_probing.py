"""Linear probes: averages by hand, and accuracies that the features decide."""

import numpy as np
import pytest

from simmim_lib import datasets, trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.experiments.probing import average_features, linear_probe


def test_features_are_averaged_over_places():
    source = pretrained("uci-digits")
    images = datasets.load("uci-digits").test.images[:5]
    parts = trunks.cut_trunk(1)
    weights = source.front_weights(parts)
    maps, _ = parts.front.stateless_call(weights, [], images)
    found = average_features(source, 1, images)
    np.testing.assert_allclose(found, np.array(maps).mean(axis=(1, 2)), atol=1e-5)
    assert average_features(source, 4, images).shape == (5, 128)


@pytest.mark.slow
def test_more_is_known_at_the_end_of_a_network_that_was_trained_with_labels():
    data = datasets.load("uci-digits")
    early, late = (linear_probe(pretrained("uci-digits"), n, data, 10, 3) for n in (1, 4))
    assert early.shape == (3,) and late.min() > early.max() and late.mean() > 0.9


def test_there_is_nothing_to_probe_before_the_first_block():
    with pytest.raises(WorkbookError, match="block is 0"):
        average_features(pretrained("uci-digits"), 0, np.zeros((1, 28, 28, 1), np.float32))
