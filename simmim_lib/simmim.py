"""The SimMIM model: one trunk, a head for each task, and a loss that sums over all of them.

This module imports Keras at once, because its classes derive from Keras's; the rest of the library
asks `models` for them, which imports this module when they are first needed.
"""

import os
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import keras
from keras import ops

from simmim_lib.errors import WorkbookError, check_choice
from simmim_lib.settings import check_task_weights

LOSSES = {
    "classification": lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    "multi-label": lambda: keras.losses.BinaryCrossentropy(from_logits=True),
    "regression": keras.losses.MeanSquaredError,
}
METRICS = {
    "classification": lambda: keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
    "multi-label": lambda: keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0),
    "regression": lambda: keras.metrics.MeanAbsoluteError(name="mean_absolute_error"),
}


@dataclass(frozen=True)
class Task:
    """What one head predicts.

    Attributes:
        name: the key of this task in the model's inputs, outputs and losses.
        class_names: what the head's outputs stand for: one class each, or one label of several,
            or one number.
        kind: "classification" (one of the classes; labels are whole numbers), "multi-label" (each
            label holds or not; labels are 0 and 1, one column each) or "regression" (numbers).

    Raises:
        WorkbookError: a name that is empty or has a slash, an unknown kind, too few outputs.
    """

    name: str
    class_names: tuple[str, ...]
    kind: str = "classification"

    def __post_init__(self) -> None:
        """Bring the values into one form and refuse what cannot be meant."""
        object.__setattr__(self, "class_names", tuple(self.class_names))
        check_choice("kind of task", self.kind, LOSSES)
        if not self.name or "/" in self.name:
            raise WorkbookError(
                f"A task is named {self.name!r}, but Keras needs a name without slashes: use "
                "letters, digits and hyphens, such as 'mnist'."
            )
        least = 2 if self.kind == "classification" else 1
        if len(self.class_names) < least:
            raise WorkbookError(
                f"Task {self.name!r} has {len(self.class_names)} class names, but a "
                f"{self.kind} task needs at least {least}: name what its outputs stand for."
            )

    @property
    def label_space(self) -> tuple[str, tuple[str, ...]]:
        """Equal for two tasks that could share a head."""
        return self.kind, self.class_names


