"""Compiled loops: copies of a model, one for each seed, that take their steps side by side."""

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import information
from simmim_lib.foundation import keras_setup
from simmim_lib.losses import Tensor
from simmim_lib.training import devices
from simmim_lib.training.batches import Batches, Drawn, TaskTensors
from simmim_lib.training.objective import Loss, Objective
from simmim_lib.training.optimizers import make_optimizer
from simmim_lib.training.options import Options
from simmim_lib.training.seed_copies import Copies, Tensors
from simmim_lib.training.step_gradients import StepGradients, Weigher
from simmim_lib.trunks import Weights

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class LoopKey:
    """All that a loop is compiled for; everything else may differ from run to run.

    Attributes:
        copies: of the model.
        optimizer: a name from `settings.OPTIMIZERS`.
        loss: of every task; none for that of its kind.
        step_gradients: how a step's gradients are found.
        kind: what is done with examples that have no labels.
        strategy: a name from `settings.STRATEGIES`, or none.
        slow: positions in `model.weights` of what takes smaller steps than the rest.
    """

    copies: Copies
    optimizer: str
    loss: Loss | None
    step_gradients: type[StepGradients]
    kind: information.Kind
    strategy: str | None
    slow: tuple[int, ...] = ()


class Loop:
    """Variables, optimizer and compiled steps for copies of one model.

    Attributes:
        signature: the shapes and types of what a call is given of each task, by name.
        run: from each task's tensors, the learning rates (steps,) and the number of the first step
            to the losses in each step, (steps, seeds, tasks); it changes the copies.
    """

    signature: "list[dict[str, tf.TensorSpec]]"
    run: Callable[..., Tensor]

    @keras_setup.as_usual()
    def __init__(self, key: LoopKey) -> None:
        import tensorflow as tf

        self.copies = key.copies
        self.slow = [
            key.slow.index(position) if position in key.slow else None
            for position in key.copies.trained
        ]
        self.strategy = devices.strategy(key.strategy)
        self.weigher = Weigher(key.copies)
        with self.strategy.scope():
            self.objective = Objective(key.copies, key.loss, key.kind)
            self.batches = Batches(key.copies, key.kind, self.objective)
            self.slow_rates = tf.Variable(tf.ones(len(key.slow)))
            self._create_variables(key.optimizer)
        self.step_gradients = key.step_gradients(self.objective, self.weigher)
        # The rules of these optimizers work number by number, so one call serves all seeds. Only
        # this part is fused by XLA: that halves its time, while convolutions would be slower. What
        # replicas tell each other cannot be fused.
        self._apply = (
            self._update
            if key.strategy
            else tf.function(self._update, jit_compile=True, autograph=False)
        )
        self.signature = [self.batches.signature(kind) for kind in key.copies.task_kinds]
        rates, first = tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.int32)
        # A concrete function is traced here, once, and never again.
        compiled = tf.function(self._steps, input_signature=[self.signature, rates, first])
        self.run = compiled.get_concrete_function()

    def _create_variables(self, optimizer: str) -> None:
        """Create what steps change and read; under a strategy, every replica holds a copy."""
        import keras

        zeros = [
            np.zeros((self.copies.seeds, *weight.shape), weight.dtype)
            for weight in self.copies.model.weights
        ]
        values, state = self.copies.split(zeros)
        self.values = [keras.Variable(value, dtype=value.dtype) for value in values]
        self.state = [keras.Variable(value, dtype=value.dtype, trainable=False) for value in state]
        self.optimizer = make_optimizer(optimizer)
        self.optimizer.build(self.values)

    def _update(self, gradients: Tensors) -> None:
        """Change the values; the optimizer sums the gradients of all replicas first.

        A smaller step is a part of the optimizer's: to make the gradient smaller would not do, as
        Adam takes steps of the same size whatever the gradient is multiplied by.
        """
        import tensorflow as tf

        pairs = zip(self.values, self.slow, strict=True)
        slow = [(variable, place) for variable, place in pairs if place is not None]
        before = [tf.identity(variable.value) for variable, _ in slow]
        self.optimizer.apply(gradients, self.values)
        for (variable, place), value in zip(slow, before, strict=True):
            variable.assign(value + self.slow_rates[place] * (variable.value - value))

    def reset(self, weights: Weights, options: Options) -> None:
        """Begin anew from given weights, with optimizer and weighting that remember nothing."""
        self.weigher.reset(options.weighting, options.first_seed)
        self.objective.reset(options.task_weights, options.recipe)
        self.batches.first_seed.assign(options.first_seed)
        if self.slow_rates.shape[0]:
            self.slow_rates.assign(np.broadcast_to(options.slow_rate, self.slow_rates.shape))
        for variable in self.optimizer.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))
        values, state = self.copies.split(weights, options.first_seed)
        for variable, value in zip(self.values + self.state, values + state, strict=True):
            variable.assign(value)

    @property
    def weights(self) -> Weights:
        """The copies' weights as they are now, in the order of `model.weights`."""
        return self.copies.join(
            [variable.numpy() for variable in self.values],
            [variable.numpy() for variable in self.state],
        )

    def tensors(self, task: int, arrays: Mapping[str, Any]) -> TaskTensors:
        """Return those of the arrays that the task at a position takes, as tensors."""
        import tensorflow as tf

        taken = self.signature[task]
        return {
            name: tf.constant(array, taken[name].dtype)
            for name, array in arrays.items()
            if name in taken
        }

    def _steps(
        self, tasks: list[TaskTensors], learning_rates: "tf.Tensor", first: "tf.Tensor"
    ) -> "tf.Tensor":
        """Do some steps, and return the losses in each, (steps, seeds, tasks)."""
        import tensorflow as tf

        # Only the loop below has to become part of the graph. To read all that it calls for more,
        # Keras included, would double the time until the first step.
        draw = tf.autograph.experimental.do_not_convert(self.batches.draw)
        step_of_replica = tf.autograph.experimental.do_not_convert(self._step)
        steps = tf.shape(learning_rates)[0]
        shape = (self.copies.seeds, len(tasks))
        history = tf.TensorArray(tf.float32, steps, element_shape=shape)
        for step in tf.range(steps):
            drawn = [draw(task, step) for task in tasks]
            self.optimizer.learning_rate.assign(learning_rates[step])
            losses = self.strategy.run(step_of_replica, args=(drawn, first + step))
            history = history.write(step, self.strategy.experimental_local_results(losses)[0])
        return history.stack()

    def _step(self, drawn: list[Drawn], number: "tf.Tensor") -> "tf.Tensor":
        """Do one step, each replica with its share of the examples; return the batch's losses.

        Args:
            drawn: of each task.
            number: of the step since training began.
        """
        values = [variable.value for variable in self.values]
        state = [variable.value for variable in self.state]
        batch = [self.batches.batch(of_task, number) for of_task in drawn]
        step = self.step_gradients.gradients(values, state, batch)
        self._apply(step.gradients)
        for variable, before, after in zip(self.state, state, step.state, strict=True):
            if after is not before:  # the same tensor, where no layer has changed it
                variable.assign(after)
        return step.losses


