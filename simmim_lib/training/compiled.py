"""Compiled loops: copies of a model, one for each seed, that take their steps side by side."""

import contextlib
import functools
import itertools
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import augmentation, information, losses, weighting
from simmim_lib.training import devices
from simmim_lib.trunks import Weights

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

Loss = Callable[[losses.Tensor, losses.Tensor], losses.Tensor]
"""From labels (seeds, n) and logits (seeds, n, classes) to a loss for each example, (seeds, n)."""

Tensors = list[losses.Tensor]
Batch = dict[str, losses.Tensor]


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


class Loop:
    """Variables, optimizer and compiled steps for copies of one model."""

    methods: list[weighting.Method]
    """The weighting of each seed, with what it remembers."""

    def __init__(
        self,
        model: "keras.Model",
        seeds: int,
        optimizer: str,
        loss: Loss,
        sees: str,
        kind: information.Kind,
        strategy: str | None = None,
    ) -> None:
        import tensorflow as tf

        self.model, self.seeds, self.loss, self.sees = model, seeds, loss, sees
        self.kind, self.names = kind, task_names(model)
        self.tasks = len(self.names) or 1
        self.strategy = devices.strategy(strategy)
        with self.strategy.scope():
            self._create_variables(optimizer)
        # The rules of these optimizers work number by number, so one call serves all seeds. Only
        # this part is fused by XLA: that halves its time, while convolutions would be slower. What
        # replicas tell each other cannot be fused.
        self._apply = (
            self._update
            if strategy
            else tf.function(self._update, jit_compile=True, autograph=False)
        )
        # A concrete function is traced here, once, and never again.
        self.run = tf.function(
            self._steps, input_signature=self._signature()
        ).get_concrete_function()

    def _create_variables(self, optimizer: str) -> None:
        """Create what steps change and read; under a strategy, every replica holds a copy."""
        import keras
        import tensorflow as tf

        self.variables = [
            keras.Variable(np.zeros((self.seeds, *weight.shape), np.float32))
            for weight in self.model.weights
        ]
        self.task_weights = tf.Variable(tf.ones(self.tasks))
        self.recipe = tf.Variable(tf.zeros(len(information.Recipe().numbers)))
        self.optimizer = make_optimizer(optimizer)
        self.optimizer.build(self.variables)

    def _update(self, gradients: Tensors) -> None:
        """Change the variables; the optimizer sums the gradients of all replicas first."""
        self.optimizer.apply(gradients, self.variables)

    def reset(
        self,
        weights: Weights,
        task_weights: Sequence[float] | None,
        method: str,
        recipe: information.Recipe | None,
    ) -> None:
        """Begin anew from given weights, with optimizer and weighting that remember nothing."""
        self.methods = [
            weighting.create(method, self.tasks, seed=seed, names=self.names)
            for seed in range(self.seeds)
        ]
        for variable in self.optimizer.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))
        for variable, value in zip(self.variables, weights, strict=True):
            variable.assign(value)
        self.task_weights.assign(task_weights or [1.0] * self.tasks)
        if recipe:
            self.recipe.assign(recipe.numbers)

    def _signature(self) -> list[Any]:
        import tensorflow as tf

        seeds, shape = self.seeds, self.model.input_shape[1:]
        of_task = {
            "features": tf.TensorSpec([seeds, None, *shape], tf.float32),
            "labels": tf.TensorSpec([seeds, None], tf.int32),
            "batches": tf.TensorSpec([seeds, None, None], tf.int32),
        }
        if self.kind.views:
            of_task["images"] = tf.TensorSpec([None, *shape], tf.float32)
            of_task["unlabelled"] = tf.TensorSpec([seeds, None, None], tf.int32)
            of_task["prior"] = tf.TensorSpec([None], tf.float32)
        rates, first = tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.int32)
        return [[of_task] * self.tasks, rates, first]

    def _steps(
        self, tasks: list[Batch], learning_rates: "tf.Tensor", first: "tf.Tensor"
    ) -> "tf.Tensor":
        """Do some steps, and return the losses in each, (steps, seeds, tasks)."""
        import tensorflow as tf

        # Only the loop below has to become part of the graph. To read all that it calls for more,
        # Keras included, would double the time until the first step.
        draw, step_of_replica = map(
            tf.autograph.experimental.do_not_convert, (self._draw, self._step)
        )
        steps = tf.shape(learning_rates)[0]
        history = tf.TensorArray(tf.float32, steps, element_shape=(self.seeds, self.tasks))
        for step in tf.range(steps):
            batch = [draw(task, step, first + step) for task in tasks]
            self.optimizer.learning_rate.assign(learning_rates[step])
            losses = self.strategy.run(step_of_replica, args=(batch,))
            history = history.write(step, self.strategy.experimental_local_results(losses)[0])
        return history.stack()

    def _step(self, batch: list[Batch]) -> "tf.Tensor":
        """Do one step, each replica with its share of the images; return the whole batch's losses.

        Of all replicas' logits each works out the same losses, so that a step is what it would be
        on one device, also where a loss is no mean over images, as information is not.
        """
        find = self._gradients if self.sees == "gradients" else self._gradients_of_sum
        values = [each.value for each in self.variables]
        losses, gradients = find(values, [self._view(task) for task in batch])
        self._apply(gradients)
        return losses

    def _draw(self, task: Batch, step: "tf.Tensor", number: "tf.Tensor") -> Batch:
        """Return what a task's step sees: groups of images (seeds, n, ...), labels of the first.

        Args:
            task: see `Examples.fixed` and its `chosen`.
            step: position among the batches.
            number: of the step since training began.
        """
        import tensorflow as tf

        chosen = task["batches"][:, step]
        images = tf.gather(task["features"], chosen, batch_dims=1)
        batch = {"groups": [images], "labels": tf.gather(task["labels"], chosen, batch_dims=1)}
        if not self.kind.views:
            return batch
        unlabelled = tf.gather(task["images"], task["unlabelled"][:, step])
        batch["groups"] += [unlabelled] * self.kind.views
        return {**batch, "prior": task["prior"], "number": number}

    def _view(self, batch: Batch) -> Batch:
        """Put this replica's inputs beside a batch: its share of all groups, one behind the other.

        Images are changed as strongly as their group is. A seed's views are the same, whatever
        other seeds are trained beside it, on however many replicas.
        """
        import tensorflow as tf

        groups = batch["groups"]
        images = self._share(tf.concat(groups, axis=1))
        if not self.kind.augmented:
            return {**batch, "inputs": images}
        strengths = tf.concat(
            [
                tf.fill([tf.shape(group)[1]], strength * self._number("augmentation"))
                for group, strength in zip(groups, information.STRENGTHS, strict=False)
            ],
            axis=0,
        )
        seeds = range(self.seeds)
        maps = [augmentation.draw_maps(strengths, (seed, batch["number"])) for seed in seeds]
        own = tf.reshape(self._share(tf.stack(maps)), (-1, *maps[0].shape[1:]))
        flat = tf.reshape(images, (-1, *images.shape[2:]))
        return {**batch, "inputs": tf.reshape(augmentation.affine(flat, own), tf.shape(images))}

    def _share(self, whole: "tf.Tensor") -> "tf.Tensor":
        """Return this replica's share of a batch, (seeds, n, ...): of n examples, whole ones."""
        import tensorflow as tf

        context, examples = tf.distribute.get_replica_context(), tf.shape(whole)[1]
        position, replicas = context.replica_id_in_sync_group, context.num_replicas_in_sync
        if replicas == 1:
            return whole
        return whole[:, examples * position // replicas : examples * (position + 1) // replicas]

    def _gather(self, own: "tf.Tensor") -> "tf.Tensor":
        """Put the shares of all replicas together again.

        All replicas find the same slopes of the same losses, so each goes back with those of its
        own share, and the optimizer's sum over replicas is the gradient of the whole batch.
        """
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        if context.num_replicas_in_sync == 1:
            return own
        gather = tf.custom_gradient(lambda share: (context.all_gather(share, 1), self._share))
        return gather(own)

    def _number(self, name: str) -> "tf.Tensor":
        """Return a value of the recipe."""
        names = [each.name for each in fields(information.Recipe)]
        return self.recipe[names.index(name)]

    def _gradients_of_sum(self, values: Tensors, batch: list[Batch]) -> Any:
        """Return the losses, (seeds, tasks), and the gradients of their weighted sum."""
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(values)
            logits = self._logits(values, batch, self.names)
            losses = self._losses(logits, batch)
            weighted = self.task_weights * losses
            if self.sees == "losses":
                weighted *= self._weigh(weighted)
            if self.sees == "norms":
                weighted *= self._weigh(weighted, self._squared_norms(values, logits, batch))
            # A sum over seeds keeps each seed's gradient what it would be alone.
            loss = tf.reduce_sum(weighted)
        return losses, tape.gradient(loss, values)

    def _squared_norms(self, values: Tensors, logits: Tensors, batch: list[Batch]) -> "tf.Tensor":
        """Return the squared norm of each task's gradient in the shared features.

        On the diagonal of (seeds, tasks, tasks). Features and not weights: going back through the
        heads alone costs next to nothing, where the whole trunk would cost a step for each task.
        """
        import tensorflow as tf

        norms = []
        for task, (name, outputs, own) in enumerate(zip(self.names, logits, batch, strict=True)):
            with tf.GradientTape() as tape:
                tape.watch(outputs)
                loss = tf.reduce_sum(self.task_weights[task] * self._loss_of(outputs, own))
            kernel = values[self.model.kernel_position(name)]
            slopes = tf.matmul(tape.gradient(loss, outputs), kernel, transpose_b=True)
            norms.append(tf.reduce_sum(slopes**2, axis=(1, 2)))
        return tf.linalg.diag(tf.stack(norms, axis=1))

    def _gradients(self, values: Tensors, batch: list[Batch]) -> Any:
        """Return the losses, (seeds, tasks), and the tasks' gradients as the weighting sums them.

        Each image goes through the network once, as for the plain sum: a task's gradient needs its
        own images only. What one task has for itself follows that task's gradient.
        """
        import tensorflow as tf

        losses, by_task = [], []
        for task in range(self.tasks):
            with tf.GradientTape() as tape:
                tape.watch(values)
                of_task = slice(task, task + 1)
                logits = self._logits(values, batch[of_task], self.names[of_task])
                own = self._losses(logits, batch[of_task])
                loss = tf.reduce_sum(self.task_weights[task] * own)
            losses.append(own)
            nothing = tf.UnconnectedGradients.ZERO
            by_task.append(tape.gradient(loss, values, unconnected_gradients=nothing))
        found = tf.concat(losses, axis=1)
        rows = tf.stack([_as_rows(own, self.model.is_shared) for own in by_task], axis=1)
        gram = tf.matmul(rows, rows, transpose_b=True)
        weights = self._weigh(self.task_weights * found, gram)
        combined = tf.matmul(weights[:, tf.newaxis], rows)[:, 0]
        return found, self._with_own(combined, by_task)

    def _with_own(self, combined: "tf.Tensor", by_task: list[Tensors]) -> Tensors:
        """Put the combined gradients of shared weights, (seeds, numbers), beside the others."""
        import tensorflow as tf

        shared, gradients, start = self.model.is_shared, [], 0
        for is_shared, *own in zip(shared, *by_task, strict=True):
            if not is_shared:
                gradients.append(tf.add_n(own))  # all but one of them are zero
                continue
            end = start + math.prod(own[0].shape[1:])
            gradients.append(tf.reshape(combined[:, start:end], own[0].shape))
            start = end
        return gradients

    def _logits(self, values: Tensors, batch: list[Batch], names: list[str]) -> Tensors:
        """Return each task's logits, (seeds, n, classes)."""
        import tensorflow as tf

        of_seeds = [tf.unstack(task["inputs"]) for task in batch]
        own = _side_by_side(self.model, values, of_seeds, True, names)
        return [self._gather(of_task) for of_task in own]

    def _losses(self, logits: Tensors, batch: list[Batch]) -> "tf.Tensor":
        """Return the mean loss of each seed and task, (seeds, tasks)."""
        import tensorflow as tf

        by_task = [self._loss_of(*pair) for pair in zip(logits, batch, strict=True)]
        return tf.stack(by_task, axis=1)

    def _loss_of(self, logits: "tf.Tensor", batch: Batch) -> "tf.Tensor":
        """Return a task's loss for each seed, (seeds,)."""
        import tensorflow as tf

        labels = batch["labels"]
        if not self.kind.views:
            return tf.reduce_mean(self.loss(labels, logits), axis=1)
        labelled = tf.shape(labels)[1]
        known = tf.reduce_sum(self.loss(labels, logits[:, :labelled]), axis=1)
        weak, *strong = tf.split(logits[:, labelled:], self.kind.views, axis=1)
        extra = self._number("information") * information.lack_of_information(
            weak, self._number("spread"), batch["prior"]
        )
        if strong:
            extra += self._number("agreement") * information.disagreement(
                weak, strong[0], self._number("confidence")
            )
        done = tf.cast(batch["number"], tf.float32) / self._number("ramp")
        mean = tf.math.divide_no_nan(known, tf.cast(labelled, tf.float32))
        return mean + tf.minimum(done, 1.0) * extra

    def _weigh(self, *seen: "tf.Tensor") -> "tf.Tensor":
        """Ask each seed's weighting for weights, (seeds, tasks): NumPy code amid the graph."""
        import tensorflow as tf

        weights = tf.numpy_function(self._ask, seen, tf.float32)
        return tf.ensure_shape(weights, (self.seeds, self.tasks))

    def _ask(self, *seen: np.ndarray) -> np.ndarray:
        weights = np.ones((self.seeds, self.tasks), np.float32)
        for method, row, *own in zip(self.methods, weights, *seen, strict=True):
            # What is no number is told of after these steps, with the task's name.
            if all(np.isfinite(each).all() for each in own):
                row[:] = method.weigh(*own)
        return weights


def _as_rows(gradients: Tensors, shared: list[bool]) -> "tf.Tensor":
    """Return the gradients of shared weights of each seed as one row, (seeds, numbers)."""
    import tensorflow as tf

    chosen = itertools.compress(gradients, shared)
    return tf.concat([tf.reshape(each, (each.shape[0], -1)) for each in chosen], axis=1)


def _side_by_side(
    model: "keras.Model",
    weights: "list[tf.Tensor]",
    inputs: "list[list[tf.Tensor]]",
    training: bool,
    tasks: Sequence[str],
) -> "list[tf.Tensor]":
    """Return for each task (seeds, n, ...): the outputs for each seed's weights and inputs."""
    import tensorflow as tf

    of_seeds = list(zip(*(tf.unstack(weight) for weight in weights), strict=True))
    by_seed = [
        _outputs(model, list(own), features, training, tasks)
        for own, *features in zip(of_seeds or [()] * len(inputs[0]), *inputs, strict=True)
    ]
    return [tf.stack(of_task) for of_task in zip(*by_seed, strict=True)]


def _outputs(
    model: "keras.Model",
    weights: "list[tf.Tensor]",
    inputs: "list[tf.Tensor]",
    training: bool,
    tasks: Sequence[str],
) -> "list[tf.Tensor]":
    """Return the outputs of a model with named tasks, or of a plain one, as a list."""
    if not tasks:
        return [model.stateless_call(weights, [], inputs[0], training=training)[0]]
    named = dict(zip(tasks, inputs, strict=True))
    outputs, _ = model.stateless_call(weights, [], named, training=training)
    return [outputs[task] for task in tasks]


def task_names(model: "keras.Model") -> list[str]:
    """Return the names of a SimMIM model's tasks; none for a plain model."""
    return [task.name for task in getattr(model, "tasks", ())]


# What was compiled is kept for the next call: enough to hold every depth of every panel, and
# bounded for a session that lasts all day.
MOST_IDLE = 64
_idle: dict[tuple, Loop] = {}
_lock = threading.Lock()


@contextlib.contextmanager
def borrowed(*key: Any) -> Iterator[Loop]:
    """Lend the loop with the given arguments to one training at a time.

    Two panels may train the same model at once.
    """
    with _lock:
        loop = _idle.pop(key, None)
    loop = loop or Loop(*key)
    try:
        yield loop
    finally:
        with _lock:
            _idle[key] = loop
            while len(_idle) > MOST_IDLE:
                _idle.pop(next(iter(_idle)))


@functools.lru_cache(maxsize=64)
def prediction(model: "keras.Model", seeds: int, task: str | None) -> "Callable[..., tf.Tensor]":
    """Return a compiled function from weights and features to the outputs of `predict`."""
    import tensorflow as tf

    tasks = [task] if task else []

    def compute(weights: "list[tf.Tensor]", features: "tf.Tensor") -> "tf.Tensor":
        return _side_by_side(model, weights, [[features] * seeds], False, tasks)[0]

    shapes = [tf.TensorSpec([seeds, *weight.shape], tf.float32) for weight in model.weights]
    inputs = tf.TensorSpec([None, *model.input_shape[1:]], tf.float32)
    compiled = tf.function(compute, input_signature=[shapes, inputs], autograph=False)
    return compiled.get_concrete_function()
