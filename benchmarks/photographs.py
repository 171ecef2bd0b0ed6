"""A network for photographs on 200 pictures of one's own: the Keras guide's flow, and ours."""

import functools
import tempfile
from pathlib import Path

import numpy as np
from timing import Row, medians, quietly

from simmim_lib import datasets, trunks
from simmim_lib.experiments.features import frozen_features
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.foundation.intervals import interval
from simmim_lib.lessons.simmim_model import photographs
from simmim_lib.settings import Settings

SIZE, BATCH_SIZE, LABELS, SEEDS = 96, 32, 30, 3
EPOCHS, FEW_EPOCHS = 20, 4


@functools.cache
def pictures() -> str:
    """Return the address of 200 pictures, 50 of each of four kinds."""
    folder = Path(tempfile.mkdtemp(), "signs")
    photographs.draw(folder, each=50)
    return f"folder:{folder}"


def asked(epochs: int, adaptation: str = "fine-tune", seeds: int = 1) -> Settings:
    """Return settings with as many steps as some passes over the labelled pictures take."""
    return Settings(
        trunk="efficientnet-lite0",
        targets=(pictures(),),
        labels_per_class=LABELS,
        batch_size=BATCH_SIZE,
        steps=epochs * (4 * LABELS // BATCH_SIZE),
        adaptation=adaptation,
        frozen_layers=9 if adaptation == "fine-tune" else 0,
        seeds=seeds,
    )


def labelled(data: datasets.Dataset, seed: int) -> tuple[np.ndarray, np.ndarray]:
    chosen = datasets.choose(data, LABELS, seed).labelled
    return data.train.images[chosen], data.train.labels[chosen]


def keras_guide(epochs: int, unfreeze: bool, seed: int = 0) -> float:
    """Freeze, compile, fit; then unfreeze, recompile, fit, if asked; return the test accuracy.

    Keras also takes a step on what fills no batch: so it makes fewer passes, in as many steps.
    """
    import keras

    data = datasets.load(pictures(), SIZE)
    images, labels = labelled(data, seed)
    keras.utils.set_random_seed(seed)
    trunk = trunks.build_trunk("efficientnet-lite0")
    trunk.set_weights(pretrained("imagenet", "efficientnet-lite0").trunk_weights)
    inputs = keras.Input((SIZE, SIZE, 3))
    network = keras.Model(inputs, keras.layers.Dense(4)(trunk(inputs, training=False)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    passes = asked(epochs).steps // -(-len(images) // BATCH_SIZE)
    for trained, rate in ((False, 2e-3), (True, 2e-4))[: 2 if unfreeze else 1]:
        trunk.trainable = trained
        network.compile(keras.optimizers.Adam(rate), loss)
        network.fit(images, labels, batch_size=BATCH_SIZE, epochs=passes, verbose=0)
    guesses = network.predict(data.test.images, batch_size=100, verbose=0).argmax(axis=-1)
    return float(np.mean(guesses == data.test.labels))


def less(ours: np.ndarray, theirs: list[float]) -> tuple[str, bool]:
    """Return by how much our accuracies differ, and whether that is within the seeds' noise."""
    mean, width = interval(ours - np.array(theirs))
    return f"accuracy ours less theirs {mean:+.3f} ± {width:.3f}", abs(mean) <= max(width, 0.02)


def probe() -> Row:
    """Ours with the features of the frozen trunk kept, as from the second training on."""
    fast, slow = medians(
        lambda: quietly(asked(EPOCHS)), lambda: keras_guide(EPOCHS, False), rounds=1
    )
    accuracy = quietly(asked(EPOCHS, seeds=SEEDS)).accuracy[pictures()]
    told, same = less(accuracy, [keras_guide(EPOCHS, False, seed) for seed in range(SEEDS)])
    return Row(
        f"(v) the Keras guide's probe of EfficientNet-Lite0 over ours, 200 pictures, {EPOCHS} "
        "epochs",
        "at least 5 x, same accuracy within seed noise",
        f"{slow / fast:.1f} x ({slow:.1f} s and {fast:.2f} s); {told}",
        slow / fast >= 5 and same,
    )


def whole_trunk() -> Row:
    """Equal numbers of steps with everything frozen, and with nothing frozen."""
    settings = asked(2 * FEW_EPOCHS, "probe-then-fine-tune")
    fast, slow = medians(lambda: quietly(settings), lambda: keras_guide(FEW_EPOCHS, True), rounds=1)
    return Row(
        f"(w) the same guide's {FEW_EPOCHS} epochs frozen and {FEW_EPOCHS} with the whole trunk, "
        "over ours",
        "at least 1 x",
        f"{slow / fast:.1f} x ({slow:.1f} s and {fast:.1f} s)",
        slow >= fast,
    )


def against_sklearn() -> Row:
    """Of the best head that the same features allow; ours takes as many steps as in (v)."""
    from sklearn.linear_model import LogisticRegression

    source = pretrained("imagenet", "efficientnet-lite0")
    data = frozen_features(source, 9, datasets.load(pictures(), SIZE), SIZE)
    theirs = []
    for seed in range(SEEDS):
        head = LogisticRegression(max_iter=1000).fit(*labelled(data, seed))
        theirs.append(float(head.score(data.test.images, data.test.labels)))
    told, same = less(quietly(asked(EPOCHS, seeds=SEEDS)).accuracy[pictures()], theirs)
    what = "(x) scikit-learn's logistic regression on the same features"
    return Row(what, "same accuracy within seed noise", told, same)


ROWS = (probe, whole_trunk, against_sklearn)