# What was compiled is kept for the next call: enough to hold every depth of every panel, and
# bounded for a session that lasts all day.
MAX_IDLE = 64
_idle: dict[LoopKey, Loop] = {}
_lock = threading.Lock()


@contextlib.contextmanager
def borrowed(key: LoopKey) -> Iterator[Loop]:
    """Lend the loop that was compiled for a key, or a new one, to one training at a time.

    Two panels may train the same model at once.
    """
    with _lock:
        loop = _idle.pop(key, None)
    loop = loop or Loop(key)
    try:
        yield loop
    finally:
        with _lock:
            _idle[key] = loop
            while len(_idle) > MAX_IDLE:
                _idle.pop(next(iter(_idle)))


@functools.lru_cache(maxsize=64)
@keras_setup.as_usual()
def prediction(copies: Copies, task: str | None) -> "Callable[..., tf.Tensor]":
    """Return a compiled function from weights and features to the outputs of `predict`."""
    import tensorflow as tf

    tasks = [task] if task else []

    def compute(weights: "list[tf.Tensor]", features: "tf.Tensor") -> "tf.Tensor":
        values, state = copies.split(weights)
        (outputs,), _ = copies.outputs(values, state, [[features] * copies.seeds], False, tasks)
        return outputs

    weights = [
        tf.TensorSpec([copies.seeds, *weight.shape], weight.dtype)
        for weight in copies.model.weights
    ]
    inputs = tf.TensorSpec(copies.input.shape, copies.input.dtype)
    compiled = tf.function(compute, input_signature=[weights, inputs], autograph=False)
    return compiled.get_concrete_function()
