"""The loss formula and its readings against SciPy, scikit-learn, Keras, closed forms and papers."""

import math
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import log_softmax, softmax
from scipy.stats import entropy as scipy_entropy
from scipy.stats import norm
from sklearn.metrics import log_loss, mutual_info_score

from simmim_lib import losses
from simmim_lib.errors import WorkbookError

LABELLED = {
    "formula_from_logits": losses.formula_from_logits,
    "probability_of_label": losses.probability_of_label,
    "cross_entropy": losses.cross_entropy,
    "smoothed": lambda y, x, **k: losses.cross_entropy(y, x, label_smoothing=0.1, **k),
    "expected_accuracy": losses.expected_accuracy,
    "focal_loss": losses.focal_loss,
    "focal_zero": lambda y, x, **k: losses.focal_loss(y, x, gamma=0, **k),
    "focal_half": lambda y, x, **k: losses.focal_loss(y, x, gamma=0.5, **k),
}
UNLABELLED = {
    "prediction_entropy": losses.prediction_entropy,
    "mutual_information": losses.mutual_information,
}
FROM_LOGITS = LABELLED | {
    key: lambda labels, logits, function=function, **options: function(logits, **options)
    for key, function in UNLABELLED.items()
}
CLASSES = [
    "FormulaAsWritten",
    "CrossEntropy",
    "PredictionEntropy",
    "ExpectedAccuracy",
    "FocalLoss",
    "MutualInformation",
]
LOG_ZERO = -1e4

tables = arrays(
    np.float64, (5, 4), elements=st.floats(-30, 30, allow_nan=False, allow_subnormal=False)
)
label_lists = arrays(np.int32, 5, elements=st.integers(0, 3))


def gradient(function, values) -> np.ndarray:
    variable = tf.convert_to_tensor(values)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        total = tf.reduce_sum(function(variable))
    return tape.gradient(total, variable).numpy()


def finite_differences(function, values: np.ndarray, step: float = 1e-5) -> np.ndarray:
    result = np.zeros_like(values)
    for index in np.ndindex(values.shape):
        shift = np.zeros_like(values)
        shift[index] = step
        difference = np.sum(function(values + shift)) - np.sum(function(values - shift))
        result[index] = difference / (2 * step)
    return result


def random_batch(seed: int, n: int = 6, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.integers(0, classes, n), generator.normal(scale=2, size=(n, classes))


def logits_of(probabilities) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(np.asarray(probabilities, dtype=np.float64)), LOG_ZERO)


# --- what the readings do -----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "expected", "tolerance"),
    [(losses.formula_from_logits, 0.0009, 5e-5), (losses.cross_entropy, 0.995, 5e-4)],
)
def test_two_hundred_steps_from_uniform_logits_over_ten_classes(function, expected, tolerance):
    logits = np.zeros((1, 10))
    for _ in range(200):
        logits = logits - gradient(lambda values: function([3], values), logits)
    assert softmax(logits)[0, 3] == pytest.approx(expected, abs=tolerance)


@pytest.mark.slow
def test_expected_accuracy_also_learns_from_uniform_logits():
    logits = np.zeros((1, 10))
    for _ in range(200):
        logits = logits - gradient(lambda values: losses.expected_accuracy([3], values), logits)
    assert softmax(logits)[0, 3] > 0.95


@pytest.mark.slow
def test_the_literal_formula_turns_round_at_one_over_e():
    logits = logits_of([[0.36, 0.64], [0.38, 0.62]])
    for _ in range(300):
        step = gradient(lambda values: losses.formula_from_logits([0, 0], values), logits)
        logits = logits - 20 * step
    assert softmax(logits, axis=-1)[:, 0] == pytest.approx([0, 1], abs=0.01)


# --- values -------------------------------------------------------------------------------------


def test_the_entropy_of_each_row_is_scipy_s():
    rows = np.random.default_rng(0).dirichlet(np.ones(4), (2, 3))
    np.testing.assert_allclose(losses.entropy(rows), scipy_entropy(rows, axis=-1), rtol=1e-6)