@keras.saving.register_keras_serializable(package="simmim")
class SimMIM(keras.Model):
    """One trunk and a head for each task, trained on all tasks at once.

    Called with a dictionary of images by task, it sends all of them through the trunk in one pass
    and each task's features to that task's head. Called with one batch of images, it lets every
    task judge the same images. Either way it returns a dictionary of logits (n, outputs) by task.

    `compile` chooses each task's loss and metric; everything else is plain Keras: `fit`,
    `evaluate`, `predict`, callbacks, `save`, and training inside a `tf.distribute` strategy.

    Args:
        trunk: any Keras model with one input and one output. Features that still have height and
            width are averaged over them.
        tasks: at least one, each with a name of its own.
        shared_heads: whether tasks with the same label space have one head in common.

    Raises:
        WorkbookError: no tasks, two with one name, or heads to share but no label space in common.
    """

    def __init__(
        self,
        trunk: keras.Model,
        tasks: Iterable[Task],
        shared_heads: bool = False,
        name: str = "simmim",
    ) -> None:
        super().__init__(name=name)
        self.tasks, self.shared_heads = tuple(tasks), shared_heads
        _check_tasks(self.tasks, shared_heads)
        self.trunk = trunk
        # Features that still have height and width, as a trunk without its last layers gives them.
        spatial = len(trunk.output_shape) == 4
        self.pooling = keras.layers.GlobalAveragePooling2D(name="pooling") if spatial else None
        self._head_of: dict[str, keras.layers.Dense] = {}
        for group in _groups(self.tasks, shared_heads):
            head = _head(group)
            head.build((None, trunk.output_shape[-1]))
            self._head_of.update({task.name: head for task in group})
        self.built = True

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """The shape of a batch of images, whose first entry is None."""
        return self.trunk.input_shape

    @property
    def is_shared(self) -> list[bool]:
        """Tell of each of `weights` whether several tasks may use it: the trunk, shared heads."""
        heads = list(self._head_of.values())
        alone = {id(w) for head in heads if heads.count(head) == 1 for w in head.weights}
        return [id(weight) not in alone for weight in self.weights]

    def call(self, inputs: Any, training: bool | None = None) -> dict[str, Any]:
        """Return the logits of every task that has images, (n, outputs) by task."""
        if not isinstance(inputs, Mapping):
            features = self.features(inputs, training)
            return {name: head(features) for name, head in self._head_of.items()}
        for name in inputs:
            check_choice("task", name, self._head_of)
        own = self._features_of_each(inputs, training)
        return {name: self._head_of[name](features) for name, features in own.items()}

    def features(self, images: Any, training: bool | None = None) -> Any:
        """Return what the heads see: features (n, units) of images (n, height, width, channels)."""
        features = self.trunk(images, training=training)
        return features if self.pooling is None else self.pooling(features)

    def _features_of_each(self, inputs: Mapping[str, Any], training: bool | None) -> dict[str, Any]:
        """Send the images of all tasks through the trunk together, and part the features again."""
        if len(inputs) == 1:
            return {name: self.features(images, training) for name, images in inputs.items()}
        features = self.features(ops.concatenate(list(inputs.values())), training)
        parted, start = {}, 0
        for name, images in inputs.items():
            end = start + ops.shape(images)[0]
            parted[name], start = features[start:end], end
        return parted

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        loss_weights: Mapping[str, float] | Sequence[float] | None = None,
        metrics: Any = None,
        **options: Any,
    ) -> None:
        """Choose how to train; like Keras's, with a loss and a metric for each task by default.

        Args:
            optimizer: as in Keras.
            loss: by task; by default cross-entropy, binary cross-entropy or the squared error.
            loss_weights: how much each task counts, by name or in the order of `tasks`; 1 each by
                default.
            metrics: by task; by default the accuracy, or the mean absolute error.
            options: whatever else Keras's `compile` takes.

        Raises:
            WorkbookError: weights that are negative, all zero or not one for each task.
        """
        names = [task.name for task in self.tasks]
        weights = check_task_weights(loss_weights, names)
        super().compile(
            optimizer=optimizer,
            loss=loss or {task.name: LOSSES[task.kind]() for task in self.tasks},
            loss_weights=dict(zip(names, weights, strict=True)),
            metrics=metrics or {task.name: [METRICS[task.kind]()] for task in self.tasks},
            **options,
        )

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile a loaded model as it was when it was saved; Keras calls this."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the model anew, without its weights."""
        return {
            "name": self.name,
            "trunk": keras.saving.serialize_keras_object(self.trunk),
            "tasks": [asdict(task) for task in self.tasks],
            "shared_heads": self.shared_heads,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SimMIM":
        """Build a model from what `get_config` returned, with fresh weights."""
        trunk = keras.saving.deserialize_keras_object(config["trunk"])
        tasks = [Task(**task) for task in config["tasks"]]
        return cls(trunk, tasks, config["shared_heads"], config["name"])


def load(path: str | os.PathLike[str]) -> SimMIM:
    """Read a model that `model.save("name.keras")` wrote; no code from the file is ever run.

    Raises:
        WorkbookError: the file is missing, damaged, holds another kind of model, or code.

    Source: keras.io, "Whole model saving & loading"; `safe_mode` refuses layers that hold code.
    """
    try:
        model = keras.saving.load_model(path, safe_mode=True)
    except (OSError, EOFError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise WorkbookError(_why_not(path, error)) from error
    if not isinstance(model, SimMIM):
        raise WorkbookError(
            f"{path} holds a {type(model).__name__}, not a SimMIM model: read it with "
            "keras.models.load_model, and pass it to SimMIM as the trunk."
        )
    return model


def _why_not(path: str | os.PathLike[str], error: Exception) -> str:
    if not os.path.isfile(path):
        return f"There is no file {path}: name one that model.save('name.keras') wrote."
    if "ambda" in str(error):
        return (
            f"{path} holds a Lambda layer, which is code and is not run: ask its author for a "
            "model made of named layers only."
        )
    return (
        f"{path} cannot be read ({type(error).__name__}), so it is damaged or no Keras file: save "
        "the model again with model.save('name.keras')."
    )


def _check_tasks(tasks: tuple[Task, ...], shared_heads: bool) -> None:
    names = [task.name for task in tasks]
    if not tasks:
        raise WorkbookError("The model has no tasks: give it at least one Task(name, class_names).")
    for name in names:
        if names.count(name) > 1:
            raise WorkbookError(
                f"Two tasks are named {name!r}, but a name is how the model tells them apart: "
                "give each its own."
            )
    if shared_heads and len({task.label_space for task in tasks}) == len(tasks):
        raise WorkbookError(
            f"No two of the tasks {', '.join(names)} have the same kind and class names, so no "
            "head can be shared: use shared_heads=False."
        )


def _groups(tasks: tuple[Task, ...], shared_heads: bool) -> list[list[Task]]:
    """Return the tasks of each head."""
    if not shared_heads:
        return [[task] for task in tasks]
    by_label_space: dict[object, list[Task]] = {}
    for task in tasks:
        by_label_space.setdefault(task.label_space, []).append(task)
    return list(by_label_space.values())


def _head(tasks: list[Task]) -> keras.layers.Dense:
    names = "_and_".join(task.name for task in tasks)
    # Logits stay in full precision when the trunk computes in half: a loss needs the digits.
    return keras.layers.Dense(len(tasks[0].class_names), dtype="float32", name=f"head_{names}")
