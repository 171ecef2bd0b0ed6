"""The loss formula of the article, its four readings, and the information of a batch.

The article prints L = -sum_i p(y_i|x_i) log p(y_i|x_i). It can be read as

(a) written: `formula_as_written`, `formula_from_logits`, `FormulaAsWritten`;
(b) cross-entropy, the outer p being the true distribution: `cross_entropy`, `CrossEntropy`;
(c) entropy of the predictions, the sum running over classes: `prediction_entropy`,
    `PredictionEntropy`;
(d) with the outer p held constant: `expected_accuracy`, `ExpectedAccuracy`.

`mutual_information` (`MutualInformation`) is what the article wants to maximise, and `focal_loss`
(`FocalLoss`) is the mirror image of (a). Functions give one value an example; the classes of the
same name are for `model.compile`, which averages them, and minimise. Everything is in nats.

Logits are a network's outputs before softmax, shape (..., classes), finite floating-point numbers.
A temperature above 1 softens the softmax, one below 1 sharpens it. Half-precision input is
computed and returned in single precision, because neither a loss of 1e5 nor the sum over a batch
fits in half precision; the gradient comes back in the precision of the input.

Every function raises a `WorkbookError` for shapes that do not match, empty batches, integer
logits, and options out of range. Labels out of range, NaN and numbers that are no probabilities
are refused where the numbers are known; within a compiled function, where they are not, a label
out of range makes the loss NaN.

A model that was compiled with one of the classes is loaded like any with a custom object: import
the class (`from simmim_lib.losses import ExpectedAccuracy`), then `keras.saving.load_model(path)`.
"""

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from simmim_lib.errors import WorkbookError, check_choice
from simmim_lib.labels import where_they_count

# A tensor of whichever backend Keras uses, or what it can turn into one.
Tensor = Any
# None: a size that is not known until a compiled function runs.
Shape = tuple[int | None, ...]

ROUNDING = 1e-6
SUM_TOLERANCE = 1e-3


def formula_as_written(probability_of_label: Tensor) -> Tensor:
    """Reading (a), the formula taken literally: -p log p of the probability p given to the label.

    Its slope -(1 + log p) is zero at p = 1/e and positive below, where minimising it drives the
    true class to zero. At p = 0 the value is 0 and the slope, infinite by the formula, is
    -log(smallest normal number): 87 in single precision, 708 in double.

    Args:
        probability_of_label: numbers from 0 to 1, any shape.

    Returns:
        The loss of each, same shape.

    Raises:
        WorkbookError: a number outside 0 to 1, or NaN.

    Source: the article's formula; its slope by calculus.
    """
    probability = _floating(probability_of_label)
    values = _known(probability)
    if values is not None and not ((values >= -ROUNDING) & (values <= 1 + ROUNDING)).all():
        raise WorkbookError(
            f"Probabilities lie from 0 to 1, but these reach from {values.min():.4g} to "
            f"{values.max():.4g}: apply softmax to logits first."
        )
    return _surprise_times_probability(probability)


def formula_from_logits(labels: Tensor, logits: Tensor, *, temperature: float = 1.0) -> Tensor:
    """Reading (a) from logits: -p log p, where p is the probability given to the label.

    Through the softmax even the slope at p = 0 is right, namely 0: p log p vanishes with p.

    Args:
        labels: class numbers, shape (...), such as (n,).
        logits: shape (..., classes).
        temperature: the softmax is that of logits / temperature.

    Returns:
        The loss of each example, shape (...).

    Raises:
        WorkbookError: see the module's description.
    """
    return _surprise_times_probability(
        probability_of_label(labels, logits, temperature=temperature)
    )


def probability_of_label(labels: Tensor, logits: Tensor, *, temperature: float = 1.0) -> Tensor:
    """The probability that softmax gives to each example's label.

    Args:
        labels: class numbers, shape (...), such as (n,).
        logits: shape (..., classes).
        temperature: the softmax is that of logits / temperature.

    Returns:
        Probabilities, shape (...).

    Raises:
        WorkbookError: see the module's description.
    """
    from keras import ops

    return ops.exp(_log_probability_of_label(labels, _log_softmax(logits, temperature)))