@pytest.mark.slow
@given(logits=tables, labels=label_lists)
@settings(max_examples=40, deadline=None)
def test_cross_entropy_is_the_log_loss_of_scikit_learn(logits, labels):
    # scikit-learn clips probabilities at the rounding error: only where it does not clip.
    logits = logits / 2
    ours = losses.cross_entropy(labels, logits).numpy()
    assert ours.shape == (5,)
    theirs = [
        log_loss([y], p[np.newaxis], labels=range(4))
        for y, p in zip(labels, softmax(logits, axis=-1), strict=True)
    ]
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.slow
@given(logits=tables)
@settings(max_examples=40, deadline=None)
def test_entropies_are_those_of_scipy(logits):
    probabilities = softmax(logits, axis=-1)
    expected = scipy_entropy(probabilities, axis=-1)
    for ours in (losses.prediction_entropy(logits), losses.entropy(probabilities)):
        np.testing.assert_allclose(ours, expected, atol=1e-6)
    information = scipy_entropy(probabilities.mean(axis=0)) - expected.mean()
    assert float(losses.mutual_information(logits)) == pytest.approx(information, abs=1e-6)
    assert -1e-9 <= float(losses.mutual_information(logits)) <= math.log(4) + 1e-9


@pytest.mark.slow
@given(logits=tables, labels=label_lists)
@settings(max_examples=40, deadline=None)
def test_the_label_wise_readings_are_their_formulas(logits, labels):
    log_p = log_softmax(logits, axis=-1)[np.arange(5), labels]
    p = np.exp(log_p)
    for function, expected in (
        (losses.probability_of_label, p),
        (losses.formula_from_logits, -p * log_p),
        (losses.expected_accuracy, -p * log_p),
        (losses.focal_loss, -((1 - p) ** 2) * log_p),
    ):
        np.testing.assert_allclose(function(labels, logits), expected, atol=1e-6)
    np.testing.assert_allclose(losses.formula_as_written(p), -p * log_p, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_options_agree_with_keras(seed):
    labels, logits = random_batch(seed)
    one_hot = np.eye(4)[labels]
    smoothed = keras.losses.categorical_crossentropy(
        one_hot, logits, from_logits=True, label_smoothing=0.2
    )
    ours = losses.cross_entropy(labels, logits, label_smoothing=0.2)
    np.testing.assert_allclose(ours, smoothed, rtol=1e-6)
    for gamma in (0, 0.5, 2, 5):
        focal = keras.losses.categorical_focal_crossentropy(
            one_hot, softmax(logits, axis=-1), alpha=1, gamma=gamma
        )
        ours = losses.focal_loss(labels, logits, gamma=gamma)
        np.testing.assert_allclose(ours, focal, rtol=1e-5)


@pytest.mark.parametrize("name", FROM_LOGITS)
def test_temperature_divides_the_logits(name):
    labels, logits = random_batch(0)
    ours = FROM_LOGITS[name](labels, logits, temperature=2.5)
    np.testing.assert_allclose(ours, FROM_LOGITS[name](labels, logits / 2.5), rtol=1e-9)
    assert not np.allclose(ours, FROM_LOGITS[name](labels, logits))


def test_more_axes_than_one_batch():
    generator = np.random.default_rng(0)
    logits, labels = generator.normal(size=(3, 6, 4)), generator.integers(0, 4, (3, 6))
    for name, function in FROM_LOGITS.items():
        one_by_one = [function(y, x) for y, x in zip(labels, logits, strict=True)]
        np.testing.assert_allclose(function(labels, logits), one_by_one, err_msg=name)
    assert losses.mutual_information(logits).shape == (3,)


# --- mutual information -------------------------------------------------------------------------


def test_information_of_a_binary_symmetric_channel():
    logits = logits_of([[0.9, 0.1], [0.1, 0.9]])
    assert float(losses.mutual_information(logits)) / math.log(2) == pytest.approx(
        0.531004, abs=1e-6
    )


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_information_of_certain_and_of_equal_predictions(classes):
    certain = logits_of(np.tile(np.eye(classes), (4, 1)))
    assert float(losses.mutual_information(certain)) == pytest.approx(math.log(classes), abs=1e-9)
    equal = np.tile(np.linspace(-1, 2, classes), (7, 1))
    assert float(losses.mutual_information(equal)) == pytest.approx(0, abs=1e-9)
    one_class = logits_of(np.tile(np.eye(classes)[:1], (7, 1)))
    assert float(losses.mutual_information(one_class)) == pytest.approx(0, abs=1e-9)


@pytest.mark.slow
def test_information_of_a_gaussian_pair():
    """X at 2,000 equally probable values, Y | X ~ N(0.8 X, 0.36) in 2,000 narrow bins."""
    values = norm.ppf((np.arange(2000) + 0.5) / 2000)
    edges = np.linspace(-6, 6, 2001)
    below = norm.cdf(edges, loc=0.8 * values[:, np.newaxis], scale=0.6)
    channel = np.diff(below, axis=1)
    information = float(losses.mutual_information(logits_of(channel)))
    assert information == pytest.approx(0.510826, abs=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_information_of_a_table_of_counts(seed):
    """With the empirical P(y | x_i) as the prediction of example i it is the table's own."""
    generator = np.random.default_rng(seed)
    x = generator.integers(0, 5, 200)
    y = (x + generator.integers(0, 3, 200)) % 4
    counts = np.zeros((5, 4))
    np.add.at(counts, (x, y), 1)
    conditional = counts / counts.sum(axis=1, keepdims=True)
    information = float(losses.mutual_information(logits_of(conditional[x])))
    assert information == pytest.approx(mutual_info_score(x, y), abs=1e-6)


# --- gradients ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in FROM_LOGITS if name != "expected_accuracy"])
@pytest.mark.parametrize("seed", range(2))
def test_gradients_equal_finite_differences(name, seed):
    labels, logits = random_batch(seed)

    def function(values):
        return FROM_LOGITS[name](labels, values)

    numerical = finite_differences(function, logits)
    assert np.abs(numerical).max() > 1e-3
    np.testing.assert_allclose(gradient(function, logits), numerical, atol=1e-8)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_gradients_equal_their_closed_forms(dtype):
    labels, logits = random_batch(1)
    logits = logits.astype(dtype)
    tolerance = {"float16": 1e-3, "float32": 1e-6, "float64": 1e-12}[dtype]
    p = softmax(logits.astype(np.float64), axis=-1)
    y = np.eye(4)[labels]
    p_label = (p * y).sum(axis=-1, keepdims=True)
    slope_of_p = p_label * (y - p)
    for function, expected in (
        (losses.cross_entropy, p - y),
        (losses.probability_of_label, slope_of_p),
        (losses.expected_accuracy, -slope_of_p),
        (losses.formula_from_logits, -(1 + np.log(p_label)) * slope_of_p),
    ):
        ours = gradient(lambda values, of=function: of(labels, values), logits)
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, expected, atol=tolerance, err_msg=function.__name__)


def test_expected_accuracy_pushes_as_half_the_absolute_error():
    labels, logits = random_batch(2)
    one_hot = np.eye(4)[labels]

    def absolute_error(values):
        return tf.reduce_sum(tf.abs(one_hot - tf.nn.softmax(values)), axis=-1)

    ours = gradient(lambda values: losses.expected_accuracy(labels, values), logits)
    np.testing.assert_allclose(ours, gradient(absolute_error, logits) / 2, atol=1e-12)


@given(p=st.floats(1e-300, 1))
@settings(max_examples=40, deadline=None)
def test_slope_of_the_formula(p):
    slope = gradient(losses.formula_as_written, np.array(p))
    assert float(slope) == pytest.approx(-(1 + math.log(p)), abs=1e-9)


def test_slope_of_the_formula_at_its_special_points():
    at = gradient(losses.formula_as_written, np.array([0.367879441171442, 1.0]))
    np.testing.assert_allclose(at, [0, -1], atol=1e-12)
    for dtype in ("float32", "float64"):
        slope = gradient(losses.formula_as_written, np.zeros(1, dtype))
        assert slope[0] == pytest.approx(-math.log(np.finfo(dtype).tiny), rel=1e-6)
    np.testing.assert_array_equal(losses.formula_as_written([0.0, 1.0]), [0, 0])
    half = gradient(losses.formula_as_written, np.array([0, 6e-8, 0.5, 1], np.float16))
    assert half[0] > half[1] > half[2] > half[3] == -1


def test_at_certainty_the_gradients_through_softmax_are_exact():
    right, wrong = np.array([[1e4, -1e4]]), np.array([[-1e4, 1e4]])
    for name in FROM_LOGITS:
        at_one = gradient(lambda values, of=FROM_LOGITS[name]: of([0], values), right)
        at_zero = gradient(lambda values, of=FROM_LOGITS[name]: of([0], values), wrong)
        surprised = name in ("cross_entropy", "smoothed") or name.startswith("focal")
        smooth = 0.05 if name == "smoothed" else 0
        np.testing.assert_allclose(at_one, [[smooth, -smooth]], atol=1e-12, err_msg=name)
        push = np.array([[-1.0, 1.0]]) * (1 - smooth) if surprised else np.zeros((1, 2))
        np.testing.assert_allclose(at_zero, push, atol=1e-12, err_msg=name)


EXTREMES = np.array(
    [[1e4, -1e4, 0], [-1e4, 1e4, 0], [1e4, 1e4, 1e4], [-1e4, -1e4, -1e4], [0, 10, -10], [20, 0, 0]]
)


@pytest.mark.parametrize("name", FROM_LOGITS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("temperature", [0.01, 1.0, 100.0])
def test_extreme_logits_give_finite_values_and_gradients(name, dtype, temperature):
    logits = tf.cast(EXTREMES, dtype)
    for label in range(3):
        labels = np.full(6, label)

        def function(values, labels=labels):
            return FROM_LOGITS[name](labels, values, temperature=temperature)

        values = function(logits)
        assert values.dtype == ("float64" if dtype == "float64" else "float32")
        assert np.isfinite(values).all()
        # log_softmax in double precision is the reference for the largest losses.
        if name == "cross_entropy":
            exact = -log_softmax(tf.cast(logits, "float64") / temperature, axis=-1)[:, label]
            np.testing.assert_allclose(values, exact, rtol=1e-5, atol=1e-6)
        slopes = gradient(function, logits)
        assert slopes.dtype == logits.dtype.as_numpy_dtype
        assert np.isfinite(slopes.astype(np.float64)).all()


@pytest.mark.slow
@given(
    logits=arrays(np.float32, (4, 3), elements=st.floats(-1e4, 1e4, width=32)),
    labels=arrays(np.int32, 4, elements=st.integers(0, 2)),
)
@settings(max_examples=25, deadline=None)
def test_any_logits_up_to_ten_thousand_give_finite_values_and_gradients(logits, labels):
    for name, function in FROM_LOGITS.items():
        assert np.isfinite(function(labels, logits)).all(), name
        assert np.isfinite(gradient(lambda x, of=function: of(labels, x), logits)).all(), name


# --- bad input ----------------------------------------------------------------------------------

GOOD = [[0.0, 1.0], [2.0, 3.0]]


@pytest.mark.parametrize("name", LABELLED)
@pytest.mark.parametrize(
    ("labels", "logits", "says"),
    [
        ([0, 2], GOOD, "from 0 to 1, .*reach from 0 to 2"),
        ([0, -1], GOOD, "without a label"),
        ([0, 1, 1], GOOD, "for each row"),
        ([[0, 1], [1, 0]], GOOD, "not one-hot"),
        ([0.0, 1.0], GOOD, "integer type"),
        ([True, False], GOOD, "integer type"),
    ],
)
def test_bad_labels_are_refused_in_one_sentence(name, labels, logits, says):
    with pytest.raises(WorkbookError, match=says) as caught:
        LABELLED[name](labels, logits)
    assert str(caught.value).endswith(".")
    assert ". " not in str(caught.value)


@pytest.mark.parametrize("name", FROM_LOGITS)
@pytest.mark.parametrize(
    ("logits", "options", "says"),
    [
        ([[0, 1], [2, 3]], {}, "floating-point numbers, not int"),
        (np.zeros((0, 2)), {}, "empty"),
        (np.zeros((2, 1)), {}, "at least two classes"),
        (np.zeros((2, 0)), {}, "empty"),
        ([[math.nan, 0.0], [0.0, 0.0]], {}, "finite"),
        ([[math.inf, 0.0], [0.0, 0.0]], {}, "finite"),
        (GOOD, {"temperature": 0}, "temperature is 0: .* above 0"),
        (GOOD, {"temperature": math.nan}, "temperature"),
        (GOOD, {"temperature": math.inf}, "temperature"),
    ],
)
def test_bad_logits_are_refused_in_one_sentence(name, logits, options, says):
    with pytest.raises(WorkbookError, match=says) as caught:
        FROM_LOGITS[name](np.zeros(len(logits), int), logits, **options)
    assert str(caught.value).endswith(".")
    assert ". " not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: losses.formula_as_written([0.5, 1.2]), "from 0.5 to 1.2"),
        (lambda: losses.formula_as_written(-0.1), "from -0.1"),
        (lambda: losses.formula_as_written(math.nan), "nan"),
        (lambda: losses.entropy([[0.5, 0.5], [0.6, 0.6]]), "sums to 1.2"),
        (lambda: losses.entropy([1.5, -0.5]), "lie from 0 to 1"),
        (lambda: losses.entropy(0.5), "at least two classes"),
        (lambda: losses.entropy(np.zeros((0, 3))), "empty"),
        (lambda: losses.mutual_information([0.0, 1.0]), "of a batch"),
        (lambda: losses.cross_entropy([0], [[0.0, 1]], label_smoothing=1.1), "from 0 to 1"),
        (lambda: losses.focal_loss([0], [[0.0, 1]], gamma=-1), "at least 0"),
    ],
)
def test_other_bad_input_is_refused_in_one_sentence(call, says):
    with pytest.raises(WorkbookError, match=says) as caught:
        call()
    assert str(caught.value).endswith(".")
    assert ". " not in str(caught.value)


