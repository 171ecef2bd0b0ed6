"""The SimMIM model: one trunk, a head for each task, and a loss that sums over all of them.

This module imports Keras at once, because its classes derive from Keras's; the rest of the library
imports it in the functions that need it, and `simmim_lib.SimMIM` when it is first asked for.
"""

import inspect
import json
import os
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from simmim_lib.foundation import keras_setup

keras_setup.load_keras()  # says so in a sentence if Keras cannot be used

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from simmim_lib import labels, losses
from simmim_lib.errors import WorkbookError, check_choice, offered, shown
from simmim_lib.foundation import keras_files
from simmim_lib.foundation.paths import from_person
from simmim_lib.settings import check_task_weights
from simmim_lib.weighting import class_weights

PRECISION = "float32"
"""Of logits, losses and metrics, also where a trunk computes in half: they need the digits."""

LOSSES = {
    "classification": lambda: keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, dtype=PRECISION
    ),
    "multi-label": lambda: keras.losses.BinaryCrossentropy(from_logits=True, dtype=PRECISION),
    "regression": lambda: keras.losses.MeanSquaredError(dtype=PRECISION),
}
HEADS = "heads"
"""What a file of weights calls its note on the heads."""

USUAL_LOSSES = {
    "classification": ("sparsecategoricalcrossentropy", "crossentropy", "ce"),
    "multi-label": ("binarycrossentropy", "crossentropy", "ce"),
}
"""Names of Keras's losses, in small letters, that take labels as those of `LOSSES` do."""
METRICS = {
    "classification": lambda: keras.metrics.SparseCategoricalAccuracy("accuracy", PRECISION),
    "multi-label": lambda: keras.metrics.BinaryAccuracy("accuracy", PRECISION, threshold=0.0),
    "regression": lambda: keras.metrics.MeanAbsoluteError("mean_absolute_error", PRECISION),
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
        WorkbookError: a name that is empty, an unknown kind, too few outputs.
    """

    name: str
    class_names: tuple[str, ...]
    kind: str = "classification"

    def __post_init__(self) -> None:
        """Bring the values into one form and refuse what cannot be meant."""
        if isinstance(self.class_names, str) or not isinstance(self.class_names, Iterable):
            raise WorkbookError(
                f"class_names is {shown(self.class_names)}, but must hold one name for each "
                f"output: write ({shown(str(self.class_names))},) if it has one only."
            )
        object.__setattr__(self, "class_names", tuple(str(name) for name in self.class_names))
        check_choice("kind of task", self.kind, LOSSES)
        if not self.name or not isinstance(self.name, str):
            raise WorkbookError(
                f"A task is named {shown(self.name)}, but Keras needs a name: use letters, digits "
                "and hyphens, such as 'mnist'."
            )
        least = 2 if self.kind == "classification" else 1
        if len(self.class_names) < least:
            raise WorkbookError(
                f"Task {shown(self.name)} has {len(self.class_names)} class names, but a "
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
    `evaluate`, `predict`, callbacks, `save`, and training inside a `tf.distribute.MirroredStrategy`
    (for several machines see `fit_on_workers`). Batches of a `tf.data.Dataset` may be larger for
    one task than for another; arrays must be equally long, where a `sample_weight` of 0 stands for
    an example without a label, whatever is written in its place. `labels.in_form` says in which
    forms labels may come.

    The class is long because Keras calls all of its methods, or they choose what Keras is handed.

    Args:
        trunk: any Keras model with one input and one output. Features that still have height and
            width are averaged over them.
        tasks: at least one, each with a name of its own.
        shared_heads: whether tasks with the same label space have one head in common.
        name: as in Keras.
        dtype: as in Keras; by default the trunk's, so that one built under `mixed_float16` gets
            its loss scaled. Logits are in full precision always.

    Raises:
        WorkbookError: no tasks, two with one name, heads to share but no label space in common, or
            a trunk that does not say which shape it takes and gives. Called: images of a task that
            the model does not have, or of a shape that the trunk does not take.
    """

    def __init__(
        self,
        trunk: keras.Model,
        tasks: Iterable[Task],
        shared_heads: bool = False,
        name: str = "simmim",
        dtype: Any = None,
    ) -> None:
        _check_trunk(trunk)
        super().__init__(name=name, dtype=dtype or trunk.dtype_policy)
        self.tasks, self.shared_heads = tuple(tasks), shared_heads
        _check_tasks(self.tasks, shared_heads)
        self._trained = tuple(task.name for task in self.tasks)
        self._own_labels: tuple[str, ...] = ()
        self.trunk, features = trunk, trunk.output_shape
        self.pooling = None
        if len(features) == 4:  # as a trunk without its last layers gives them
            self.pooling = keras.layers.GlobalAveragePooling2D(
                data_format="channels_last", name="pooling", dtype=PRECISION
            )
            features = self.pooling.compute_output_shape(features)
        self._head_of: dict[str, keras.layers.Dense] = {}
        for group in _groups(self.tasks, shared_heads):
            head = _head(group)
            head.build(features)
            self._head_of.update({task.name: head for task in group})
        self.build(trunk.input_shape)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Let Keras note the shape, which converters to other formats ask for; all is built."""

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Do nothing: a loaded model was built from its trunk."""

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """The shape of a batch of images, whose first entry is None."""
        return self.trunk.input_shape

    @property
    def head_groups(self) -> list[list[str]]:
        """The names of the tasks of each head."""
        groups = _groups(self.tasks, self.shared_heads)
        return [[task.name for task in group] for group in groups]

    def head_of(self, task: str) -> keras.layers.Dense:
        """Return the head that a task has, for itself or together with others.

        Raises:
            WorkbookError: a task that the model does not have.
        """
        return self._head_of[check_choice("task", task, self._head_of)]

    def variables_of(self, task: str) -> "list[keras.Variable]":
        """Return the trainable variables that one task changes: all but those of other heads.

        Raises:
            WorkbookError: the model does not have the task.
        """
        head = self.head_of(task)
        others = {id(each) for other in self._head_of.values() for each in other.variables}
        others -= {id(each) for each in head.variables}
        return [each for each in self.trainable_variables if id(each) not in others]

    def kernel_position(self, task: str) -> int:
        """Return where in `weights` the kernel of a task's head stands."""
        kernel = self._head_of[task].kernel
        return [weight is kernel for weight in self.weights].index(True)

    @property
    def is_shared(self) -> list[bool]:
        """Tell of each of `weights` whether several tasks may use it: the trunk, shared heads."""
        heads = list(self._head_of.values())
        alone = {id(w) for head in heads if heads.count(head) == 1 for w in head.weights}
        return [id(weight) not in alone for weight in self.weights]

    def __call__(self, inputs: Any, *args: Any, **options: Any) -> dict[str, Any]:
        """Look at the images first: from inside `call`, Keras would bury the sentence in a report.

        Raises:
            WorkbookError: as the class says.
        """
        self._check_images(inputs)
        return super().__call__(inputs, *args, **options)

    def call(self, inputs: Any, training: bool | None = None) -> dict[str, Any]:
        """Return the logits of every task that has images, (n, outputs) by task."""
        if not isinstance(inputs, Mapping):
            features = self.features(inputs, training)
            return {name: head(features) for name, head in self._head_of.items()}
        by_task = self._features_of_each(inputs, training)
        return {name: self._head_of[name](features) for name, features in by_task.items()}

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

    def _check_images(self, inputs: Any) -> None:
        names = [task.name for task in self.tasks]
        by_task = inputs if isinstance(inputs, Mapping) else {", ".join(names): inputs}
        if not by_task:
            raise WorkbookError(f"There are no images: pass those of any of {offered(names)}.")
        first: tuple[int | None, ...] | None = None
        for name, images in by_task.items():
            if by_task is inputs:
                check_choice("task", name, names)
            given = _image_shape(images)
            if given is None:
                continue
            first = first or given
            for wanted, whose in (self.input_shape[1:], "the trunk takes"), (first, "others have"):
                if not _fits(given, wanted):
                    raise WorkbookError(
                        f"The images of {name} have shape {given}, but {whose} {wanted}: resize "
                        "them, and mind the last number, 1 for grey and 3 for colour."
                    )

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
            loss: by task; by default cross-entropy, binary cross-entropy or the squared error. A
                task that a dictionary leaves out is not trained, and needs neither images nor
                labels.
            loss_weights: how much each trained task counts, by name or in the order of `tasks`; 1
                each by default.
            metrics: by task; by default the accuracy, or the mean absolute error. Each example
                counts by its `sample_weight`, so one without a label not at all.
            options: whatever else Keras's `compile` takes.

        Raises:
            WorkbookError: a loss for a task that the model does not have; weights that are
                negative, all zero or not one for each task; weighted metrics beside others.
        """
        loss = loss or {task.name: LOSSES[task.kind]() for task in self.tasks}
        trained = self.tasks
        if isinstance(loss, Mapping):
            for name in loss:
                check_choice("task", name, self._head_of)
            trained = tuple(task for task in self.tasks if task.name in loss)
        self._trained = tuple(task.name for task in trained)
        by_task = loss if isinstance(loss, Mapping) else dict.fromkeys(self._trained, loss)
        self._own_labels = tuple(t.name for t in trained if _wants_own_labels(t, by_task[t.name]))
        weights = check_task_weights(loss_weights, self._trained)
        if metrics is None:
            metrics = {task.name: [self._usual_metric(task)] for task in trained}
        elif options.get("weighted_metrics") is not None:
            raise WorkbookError(
                "metrics and weighted_metrics are both given, but here metrics are weighted, or "
                "they would count examples without a label: give all of them as metrics."
            )
        # Weighted ones, since others would also count the examples without a label.
        if options.get("weighted_metrics") is None:
            options["weighted_metrics"] = metrics
        super().compile(
            optimizer=optimizer,
            loss=_with_keys(loss, self._inner_names),
            loss_weights=_with_keys(
                dict(zip(self._trained, weights, strict=True)), self._inner_names
            ),
            weighted_metrics=_with_keys(options.pop("weighted_metrics"), self._inner_names),
            **options,
        )

    def _usual_metric(self, task: Task) -> Any:
        """Return the accuracy or the error; Keras finds out which is meant of one-hot labels."""
        if task.kind == "classification" and task.name in self._own_labels:
            return "accuracy"
        return METRICS[task.kind]()

    def fit(self, x: Any = None, y: Any = None, *args: Any, **options: Any) -> Any:
        """Train; like Keras's, with class weights also where labels have the names of their tasks.

        Args:
            x: as in Keras.
            y: as in Keras.
            args: as in Keras.
            options: as in Keras; but `class_weight` is what each class's examples count, by its
                position or name, 1 where nothing is said; or "balanced". With several tasks by the
                name of the task.

        Returns:
            Keras's history.

        Raises:
            WorkbookError: labels that cannot be meant; class weights for a class or task that there
                is not, below 0, or beside images that are neither arrays nor a `tf.data.Dataset`.
        """
        feed = self._feed()
        options = inspect.signature(super().fit).bind(x, y, *args, **options).arguments
        class_weight = options.pop("class_weight", None)
        with feed.in_sentences():
            x, y, weights = feed.data(x, y, options.get("sample_weight"))
            if class_weight is not None:
                x, weights = self._with_class_weights(class_weight, x, y, weights)
            options |= {"x": x, "y": y, "sample_weight": weights}
            if options.get("validation_data") is not None:
                options["validation_data"] = feed.validation(options["validation_data"])
            return super().fit(**options)

    def _with_class_weights(self, asked: Any, x: Any, y: Any, weights: Any) -> tuple[Any, Any]:
        """Return images and the weights of examples, in which those of their classes are."""
        given = class_weights.by_task(asked, self.tasks)
        trained = [task for task in self.tasks if task.name in self._trained]
        if isinstance(x, tf.data.Dataset):
            return class_weights.weigh_dataset(given, trained, x), weights
        if y is not None:
            return x, class_weights.weigh_arrays(given, trained, y, weights)
        raise WorkbookError(
            "class_weight needs arrays or a tf.data.Dataset, but these are batches of another "
            "kind: let them bring the weights of their examples themselves."
        )

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        **options: Any,
    ) -> Any:
        """Return losses and metrics; like Keras's, with labels in every form that `fit` takes.

        Raises:
            WorkbookError: labels that cannot be meant.
        """
        feed = self._feed()
        with feed.in_sentences():
            x, y, weights = feed.data(x, y, sample_weight)
            return super().evaluate(x, y, batch_size, verbose, weights, **options)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, **options: Any
    ) -> Any:
        """Take one step; like Keras's, with labels in every form that `fit` takes.

        Raises:
            WorkbookError: labels that cannot be meant.
        """
        y, weights = self._feed().arrays(y, sample_weight)
        return super().train_on_batch(x, y, weights, **options)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, **options: Any
    ) -> Any:
        """Judge one batch; like Keras's, with labels in every form that `fit` takes.

        Raises:
            WorkbookError: labels that cannot be meant.
        """
        y, weights = self._feed().arrays(y, sample_weight)
        return super().test_on_batch(x, y, weights, **options)

    def _feed(self) -> labels.Feed:
        return labels.Feed(self.tasks, self._trained, self._own_labels)

    def export(self, filepath: str | os.PathLike[str], *args: Any, **options: Any) -> Any:
        """Write the model for serving; like Keras's, which asks here which images it will get.

        Args:
            filepath: a folder.
            args: as in Keras.
            options: as in Keras; without `input_signature`, one batch of images for all tasks.
        """
        images = keras.InputSpec(shape=self.input_shape, dtype=self.input_dtype)
        options = {"input_signature": [images], **options}
        return super().export(str(from_person(filepath)), *args, **options)

    def save(self, filepath: str | os.PathLike[str], *args: Any, **options: Any) -> None:
        """Write the model; like Keras's, and `~` is the home as where it is read."""
        super().save(from_person(filepath), *args, **options)

    def save_weights(self, filepath: str | os.PathLike[str], *args: Any, **options: Any) -> None:
        """Write the weights; like Keras's, and `~` is the home as where they are read."""
        super().save_weights(from_person(filepath), *args, **options)

    def save_own_variables(self, store: Any) -> None:
        """Write what the heads stand for, whose weights Keras writes by their positions alone."""
        store[HEADS] = np.frombuffer(json.dumps(self._heads()).encode(), np.uint8)

    def load_own_variables(self, store: Any) -> None:
        """Refuse heads of others, also where a larger model has this one as a part.

        Keras asks here last of all; `load_weights` looks beforehand, when nothing has changed yet.

        Raises:
            WorkbookError: as `load_weights`, but for a file that does not say it.
        """
        if HEADS in store:
            self._check_heads(json.loads(np.asarray(store[HEADS]).tobytes()), "the file")

    def _heads(self) -> list[Any]:
        """Return the tasks of each head and what its outputs stand for, as JSON has it."""
        groups = _groups(self.tasks, self.shared_heads)
        return [
            [[task.name for task in group], group[0].kind, [*group[0].class_names]]
            for group in groups
        ]

    def load_weights(self, filepath: str | os.PathLike[str], *args: Any, **options: Any) -> Any:
        """Read weights that `save_weights` or `save` wrote; like Keras's, by the heads' positions.

        A file may have more heads, behind those of the model, and any name.

        Raises:
            WorkbookError: the file does not say what its heads stand for, or for something else
                than those of the model, one by one; or it is of another trunk.
        """
        path = from_person(filepath)
        self._check_heads(_heads_in(path), path)
        with keras_files.named_as_keras_wants(path) as file:
            try:
                return super().load_weights(file, *args, **options)
            except ValueError as error:
                raise WorkbookError(
                    f"The weights in {path} are not those of the model's trunk: build the model "
                    "with the trunk that it had when they were saved."
                ) from error

    def _check_heads(self, theirs: list[Any], source: str | os.PathLike[str]) -> None:
        ours = self._heads()
        if theirs[: len(ours)] != ours:
            raise WorkbookError(
                f"The heads in {source} are for {_in_words(theirs)}, but those of the model for "
                f"{_in_words(ours)}, so that a head would get the weights of another: give the "
                "model the tasks and classes of the file, in their order, and load again."
            )

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the sum of weights times task losses; Keras calls this.

        Raises:
            WorkbookError: a task that is trained has no images or no labels.
        """
        several = len(self._trained) > 1
        for what, given in ("images", y_pred), ("labels", y):
            one = () if several or given is None else self._trained
            names = given if isinstance(given, Mapping) else one
            missing = [name for name in self._trained if name not in names]
            if missing:
                raise WorkbookError(
                    f"There are no {what} for {offered(missing)}: pass {what} as a dictionary "
                    f"with {offered(self._trained)}, or leave a task out when compiling, with "
                    "loss={...} for the others."
                )
        return super().compute_loss(x, *self._for_keras(y, y_pred, sample_weight), training)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Return the metrics so far, of the tasks that have labels; Keras calls this."""
        return super().compute_metrics(x, *self._for_keras(y, y_pred, sample_weight))

    def _for_keras(self, y: Any, y_pred: Any, weights: Any) -> tuple[Any, ...]:
        """Return labels that count, logits and weights under the names that Keras is handed."""
        both = _of_both(y, y_pred, weights)
        return tuple(_with_keys(given, self._inner_names) for given in both)

    def get_metrics_result(self) -> dict[str, Any]:
        """Return the losses and metrics so far, by the names of the tasks; Keras calls this."""
        return {
            self._outer_name(name): value for name, value in super().get_metrics_result().items()
        }

    @property
    def _inner_names(self) -> dict[str, str]:
        """What Keras is handed as the name of each task, which becomes part of TensorFlow's."""
        return {task.name: _safe_name(task.name) for task in self.tasks}

    def _outer_name(self, name: str) -> str:
        """Return the name of a loss or metric, with that of its task as a reader knows it."""
        for task, inner in self._inner_names.items():
            if inner != task and name.startswith(f"{inner}_"):
                return task + name.removeprefix(inner)
        return name

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile a loaded model as it was when it was saved; Keras calls this."""
        names = {inner: task for task, inner in self._inner_names.items()}
        options = keras.saving.deserialize_keras_object(config)
        self.compile(**{name: _with_keys(given, names) for name, given in options.items()})
        self.optimizer.build(self.trainable_variables)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the model anew, without its weights."""
        return {
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "trunk": keras.saving.serialize_keras_object(self.trunk),
            "tasks": [asdict(task) for task in self.tasks],
            "shared_heads": self.shared_heads,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SimMIM":
        """Build a model from what `get_config` returned, with fresh weights."""
        trunk = keras.saving.deserialize_keras_object(config["trunk"])
        tasks = [Task(**task) for task in config["tasks"]]
        dtype = keras.dtype_policies.deserialize(config["dtype"])
        return cls(trunk, tasks, config["shared_heads"], config["name"], dtype)


def load(path: str | os.PathLike[str]) -> SimMIM:
    """Read a model that `model.save("name.keras")` wrote; no code from the file is ever run.

    Raises:
        WorkbookError: the file is missing, damaged, holds another kind of model, or code.
    """
    path = from_person(path)
    model = keras_files.load(path, compile=True)
    if not isinstance(model, SimMIM):
        raise WorkbookError(
            f"{path} holds a {type(model).__name__}, not a SimMIM model: read it with "
            "keras.models.load_model, and pass it to SimMIM as the trunk."
        )
    return model


def _heads_in(path: str | os.PathLike[str]) -> list[Any]:
    """Return what `SimMIM._heads` was when a file of weights, or a whole model, was written.

    Raises:
        WorkbookError: the file is missing, damaged, or does not say it.
    """
    try:
        with keras_files.opened_weights(path) as file:
            heads = json.loads(np.asarray(file["vars"][HEADS]).tobytes())
            _in_words(heads)
            return heads
    except WorkbookError:
        raise
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise WorkbookError(
            f"{path} does not say which of its heads is whose, as model.save_weights("
            "'name.weights.h5') and model.save('name.keras') of a SimMIM model write it: save it "
            "anew, or read it by position, with keras.Model.load_weights(model, path)."
        ) from error


def _in_words(heads: list[Any]) -> str:
    """Return whose the heads of `SimMIM._heads` are; anything else raises."""
    return "; ".join(
        f"{' and '.join(names)} ({kind}: {labels.listed(classes)})"
        for names, kind, classes in heads
    )


def fit_on_workers(
    model: SimMIM, dataset: tf.data.Dataset, epochs: int = 1
) -> list[dict[str, float]]:
    """Train on several machines at once, where Keras's own `fit` fails.

    Keras 3, at least up to 3.15, does not support `tf.distribute.MultiWorkerMirroredStrategy`: its
    `fit` stumbles over batches that are spread over the workers. Its training step does not, so
    this loop hands it to the strategy. Every machine runs the same program with a `TF_CONFIG` of
    its own::

        strategy = tf.distribute.MultiWorkerMirroredStrategy()  # before anything else
        with strategy.scope():
            model = simmim_lib.SimMIM(trunk, tasks)
            model.compile(...)
        simmim.fit_on_workers(model, dataset, epochs=5)

    and ends with the same weights, as if one machine had seen all batches. Other strategies, and
    none, work too.

    Args:
        model: built and compiled in the strategy's scope.
        dataset: pairs of images and labels in batches, the same on every worker, which takes its
            share of each batch.
        epochs: how often to go through the dataset.

    Returns:
        The losses and metrics of each epoch by name, averaged over the workers.

    Raises:
        WorkbookError: labels that cannot be meant, as by `fit`; a dataset that is empty, or can be
            gone through once only.

    Source: TensorFlow's guide "Custom training loop with Keras and MultiWorkerMirroredStrategy";
        Keras issue 20585.
    """
    strategy, feed = model.distribute_strategy, model._feed()
    batches = strategy.experimental_distribute_dataset(feed.dataset(dataset))

    @tf.function(reduce_retracing=True)
    def step(batch: Any) -> Any:
        return strategy.run(model.train_step, args=(batch,))

    history = []
    for _ in range(epochs):
        model.reset_metrics()
        logs: Any = None
        with feed.in_sentences():
            for batch in batches:
                logs = step(batch)
        if logs is None:
            raise WorkbookError(
                "The dataset has no batch to train on in this epoch: give one that is not empty, "
                "and that starts anew each time."
            )
        means = {name: strategy.reduce("MEAN", logs[name], axis=None) for name in sorted(logs)}
        history.append({name: float(mean) for name, mean in means.items()})
    return history


def _of_both(y: Any, y_pred: Any, weights: Any) -> tuple[Any, Any, Any]:
    """Leave out the tasks that have only images or only labels, as Keras asks for equal keys.

    And whatever stands for a label that does not count.
    """
    if not isinstance(y, Mapping):
        return labels.where_they_count(y, weights), y_pred, weights
    names = [name for name in y if name in y_pred]
    if isinstance(weights, Mapping):
        weights = {name: weights[name] for name in names if name in weights}
    by_task = weights if isinstance(weights, Mapping) else dict.fromkeys(names, weights)
    y = {name: labels.where_they_count(y[name], by_task.get(name)) for name in names}
    return y, {name: y_pred[name] for name in names}, weights


def _wants_own_labels(task: Task, loss: Any) -> bool:
    """Tell whether a loss is none of those that take a task's labels in the usual form.

    One that its user has chosen may want one-hot rows, or shares of several classes.
    """
    if task.kind == "regression" or type(loss).__module__ == losses.__name__:
        return False
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    return name.replace("_", "").lower() not in USUAL_LOSSES[task.kind]


def _check_trunk(trunk: keras.Model) -> None:
    if not isinstance(trunk, keras.Model):
        raise WorkbookError(
            f"The trunk is a {type(trunk).__name__}, but must be a keras.Model, such as "
            "keras.Sequential([keras.Input(shape), ...])."
        )
    # A model that was never told its input has neither; nor has one with a `call` of its own.
    takes, gives = getattr(trunk, "input_shape", None), getattr(trunk, "output_shape", None)
    if takes is None or gives is None:
        raise WorkbookError(
            f"The trunk {shown(trunk.name)} does not say which shapes it takes and returns: pass "
            "keras.Model(inputs, trunk(inputs)) with inputs = keras.Input(shape) instead."
        )
    if not _is_shape(takes):
        raise WorkbookError(
            f"The trunk {shown(trunk.name)} has several inputs, {takes}: it must take one batch of "
            "images, (n, height, width, channels)."
        )
    if not _is_shape(gives) or len(gives) not in (2, 4) or gives[-1] is None:
        raise WorkbookError(
            f"The trunk {shown(trunk.name)} returns {gives}, but must return one batch of "
            "features, (n, units) or (n, height, width, channels): end it with one such layer."
        )


def _is_shape(given: object) -> bool:
    return isinstance(given, tuple) and all(isinstance(size, int | None) for size in given)


def _image_shape(images: Any) -> tuple[int | None, ...] | None:
    """Return the shape of one image, as far as it is known before the batch is there."""
    try:
        return tuple(images.shape)[1:]
    except (AttributeError, ValueError):  # a list; a tensor of unknown rank
        return None


def _fits(given: tuple[int | None, ...], wanted: tuple[int | None, ...]) -> bool:
    """Whether two shapes are equal where both are known."""
    pairs = zip(given, wanted, strict=False)
    return len(given) == len(wanted) and all(a == b or None in (a, b) for a, b in pairs)


def _check_tasks(tasks: tuple[Task, ...], shared_heads: bool) -> None:
    for task in tasks:
        if not isinstance(task, Task):
            raise WorkbookError(f"{shown(task)} is not a task: write Task(name, class_names).")
    names = [task.name for task in tasks]
    if not tasks:
        raise WorkbookError("The model has no tasks: give it at least one Task(name, class_names).")
    for name in names:
        if names.count(name) > 1:
            raise WorkbookError(
                f"Two tasks are named {shown(name)}, but a name is how the model tells them apart: "
                "give each its own."
            )
    if shared_heads and len({task.label_space for task in tasks}) == len(tasks):
        raise WorkbookError(
            f"No two of the tasks {offered(names)} have the same kind and class names, so no "
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
    names = "_and_".join(_safe_name(task.name) for task in tasks)
    # Logits stay in full precision when the trunk computes in half: a loss needs the digits.
    return keras.layers.Dense(len(tasks[0].class_names), dtype=PRECISION, name=f"head_{names}")


def _safe_name(name: str) -> str:
    """Return a task's name as TensorFlow allows it; another one for each task.

    A task may be named in any language, or after a folder, but TensorFlow allows few signs in the
    names of what it computes.
    """
    if re.fullmatch("[A-Za-z0-9.][A-Za-z0-9_.-]*", name):
        return name
    number = zlib.crc32(name.encode("utf-8", "surrogatepass"))
    return f"task_{re.sub('[^A-Za-z0-9.-]+', '_', name)}_{number:08x}"


def _with_keys(given: Any, names: Mapping[str, str]) -> Any:
    """Return a dictionary by task under other names for the tasks; anything else as it is."""
    if not isinstance(given, Mapping):
        return given
    return {names.get(name, name): value for name, value in given.items()}