def cross_entropy(
    labels: Tensor, logits: Tensor, *, label_smoothing: float = 0.0, temperature: float = 1.0
) -> Tensor:
    """Reading (b), what the formula was meant to say: -log p of the label.

    Args:
        labels: class numbers, shape (...), such as (n,).
        logits: shape (..., classes).
        label_smoothing: the share, from 0 to 1, of the true distribution that is moved from the
            label to all classes alike.
        temperature: the softmax is that of logits / temperature.

    Returns:
        The loss of each example, shape (...). Its gradient in the logits is softmax - one-hot.

    Raises:
        WorkbookError: see the module's description.

    Source: label smoothing: Szegedy et al. 2016, "Rethinking the Inception Architecture", section
        7. Temperature: Hinton et al. 2015, "Distilling the Knowledge in a Neural Network".
    """
    from keras import ops

    _check_option("label_smoothing", label_smoothing, lowest=0, highest=1)
    log_probabilities = _log_softmax(logits, temperature)
    surprise = -_log_probability_of_label(labels, log_probabilities)
    if label_smoothing == 0:
        return surprise
    average = -ops.mean(log_probabilities, axis=-1)
    return (1 - label_smoothing) * surprise + label_smoothing * average


def prediction_entropy(logits: Tensor, *, temperature: float = 1.0) -> Tensor:
    """Reading (c): the entropy of each prediction. It needs no label, and knows none.

    Args:
        logits: shape (..., classes).
        temperature: the softmax is that of logits / temperature.

    Returns:
        Entropies between 0 and log(classes), shape (...).

    Raises:
        WorkbookError: see the module's description.

    Source: Grandvalet and Bengio 2004, "Semi-supervised Learning by Entropy Minimization".
    """
    return _entropy(_softmax(logits, temperature))


def expected_accuracy(labels: Tensor, logits: Tensor, *, temperature: float = 1.0) -> Tensor:
    """Reading (d): stop_gradient(p) * -log p of the label.

    Held constant, the outer p cancels the 1/p of the logarithm's slope, and the gradient is that of
    -p: descending raises the expected accuracy of a guess drawn from the prediction. Only the
    gradient has this meaning; the value is that of reading (a).

    Args:
        labels: class numbers, shape (...), such as (n,).
        logits: shape (..., classes).
        temperature: the softmax is that of logits / temperature.

    Returns:
        The loss of each example, shape (...).

    Raises:
        WorkbookError: see the module's description.

    Source: the gradient is half of that of the absolute error between one-hot labels and
        prediction, which Ghosh et al. 2017, "Robust Loss Functions under Label Noise for Deep
        Neural Networks", show to tolerate noisy labels.
    """
    from keras import ops

    log_probability = _log_probability_of_label(labels, _log_softmax(logits, temperature))
    return ops.stop_gradient(ops.exp(log_probability)) * -log_probability


def focal_loss(
    labels: Tensor, logits: Tensor, *, gamma: float = 2.0, temperature: float = 1.0
) -> Tensor:
    """Cross-entropy weighted by (1 - p) ** gamma: the mirror image of reading (a).

    Reading (a) weights the surprise -log p by p, and lets go of the label where p is near 0; focal
    loss weights it by what is missing, and looks away where p is near 1.

    Args:
        labels: class numbers, shape (...), such as (n,).
        logits: shape (..., classes).
        gamma: how strongly to look away from easy examples, at least 0; 0 is cross-entropy.
        temperature: the softmax is that of logits / temperature.

    Returns:
        The loss of each example, shape (...).

    Raises:
        WorkbookError: see the module's description.

    Source: Lin et al. 2017, "Focal Loss for Dense Object Detection", equation 4.
    """
    from keras import ops

    _check_option("gamma", gamma, lowest=0)
    log_probability = _log_probability_of_label(labels, _log_softmax(logits, temperature))
    # Bounded, because at p = 1 the slope of a power below 1 is infinite or 0 / 0.
    missing = ops.maximum(-ops.expm1(log_probability), _smallest(log_probability))
    return missing**gamma * -log_probability


def entropy(probabilities: Tensor) -> Tensor:
    """The entropy of distributions: the formula as written, summed over the classes.

    Args:
        probabilities: shape (..., classes), each row from 0 to 1 and summing to 1.

    Returns:
        Entropies between 0 and log(classes), shape (...).

    Raises:
        WorkbookError: rows that are no distributions.

    Source: Shannon 1948, "A Mathematical Theory of Communication", section 6.
    """
    from keras import ops

    probabilities = _floating(probabilities)
    _check_shape("probabilities", tuple(probabilities.shape))
    losses = formula_as_written(probabilities)
    values = _known(probabilities)
    if values is not None:
        sums = values.sum(axis=-1)
        furthest = float(sums.flat[np.abs(sums - 1).argmax()])
        if abs(furthest - 1) > SUM_TOLERANCE:
            raise WorkbookError(
                f"The probabilities of all classes must sum to 1, but one row sums to "
                f"{furthest:.4g}: apply softmax to logits, or divide counts by their sum."
            )
    return ops.sum(losses, axis=-1)


