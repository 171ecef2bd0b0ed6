"""Lessons 03 and 04: one network for several tasks, and what a weighting costs."""

import functools
import itertools
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from timing import Row, medians, redraw_seconds, seconds

import simmim_lib
from simmim_lib import training, trunks, weighting
from simmim_lib.experiments.network import build_architecture
from simmim_lib.lessons.task_weights import panels
from simmim_lib.lessons.task_weights.shares import shares_to_measure, small_experiment
from simmim_lib.panels import memory

TASKS = (1, 2, 4, 8)
STEPS, BATCH_SIZE = 24, 32
DIGITS = tuple("0123456789")


def tasks_named(count: int) -> tuple[simmim_lib.Task, ...]:
    return tuple(simmim_lib.Task(f"task_{position}", DIGITS) for position in range(count))


@functools.cache
def examples(count: int, images: int = 400) -> list[training.Examples]:
    """Made-up images: what they show does not change the time."""
    random = np.random.default_rng(0)
    return [
        training.Examples(
            random.random((1, images, 28, 28, 1), np.float32),
            random.integers(10, size=(1, images)),
            training.draw_batches(images, BATCH_SIZE, STEPS, seed)[None],
        )
        for seed in range(count)
    ]


@functools.cache
def joint_training(count: int, method: str = "fixed") -> Callable[[], object]:
    """Return the work of `STEPS` steps with `count` tasks in one network."""
    model = build_architecture(tasks_named(count)).model
    start = [weight[None] for weight in trunks.fresh_weights(model, 0)]
    options = training.Options(weighting=method)
    return lambda: training.train(model, start, examples(count), options)


def separate_training(count: int) -> Callable[[], object]:
    """Return the work of `STEPS` steps of as many networks of their own."""
    model = trunks.classifier(len(DIGITS))
    start = [weight[None] for weight in trunks.fresh_weights(model, 0)]

    def work() -> None:
        for own in examples(count):
            training.train(model, start, [own])

    return work


def tasks_in_one_network() -> Row:
    pairs = [medians(joint_training(count), separate_training(count)) for count in TASKS]
    growth = [together / pairs[0][0] for together, _ in pairs]
    told = ", ".join(
        f"{count}: {together / apart:.2f} x"
        for count, (together, apart) in zip(TASKS, pairs, strict=True)
    )
    grown = ", ".join(f"{count}: {each:.1f}" for count, each in zip(TASKS, growth, strict=True))
    return Row(
        "(f) a step with T tasks, each with images of its own, over T separate networks",
        "cost grows slower than T",
        f"{told}; over the step with one task {grown}",
        all(each < count for each, count in zip(growth[1:], TASKS[1:], strict=True)),
    )


def same_images() -> Row:
    """Every task judges the same images, as in Keras's usual multi-task models."""
    random = np.random.default_rng(0)
    images = random.random((BATCH_SIZE, 28, 28, 1), np.float32)
    labels = random.integers(10, size=BATCH_SIZE)
    results, growth = [], []
    for count in TASKS:
        names = tasks_named(count)
        together = simmim_lib.SimMIM(trunks.build_trunk(), names)
        together.compile("adam")
        apart = [simmim_lib.SimMIM(trunks.build_trunk(), names[:1]) for _ in names]
        for model in apart:
            model.compile("adam")
        truth = {task.name: labels for task in names}

        def joint(model: Any = together, truth: Any = truth) -> None:
            for _ in range(20):
                model.train_on_batch(images, truth)

        def separate(group: Any = apart, name: str = names[0].name) -> None:
            for model in group:
                for _ in range(20):
                    model.train_on_batch(images, {name: labels})

        fast, slow = medians(joint, separate)
        growth.append(fast)
        results.append(f"{count}: {fast / slow:.2f} x")
    grown = [each / growth[0] for each in growth]
    told = ", ".join(f"{count}: {each:.1f}" for count, each in zip(TASKS, grown, strict=True))
    return Row(
        "(g) the same in Keras's train_on_batch, every task judging the same images",
        "cost grows slower than T",
        f"{', '.join(results)}; over the step with one task {told}",
        all(each < count for each, count in zip(grown[1:], TASKS[1:], strict=True)),
    )


