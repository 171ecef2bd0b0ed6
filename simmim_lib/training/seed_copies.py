"""Copies of one model, one for each seed, whose outputs are computed side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib.losses import Tensor

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

Tensors = list[Tensor]


@dataclass(frozen=True)
class Copies:
    """What copies of a model have in common; their weights are passed beside it.

    Weights are handed around as one list in the order of `model.weights`, each (seeds, ...). To
    compute, they are split into the values that an optimizer changes and the state beside them:
    frozen weights, statistics as BatchNormalization keeps them, and the counters of random
    generators, as Dropout has them, which are no weights for Keras.

    Attributes:
        model: gives the computation; its own weights are neither used nor changed.
        seeds: how many copies.
        trained: positions in `model.weights` of what is trained.
    """

    model: "keras.Model"
    seeds: int
    trained: tuple[int, ...]

    @classmethod
    def of(cls, model: "keras.Model", seeds: int) -> "Copies":
        """Return copies that are trained as the model's layers say, by their `trainable`."""
        positions = _positions(model)
        return cls(model, seeds, tuple(positions[id(each)] for each in model.trainable_variables))

    @property
    def names(self) -> list[str]:
        """The names of a SimMIM model's tasks; none for a plain model."""
        return [task.name for task in getattr(self.model, "tasks", ())]

    @property
    def task_kinds(self) -> list[str]:
        """The kind of each task; a plain model has one: with one output it gives numbers."""
        if tasks := getattr(self.model, "tasks", ()):
            return [task.kind for task in tasks]
        return ["regression" if self.model.output_shape[-1] == 1 else "classification"]

    @property
    def is_shared(self) -> list[bool]:
        """Tell of each trained weight whether several tasks may use it."""
        shared = getattr(self.model, "is_shared", [False] * len(self.model.weights))
        return [shared[position] for position in self.trained]

    @property
    def input(self) -> "keras.KerasTensor":
        """The model's input: the shape, whose first entry is None, and type of a batch."""
        (given,) = getattr(self.model, "trunk", self.model).inputs
        return given

    def split(self, weights: Sequence[Any], first_seed: int = 0) -> tuple[list[Any], list[Any]]:
        """Return the values that are trained, and the state: in Keras's order, each (seeds, ...).

        Random generators begin anew, each copy's with a seed of its own: a copy draws the same
        numbers, whatever other copies are beside it.

        Args:
            weights: in the order of `model.weights`.
            first_seed: the number of the first copy.
        """
        positions = _positions(self.model)
        state: list[Any] = []
        generators = 0
        for variable in self.model.non_trainable_variables:
            if id(variable) in positions:
                state.append(weights[positions[id(variable)]])
            else:
                state.append(self._generator(variable, generators, first_seed))
                generators += 1
        return [weights[position] for position in self.trained], state

    def join(self, values: Sequence[Any], state: Sequence[Any]) -> list[Any]:
        """Return values and state as weights again, in the order of `model.weights`."""
        positions = _positions(self.model)
        by_position = dict(zip(self.trained, values, strict=True))
        for variable, value in zip(self.model.non_trainable_variables, state, strict=True):
            if id(variable) in positions:
                by_position[positions[id(variable)]] = value
        return [by_position[position] for position in range(len(positions))]

    def outputs(
        self,
        values: Tensors,
        state: Tensors,
        inputs: "Sequence[Sequence[tf.Tensor]]",
        training: bool,
        tasks: Sequence[str],
    ) -> tuple[Tensors, Tensors]:
        """Return for each task (seeds, n, ...), and the state afterwards.

        Args:
            values: what is trained, from `split`.
            state: what is not.
            inputs: for each task and seed (n, ...).
            training: whether layers behave as in training, and so may change the state.
            tasks: names of the tasks that have inputs; none for a plain model.
        """
        import tensorflow as tf

        values_by_seed = self._by_seed(values)
        before = self._by_seed(state)
        outputs, after = [], []
        for seed in range(self.seeds):
            features = [of_task[seed] for of_task in inputs]
            given = dict(zip(tasks, features, strict=True)) if tasks else features[0]
            output, state_of_seed = self.model.stateless_call(
                values_by_seed[seed], before[seed], given, training=training
            )
            outputs.append([output[task] for task in tasks] if tasks else [output])
            after.append(state_of_seed)
        stacked = [tf.stack(of_task) for of_task in zip(*outputs, strict=True)]
        return stacked, _stack_changed(state, before, after)

    def updates_state(self) -> bool:
        """Tell whether training changes state: not if BatchNormalization is frozen, for one."""
        import tensorflow as tf

        updates: list[bool] = []

        def trace(inputs: "tf.Tensor") -> "tf.Tensor":
            weights = [tf.zeros((self.seeds, *w.shape), w.dtype) for w in self.model.weights]
            values, state = self.split(weights)
            before = [tf.convert_to_tensor(each) for each in state]
            by_task = [[inputs] * self.seeds]
            outputs, after = self.outputs(values, before, by_task, True, self.names[:1])
            updates.extend(new is not old for new, old in zip(after, before, strict=True))
            return outputs[0]

        signature = [tf.TensorSpec(self.input.shape, self.input.dtype)]
        tf.function(trace, signature, autograph=False).get_concrete_function()
        return any(updates)

    def _by_seed(self, stacked: Tensors) -> list[Tensors]:
        import tensorflow as tf

        unstacked = [tf.unstack(each, self.seeds) for each in stacked]
        return [[each[seed] for each in unstacked] for seed in range(self.seeds)]

    def _generator(self, variable: "keras.Variable", position: int, first_seed: int) -> np.ndarray:
        """Return each copy's seed and counter of the random generator at a position."""
        generators = len(self.model.variables) - len(self.model.weights)
        seeds = range(first_seed, first_seed + self.seeds)
        counters = [[seed * generators + position, 0] for seed in seeds]
        return np.array(counters, variable.dtype)


def _positions(model: "keras.Model") -> dict[int, int]:
    """Return where each variable stands in `model.weights`, by its identity."""
    return {id(weight): position for position, weight in enumerate(model.weights)}


def _stack_changed(stacked: Tensors, before: list[Tensors], after: list[Tensors]) -> Tensors:
    """Return the state of all seeds; what no layer has changed is the same tensor as before.

    It need be neither stacked nor assigned: a frozen trunk may be large.
    """
    import tensorflow as tf

    state = []
    for position, whole in enumerate(stacked):
        new = [of_seed[position] for of_seed in after]
        pairs = zip(new, (of_seed[position] for of_seed in before), strict=True)
        state.append(whole if all(one is other for one, other in pairs) else tf.stack(new))
    return state
