"""Gradients in conflict: by hand, against a plain tape, and in pictures."""

import numpy as np
import pytest

from simmim_lib import experiments
from simmim_lib.errors import WorkbookError
from simmim_lib.lessons.task_weights import conflict, conflict_figures
from simmim_lib.lessons.task_weights.shares import small_experiment

TINY = small_experiment(targets=("mnist", "uci-digits"), labels_per_class=2, steps=20, seeds=2)
THREE = ("mnist", "uci-digits", "fashion")


@pytest.mark.parametrize("angle", [0, 30, 90, 91, 120, 179, 180])
@pytest.mark.parametrize("length", [0.01, 0.5, 1, 100])
def test_what_methods_make_of_two_gradients(angle, length):
    found = conflict.two_gradients(angle, length)
    cosine = np.cos(np.radians(angle))
    first, second = found.gradients
    assert first @ second == pytest.approx(length * cosine, abs=1e-12 * length)
    # PCGrad for two tasks, by hand: each gradient minus its projection on the other.
    lost = min(cosine, 0)
    by_hand = (first - lost / length * second) + (second - lost * length * first)
    assert found.combined["pcgrad"].direction == pytest.approx(by_hand, abs=1e-9 * (1 + length))
    if 0 < angle < 180:
        for name in ("mgda", "pcgrad", "imtl-g", "nash-mtl"):
            assert (found.falls(found.combined[name].direction) >= 0).all()
        assert list(found.falls(-first)) == [-1, int(np.sign(np.round(-cosine, 9)))]
    picture = conflict_figures.conflict(found)
    assert picture.alt.count("losses") + picture.alt.count("loss 1") == 7  # 6 methods, plain sum


def test_gradients_that_cannot_be_meant():
    with pytest.raises(WorkbookError, match="0 to 180"):
        conflict.two_gradients(181, 1)
    with pytest.raises(WorkbookError, match="above 0"):
        conflict.two_gradients(90, 0)


@pytest.mark.slow
@pytest.mark.parametrize("shared_heads", [False, True])
def test_gradients_over_time_agree_with_a_plain_tape(shared_heads):
    import keras
    import tensorflow as tf

    settings = TINY.replace(
        targets=THREE, shared_heads=shared_heads, task_weights=(1, 2, 3), steps=30
    )
    found = conflict.conflict_over_time(settings)
    assert list(found.steps) == [0, 20, 30]
    tasks = experiments.choose_tasks(settings)
    network = experiments.transfer(settings, tasks, experiments.initialise(settings))
    *_, last = experiments.maximise_information(settings, tasks, network)
    model, seed = network.model, 1
    for look, weights in ((0, network.weights), (-1, last)):
        model.set_weights([weight[seed] for weight in weights])
        rows = []
        for name, task in tasks.items():
            part, chosen = network.features[name].train, task.choices[seed].labelled
            shared = [w.value for w, s in zip(model.weights, model.is_shared, strict=True) if s]
            with tf.GradientTape() as tape:
                logits = model({name: part.images[chosen]})[name]
                entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
                loss = entropy(part.labels[chosen], logits)
            gradients = tape.gradient(loss, shared)
            rows.append(
                np.concatenate(
                    [
                        np.zeros(np.prod(variable.shape)) if g is None else np.ravel(g)
                        for g, variable in zip(gradients, shared, strict=True)
                    ]
                ).astype(float)
            )
        norms = np.linalg.norm(rows, axis=1)
        assert found.norms[look, seed] == pytest.approx(norms, rel=1e-3)
        cosines = np.inner(rows, rows) / np.outer(norms, norms)
        assert found.cosines[look, seed] == pytest.approx(cosines, abs=1e-3)
    picture = conflict_figures.conflict_over_time(found)
    start = found.cosines[0, :, 0, 2].mean()
    assert f"mnist and fashion: cosine {start:.2f} at the start" in picture.alt
    assert picture.png()


def test_nothing_shared_cannot_conflict():
    with pytest.raises(WorkbookError, match="freeze fewer layers"):
        conflict.conflict_over_time(TINY.replace(frozen_layers=4))
