"""How a step's gradients are found: of the plain sum of losses, or as a weighting needs them."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from simmim_lib import weighting
from simmim_lib.losses import Tensor
from simmim_lib.training.objective import Batch, Objective
from simmim_lib.training.seed_copies import Copies, Tensors


class Step(NamedTuple):
    """What a step finds before anything is changed.

    Attributes:
        losses: not weighted, (seeds, tasks).
        gradients: of the copies' values, each (seeds, ...).
        state: of the copies afterwards, each (seeds, ...).
    """

    losses: Tensor
    gradients: Tensors
    state: Tensors


class Weigher:
    """Asks the weighting of each seed for the weights of a step: NumPy code amid the graph.

    No gradient flows through what it says. A weighting looks at the losses to choose a direction,
    and its weights are constants of the step: their derivatives would belong to another objective.
    """

    methods: list[weighting.Method]

    def __init__(self, copies: Copies) -> None:
        self.copies = copies
        self.shape = (copies.seeds, len(copies.task_kinds))

    def reset(self, method: str, first_seed: int = 0) -> None:
        """Begin anew, with weightings that remember nothing; each seed draws its own numbers."""
        seeds, tasks = self.shape
        self.methods = [
            weighting.create(method, tasks, seed=seed, names=self.copies.names)
            for seed in range(first_seed, first_seed + seeds)
        ]

    def weigh(self, *evidence: Tensor) -> Tensor:
        """Return weights, (seeds, tasks).

        Args:
            evidence: weighted losses, (seeds, tasks), and the Gram matrices of the gradients,
                (seeds, tasks, tasks), where the weighting looks at them.
        """
        import tensorflow as tf

        return tf.ensure_shape(tf.numpy_function(self._ask, evidence, tf.float32), self.shape)

    def _ask(self, *evidence: np.ndarray) -> np.ndarray:
        weights = np.ones(self.shape, np.float32)
        for method, row, *of_seed in zip(self.methods, weights, *evidence, strict=True):
            # NaN is reported after the call, with the step and the task: here it would end in a
            # graph's error, which buries the sentence.
            if all(np.isfinite(each).all() for each in of_seed):
                row[:] = method.weigh(*of_seed)
        return weights


class StepGradients:
    """One way to find the gradients of a step."""

    def __init__(self, objective: Objective, weigher: Weigher) -> None:
        self.objective = objective
        self.weigher = weigher

    def gradients(self, values: Tensors, state: Tensors, batch: list[Batch]) -> Step:
        """Return the losses, the gradients of the values, and the state afterwards."""
        raise NotImplementedError


class PlainSum(StepGradients):
    """Of the sum of the losses, each by its fixed weight."""

    def gradients(self, values: Tensors, state: Tensors, batch: list[Batch]) -> Step:
        """See `StepGradients`."""
        return _of_sum(self.objective, values, state, batch, lambda weighted, _: weighted)


class FromLosses(StepGradients):
    """Of the sum of the losses, weighed by looking at the losses alone."""

    def gradients(self, values: Tensors, state: Tensors, batch: list[Batch]) -> Step:
        """See `StepGradients`."""

        def weigh(weighted: Tensor, _: Tensors) -> Tensor:
            return weighted * self.weigher.weigh(weighted)

        return _of_sum(self.objective, values, state, batch, weigh)


class FromNorms(StepGradients):
    """Of the sum of the losses, weighed by the losses and the norms of the tasks' gradients."""

    def gradients(self, values: Tensors, state: Tensors, batch: list[Batch]) -> Step:
        """See `StepGradients`."""
        weights = self.objective.copies.join(values, state)

        def weigh(weighted: Tensor, logits: Tensors) -> Tensor:
            return weighted * self.weigher.weigh(weighted, self._norms(weights, logits, batch))

        return _of_sum(self.objective, values, state, batch, weigh)

    def _norms(self, weights: Tensors, logits: Tensors, batch: list[Batch]) -> Tensor:
        """Return the squared norm of each task's gradient with respect to the shared features.

        On the diagonal of (seeds, tasks, tasks). Features and not weights: going back through the
        heads alone costs next to nothing, where the whole trunk would cost a step for each task.
        """
        import tensorflow as tf

        objective, norms = self.objective, []
        for task, (outputs, of_task) in enumerate(zip(logits, batch, strict=True)):
            with tf.GradientTape() as tape:
                tape.watch(outputs)
                loss = objective.loss(task, outputs, of_task)
                total = tf.reduce_sum(objective.task_weights[task] * loss)
            model = objective.copies.model
            kernel = weights[model.kernel_position(objective.copies.names[task])]
            slopes = tf.matmul(tape.gradient(total, outputs), kernel, transpose_b=True)
            norms.append(tf.reduce_sum(slopes**2, axis=(1, 2)))
        return tf.linalg.diag(tf.stack(norms, axis=1))