def test_small_rounding_errors_are_no_bad_input():
    losses.formula_as_written(np.float32([1 + 1e-7, -1e-9]))
    losses.entropy(softmax([[1.0, 2.0, 3.0]], axis=-1).astype(np.float16))


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [False, True])
def test_inside_a_compiled_function(compiled):
    @tf.function(autograph=False, jit_compile=compiled)
    def every(labels, logits):
        return [function(labels, logits) for function in FROM_LOGITS.values()]

    labels, logits = random_batch(4)
    for traced, function in zip(every(labels, logits), FROM_LOGITS.values(), strict=True):
        np.testing.assert_allclose(traced, function(labels, logits), rtol=1e-9)
    with pytest.raises(WorkbookError, match="for each row"):
        every(labels[:-1], logits)
    with pytest.raises(WorkbookError, match="floating-point"):
        every(labels, np.zeros((6, 4), int))
    with pytest.raises(WorkbookError, match="integer type"):
        every(labels.astype(float), logits)


def test_a_label_out_of_range_is_visible_even_in_a_compiled_function():
    function = tf.function(losses.cross_entropy, autograph=False)
    values = function(tf.constant([0, -1, 2, 1]), tf.zeros((4, 2))).numpy()
    np.testing.assert_array_equal(np.isnan(values), [False, True, True, False])