def against_fit() -> Row:
    """One pass over 2,000 images of each of two tasks."""
    import keras
    import tensorflow as tf

    names = tasks_named(2)
    own = [
        training.Examples(
            each.features,
            each.labels,
            training.draw_batches(2000, BATCH_SIZE, 2000 // BATCH_SIZE, seed=0)[None],
        )
        for each in examples(2, images=2000)
    ]
    model = build_architecture(names).model
    start = [weight[None] for weight in trunks.fresh_weights(model, 0)]
    images = {task.name: each.features[0] for task, each in zip(names, own, strict=True)}
    labels = {task.name: each.labels[0] for task, each in zip(names, own, strict=True)}
    compiled = simmim_lib.SimMIM(trunks.build_trunk(), names)
    compiled.compile("adam")
    plain = simmim_lib.SimMIM(trunks.build_trunk(), names)
    optimizer, loss = keras.optimizers.Adam(), keras.losses.SparseCategoricalCrossentropy(True)

    def article() -> None:
        for batches in zip(*(each.batches[0] for each in own), strict=True):
            rows = dict(zip(images, batches, strict=True))
            with tf.GradientTape() as tape:
                logits = plain({name: images[name][row] for name, row in rows.items()})
                value = sum(loss(labels[name][row], logits[name]) for name, row in rows.items())
            variables = plain.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))

    ours, fit, by_hand = medians(
        lambda: training.train(model, start, own),
        lambda: compiled.fit(images, labels, batch_size=BATCH_SIZE, verbose=0),
        article,
    )
    return Row(
        "(h) an epoch of 2 x 2,000 images: Keras's fit, and a tape in a Python loop, over ours",
        "",
        f"{fit / ours:.1f} x and {by_hand / ours:.1f} x "
        f"({fit:.2f} s and {by_hand:.2f} s, ours {ours:.2f} s)",
    )


MEMORY = """
import sys
from pathlib import Path
from simmim_lib import datasets, experiments
from simmim_lib.settings import Settings
from simmim_lib.foundation.startup import load_tensorflow
load_tensorflow()
def peak():  # of this process alone: getrusage would also count the one that started it
    (line,) = [l for l in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in l]
    return int(line.split()[1]) / 1024
settings = Settings(targets=("mnist", "uci-digits", "fashion"), frozen_layers=0, seeds=3)
plans = [settings] if sys.argv[1] == "joint" else settings.separately()
datasets.load("mnist")
before = peak()
for plan in plans:
    experiments.run(plan, baseline=False, progress=lambda *_: None)
print(before, peak())
"""


def peak_memory() -> Row:
    """Of a process of its own, in which nothing but the one experiment has run."""
    what = "(i) peak memory, three targets, three seeds, nothing frozen"
    if not Path("/proc/self/status").exists():
        return Row(what, "", "left out: this system does not tell a process's peak memory")
    found = {}
    for kind in ("joint", "separate"):
        command = [sys.executable, "-c", MEMORY, kind]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found[kind] = [float(word) for word in done.stdout.split()[-2:]]
    told = ", ".join(f"{kind} {peak:.0f} MB" for kind, (_, peak) in found.items())
    base = found["joint"][0]
    return Row(
        what,
        "",
        f"{told}, of which {base:.0f} MB are Python, TensorFlow and the data",
    )


# --- Lesson 04


@functools.cache
def seconds_by_weighting(count: int) -> dict[str, float]:
    """Time each weighting's training with so many tasks, one in turn with all the others."""
    works = [joint_training(count, name) for name in weighting.METHODS]
    return dict(zip(weighting.METHODS, medians(*works), strict=True))


def costs_of(names: Sequence[str]) -> tuple[float, str]:
    """Return the largest time of a step over the plain sum's, and all of them in words."""
    ratios: list[float] = []
    told = []
    for count in TASKS[1:]:
        taken = seconds_by_weighting(count)
        of_count = {name: taken[name] / taken["fixed"] for name in names}
        ratios += of_count.values()
        words = ", ".join(f"{name} {ratio:.2f}" for name, ratio in of_count.items())
        told.append(f"{count} tasks: {words}")
    return max(ratios), "; ".join(told)


GRADIENT_BASED = [name for name, kind in weighting.METHODS.items() if kind.sees == "gradients"]
LOSS_BASED = [name for name in weighting.METHODS if name not in ("fixed", *GRADIENT_BASED)]


def loss_based_weightings() -> Row:
    worst, told = costs_of(LOSS_BASED)
    what = "(j) a step of each loss-based weighting over the plain sum's"
    return Row(what, "at most 1.1 x", told, worst <= 1.1)


def gradient_based_weightings() -> Row:
    _, told = costs_of(GRADIENT_BASED)
    return Row("(k) a step of each gradient-based weighting over the plain sum's", "", told)


