"""Lesson 09: what a private step costs over a plain one."""

import numpy as np
from timing import Row, medians

from simmim_lib import SimMIM, Task, datasets, trunks
from simmim_lib.lessons.open_problems.private_heads import rows_of
from simmim_lib.privacy.steps import PrivateRecipe, PrivateTraining

STEPS, BATCH_SIZE = 10, 256
DIGITS = tuple("0123456789")


def head_alone() -> SimMIM:
    """Return a model of nothing but a head, on features of a frozen trunk."""
    import keras

    inputs = rows_of("mnist", "glyphs").train.images.shape[1]
    trunk = keras.Sequential([keras.Input((inputs,)), keras.layers.Identity()])
    return SimMIM(trunk, [Task("mnist", DIGITS)])


def private_over_plain(what: str, model: SimMIM, images: np.ndarray, at_most: float) -> Row:
    """Compare private steps with Keras's own, both of plain gradient descent."""
    labels = datasets.load("mnist").train.labels[: len(images)]
    training = PrivateTraining(model, "mnist")
    epochs = STEPS * BATCH_SIZE / len(images)
    recipe = PrivateRecipe(1.0, BATCH_SIZE, epochs, 0.01)
    model.compile("sgd")

    def plain() -> None:
        for start in range(STEPS):
            some = slice(start * BATCH_SIZE, (start + 1) * BATCH_SIZE)
            model.train_on_batch(images[some], {"mnist": labels[some]})

    def private() -> None:
        training.train(images, labels, recipe)

    slow, fast = medians(private, plain)
    return Row(
        what,
        f"at most {at_most:g} x",
        f"{slow / fast:.1f} x ({slow:.2f} s and {fast:.2f} s)",
        slow / fast <= at_most,
    )


def frozen_trunk() -> Row:
    images = rows_of("mnist", "glyphs").train.images
    return private_over_plain(
        "lesson 09, ten private steps of a head over plain ones", head_alone(), images, 4
    )


def whole_network() -> Row:
    model = SimMIM(trunks.build_trunk(), [Task("mnist", DIGITS)])
    images = datasets.load("mnist").train.images
    return private_over_plain(
        "lesson 09, ten private steps of the whole network over plain ones", model, images, 8
    )


ROWS = (frozen_trunk, whole_network)
