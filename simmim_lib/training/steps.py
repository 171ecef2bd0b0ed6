"""Training: several seeds side by side, on features that are computed once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import information, losses, weighting
from simmim_lib.errors import WorkbookError, check_choice
from simmim_lib.foundation.progress import Progress
from simmim_lib.training.compiled import Batch, Loss, borrowed, prediction, task_names
from simmim_lib.trunks import Weights

if TYPE_CHECKING:
    import keras

Loss = Loss
"""From labels and logits to a loss for each example; see there."""


STEPS_A_CALL = 20
"""Steps between two looks at the network, the cancel button and the interrupt key."""


IMAGES_A_CALL = 1000


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
    if not batch_size:
        return np.empty((steps, 0), np.int32)
    a_pass = examples // batch_size
    passes = [
        random.permutation(examples)[: a_pass * batch_size].reshape(a_pass, batch_size)
        for _ in range(-(-steps // a_pass))
    ]
    return np.concatenate(passes)[:steps].astype(np.int32)


def cross_entropy(labels: losses.Tensor, logits: losses.Tensor) -> losses.Tensor:
    """`losses.cross_entropy` without its checks, and rounded as Keras's own loss rounds it.

    Adam blows up the last digit of a gradient near zero; this way the loop makes the same steps
    as a plain one in Keras.
    """
    import tensorflow as tf

    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


@dataclass(frozen=True, eq=False)
class Examples:
    """What the copies of a network, one for each seed, learn one task from.

    Attributes:
        features: (seeds, n, ...), the inputs of the model.
        labels: (seeds, n), whole numbers below the number of logits.
        batches: (seeds, steps, batch size), positions among the n examples; the batches are empty
            where there is nothing but unlabelled images.
        unlabelled: images to learn from without labels, of every task or of none.
    """

    features: np.ndarray
    labels: np.ndarray
    batches: np.ndarray
    unlabelled: "Unlabelled | None" = None

    def fixed(self) -> Batch:
        """Return what all steps have in common, as tensors: handed over once."""
        import tensorflow as tf

        found = {
            "features": tf.constant(self.features),
            "labels": tf.constant(self.labels, tf.int32),
        }
        if self.unlabelled:
            found["images"] = tf.constant(self.unlabelled.images)
            found["prior"] = tf.constant(self.unlabelled.prior, tf.float32)
        return found

    def chosen(self, steps: slice) -> Batch:
        """Return which examples some steps see, as tensors."""
        import tensorflow as tf

        found = {"batches": tf.constant(self.batches[:, steps])}
        if self.unlabelled:
            found["unlabelled"] = tf.constant(self.unlabelled.batches[:, steps])
        return found


@dataclass(frozen=True, eq=False)
class Unlabelled:
    """Images without labels that the copies of a network learn a task from.

    Attributes:
        images: (n, height, width, channels), the same for all seeds.
        batches: (seeds, steps, batch size), positions among the n images.
        prior: how often each class is expected among them, (classes,), all above 0.
    """

    images: np.ndarray
    batches: np.ndarray
    prior: np.ndarray


class DivergedError(WorkbookError):
    """Training met a loss that is no number; `weights` are the last ones that were good."""

    def __init__(self, message: str, weights: Weights) -> None:
        super().__init__(message)
        self.weights = weights


def train(
    model: "keras.Model",
    weights: Weights,
    features: np.ndarray,
    labels: np.ndarray,
    batches: np.ndarray,
    optimizer: str = "adam",
    learning_rate: float | np.ndarray = 1e-3,
    progress: Progress | None = None,
    loss: Loss = cross_entropy,
) -> Weights:
    """Train copies of a model with one task side by side, one for each seed.

    Args:
        model: gives the computation; its own weights are neither used nor changed.
        weights: initial weights, each (seeds, ...).
        features: see `Examples`, as for `labels` and `batches`.
        labels: see there.
        batches: see there.
        optimizer: as in `step_by_step`, like all that follow.
        learning_rate: see there.
        progress: see there.
        loss: see there.

    Returns:
        The trained weights, each (seeds, ...).

    Raises:
        DivergedError: a loss became infinite or no number.
    """
    examples = [Examples(features, labels, batches)]
    stages = step_by_step(model, weights, examples, None, optimizer, learning_rate, progress, loss)
    *_, trained = [weights, *stages]
    return trained


def step_by_step(
    model: "keras.Model",
    weights: Weights,
    examples: Sequence[Examples],
    task_weights: Sequence[float] | None = None,
    optimizer: str = "adam",
    learning_rate: float | np.ndarray = 1e-3,
    progress: Progress | None = None,
    loss: Loss = cross_entropy,
    method: str = "fixed",
    steps_a_call: int = STEPS_A_CALL,
    recipe: information.Recipe | None = None,
    strategy: str | None = None,
) -> Iterator[Weights]:
    """Train copies of a model with several tasks side by side, one copy for each seed.

    Each step minimises the sum over tasks of weight times mean loss, or what a weighting makes of
    these products. The loop is compiled once for each model, number of seeds, optimizer, loss and
    kind of weighting, and used again by later calls, whatever the task weights and the number of
    examples, steps and images in a batch.

    Args:
        model: gives the computation; its own weights are neither used nor changed.
        weights: initial weights, each (seeds, ...).
        examples: for each task of the model, in order, with the same number of steps.
        task_weights: how much each task's loss counts; 1 each by default.
        optimizer: a name from `settings.OPTIMIZERS`.
        learning_rate: size of a step, or of each step, shape (steps,).
        progress: told after every few steps.
        loss: what is minimised, on average over a batch; the same function object each time, or
            the loop is compiled anew.
        method: a name from `weighting.METHODS`.
        steps_a_call: training steps between two looks.
        recipe: how unlabelled images are learnt from; needed where there are any.
        strategy: a name from `settings.STRATEGIES`, to let several devices or machines take a share
            of every batch each; the outcome is the same, to rounding.

    Yields:
        The weights after every `steps_a_call` steps and after the last, each (seeds, ...).

    Raises:
        DivergedError: a loss became infinite or no number; the error holds the weights before that.
        WorkbookError: a weighting that does not exist, has nothing to weigh, or does not go with a
            strategy.
    """
    import tensorflow as tf

    sees = _what_it_sees(method, model)
    if strategy and sees != "nothing":
        raise WorkbookError(
            f"The weighting {method!r} has one memory, which several devices cannot share, but "
            f"strategy is {strategy!r}: use weighting='fixed', or no strategy."
        )
    kind = recipe.kind if recipe else information.NO_UNLABELLED
    key = (model, len(examples[0].features), optimizer, loss, sees, kind, strategy)
    with borrowed(*key) as loop:
        loop.reset(weights, task_weights, method, recipe)
        steps = examples[0].batches.shape[1]
        rates = np.broadcast_to(np.float32(learning_rate), (steps,))
        fixed = [each.fixed() for each in examples]
        for start in range(0, steps, steps_a_call):
            piece = slice(start, start + steps_a_call)
            tasks = [
                {**same, **each.chosen(piece)} for same, each in zip(fixed, examples, strict=True)
            ]
            losses = loop.run(tasks, tf.constant(rates[piece]), tf.constant(start))
            _check_losses(losses.numpy(), start, model, weights)
            weights = [variable.numpy() for variable in loop.variables]
            if progress:
                progress(min(start + steps_a_call, steps), steps)
            yield weights


def _what_it_sees(method: str, model: "keras.Model") -> str:
    """Return what a weighting has to be told in each step: "nothing" of the plain sum's."""
    check_choice("weighting", method, weighting.METHODS)
    sees = weighting.METHODS[method].sees
    if sees != "losses" and not any(getattr(model, "is_shared", ())):
        raise WorkbookError(
            f"The weighting {method!r} compares the targets' gradients in the layers that they "
            "share, but all of these are frozen: freeze fewer layers, or use 'fixed'."
        )
    return "nothing" if method == "fixed" else sees


