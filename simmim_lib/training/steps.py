"""Training: several seeds side by side, on features that are computed once."""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from simmim_lib import information, labels, weighting
from simmim_lib.errors import WorkbookError, check_choice, shown
from simmim_lib.foundation.progress import Progress
from simmim_lib.training import step_gradients
from simmim_lib.training.compiled import LoopKey, borrowed, prediction
from simmim_lib.training.options import Options
from simmim_lib.training.seed_copies import Copies
from simmim_lib.trunks import Weights

if TYPE_CHECKING:
    import keras

    from simmim_lib.simmim import Task

NUMBERS_PER_CALL = 800_000
"""Of the inputs that are computed in one call: large images in small groups, or memory runs out."""


def draw_batches(examples: int, batch_size: int, steps: int, seed: int) -> np.ndarray:
    """Return which examples each training step sees, shape (steps, batch size).

    Every example is seen once before any is seen again; what is left over at the end of a pass
    and would not fill a batch is left out of that pass.

    Args:
        examples: how many there are.
        batch_size: examples in a batch; at most `examples` are taken.
        steps: how many batches.
        seed: chooses the order.
    """
    random = np.random.default_rng(seed)
    batch_size = min(batch_size, examples)
    if not batch_size or not steps:
        return np.empty((steps, batch_size), np.int32)
    a_pass = examples // batch_size
    passes = [
        random.permutation(examples)[: a_pass * batch_size].reshape(a_pass, batch_size)
        for _ in range(-(-steps // a_pass))
    ]
    return np.concatenate(passes)[:steps].astype(np.int32)


@dataclass(frozen=True, eq=False)
class Unlabelled:
    """Examples without labels that the copies of a network learn a task from.

    Attributes:
        features: (n, ...), inputs of the model, the same for all seeds.
        batches: (seeds, steps, batch size), positions among the n examples.
        prior: how often each class is expected among them, (classes,), all above 0.
    """

    features: np.ndarray
    batches: np.ndarray
    prior: np.ndarray


@dataclass(frozen=True, eq=False)
class Examples:
    """What the copies of a network, one for each seed, learn one task from.

    Attributes:
        features: (seeds, n, ...), inputs of the model, of its type.
        labels: by the task's kind: whole numbers below the number of logits, (seeds, n), to tell
            classes apart; for several labels or numbers one for each output, (seeds, n, columns),
            or (seeds, n) if there is one output; other forms as `labels.in_form` says. Of examples
            that are in no batch anything.
        batches: (seeds, steps, batch size), positions among the n examples; the batches are empty
            where there are only examples without labels.
        unlabelled: examples to learn from without labels, of every task or of none.
    """

    features: np.ndarray
    labels: np.ndarray
    batches: np.ndarray
    unlabelled: Unlabelled | None = None

    @property
    def steps(self) -> int:
        """How many training steps there are batches for."""
        return self.batches.shape[1]

    def of_seeds(self, seeds: Sequence[int]) -> "Examples":
        """Return the examples of some of the copies."""
        if len(seeds) == len(self.features):
            return self
        chosen = [*seeds]
        unlabelled = self.unlabelled and replace(
            self.unlabelled, batches=self.unlabelled.batches[chosen]
        )
        return Examples(
            self.features[chosen], self.labels[chosen], self.batches[chosen], unlabelled
        )

    @property
    def constants(self) -> dict[str, Any]:
        """What all steps have in common, by the names of `Loop.signature`."""
        arrays = {"features": self.features, "labels": self.labels}
        if self.unlabelled:
            arrays["unlabelled_features"] = self.unlabelled.features
            arrays["prior"] = self.unlabelled.prior
        return arrays

    def chosen(self, steps: slice) -> dict[str, np.ndarray]:
        """Return which examples some steps see, by the names of `Loop.signature`."""
        arrays = {"batches": self.batches[:, steps]}
        if self.unlabelled:
            arrays["unlabelled_batches"] = self.unlabelled.batches[:, steps]
        return arrays


@dataclass(frozen=True, eq=False)
class Call:
    """Some steps that the compiled loop does in one call.

    Attributes:
        first: number of the first step since training began, from 0.
        learning_rates: of each step, (steps,).
        chosen: for each task which examples each step sees, as `Examples.chosen` gives them.
    """

    first: int
    learning_rates: np.ndarray
    chosen: list[dict[str, np.ndarray]]

    @property
    def done(self) -> int:
        """How many steps are done after this call."""
        return self.first + len(self.learning_rates)


def plan(examples: Sequence[Examples], options: Options) -> list[Call]:
    """Return what `step_by_step` will do: the batches and learning rates of every call.

    Args:
        examples: of each task.
        options: with the learning rate and the steps of a call.
    """
    steps = examples[0].steps
    rates = np.broadcast_to(np.float32(options.learning_rate), (steps,))
    pieces = [
        slice(first, first + options.steps_per_call)
        for first in range(0, steps, options.steps_per_call)
    ]
    return [
        Call(piece.start, rates[piece], [each.chosen(piece) for each in examples])
        for piece in pieces
    ]


class DivergedError(WorkbookError):
    """Training met a loss that is NaN or infinite; `weights` are the last ones before it."""

    def __init__(self, message: str, weights: Weights) -> None:
        super().__init__(message)
        self.weights = weights


def train(
    model: "keras.Model",
    weights: Weights,
    examples: Sequence[Examples],
    options: Options | None = None,
    progress: Progress | None = None,
) -> Weights:
    """Do all that `step_by_step` does, and return the weights after the last step.

    Args:
        model: as in `step_by_step`, which all arguments are handed to.
        weights: those to start from, each (seeds, ...).
        examples: for each task of the model.
        options: optimizer, learning rate and more.
        progress: called after every few steps.

    Returns:
        The trained weights, each (seeds, ...).

    Raises:
        WorkbookError: as `step_by_step`.
    """
    steps = step_by_step(model, weights, examples, options, progress)
    return last(itertools.chain([weights], steps))


Step = TypeVar("Step")
"""What is known after some steps: weights, or how far an experiment has come."""


def last(steps: Iterable[Step]) -> Step:
    """Return the last of what a training gives, and let go of those before it, step by step.

    All together would need many times the memory of a large network.
    """
    return deque(steps, maxlen=1).pop()


def step_by_step(
    model: "keras.Model",
    weights: Weights,
    examples: Sequence[Examples],
    options: Options | None = None,
    progress: Progress | None = None,
) -> Iterator[Weights]:
    """Train copies of a model on its tasks side by side, one copy for each seed.

    Each step minimises the sum over tasks of weight times mean loss, or what a weighting makes of
    these products. The loop is compiled once for each model, number of seeds, optimizer, loss and
    kind of weighting, and used again by later calls, whatever the task weights and the number of
    examples, steps and examples in a batch.

    What the model's layers change in training beside what the optimizer does, as
    BatchNormalization its statistics, is changed in each copy. Layers with `trainable = False` stay
    as they are, to the bit.

    Args:
        model: gives the computation; its own weights are neither used nor changed.
        weights: those to start from, in the order of `model.weights`, each (seeds, ...).
        examples: for each task of the model, in order, with the same number of steps.
        options: optimizer, learning rate and more; `Options()` by default.
        progress: called after every few steps.

    Yields:
        The weights after every `options.steps_per_call` steps and after the last, each (seeds,
        ...), in the same order.

    Raises:
        DivergedError: a loss became NaN or infinite; the error holds the weights before that.
        WorkbookError: a weighting that does not exist, has nothing to weigh, or does not go with a
            strategy; a model that does not go with one; labels that do not fit their task.
    """
    import tensorflow as tf

    options = options or Options()
    key = _loop_key(model, examples, options)
    constants = _constants(key, examples)
    with borrowed(key) as loop:
        loop.reset(weights, options)
        fixed = [loop.tensors(task, arrays) for task, arrays in enumerate(constants)]
        for call in plan(examples, options):
            tasks = [
                {**of_task, **loop.tensors(task, chosen)}
                for task, (of_task, chosen) in enumerate(zip(fixed, call.chosen, strict=True))
            ]
            losses = loop.run(tasks, tf.constant(call.learning_rates), tf.constant(call.first))
            _check_losses(losses.numpy(), call.first, key.copies.names, weights, options.first_seed)
            weights = loop.weights
            if progress:
                progress(call.done, examples[0].steps)
            yield weights


def _loop_key(model: "keras.Model", examples: Sequence[Examples], options: Options) -> LoopKey:
    """Return what the loop is compiled for; refuse what cannot go together."""
    copies = Copies.of(model, len(examples[0].features))
    _check_weighting(options, copies)
    _check_strategy(options, copies)
    return LoopKey(
        copies,
        options.optimizer,
        options.loss,
        step_gradients.of_method(options.weighting),
        _kind(examples, options.recipe, copies),
        options.strategy,
        options.slow if np.any(np.asarray(options.slow_rate) != 1) else (),
    )


def _check_weighting(options: Options, copies: Copies) -> None:
    method = options.weighting
    check_choice("weighting", method, weighting.METHODS)
    if weighting.METHODS[method].sees != "losses" and not any(copies.is_shared):
        raise WorkbookError(
            f"The weighting {shown(method)} compares the targets' gradients in the layers that "
            "they share, but all of these are frozen: freeze fewer layers, or use 'fixed'."
        )


def _check_strategy(options: Options, copies: Copies) -> None:
    if not options.strategy:
        return
    if options.weighting != "fixed":
        raise WorkbookError(
            f"The weighting {shown(options.weighting)} has one memory, which several devices "
            f"cannot share, but strategy is {shown(options.strategy)}: use weighting='fixed', or "
            "no strategy."
        )
    # Each device would look at its own share of a batch, and remember something else.
    if copies.model.non_trainable_variables and copies.updates_state():
        raise WorkbookError(
            "The model has layers that look at a whole batch or draw random numbers, as "
            "BatchNormalization and Dropout do, which several devices cannot share, but strategy "
            f"is {shown(options.strategy)}: freeze these layers, or use no strategy."
        )


def _kind(
    examples: Sequence[Examples], recipe: information.Recipe | None, copies: Copies
) -> information.Kind:
    """Return what is done with examples without labels: nothing where there are none."""
    unlabelled = any(of_task.unlabelled for of_task in examples)
    if unlabelled and not recipe:
        raise WorkbookError(
            "There are examples without labels, but no recipe that says how to learn from them: "
            "give one, such as Options(recipe=information.Recipe(information=1.0))."
        )
    if not recipe:
        return information.LABELS_ONLY
    if not unlabelled:
        return recipe.kind._replace(views_per_image=0)
    others = set(copies.task_kinds) - {"classification"}
    if others:
        raise WorkbookError(
            "Examples without labels are learnt from by the probabilities of classes, but a task "
            f"of the model is a {others.pop()}: leave them out, or make it a classification."
        )
    return recipe.kind


def _constants(key: LoopKey, examples: Sequence[Examples]) -> list[dict[str, Any]]:
    """Return what all steps have in common, of each task, with the labels as its kind has them."""
    return [
        {**of_task.constants, "labels": _labels(task, of_task)}
        for task, of_task in zip(_tasks(key.copies.model), examples, strict=True)
    ]


def _tasks(model: "keras.Model") -> "tuple[Task, ...]":
    """Return the tasks of a SimMIM model; a plain model has one, and with one output a number."""
    from simmim_lib.simmim import Task

    if tasks := getattr(model, "tasks", None):
        return tasks
    outputs = tuple(map(str, range(model.output_shape[-1])))
    return (Task(model.name, outputs, Copies.of(model, 1).task_kinds[0]),)


def _labels(task: "Task", examples: Examples) -> np.ndarray:
    """Return a task's labels in form, (seeds, n) or (seeds, n, columns).

    An example that is in no batch needs no label: whatever stands there becomes 0.
    """
    given = np.asarray(examples.labels)
    counts = np.zeros(given.shape[:2], bool)
    for seed, batches in enumerate(examples.batches):
        counts[seed, batches] = True
    flat = labels.in_form(task, given.reshape(-1, *given.shape[2:]), counts.ravel())
    return flat.reshape(*given.shape[:2], *flat.shape[1:])


def _check_losses(
    losses: np.ndarray, done: int, names: list[str], before: Weights, first_seed: int
) -> None:
    """Raise where a loss, of shape (steps, seeds, tasks), is NaN or infinite; name the first."""
    bad = np.argwhere(~np.isfinite(losses))
    if not len(bad):
        return
    step, seed, task = bad[0]
    name = f"task {shown(names[task])}" if names else "the network"
    raise DivergedError(
        f"The loss of {name} became {losses[step, seed, task]} in step {done + step + 1} (seed "
        f"{seed + first_seed}), so training stopped: try a smaller learning rate or a smaller task "
        "weight.",
        before,
    )


def learning_rates(schedule: str, learning_rate: float, steps: int) -> np.ndarray:
    """Return the learning rate of each step, shape (steps,).

    Args:
        schedule: a name from `settings.SCHEDULES`.
        learning_rate: the largest one.
        steps: how many.

    Source: Loshchilov and Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts"
        (the cosine); Goyal et al. 2017, "Accurate, Large Minibatch SGD" (the warm-up).
    """
    if schedule == "constant":
        return np.full(steps, learning_rate)
    rising = steps // 10 if schedule == "warm-up" else 0
    up = (np.arange(rising) + 1) / (rising + 1)
    down = (1 + np.cos(np.pi * np.arange(steps - rising) / (steps - rising))) / 2
    return learning_rate * np.concatenate([up, down])


def predict(
    model: "keras.Model",
    weights: Weights,
    features: np.ndarray,
    task: str | None = None,
    progress: Progress | None = None,
) -> np.ndarray:
    """Return the outputs of each seed's copy of a model for the same inputs.

    Args:
        model: gives the computation.
        weights: in the order of `model.weights`, each (seeds, ...).
        features: (n, ...), of the model's type, the same for every seed.
        task: whose outputs are wanted, if the model has several.
        progress: told after every group of inputs how many are done.

    Returns:
        The outputs, (seeds, n, ...), computed as in inference: nothing is dropped, and
        BatchNormalization uses its statistics.
    """
    import tensorflow as tf

    copies = Copies.of(model, len(weights[0]) if weights else 1)
    compute = prediction(copies, task)
    values = [tf.constant(weight) for weight in weights]
    group = _images_per_call(features[:1].size)
    pieces = []
    for start in range(0, len(features), group):
        inputs = tf.constant(features[start : start + group], copies.input.dtype)
        pieces.append(compute(values, inputs).numpy())
        if progress:
            progress(start + len(inputs), len(features))
    return np.concatenate(pieces, axis=1)


def _images_per_call(numbers: int) -> int:
    """Return how many inputs of so many numbers each are computed in one call, 16 to 1,000."""
    return min(1000, max(16, NUMBERS_PER_CALL // max(1, numbers)))
