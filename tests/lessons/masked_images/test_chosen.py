"""What is chosen for each start: the best on validation images of all that was tried."""

from types import SimpleNamespace

import numpy as np
import pytest

from simmim_lib.lessons.masked_images import chosen
from simmim_lib.lessons.masked_images.pretrainings import fine_tuning
from simmim_lib.studies.stored import Record


def tried(pretext, labels, validation, **how):
    settings = fine_tuning(pretext, labels, 2, **how)
    return Record(settings, {"validation": np.array(validation)})


RECORDS = {
    "fine-tuning-rates": [
        tried("none", 5, [0.5, 0.5], learning_rate=1e-3),
        tried("none", 20, [0.6, 0.6], learning_rate=1e-3),
        tried("none", 5, [0.6, 0.6], learning_rate=2e-3),  # better here
        tried("none", 20, [0.4, 0.4], learning_rate=2e-3),  # and worse on average
        tried("masked", 5, [0.5, 0.7], learning_rate=1e-3, layer_decay=0.65),
        tried("masked", 5, [0.5, 0.6], learning_rate=1e-3),
    ],
    "informed-recipes": [
        tried("masked", 5, [0.7, 0.7], learning_rate=5e-4, augmentation=1.0),
        tried("masked", 20, [0.5, 0.5], learning_rate=5e-4, augmentation=1.0),
        tried("masked", 5, [0.7, 0.7], learning_rate=2e-3, augmentation=1.0),
        tried("masked", 20, [0.7, 0.7], learning_rate=2e-3, augmentation=1.0),
        tried("masked", 5, [0.7, 0.8], learning_rate=2e-3, augmentation=0.5),
        tried("masked", 20, [0.7, 0.7], learning_rate=2e-3, augmentation=0.5),
    ],
    "fine-tuning-extent": [
        tried("none", 5, [0.5, 0.5], learning_rate=1e-3, steps=300),
        tried("none", 20, [0.7, 0.7], learning_rate=1e-3, steps=300),
        tried("masked", 5, [0.6, 0.7], learning_rate=1e-3, layer_decay=0.65, copied_layers=4),
    ],
}


def test_each_start_gets_what_was_best_on_average(monkeypatch):
    monkeypatch.setattr(chosen.stored, "load", lambda name: SimpleNamespace(records=RECORDS[name]))
    rates = {"learning_rate": 1e-3, "layer_decay": 1.0}
    assert chosen.chosen_rates("none") == rates
    assert chosen.chosen("none") == {**rates, "steps": 300, "copied_layers": 0}
    best = {"learning_rate": 1e-3, "layer_decay": 0.65, "steps": 120, "copied_layers": 4}
    assert chosen.chosen("masked") == best
    assert chosen.chosen_informed() == {"learning_rate": 2e-3, "augmentation": 0.5}
    assert chosen.informed_validation(1.0) == pytest.approx(0.7)
    assert chosen.informed_validation(0.5) == pytest.approx(0.725)
