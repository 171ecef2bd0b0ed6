"""The SimMIM model: one trunk, a head for each task, and a loss that sums over all of them.

This module imports Keras at once, because its classes derive from Keras's; the rest of the library
imports it in the functions that need it, and `simmim_lib.SimMIM` when it is first asked for.
"""

import json
import os
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from simmim_lib.foundation import keras_setup

keras_setup.load_keras()  # says so in a sentence if Keras cannot be used

import keras
import tensorflow as tf
from keras import ops
from packaging.version import Version

from simmim_lib.errors import WorkbookError, check_choice
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
        if isinstance(self.class_names, str):
            raise WorkbookError(
                f"class_names is {self.class_names!r}, but must hold one name for each output: "
                f"write ({self.class_names!r},) if it has one only."
            )
        object.__setattr__(self, "class_names", tuple(str(name) for name in self.class_names))
        check_choice("kind of task", self.kind, LOSSES)
        if not self.name or not isinstance(self.name, str):
            raise WorkbookError(
                f"A task is named {self.name!r}, but Keras needs a name: use letters, digits and "
                "hyphens, such as 'mnist'."
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
    `evaluate`, `predict`, callbacks, `save`, and training inside a `tf.distribute.MirroredStrategy`
    (for several machines see `fit_on_workers`). Batches of a `tf.data.Dataset` may be larger for
    one task than for another; arrays must be equally long, where a `sample_weight` of 0 stands for
    an example without a label.

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
        self.built = True

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
        """Return the head that a task has, for itself or together with others."""
        return self._head_of[task]

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
            raise WorkbookError(f"There are no images: pass those of any of {', '.join(names)}.")
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
            metrics: by task; by default the accuracy, or the mean absolute error, of the examples
                that have a label: each counts by its `sample_weight`.
            options: whatever else Keras's `compile` takes.

        Raises:
            WorkbookError: a loss for a task that the model does not have; weights that are
                negative, all zero or not one for each task.
        """
        loss = loss or {task.name: LOSSES[task.kind]() for task in self.tasks}
        trained = self.tasks
        if isinstance(loss, Mapping):
            for name in loss:
                check_choice("task", name, self._head_of)
            trained = tuple(task for task in self.tasks if task.name in loss)
        self._trained = tuple(task.name for task in trained)
        weights = check_task_weights(loss_weights, self._trained)
        if metrics is None:
            by_default = {task.name: [METRICS[task.kind]()] for task in trained}
            options.setdefault("weighted_metrics", by_default)
        super().compile(
            optimizer=optimizer,
            loss=loss,
            loss_weights=dict(zip(self._trained, weights, strict=True)),
            metrics=metrics,
            **options,
        )

    def fit(
        self, x: Any = None, y: Any = None, *args: Any, class_weight: Any = None, **options: Any
    ) -> Any:
        """Train; like Keras's, with class weights also where labels have the names of their tasks.

        Args:
            x: as in Keras.
            y: as in Keras.
            args: as in Keras.
            class_weight: what each class's examples count, by its position or name, 1 where nothing
                is said; or "balanced". With several tasks by the name of the task.
            options: whatever else Keras's `fit` takes.

        Returns:
            Keras's history.

        Raises:
            WorkbookError: class weights for a class or task that there is not, below 0, or beside
                images that are neither arrays nor a `tf.data.Dataset`.
        """
        if class_weight is not None:
            given = class_weights.by_task(class_weight, self.tasks)
            if isinstance(x, tf.data.Dataset):
                x = class_weights.weigh_dataset(given, self.tasks, x)
            elif y is not None:
                others = options.get("sample_weight")
                options["sample_weight"] = class_weights.weigh_arrays(given, self.tasks, y, others)
            else:
                raise WorkbookError(
                    "class_weight needs arrays or a tf.data.Dataset, but the images are a "
                    f"{type(x).__name__}: let it give the weights of its examples itself."
                )
        return super().fit(x, y, *args, **options)

    def export(self, filepath: str | os.PathLike[str], *args: Any, **options: Any) -> Any:
        """Write the model for serving; like Keras's, which asks here which images it will get.

        Args:
            filepath: a folder.
            args: as in Keras.
            options: as in Keras; without `input_signature`, one batch of images for all tasks.
        """
        images = keras.InputSpec(shape=self.input_shape, dtype=self.input_dtype)
        return super().export(filepath, *args, **{"input_signature": [images], **options})

    def load_weights(self, filepath: str | os.PathLike[str], *args: Any, **options: Any) -> Any:
        """Read weights that `save_weights` wrote; like Keras's, which goes by the heads' positions.

        Raises:
            WorkbookError: the heads stand in another order in the file.
        """
        ours, theirs = [*dict.fromkeys(self._head_of.values())], _heads_in(filepath)
        names = [head.name for head in ours]
        if any(theirs.index(name) != names.index(name) for name in names if name in theirs):
            raise WorkbookError(
                f"The heads stand in {filepath} in the order {', '.join(theirs)}, but in the model "
                f"{', '.join(names)}, so that they would be exchanged: give the model its tasks in "
                "the order of the file, and load again."
            )
        return super().load_weights(filepath, *args, **options)

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
            names = given if isinstance(given, Mapping) else () if several else self._trained
            missing = [name for name in self._trained if name not in names]
            if missing:
                raise WorkbookError(
                    f"There are no {what} for {', '.join(missing)}: pass {what} as a dictionary "
                    f"with {', '.join(self._trained)}, or leave a task out when compiling, with "
                    "loss={...} for the others."
                )
        return super().compute_loss(x, *_of_both(y, y_pred), sample_weight, training)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Return the metrics so far, of the tasks that have labels; Keras calls this."""
        return super().compute_metrics(x, *_of_both(y, y_pred), sample_weight)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile a loaded model as it was when it was saved; Keras calls this."""
        self.compile(**keras.saving.deserialize_keras_object(config))
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
    model = read_keras_file(path, compile=True)
    if not isinstance(model, SimMIM):
        raise WorkbookError(
            f"{path} holds a {type(model).__name__}, not a SimMIM model: read it with "
            "keras.models.load_model, and pass it to SimMIM as the trunk."
        )
    return model


def read_keras_file(path: str | os.PathLike[str], compile: bool = False) -> keras.Model:
    """Read a model of any kind that Keras has saved; no code from the file is ever run.

    Args:
        path: of a `.keras` file.
        compile: whether to compile it as it was when it was saved.

    Raises:
        WorkbookError: the file is missing or damaged, or holds layers that are not known or code.

    Source: keras.io, "Whole model saving & loading"; `safe_mode` refuses layers that hold code.
    """
    if not os.path.isfile(path):
        raise WorkbookError(
            f"There is no file {path}: name one that model.save('name.keras') wrote."
        )
    try:
        return keras.saving.load_model(path, safe_mode=True, compile=compile)
    except Exception as error:  # a damaged file can make any part of Keras stumble
        raise WorkbookError(_why_not(path, error)) from error


def _why_not(path: str | os.PathLike[str], error: Exception) -> str:
    if "arbitrary code" in str(error):
        return (
            f"{path} holds code, as a Lambda layer does, which is not run: ask its author for a "
            "model made of named layers only."
        )
    unknown = re.search(r"Could not locate (class|function) '(\w+)'", str(error))
    if unknown:
        return (
            f"{path} needs the {unknown[1]} {unknown[2]}, which is not known here: import the "
            "module that has it, under @keras.saving.register_keras_serializable(), and load again."
        )
    saved_with = _keras_version(path)
    if Version(saved_with) > Version(keras.__version__):
        return (
            f"{path} was saved with Keras {saved_with}, which the older {keras.__version__} here "
            "cannot read: install the newer one, or bring the weights alone, with "
            "model.save_weights there and load_weights here."
        )
    return (
        f"{path} cannot be read ({type(error).__name__}), so it is damaged or not a Keras file: "
        "save the model again with model.save('name.keras')."
    )


def _keras_version(path: str | os.PathLike[str]) -> str:
    """Return the version that wrote a file, or 0 if the file does not say."""
    try:
        with zipfile.ZipFile(path) as file:
            version = json.loads(file.read("metadata.json"))["keras_version"]
            Version(version)
            return version
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile):
        return "0"


def _heads_in(path: str | os.PathLike[str]) -> list[str]:
    """Return the names of the heads in a file of weights, in order; none where it names none."""
    import h5py

    try:
        with h5py.File(path) as file:
            layers = file["layers"]
            dense = [name for name in layers if re.fullmatch(r"dense(_\d+)?", name)]
            dense.sort(key=lambda name: int(name.partition("_")[2] or 0))
            return [str(layers[name]["vars"].attrs.get("name", "")) for name in dense]
    except (OSError, KeyError):  # Keras says what is wrong with it
        return []


def fit_on_workers(
    model: keras.Model, dataset: tf.data.Dataset, epochs: int = 1
) -> list[dict[str, float]]:
    """Train on several machines at once, where Keras's own `fit` fails.

    Keras 3, at least up to 3.15, does not support `tf.distribute.MultiWorkerMirroredStrategy`: its
    `fit` stumbles over batches that are spread over the workers. Its training step does not, so
    this loop hands it to the strategy. Every machine runs the same program with its own `TF_CONFIG`

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

    Source: TensorFlow's guide "Custom training loop with Keras and MultiWorkerMirroredStrategy";
        Keras issue 20585.
    """
    strategy = model.distribute_strategy
    batches = strategy.experimental_distribute_dataset(dataset)

    @tf.function(reduce_retracing=True)
    def step(batch: Any) -> Any:
        return strategy.run(model.train_step, args=(batch,))

    history = []
    for _ in range(epochs):
        model.reset_metrics()
        for batch in batches:
            logs = step(batch)
        means = {name: strategy.reduce("MEAN", logs[name], axis=None) for name in sorted(logs)}
        history.append({name: float(mean) for name, mean in means.items()})
    return history


def _of_both(y: Any, y_pred: Any) -> tuple[Any, Any]:
    """Leave out the tasks that have only images or only labels, as Keras asks for equal keys."""
    if not isinstance(y, Mapping):
        return y, y_pred
    names = [name for name in y if name in y_pred]
    return {name: y[name] for name in names}, {name: y_pred[name] for name in names}


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
            f"The trunk {trunk.name!r} does not say which shapes it takes and returns: pass "
            "keras.Model(inputs, trunk(inputs)) with inputs = keras.Input(shape) instead."
        )
    if not _is_shape(takes):
        raise WorkbookError(
            f"The trunk {trunk.name!r} has several inputs, {takes}: it must take one batch of "
            "images, (n, height, width, channels)."
        )
    if not _is_shape(gives) or len(gives) not in (2, 4) or gives[-1] is None:
        raise WorkbookError(
            f"The trunk {trunk.name!r} returns {gives}, but must return one batch of features, (n, "
            "units) or (n, height, width, channels): end it with one such layer."
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
            raise WorkbookError(f"{task!r} is not a task: write Task(name, class_names).")
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
    # A task may be named after a folder, but TensorFlow allows few signs in a layer's name.
    names = re.sub("[^A-Za-z0-9_.-]+", "_", "_and_".join(task.name for task in tasks))
    return keras.layers.Dense(len(tasks[0].class_names), dtype=PRECISION, name=f"head_{names}")