# --- Keras losses -------------------------------------------------------------------------------


def small_model(loss) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Input((5,)), keras.layers.Dense(3, name="logits")])
    model.compile("sgd", loss=loss)
    model.optimizer.learning_rate = 0.5
    return model


def blobs(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    labels = np.arange(n) % 3
    return generator.normal(size=(n, 5)).astype("float32") + 3 * np.eye(3, 5)[labels], labels


@pytest.mark.slow
@pytest.mark.parametrize("name", CLASSES)
def test_fitting_lowers_the_loss(name):
    inputs, labels = blobs()
    model = small_model(getattr(losses, name)())
    before = model.evaluate(inputs, labels, verbose=0)
    model.fit(inputs, labels, epochs=5, verbose=0)
    assert model.evaluate(inputs, labels, verbose=0) < before - 0.02


@pytest.mark.parametrize(
    ("loss", "values_of"),
    [
        (lambda: losses.FormulaAsWritten(), LABELLED["formula_from_logits"]),
        (lambda: losses.CrossEntropy(label_smoothing=0.1), LABELLED["smoothed"]),
        (lambda: losses.PredictionEntropy(), FROM_LOGITS["prediction_entropy"]),
        (lambda: losses.ExpectedAccuracy(), LABELLED["expected_accuracy"]),
        (lambda: losses.FocalLoss(gamma=0.5), LABELLED["focal_half"]),
    ],
)
def test_a_keras_loss_is_the_mean_of_its_function(loss, values_of):
    labels, logits = random_batch(5)
    logits = logits.astype("float32")
    values, loss = values_of(labels, logits).numpy(), loss()
    assert float(loss(labels, logits)) == pytest.approx(values.mean(), rel=1e-6)
    assert float(loss(labels[:, np.newaxis], logits)) == pytest.approx(values.mean(), rel=1e-6)
    weights = np.arange(6.0)
    weighted = float(loss(labels, logits, sample_weight=weights))
    assert weighted == pytest.approx((values * weights).mean(), rel=1e-5)
    each = type(loss).from_config(loss.get_config() | {"reduction": "none"})
    np.testing.assert_allclose(each(labels, logits), values, rtol=1e-6)


def test_the_keras_loss_of_information_needs_no_labels():
    _, logits = random_batch(5)
    information = -float(losses.MutualInformation()(np.full(6, -1), logits))
    assert information == pytest.approx(float(losses.mutual_information(logits)), rel=1e-5)


def test_losses_of_keras_in_mixed_precision():
    inputs, labels = blobs()
    keras.utils.set_random_seed(0)
    dense = keras.layers.Dense(3, dtype="mixed_float16", kernel_initializer="ones")
    model = keras.Sequential([keras.layers.Input((5,)), dense])
    model.compile("sgd", loss=losses.CrossEntropy())
    history = model.fit(1e3 * inputs, labels, epochs=2, verbose=0).history["loss"]
    assert np.isfinite(history).all()


@pytest.mark.parametrize("name", CLASSES)
def test_configurations_make_the_same_loss_again(name):
    options = {"temperature": 2.0, "name": "mine", "reduction": "sum"}
    options |= {"CrossEntropy": {"label_smoothing": 0.1}, "FocalLoss": {"gamma": 3.0}}.get(name, {})
    loss = getattr(losses, name)(**options)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss)
    assert keras.saving.get_registered_name(type(loss)) == f"simmim>{name}"
    assert again.get_config() == loss.get_config() == options
    labels, logits = random_batch(6)
    assert float(again(labels, logits)) == float(loss(labels, logits))


