"""What the tables of lesson 09 say follows from what was estimated."""

import pytest

from simmim_lib.experiments import cost
from simmim_lib.lessons.open_problems import study_results
from simmim_lib.settings import Settings


@pytest.mark.slow
def test_the_table_of_costs_multiplies_what_the_estimate_says():
    rows = {row[0]: row[1:] for row in study_results.costs_table().rows}
    assert len(rows) == 3 * len(study_results.TRUNKS)
    trained, memory, billions, seconds, energy = rows["small-cnn, fine-tune, or from scratch"]
    found = cost.estimate(Settings(frozen_layers=0, targets=("fashion",), seeds=1, steps=120))
    assert trained == f"{found.trained:,}" and memory == f"{found.bytes / 1e6:.1f}"
    assert billions == f"{found.flops / 1e9:.1f}"
    assert seconds == f"{found.flops / 20e9:.2f}"
    assert energy == f"{1000 * found.flops / 20e9 / 3600 * 65 * 1.5:.1f}"
    scratch = Settings(source=None, targets=("fashion",), seeds=1, steps=120)
    assert cost.estimate(scratch) == found
    assert rows["efficientnet-lite0, probe"][0] == f"{1280 * 10 + 10:,}"
