"""Weights of classes: how much the examples of each class count in a task's loss."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib.errors import WorkbookError, check_choice, check_number, shown

if TYPE_CHECKING:
    import tensorflow as tf

    from simmim_lib.simmim import Task

BALANCED = "balanced"
"""All classes count the same in all, however many examples each has."""

Asked = str | Mapping[Any, float]
"""Of one task: `BALANCED`, or a weight by the name or the position of a class; 1 for the others."""


def by_task(given: Any, tasks: Sequence["Task"]) -> dict[str, Asked]:
    """Return the class weights of each task that has some.

    Args:
        given: for one task those of its classes; for one or several by the name of the task.
        tasks: of the model.

    Raises:
        WorkbookError: a task that the model does not have, or that has no classes; weights that are
            not given by class.
    """
    if not (isinstance(given, Mapping) and any(map(_is_of_task, given.values()))):
        if len(tasks) > 1:
            raise WorkbookError(
                f"class_weight is {shown(given)}, but the model has {len(tasks)} tasks: give it by "
                f"task, as in class_weight={{{shown(tasks[0].name)}: {{0: 1.0, 1: 5.0}}}}."
            )
        given = {tasks[0].name: given}
    for name, asked in given.items():
        if not _is_of_task(asked):
            raise WorkbookError(
                f"class_weight of task {shown(name)} is {shown(asked)}, but must be "
                f"{shown(BALANCED)}, or a weight by class, as in {{0: 1.0, 1: 5.0}}."
            )
    with_classes = [task.name for task in tasks if task.kind == "classification"]
    return {
        check_choice("task with classes", name, with_classes): asked
        for name, asked in given.items()
    }


def _is_of_task(value: object) -> bool:
    return isinstance(value, str | Mapping)


def of_classes(given: Asked, task: "Task", labels: np.ndarray | None = None) -> np.ndarray:
    """Return the weight of each class of a task, (classes,).

    Args:
        given: what was asked for.
        task: which one.
        labels: of all examples, (n,) or (n, 1), where they are known beforehand.

    Raises:
        WorkbookError: a class that the task does not have, a weight below 0, or balanced weights
            without all labels.

    Source: King and Zeng 2001, "Logistic Regression in Rare Events Data", for the balanced ones:
        n / (classes * examples of the class), as in scikit-learn.
    """
    if isinstance(given, str):
        check_choice("class_weight", given, [BALANCED])
        if labels is None:
            raise WorkbookError(
                "class_weight is 'balanced', but the labels of a tf.data.Dataset are not known "
                "beforehand: give the weights as a dictionary, or arrays in place of the dataset."
            )
        counts = np.bincount(np.ravel(labels).astype(int), minlength=len(task.class_names))
        if not counts.any():
            return np.ones(len(counts), np.float32)
        return (counts.sum() / (np.sum(counts > 0) * np.maximum(counts, 1))).astype(np.float32)
    weights = np.ones(len(task.class_names), np.float32)
    for name, weight in given.items():
        position = _position(name, task)
        weights[position] = check_number(
            f"class_weight of {shown(name)}", weight, lambda number: number >= 0, "of at least 0"
        )
    return weights


def _position(name: object, task: "Task") -> int:
    if isinstance(name, int | np.integer) and 0 <= name < len(task.class_names):
        return int(name)
    return task.class_names.index(check_choice("class", name, task.class_names))


def weigh_arrays(
    given: dict[str, Asked], tasks: Sequence["Task"], labels: Any, sample_weight: Any = None
) -> Any:
    """Return the weight of each example.

    Args:
        given: from `by_task`.
        tasks: of the model.
        labels: by task, each (n,), (n, 1) or a row for each example with 1 where its class is; of
            one task also without its name.
        sample_weight: weights of the examples to multiply with, each (n,), by task where the labels
            are, if there are others.

    Returns:
        Weights (n,), by task where the labels are.

    Raises:
        WorkbookError: as `of_classes`.
    """
    if not isinstance(labels, Mapping):
        (task,) = tasks
        return _of_examples(given.get(task.name, {}), task, labels, sample_weight)
    others = sample_weight or {}
    return {
        task.name: _of_examples(
            given.get(task.name, {}), task, labels[task.name], others.get(task.name)
        )
        for task in tasks
        if task.name in labels
    }


def _of_examples(given: Asked, task: "Task", labels: Any, others: np.ndarray | None) -> np.ndarray:
    labels = _numbers(np.asarray(labels))
    others = np.ones(len(labels), np.float32) if others is None else np.asarray(others)
    if not given:
        return others
    # An example of weight 0 has no label, so that it is of no class either.
    weights = of_classes(given, task, labels[others != 0])
    return others * np.take(weights, labels.astype(int), mode="clip")


def _numbers(labels: np.ndarray) -> np.ndarray:
    """Return the number of each example's class, (n,), from numbers or from rows.

    A loss of one's own may want a row for each example, with 1 (or most of it) at its class.
    """
    if labels.ndim > 1 and labels.shape[-1] > 1:
        return labels.argmax(axis=-1)
    return labels.reshape(len(labels))


def weigh_dataset(
    given: dict[str, Asked], tasks: Sequence["Task"], dataset: "tf.data.Dataset"
) -> "tf.data.Dataset":
    """Return a dataset of images, labels and the weight of each example.

    Args:
        given: from `by_task`.
        tasks: of the model.
        dataset: of images and labels in batches, perhaps with weights to multiply with.

    Raises:
        WorkbookError: as `of_classes`.
    """
    import tensorflow as tf

    tables = {task.name: of_classes(given.get(task.name, {}), task) for task in tasks}

    def weigh(table: np.ndarray, labels: Any, other: Any) -> Any:
        rows = tf.reshape(labels, [tf.shape(labels)[0], -1])
        numbers = tf.cond(
            tf.shape(rows)[1] > 1,
            lambda: tf.argmax(rows, axis=1, output_type=tf.int32),
            lambda: tf.cast(rows[:, 0], tf.int32),
        )
        return tf.gather(table, tf.clip_by_value(numbers, 0, len(table) - 1)) * other

    def add(images: Any, labels: Any, others: Any = None) -> tuple[Any, Any, Any]:
        if not isinstance(labels, Mapping):
            (table,) = tables.values()
            return images, labels, weigh(table, labels, 1.0 if others is None else others)
        others = others or {}
        weights = {
            name: weigh(tables[name], labels[name], others.get(name, 1.0)) for name in labels
        }
        return images, labels, weights

    return dataset.map(add)