def test_bad_options_are_refused_before_training():
    with pytest.raises(WorkbookError, match="Did you mean 'label_smoothing'"):
        losses.CrossEntropy(smoothing=0.1)
    with pytest.raises(WorkbookError, match="from 0 to 1"):
        losses.CrossEntropy(label_smoothing=2)
    with pytest.raises(WorkbookError, match="one-hot"):
        small_model(losses.CrossEntropy()).fit(np.zeros((6, 5)), np.eye(3)[[0, 1, 2] * 2])
    with pytest.raises(AttributeError, match="Nonsense"):
        _ = losses.Nonsense


NEW_PROCESS = """
import sys
import simmim_lib.losses
assert not {"keras", "tensorflow"} & set(sys.modules), "importing the module must be light"
assert "ExpectedAccuracy" in dir(simmim_lib.losses)
from simmim_lib.losses import ExpectedAccuracy
import keras, numpy
for path in sys.argv[2:]:
    model = keras.saving.load_model(path, safe_mode=True)
    model.run_eagerly = True
    data = numpy.load(sys.argv[1])
    value = model.evaluate(data["inputs"], data["labels"], verbose=0)
    model.fit(data["inputs"], data["labels"], verbose=0)
    print("value", type(model.loss).__name__, repr(value), model.loss.options["temperature"])
"""


@pytest.mark.slow
def test_a_saved_model_is_the_same_in_a_new_process(tmp_path):
    inputs, labels = blobs()
    np.savez(tmp_path / "data.npz", inputs=inputs, labels=labels)
    expected, paths = [], []
    for name in CLASSES:
        model = small_model(getattr(losses, name)(temperature=2))
        paths.append(str(tmp_path / f"{name}.keras"))
        model.save(paths[-1])
        expected.append((name, model.evaluate(inputs, labels, verbose=0)))
    command = [sys.executable, "-c", NEW_PROCESS, str(tmp_path / "data.npz"), *paths]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("value")]
    assert [line[1] for line in lines] == CLASSES
    for (_, value), line in zip(expected, lines, strict=True):
        assert float(line[2]) == pytest.approx(value, rel=1e-6)
        assert float(line[3]) == 2
