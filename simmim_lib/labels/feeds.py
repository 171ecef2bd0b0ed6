"""What `fit` and `evaluate` are fed with: arrays, or batches of any kind, with labels in form."""

import contextlib
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib.errors import WorkbookError, check_choice, offered, shown
from simmim_lib.labels import forms

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from simmim_lib.simmim import Task

TYPES = {"classification": "int32", "multi-label": "float32", "regression": "float32"}
"""Of labels in form, by the kind of the task."""

REFUSAL = re.compile(rf"{WorkbookError.__name__}: (.+)")
"""What TensorFlow and worker processes report of a refusal amid the batches that they bring."""


def where_they_count(labels: Any, weights: Any) -> Any:
    """Return a tensor of labels, with 0 in place of those whose weight is 0.

    Whatever stands for a label that does not count must not reach a loss: 0 times NaN is NaN.

    Args:
        labels: (n, ...).
        weights: (n,) or (n, 1), or None, where all count.
    """
    from keras import ops

    if weights is None:
        return labels
    labels, counts = ops.convert_to_tensor(labels), ops.not_equal(weights, 0)
    if len(counts.shape) == 1 or counts.shape[-1] == 1:
        counts = ops.reshape(counts, (-1, *[1] * (len(labels.shape) - 1)))
    return ops.where(counts, labels, ops.zeros_like(labels))