def mutual_information(logits: Tensor, *, temperature: float = 1.0) -> Tensor:
    """I = H(mean p) - mean H(p): how much a batch's predictions tell which example was seen.

    The first term spreads the predictions over the classes, the second makes each one confident.
    To be maximised.

    Args:
        logits: a batch, shape (..., n, classes); the information is that of the second-last axis.
        temperature: the softmax is that of logits / temperature.

    Returns:
        The information between 0 and log(classes), shape (...): one number for (n, classes).

    Raises:
        WorkbookError: see the module's description.

    Source: Bridle, Heading and MacKay 1992, "Unsupervised Classifiers, Mutual Information and
        'Phantom Targets'".
    """
    from keras import ops

    return -ops.mean(_lack_of_information(logits, temperature=temperature), axis=-1)


def _lack_of_information(logits: Tensor, *, temperature: float = 1.0) -> Tensor:
    """Minus the information of a batch, shared out: H(p) - H(mean p) of each example.

    Shape (..., n); the mean over n is minus `mutual_information`.
    """
    from keras import ops

    probabilities = _softmax(logits, temperature)
    if len(probabilities.shape) < 2:
        raise WorkbookError(
            f"The information is that of a batch, but the logits have shape "
            f"{tuple(probabilities.shape)}: pass (..., n, classes)."
        )
    return _entropy(probabilities) - _entropy(ops.mean(probabilities, axis=-2, keepdims=True))


# --- arithmetic that stays finite ---------------------------------------------------------------


def _log_softmax(logits: Tensor, temperature: float) -> Tensor:
    """Checked logits as log-probabilities, in single or double precision."""
    from keras import ops

    _check_option("temperature", temperature, lowest=0, open_end=True)
    logits = ops.convert_to_tensor(logits)
    if not _dtype(logits).startswith(("float", "bfloat")):
        raise WorkbookError(
            f"Logits must be floating-point numbers, not {_dtype(logits)}: pass the network's "
            "outputs before softmax (labels come first, logits second)."
        )
    _check_shape("logits", tuple(logits.shape))
    values = _known(logits)
    if values is not None and not np.isfinite(values).all():
        raise WorkbookError(
            "Logits must be finite, but some are NaN or infinite: look for a learning rate that is "
            "too high, and use -1e4 for a class that cannot occur."
        )
    return ops.log_softmax(_floating(logits) / temperature, axis=-1)


def _softmax(logits: Tensor, temperature: float) -> Tensor:
    from keras import ops

    return ops.exp(_log_softmax(logits, temperature))


def _surprise_times_probability(probability: Tensor) -> Tensor:
    """-p log p with 0 log 0 = 0. The bound is inside the logarithm, so that no slope is lost."""
    from keras import ops

    return -probability * ops.log(ops.maximum(probability, _smallest(probability)))


def _entropy(probabilities: Tensor) -> Tensor:
    from keras import ops

    return ops.sum(_surprise_times_probability(probabilities), axis=-1)


def _log_probability_of_label(labels: Tensor, log_probabilities: Tensor) -> Tensor:
    """Pick the label's entry of every row, NaN where there is no such class."""
    from keras import ops

    *rows, classes = log_probabilities.shape
    labels = _checked_labels(labels, tuple(rows), classes)
    one_hot = ops.one_hot(labels, classes, dtype=_dtype(log_probabilities))
    picked = ops.sum(one_hot * log_probabilities, axis=-1)
    # Known labels have been checked. For others a zero, or the last class for the -1 of an
    # unlabelled example, would look like a result.
    exists = ops.logical_and(labels >= 0, labels < classes)
    return ops.where(exists, picked, ops.full_like(picked, math.nan))


def _floating(values: Tensor) -> Tensor:
    """A tensor in double precision if it was, else in single."""
    from keras import ops

    values = ops.convert_to_tensor(values)
    return ops.cast(values, "float64" if _dtype(values) == "float64" else "float32")


def _smallest(values: Tensor) -> float:
    """The smallest normal number: a smaller one may be flushed to zero."""
    return float(np.finfo(_dtype(values)).tiny)


# --- checks -------------------------------------------------------------------------------------


def _dtype(values: Tensor) -> str:
    from keras import backend

    return str(backend.standardize_dtype(values.dtype))


def _known(values: Tensor) -> np.ndarray | None:
    """The numbers of a tensor; None while a function is being traced, when there are none yet."""
    try:
        return np.asarray(values).astype(np.float64)
    except (RuntimeError, TypeError, ValueError):  # what TensorFlow, JAX and Keras say then
        return None


