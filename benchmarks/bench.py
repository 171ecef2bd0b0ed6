"""Speed, side by side with what a user would pick instead; every ratio is from one run.

    make bench          (or: python benchmarks/bench.py [--rows NAME ...] [--output FILE])

Each pair is timed in turn, A B A B ..., each after a warm-up, and the medians are compared. Run it
on a machine that does nothing else.
"""

import argparse
import json
import os
import time
from typing import Any

import growth
import joint
import language
import masked_images
import next_characters
import numpy as np
import photographs
import private
import reporting
import speeds
import sweep
import unlabelled
from timing import ROUNDS, Row, medians, quietly, redraw_seconds

from simmim_lib import datasets, experiments, freezing, training, trunks
from simmim_lib.experiments.environment import versions
from simmim_lib.experiments.features import frozen_features
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.foundation.atomic import write_text
from simmim_lib.foundation.intervals import interval
from simmim_lib.foundation.startup import load_tensorflow
from simmim_lib.lessons.loss_formula import panels as loss_formula_panels
from simmim_lib.lessons.loss_formula import training_by_loss
from simmim_lib.lessons.transfer_learning import panels
from simmim_lib.panels.panel import Panel
from simmim_lib.settings import Settings
from simmim_lib.trunks.catalogue import SMALL_CNN

STEPS, BATCH_SIZE, CLASSES = 120, 32, 10

# --- (a) From slider to figure


def slider_to_figure() -> Row:
    panel = panels.frozen_layers()
    times = redraw_seconds(panel, "frozen_layers", [1, 2, 3, 4] * 11)[4:]  # the first ones compile
    middle, late = np.median(times), np.percentile(times, 95)
    return Row(
        "(a) slider to new figure, 10 labels per class, 3 seeds, at least one layer frozen",
        "median at most 0.5 s, 95th percentile at most 1 s",
        f"median {middle:.2f} s, 95th percentile {late:.2f} s",
        bool(middle <= 0.5 and late <= 1),
    )


def formula_panel(what: str, panel: Panel, control: str) -> Row:
    values = [round(float(value), 2) for value in np.random.default_rng(0).uniform(0.05, 0.95, 33)]
    middle = np.median(redraw_seconds(panel, control, values)[3:])
    return Row(what, "median at most 0.15 s", f"median {middle:.3f} s", bool(middle <= 0.15))


def one_probability() -> Row:
    what = "lesson 02, one probability: slider to new figure"
    return formula_panel(what, loss_formula_panels.one_probability(), "probability")


def three_classes() -> Row:
    what = "lesson 02, three classes: slider to new figure"
    return formula_panel(what, loss_formula_panels.three_classes(), "first")


def four_readings() -> Row:
    comparison = training_by_loss.LossComparison()
    (took,) = medians(lambda: training_by_loss.compare(comparison))
    return Row(
        f"lesson 02, a real network: {comparison.steps} steps of all four readings",
        "at most 3 s",
        f"{took:.2f} s",
        took <= 3,
    )


# --- (b) The way of the Keras guide


def keras_guide(settings: Settings, seed: int) -> float:
    """Freeze, compile, fit, unfreeze, recompile, fit; return the test accuracy."""
    import keras

    data = datasets.load(settings.targets[0])
    chosen = datasets.choose(data, settings.labels_of[settings.targets[0]], seed).labelled
    images, labels = data.train.images[chosen], data.train.labels[chosen]
    keras.utils.set_random_seed(seed)
    trunk = trunks.build_trunk()
    trunk.set_weights(pretrained(str(settings.source)).trunk_weights)
    network = trunks.add_head(trunk, CLASSES)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    passes = settings.steps // 2 // (len(chosen) // BATCH_SIZE)
    whole = len(chosen) // BATCH_SIZE * BATCH_SIZE  # as ours: what fills no batch is left out
    order = np.random.default_rng(seed).permutation(len(chosen))[:whole]
    for frozen in (len(SMALL_CNN.blocks), settings.frozen_layers):
        freezing.freeze(network, frozen)
        network.compile(keras.optimizers.Adam(settings.learning_rate), loss)
        network.fit(images[order], labels[order], batch_size=BATCH_SIZE, epochs=passes, verbose=0)
    guesses = network.predict(data.test.images, batch_size=1000, verbose=0).argmax(axis=-1)
    return float(np.mean(guesses == data.test.labels))