class Feed:
    """Brings into form what a model of several tasks is fed with.

    The class is long because each kind of batch that Keras takes needs a way of its own.

    Args:
        tasks: of the model.
        trained: names of those that are trained; of one alone, labels need no name.
        own: names of those whose loss wants labels of a form of its own: these are handed on, and
            only searched for missing ones.
    """

    def __init__(self, tasks: "Sequence[Task]", trained: Sequence[str], own: Sequence[str]) -> None:
        self.tasks = {task.name: task for task in tasks}
        self.trained = trained
        self.own = own

    def data(self, x: Any, y: Any, weights: Any) -> tuple[Any, Any, Any]:
        """Return what `fit` takes as x, y and sample_weight, with the labels in form.

        Args:
            x: images; or batches, as a `tf.data.Dataset`, a `keras.utils.PyDataset`, a generator
                or a `DataLoader` of PyTorch's; whatever else Keras takes is handed on.
            y: labels of images, by task, or of the one task that is trained.
            weights: what each example counts; None for 1 each.

        Raises:
            WorkbookError: labels that cannot be meant, weights that are not finite or below 0, or
                not as many labels as images.
        """
        import keras
        import tensorflow as tf

        if isinstance(x, tf.data.Dataset):
            return self.dataset(x), y, weights
        if isinstance(x, types.GeneratorType):
            return map_generator(self.batch, x), y, weights
        if isinstance(x, keras.utils.PyDataset):
            return prepared(self.batch, x), y, weights
        if _is_loader(x):
            return self._loaded(x), y, weights
        self._check_numbers(x, y)
        return (x, *self.arrays(y, weights))

    def batch(self, given: Any) -> Any:
        """Return a batch of images, labels and perhaps weights, with the labels in form."""
        return self.validation(given) if isinstance(given, tuple | list) else given

    def validation(self, given: Any) -> Any:
        """Return what `fit` takes as validation_data, with the labels in form."""
        if not isinstance(given, tuple | list) or len(given) not in (2, 3):
            return self.data(given, None, None)[0]
        x, y, weights = self.data(*given, *[None] * (3 - len(given)))
        return (x, y) if weights is None else (x, y, weights)

    def arrays(self, y: Any, weights: Any) -> tuple[Any, Any]:
        """Return labels and weights of examples that are known: each by task, as y is."""
        if y is None:
            return y, weights
        labels, by_task = self._named(y), self._weights_by_task(weights)
        formed = {
            name: self._formed(name, given, by_task.get(name)) for name, given in labels.items()
        }
        counted = {
            name: self._weights(name, by_task.get(name), labels[name])
            for name in (formed if by_task else ())
        }
        return self._as_given(y, formed, counted)

    def dataset(self, dataset: "tf.data.Dataset") -> "tf.data.Dataset":
        """Return a dataset of batches whose labels are brought into form as they come.

        Raises:
            WorkbookError: there are labels without the names of their tasks, or no batches.
        """
        import tensorflow as tf

        parts = dataset.element_spec
        if not isinstance(parts, tuple) or len(parts) < 2:
            return dataset
        for name, spec in self._named(parts[1]).items():
            self._check_spec(name, spec)

        @tf.autograph.experimental.do_not_convert
        def convert(images: Any, labels: Any, weights: Any = None) -> tuple[Any, ...]:
            by_task = self._weights_by_task(weights)
            by_name = {
                name: self._in_graph(name, given, by_task.get(name))
                for name, given in self._named(labels).items()
            }
            ones = {
                name: by_task.get(name, tf.ones(tf.shape(given)[:1]))
                for name, given in (by_name if by_task else {}).items()
            }
            formed, counted = self._as_given(labels, by_name, ones)
            return (images, formed) if counted is None else (images, formed, counted)

        return dataset.map(convert)

    def _as_given(
        self, given: Any, labels: dict[str, Any], weights: dict[str, Any]
    ) -> tuple[Any, Any]:
        """Return labels and weights by task if the labels came so, else those of the one task."""
        if isinstance(given, Mapping):
            return labels, weights or None
        return labels[self.trained[0]], weights.get(self.trained[0])

    @contextlib.contextmanager
    def in_sentences(self) -> Iterator[None]:
        """Raise what was refused amid batches instead of TensorFlow's report about it."""
        import tensorflow as tf

        try:
            yield
        except tf.errors.OpError as error:
            refused = REFUSAL.search(str(error))
            if not refused:
                raise
            raise WorkbookError(refused[1]) from None

    def _loaded(self, loader: Iterable[Any]) -> "tf.data.Dataset":
        """Return what a loader brings as a dataset, which may be gone through several times."""
        import keras
        import tensorflow as tf

        def batches() -> Iterator[Any]:
            for batch in loader:
                arrays = keras.tree.map_structure(_as_numpy, batch)
                yield self.batch(tuple(arrays) if isinstance(arrays, list) else arrays)

        def spec(array: Any) -> tf.TensorSpec:
            array = np.asarray(array)
            return tf.TensorSpec((None, *array.shape[1:]), array.dtype)

        first = next(batches(), None)
        if first is None:
            raise WorkbookError(
                "The loader brings no batch at all: give one with at least one example in it."
            )
        signature = keras.tree.map_structure(spec, first)
        dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
        if (number := _number_of_batches(loader)) is None:
            return dataset
        return dataset.apply(tf.data.experimental.assert_cardinality(number))

    def _check_numbers(self, x: Any, y: Any) -> None:
        """Refuse another number of labels than of images, as far as that is known of these."""
        for name, labels in {} if y is None else self._named(y).items():
            images = getattr(x.get(name) if isinstance(x, Mapping) else x, "shape", ())
            given = forms.count(self.tasks[name], labels)
            if images and given != images[0]:
                raise WorkbookError(
                    f"Task {shown(name)} has {images[0]} images, but {given} labels: give each "
                    "image one, in the same order."
                )

    def _named(self, labels: Any) -> Mapping[str, Any]:
        """Return labels by task; of tasks that the model does not have, none."""
        if isinstance(labels, Mapping):
            return {name: given for name, given in labels.items() if name in self.tasks}
        if len(self.trained) > 1:
            raise WorkbookError(
                f"The labels are given without the names of their tasks, but there are several: "
                f"pass a dictionary with labels for each of {offered(self.trained)}."
            )
        return {self.trained[0]: labels}

    def _weights_by_task(self, weights: Any) -> dict[str, Any]:
        """Return the weights of each task that has some; none where all examples count 1."""
        if weights is None:
            return {}
        if not isinstance(weights, Mapping):
            return dict.fromkeys(self.tasks, weights)
        return {check_choice("task", name, self.tasks): given for name, given in weights.items()}

    def _weights(self, name: str, given: Any, labels: Any) -> np.ndarray:
        examples = forms.count(self.tasks[name], labels)
        if given is None:
            return np.ones(examples, np.float32)
        return forms.weights_of_examples(self.tasks[name], given, examples)

    def _formed(self, name: str, given: Any, weights: Any) -> Any:
        """Return labels of a task in form."""
        task, counts = self.tasks[name], None
        if weights is not None:
            counts = self._weights(name, weights, given) != 0
        if name not in self.own:
            return forms.in_form(task, given, counts)
        forms.refuse_missing(task, given, counts)
        return given

    def _check_spec(self, name: str, spec: Any) -> None:
        import tensorflow as tf

        if not isinstance(spec, tf.TensorSpec) or spec.shape.rank == 0:
            raise WorkbookError(
                f"The labels of task {shown(name)} are no batches in this dataset, but {spec}: put "
                "examples together, as dataset.batch(32) does."
            )

    def _in_graph(self, name: str, labels: "tf.Tensor", weights: "tf.Tensor | None") -> "tf.Tensor":
        """Return labels of a batch in form: NumPy code amid the dataset's own."""
        import tensorflow as tf

        task, own = self.tasks[name], name in self.own
        kind = labels.dtype if own else tf.as_dtype(TYPES[task.kind])
        given = [labels] if weights is None else [labels, weights]

        def formed(labels: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
            return self._formed(name, labels, weights)

        columns = [] if task.kind == "classification" else [len(task.class_names)]
        result = tf.numpy_function(formed, given, kind)
        result.set_shape(labels.shape if own else [labels.shape[:1].as_list()[0], *columns])
        return result


# --- batches that others bring ------------------------------------------------------------------


def map_generator(prepare: Callable[[Any], Any], batches: Iterator[Any]) -> Iterator[Any]:
    """Yield batches as they come, prepared; Keras takes a generator, but no `map`."""
    yield from map(prepare, batches)


def prepared(
    prepare: Callable[[Any], Any], given: "keras.utils.PyDataset"
) -> "keras.utils.PyDataset":
    """Return the same batches, each prepared by the thread or process that brings it."""
    import keras

    class Prepared(keras.utils.PyDataset):
        def __getitem__(self, index: int) -> Any:
            return prepare(given[index])

        @property
        def num_batches(self) -> int | None:
            return given.num_batches

        def on_epoch_begin(self) -> None:
            given.on_epoch_begin()

        def on_epoch_end(self) -> None:
            given.on_epoch_end()

        def __reduce__(self) -> Any:  # a process that is not forked has not this class yet
            return prepared, (prepare, given)

    return Prepared(given.workers, given.use_multiprocessing, given.max_queue_size)


def _is_loader(x: Any) -> bool:
    """Tell whether it is a `DataLoader` of PyTorch's, which need not be installed."""
    return any(
        kind.__name__ == "DataLoader" and kind.__module__.startswith("torch.utils.data")
        for kind in type(x).__mro__
    )


def _as_numpy(values: Any) -> Any:
    """Return a tensor of PyTorch's as an array; other values as they are."""
    return np.asarray(values.detach().cpu()) if hasattr(values, "detach") else values


def _number_of_batches(loader: Any) -> int | None:
    """Return how many batches a loader has, or None where it does not know."""
    try:
        return len(loader)
    except TypeError:
        return None