def _check_shape(what: str, shape: Shape) -> None:
    classes = shape[-1] if shape else None
    if classes is None or classes == 1:
        raise WorkbookError(
            f"The {what} have shape {shape}: pass one number for each of at least two classes, "
            "shape (..., classes)."
        )
    if 0 in shape:
        raise WorkbookError(
            f"The batch is empty, the {what} having shape {shape}: pass at least one example."
        )


def _checked_labels(labels: Tensor, wanted: Shape, classes: int) -> Tensor:
    """Labels as int32, checked to be class numbers of the wanted shape."""
    from keras import ops

    labels = ops.convert_to_tensor(labels)
    given = tuple(labels.shape)
    same = len(given) == len(wanted) and all(
        None in sizes or sizes[0] == sizes[1] for sizes in zip(given, wanted, strict=True)
    )
    if not same:
        raise WorkbookError(
            f"Labels have shape {given} and logits {(*wanted, classes)}: pass one class number for "
            f"each row of logits, shape {wanted}, not one-hot rows."
        )
    if not _dtype(labels).startswith(("int", "uint")):
        raise WorkbookError(
            f"Labels must be class numbers of an integer type, not {_dtype(labels)}: convert them "
            "with astype('int32')."
        )
    values = _known(labels)
    if values is not None and (values.min() < 0 or values.max() >= classes):
        raise WorkbookError(
            f"Labels must be class numbers from 0 to {classes - 1}, but these reach from "
            f"{values.min():.0f} to {values.max():.0f}: leave out examples without a label (-1), "
            "or give the network more outputs."
        )
    return ops.cast(labels, "int32")


def _check_option(
    name: str, value: float, lowest: float, highest: float = math.inf, open_end: bool = False
) -> None:
    above = value > lowest if open_end else value >= lowest
    if above and value <= highest and math.isfinite(value):
        return
    allowed = f"{'above' if open_end else 'at least'} {lowest:g}"
    if math.isfinite(highest):
        allowed = f"from {lowest:g} to {highest:g}"
    raise WorkbookError(f"The option {name} is {value}: choose a finite number {allowed}.")


# --- Keras losses -------------------------------------------------------------------------------

_KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY
_FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "FormulaAsWritten": formula_from_logits,
    "CrossEntropy": cross_entropy,
    "PredictionEntropy": prediction_entropy,
    "ExpectedAccuracy": expected_accuracy,
    "FocalLoss": focal_loss,
    "MutualInformation": _lack_of_information,
}


def __getattr__(name: str) -> Any:
    """Define the Keras losses when the first is asked for: a subclass of Keras needs Keras."""
    if name not in _FUNCTIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals().update({each: _keras_loss(each, _FUNCTIONS[each]) for each in _FUNCTIONS})
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *_FUNCTIONS})


def _keras_loss(class_name: str, function: Callable[..., Tensor]) -> type:
    """Make a function of (labels and) logits a Keras loss with the same options.

    Args:
        class_name: what the class is called, in Python and in saved models.
        function: one of the functions above, giving one value an example; options keyword-only.

    Returns:
        A subclass of `keras.Loss`, registered under the package "simmim".
    """
    import keras

    parameters = inspect.signature(function).parameters
    needs_labels = "labels" in parameters
    options = {key: each.default for key, each in parameters.items() if each.kind is _KEYWORD_ONLY}

    class Loss(keras.Loss):
        def __init__(
            self,
            name: str | None = None,
            reduction: str | None = "sum_over_batch_size",
            dtype: Any = None,
            **given: float,
        ) -> None:
            super().__init__(name=name, reduction=reduction, dtype=dtype)
            for each in given:
                check_choice(f"option of {class_name}", each, options)
            self.options = {**options, **{key: float(value) for key, value in given.items()}}
            # An option out of range is refused here rather than in the middle of a fit.
            self.call(np.zeros((1,)), np.zeros((1, 2)))

        def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Any = None) -> Tensor:
            labels = where_they_count(y_true, sample_weight)
            return super().__call__(labels, y_pred, sample_weight)

        def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
            if not needs_labels:
                return function(y_pred, **self.options)
            # Keras hands labels over as floating-point numbers, some data pipelines as a column.
            labels = keras.ops.cast(y_true, "int32")
            if len(labels.shape) == len(y_pred.shape) and labels.shape[-1] == 1:
                labels = keras.ops.squeeze(labels, axis=-1)
            return function(labels, y_pred, **self.options)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), **self.options}

    Loss.__name__ = Loss.__qualname__ = class_name
    summary = str(inspect.getdoc(function)).partition("\n")[0]
    Loss.__doc__ = f"{summary}\n\nOptions and their defaults: {options}; see `{function.__name__}`."
    return keras.saving.register_keras_serializable(package="simmim")(Loss)