def against_keras_guide() -> Row:
    settings = Settings(adaptation="probe-then-fine-tune", frozen_layers=1, seeds=1, steps=72)
    ours, theirs = medians(lambda: quietly(settings), lambda: keras_guide(settings, 0))
    seeds = 10
    accuracy = quietly(settings.replace(seeds=seeds)).accuracy["mnist"]
    difference = accuracy - np.array([keras_guide(settings, seed) for seed in range(seeds)])
    mean, width = interval(difference)
    return Row(
        "(b) the Keras guide's flow over ours, equal steps and batch size, one seed",
        "at least 10 x, same accuracy within seed noise",
        f"{theirs / ours:.1f} x ({theirs:.2f} s and {ours:.2f} s); "
        f"accuracy ours less theirs {mean:+.3f} ± {width:.3f}",
        theirs / ours >= 10 and abs(mean) <= max(width, 0.02),
    )


# --- (c) Ten seeds


def ten_seeds() -> Row:
    one, ten = (Settings(seeds=number) for number in (1, 10))
    alone, together = medians(lambda: quietly(one), lambda: quietly(ten))
    return Row(
        "(c) ten seeds over one seed, default settings",
        "at most 4 x",
        f"{together / alone:.1f} x ({together:.2f} s and {alone:.2f} s)",
        together / alone <= 4,
    )


# --- (d) The article's loop


def against_article() -> Row:
    """The article's loop, batch by batch in Python, on the workbook's network."""
    import keras
    import tensorflow as tf

    data = datasets.load("mnist")
    images, labels = data.train.images[:1000], data.train.labels[:1000]
    batches = training.draw_batches(len(images), BATCH_SIZE, STEPS, 0)
    network = trunks.classifier(CLASSES)
    start = trunks.fresh_weights(network, 0)
    final: dict[str, list[np.ndarray]] = {}

    def article() -> None:
        model = trunks.add_head(trunks.build_trunk(), CLASSES)
        model.set_weights(start)
        optimizer = keras.optimizers.SGD(0.01)
        for batch in batches:
            with tf.GradientTape() as tape:
                logits = model(images[batch])
                loss = tf.reduce_mean(
                    tf.nn.softmax_cross_entropy_with_logits(tf.one_hot(labels[batch], 10), logits)
                )
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        final["article"] = model.get_weights()

    def ours() -> None:
        trained = training.train(
            network,
            [weight[None] for weight in start],
            [training.Examples(images[None], labels[None], batches[None])],
            training.Options(optimizer="sgd", learning_rate=0.01),
        )
        final["ours"] = [weight[0] for weight in trained]

    fast, slow = medians(ours, article)
    pairs = zip(final["ours"], final["article"], strict=True)
    error = max(float(np.abs(one - other).max()) for one, other in pairs)
    return Row(
        "(d) the article's loop over ours, same updates",
        "at least 4 x, final weights equal to 1e-4",
        f"{slow / fast:.1f} x ({slow:.2f} s and {fast:.2f} s); largest difference {error:.1e}",
        slow / fast >= 4 and error < 1e-4,
    )


# --- (e) PyTorch