class FromGradients(StepGradients):
    """The tasks' gradients in what they share, summed as a weighting says that looks at them.

    Each example goes through the network once, as for the plain sum: a task's gradient needs its
    own examples only. Where layers look at a whole batch, as BatchNormalization does, this is the
    batch of one task, and their state goes on from task to task.
    """

    def gradients(self, values: Tensors, state: Tensors, batch: list[Batch]) -> Step:
        """See `StepGradients`."""
        import tensorflow as tf

        losses, by_task = [], []
        for task in range(len(batch)):
            of_task = self._of_task(task, values, state, batch)
            losses.append(of_task.losses)
            by_task.append(of_task.gradients)
            state = of_task.state
        all_losses = tf.concat(losses, axis=1)
        rows = tf.stack([self._shared_row(gradients) for gradients in by_task], axis=1)
        gram = tf.matmul(rows, rows, transpose_b=True)
        weights = self.weigher.weigh(self.objective.task_weights * all_losses, gram)
        combined = tf.matmul(weights[:, tf.newaxis], rows)[:, 0]
        return Step(all_losses, self._with_heads(combined, by_task), state)

    def _of_task(self, task: int, values: Tensors, state: Tensors, batch: list[Batch]) -> Step:
        """Return the losses, (seeds, 1), and the gradients of one task; zero for other heads."""
        import tensorflow as tf

        objective, only = self.objective, slice(task, task + 1)
        with tf.GradientTape() as tape:
            tape.watch(values)
            logits, after = objective.logits(values, state, batch, only)
            losses = objective.losses(logits, batch, only)
            total = tf.reduce_sum(objective.task_weights[task] * losses)
        zero = tf.UnconnectedGradients.ZERO
        return Step(losses, tape.gradient(total, values, unconnected_gradients=zero), after)

    def _shared_row(self, gradients: Tensors) -> Tensor:
        """Return each seed's gradients of the shared weights as one row, (seeds, numbers)."""
        import tensorflow as tf

        pairs = zip(gradients, self.objective.copies.is_shared, strict=True)
        shared = [gradient for gradient, is_shared in pairs if is_shared]
        return tf.concat([tf.reshape(each, (each.shape[0], -1)) for each in shared], axis=1)

    def _with_heads(self, combined: Tensor, by_task: list[Tensors]) -> Tensors:
        """Put the combined gradients of shared weights, (seeds, numbers), beside the others.

        What one task has for itself follows that task's gradient.
        """
        import tensorflow as tf

        gradients, start = [], 0
        for is_shared, *of_tasks in zip(self.objective.copies.is_shared, *by_task, strict=True):
            if not is_shared:
                gradients.append(tf.add_n(of_tasks))  # all but one of them are zero
                continue
            end = start + math.prod(of_tasks[0].shape[1:])
            gradients.append(tf.reshape(combined[:, start:end], of_tasks[0].shape))
            start = end
        return gradients


BY_SIGHT: dict[str, type[StepGradients]] = {
    "losses": FromLosses,
    "norms": FromNorms,
    "gradients": FromGradients,
}
"""By what a weighting sees, `weighting.Method.sees`."""


def of_method(method: str) -> type[StepGradients]:
    """Return how the gradients are found that a weighting needs, a name of `weighting.METHODS`."""
    return PlainSum if method == "fixed" else BY_SIGHT[weighting.METHODS[method].sees]


def _of_sum(
    objective: Objective,
    values: Tensors,
    state: Tensors,
    batch: list[Batch],
    weigh: Callable[[Tensor, Tensors], Tensor],
) -> Step:
    """Return the step of the sum of what `weigh` makes of weighted losses, (seeds, tasks).

    Args:
        objective: what is minimised.
        values: see `Copies.outputs`.
        state: of the copies before the step.
        batch: of each task.
        weigh: from losses times task weights, and all tasks' logits, to losses weighed anew.
    """
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(values)
        logits, after = objective.logits(values, state, batch)
        losses = objective.losses(logits, batch)
        # A sum over seeds keeps each seed's gradient what it would be alone.
        total = tf.reduce_sum(weigh(objective.task_weights * losses, logits))
    return Step(losses, tape.gradient(total, values), after)