def _check_losses(losses: np.ndarray, done: int, model: "keras.Model", before: Weights) -> None:
    """Raise where a loss, of shape (steps, seeds, tasks), is no number; name the first."""
    bad = np.argwhere(~np.isfinite(losses))
    if not len(bad):
        return
    step, seed, task = bad[0]
    names = task_names(model)
    name = f"task {names[task]!r}" if names else "the network"
    raise DivergedError(
        f"The loss of {name} became {losses[step, seed, task]} in step {done + step + 1} (seed "
        f"{seed}), so training stopped: try a smaller learning rate or a smaller task weight.",
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
    model: "keras.Model", weights: Weights, features: np.ndarray, task: str | None = None
) -> np.ndarray:
    """Return the outputs of each seed's copy of a model for the same inputs.

    Args:
        model: gives the computation.
        weights: each (seeds, ...).
        features: (n, ...), the same for every seed.
        task: whose outputs are wanted, if the model has several.

    Returns:
        The outputs, (seeds, n, ...).
    """
    import tensorflow as tf

    compute = prediction(model, len(weights[0]) if weights else 1, task)
    values = [tf.constant(weight) for weight in weights]
    pieces = [
        compute(values, tf.constant(features[start : start + IMAGES_A_CALL])).numpy()
        for start in range(0, len(features), IMAGES_A_CALL)
    ]
    return np.concatenate(pieces, axis=1)