def solver_share() -> Row:
    """The time of the solver alone, on random gradients, over that of a whole step."""
    random, shares = np.random.default_rng(0), {}
    for count in TASKS[1:]:
        rows = random.normal(size=(100, count, 1000))
        grams = rows @ rows.transpose(0, 2, 1)
        for name in GRADIENT_BASED:
            (alone,) = medians(functools.partial(_solve, weighting.create(name, count), grams))
            shares[name, count] = alone / len(grams) / (seconds_by_weighting(count)[name] / STEPS)
    told = ", ".join(f"{name} with {count} {share:.1%}" for (name, count), share in shares.items())
    return Row(
        "(l) the solver's share of a step", "at most 10 %", told, max(shares.values()) <= 0.1
    )


def _solve(method: weighting.Method, grams: np.ndarray) -> None:
    for gram in grams:
        method.weigh(np.ones(len(gram)), gram)


def against_torchjd() -> Row:
    what = "(m) TorchJD over ours, a step with 4 tasks, the same network"
    try:
        import torch
        import torchjd.aggregation
        import torchjd.autojac

        kinds = {
            "mgda": torchjd.aggregation.MGDA(),
            "pcgrad": torchjd.aggregation.PCGrad(),
            "upgrad": torchjd.aggregation.UPGrad(),
        }
    except (ImportError, AttributeError):
        return Row(what, "slower", "left out: torchjd is not installed (pip install '.[bench]')")
    count, ratios = 4, {}
    own = [
        (torch.tensor(each.features[0].transpose(0, 3, 1, 2)), torch.tensor(each.labels[0]))
        for each in examples(count)
    ]
    order = [torch.tensor(each.batches[0].astype("int64")) for each in examples(count)]
    for name, combine in kinds.items():
        trunk, heads = torch_network(count)
        optimizer = torch.optim.Adam([*trunk.parameters(), *heads.parameters()], 1e-3, eps=1e-7)

        def theirs(
            trunk: Any = trunk,
            heads: Any = heads,
            optimizer: Any = optimizer,
            combine: Any = combine,
        ) -> None:
            for rows in zip(*order, strict=True):
                optimizer.zero_grad()
                features = [trunk(images[row]) for (images, _), row in zip(own, rows, strict=True)]
                losses = [
                    torch.nn.functional.cross_entropy(head(seen), labels[row])
                    for head, seen, (_, labels), row in zip(heads, features, own, rows, strict=True)
                ]
                torchjd.autojac.mtl_backward(losses, features=features)
                torchjd.autojac.jac_to_grad(trunk.parameters(), combine)
                optimizer.step()

        fast, slow = medians(joint_training(count, name), theirs)
        ratios[name] = slow / fast
    told = ", ".join(f"{name} {ratio:.1f} x" for name, ratio in ratios.items())
    return Row(what, "slower", told, min(ratios.values()) > 1)


def torch_network(heads: int) -> tuple[Any, Any]:
    """Return the workbook's trunk and heads in PyTorch."""
    from torch import nn

    sizes = [1, *trunks.CONVOLUTION_FILTERS]
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.ReLU()]
    dense = nn.Linear(4 * 4 * sizes[-1], trunks.DENSE_UNITS)
    trunk = nn.Sequential(*layers, nn.Flatten(), dense, nn.ReLU())
    own = [nn.Linear(trunks.DENSE_UNITS, len(DIGITS)) for _ in range(heads)]
    return trunk, nn.ModuleList(own)


def weight_to_figure() -> Row:
    """The first answer to other weights: the targets' accuracies."""
    panel = panels.task_weights()
    ratios = [f"{share} : {100 - share}" for share in range(8, 93, 4)]
    middle = float(
        np.median(redraw_seconds(panel, "weights", ratios)[2:])
    )  # the first ones compile
    return Row(
        "(n) other task weights to new figure, two targets, three layers frozen, 3 seeds",
        "median at most 1 s",
        f"median {middle:.2f} s",
        middle <= 1,
    )


def whole_front() -> Row:
    """As the panel draws it, picture by picture; once before, untimed."""
    settings = small_experiment(task_weights=(0.5, 0.5))
    panel = panels.task_weights(settings)

    def draw() -> None:
        memory.MEMORY.clear()
        for picture in panel.update(panel.values, lambda done, total: None):
            picture.png()

    draw()
    taken = seconds(draw)
    points = len(shares_to_measure(settings.targets))
    return Row(
        f"(o) the Pareto front of two targets, {points} weightings, {settings.seeds} seeds",
        "at most 20 s",
        f"{taken:.1f} s",
        taken <= 20,
    )


ROWS = (
    *(tasks_in_one_network, same_images, against_fit, peak_memory),
    *(loss_based_weightings, gradient_based_weightings, solver_share, against_torchjd),
    *(weight_to_figure, whole_front),
)