def against_torch() -> Row:
    what = "(e) PyTorch over ours, same adaptation on the same cached features, one seed"
    try:
        import torch
    except ImportError:
        return Row(what, "slower", "left out: torch is not installed (pip install '.[bench]')")
    settings = Settings(frozen_layers=1, seeds=1)
    data = frozen_features(pretrained(str(settings.source)), 1, datasets.load("mnist"))
    chosen = datasets.choose(data, settings.labels_of["mnist"], 0).labelled
    images, labels = data.train.images[chosen], data.train.labels[chosen]
    batches = training.draw_batches(len(chosen), BATCH_SIZE, STEPS, 0)
    back = trunks.classifier(CLASSES, 1)
    start = experiments.transfer(
        settings, experiments.choose_tasks(settings), experiments.initialise(settings)
    ).weights
    inputs = torch.tensor(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    targets, order = torch.tensor(labels, dtype=torch.long), torch.tensor(batches.astype("int64"))

    def theirs() -> None:
        network = torch_back([weight[0] for weight in start])
        optimizer = torch.optim.Adam(network.parameters(), settings.learning_rate, eps=1e-7)
        for batch in order:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(network(inputs[batch]), targets[batch])
            loss.backward()
            optimizer.step()

    examples = [training.Examples(images[None], labels[None], batches[None])]
    options = training.Options(learning_rate=settings.learning_rate)

    def ours() -> None:
        training.train(back, start, examples, options)

    fast, slow = medians(ours, theirs)
    return Row(what, "slower", f"{slow / fast:.1f} x ({slow:.2f} s and {fast:.2f} s)", slow > fast)


def torch_back(weights: list[np.ndarray]) -> Any:
    """Return the layers behind the first convolution in PyTorch, with the same weights."""
    import torch
    from torch import nn

    def convolution(kernel: np.ndarray, bias: np.ndarray) -> nn.Conv2d:
        layer = nn.Conv2d(kernel.shape[2], kernel.shape[3], 3, stride=2)
        layer.weight.data = torch.tensor(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)))
        layer.bias.data = torch.tensor(bias)
        return layer

    def dense(kernel: np.ndarray, bias: np.ndarray) -> nn.Linear:
        layer = nn.Linear(*kernel.shape)
        layer.weight.data = torch.tensor(np.ascontiguousarray(kernel.T))
        layer.bias.data = torch.tensor(bias)
        return layer

    # Keras pads "same" with stride 2 on the right for even sizes, on both sides for odd ones.
    # The dense layer sees its inputs in another order, which changes nothing in the time it takes.
    return nn.Sequential(
        *(nn.ZeroPad2d((0, 1, 0, 1)), convolution(*weights[0:2]), nn.ReLU()),
        *(nn.ZeroPad2d((1, 1, 1, 1)), convolution(*weights[2:4]), nn.ReLU()),
        *(nn.Flatten(), dense(*weights[4:6]), nn.ReLU(), dense(*weights[6:8])),
    )


ROWS = (
    *(slider_to_figure, against_keras_guide, ten_seeds, against_article, against_torch),
    *(one_probability, three_classes, four_readings),
    *joint.ROWS,
    *unlabelled.ROWS,
    *sweep.ROWS,
    *reporting.ROWS,
    *photographs.ROWS,
    *private.ROWS,
    *masked_images.ROWS,
    *language.ROWS,
    *next_characters.ROWS,
    *speeds.ROWS,
    *growth.ROWS,
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the workbook's speed as ratios.")
    named = {measure.__name__: measure for measure in ROWS}
    parser.add_argument(
        "--rows", nargs="+", default=list(named), choices=named, metavar="NAME", help="these only"
    )
    parser.add_argument("--output", metavar="FILE", help="write the table as JSON as well")
    options = parser.parse_args()
    load_tensorflow()
    print(f"{os.cpu_count()} processor cores, medians of {ROUNDS} rounds after a warm-up")
    rows, start = [], time.perf_counter()
    for name in options.rows:
        before = time.perf_counter()
        row = named[name]()
        rows.append({"name": name, **vars(row)})
        verdict = {True: "reached", False: "NOT reached", None: ""}[row.reached]
        print(f"{row.what}\n    aim: {row.aim}\n    {row.measured}  {verdict}")
        print(f"    {name} took {time.perf_counter() - before:.0f} s", flush=True)
        if options.output:  # after each row: what was measured for an hour is not to be lost
            _write(options, rows, round((time.perf_counter() - start) / 60))


def _write(options: argparse.Namespace, rows: list[dict[str, Any]], minutes: int) -> None:
    table = {
        "command": _command(options),
        "cores": os.cpu_count(),
        "versions": versions(),
        "minutes": minutes,
        "rows": rows,
    }
    write_text(options.output, json.dumps(table, indent=2, ensure_ascii=False) + "\n")


def _command(options: argparse.Namespace) -> str:
    """Return what to type for the table that is written."""
    if len(options.rows) == len(ROWS):
        return "make bench"
    return f"make bench OPTIONS='--rows {' '.join(options.rows)}'"


if __name__ == "__main__":
    main()
