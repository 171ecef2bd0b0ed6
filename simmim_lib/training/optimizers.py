"""The optimizers, by name."""

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def make_optimizer(name: str) -> "keras.optimizers.Optimizer":
    """Return the Keras optimizer that a name in `settings.OPTIMIZERS` stands for."""
    from keras import optimizers

    classes = {
        "sgd": optimizers.SGD,
        "momentum": functools.partial(optimizers.SGD, momentum=0.9),
        "adam": optimizers.Adam,
        "adamw": optimizers.AdamW,
        "rmsprop": optimizers.RMSprop,
    }
    return classes[name](learning_rate=1e-3)
