"""The gallery's settings, and what is said of them: from the stored study, over ten seeds."""

import numpy as np
import pytest

from simmim_lib.foundation.intervals import difference
from simmim_lib.settings import Settings
from simmim_lib.studies import gallery, stored


@pytest.mark.parametrize("example", gallery.EXAMPLES.values(), ids=str)
def test_a_verdict_is_that_of_the_stored_numbers(example):
    found = stored.load("gallery")
    told, asked = gallery.verdict(example), example.measured
    assert asked.replace(seeds=3, budget="quick") == Settings.from_mapping(example.given)
    (own,) = (record for record in found.records if record.settings == asked)
    for alone in asked.separately():
        (target,) = alone.targets
        values = own.values(target=target)
        assert values.shape == (10,)
        assert f"{100 * values.mean():.1f} ± " in told
        if alone.labels_per_class == 0:
            assert "from scratch" not in told
            continue
        (scratch,) = (each for each in found.records if each.settings == alone.from_scratch())
        assert str(difference(values, scratch.values())) in told


def test_the_collapse_is_one():
    """A few classes get most images, far below what a good source gives."""
    found = stored.load("gallery")
    example = gallery.EXAMPLES["A collapse"]
    (own,) = (record for record in found.records if record.settings == example.measured)
    source = gallery.EXAMPLES["A good source, few labels"].measured
    (good,) = (record for record in found.records if record.settings == source)
    assert np.mean(own.values()) < np.mean(good.values()) - 0.2
