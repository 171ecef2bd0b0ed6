"""What the live pages compute is what the library computes, to the fifth digit."""

from pathlib import Path

import numpy as np
import pytest

from simmim_lib import information, losses, masking, training, weighting
from simmim_lib.diagnostic_accuracy import predictive_values

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LIVE = Path(__file__).parents[2] / "docs" / "static" / "live"
UNITS, CLASSES, STEPS = 6, 3, 25


@pytest.fixture(scope="module")
def page(chromium):
    """A blank page that knows the functions of the live page."""
    blank = chromium.new_page()
    for name in ("heads", "gradients", "screening", "formula", "masks"):
        text = (LIVE / f"{name}.js").read_text(encoding="utf-8")
        blank.add_script_tag(content=f"{text};window.{name.title()} = {name.title()};")
    return blank


@pytest.fixture(scope="module")
def examples() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "labelled": random.normal(size=(9, UNITS)).astype(np.float32),
        "labels": np.arange(9, dtype=np.int32) % CLASSES,
        "unlabelled": random.normal(size=(40, UNITS)).astype(np.float32),
        "kernel": random.normal(size=(UNITS, CLASSES)).astype(np.float32) / 3,
        "bias": np.zeros(CLASSES, np.float32),
    }


def by_library(examples: dict[str, np.ndarray], weight: float, spread: float) -> list[np.ndarray]:
    """Train with the library on all examples at every step."""
    import keras

    model = keras.Sequential([keras.Input((UNITS,)), keras.layers.Dense(CLASSES)])

    def all_of(name: str) -> np.ndarray:
        return np.tile(np.arange(len(examples[name]), dtype=np.int32), (1, STEPS, 1))

    unlabelled = training.Unlabelled(
        examples["unlabelled"], all_of("unlabelled"), np.full(CLASSES, 1 / CLASSES)
    )
    task = training.Examples(
        examples["labelled"][None], examples["labels"][None], all_of("labels"), unlabelled
    )
    recipe = information.Recipe(information=weight, spread=spread, ramp=10)
    start = [examples["kernel"][None], examples["bias"][None]]
    options = training.Options(learning_rate=8e-3, recipe=recipe)
    return [each[0] for each in training.train(model, start, [task], options)]


@pytest.mark.parametrize(("weight", "spread"), [(0.3, 1.0), (3.0, 0.0), (1.0, 2.0)])
def test_the_same_examples_give_the_same_head(page, examples, weight, spread):
    given = {name: values.ravel().tolist() for name, values in examples.items()}
    given |= {"units": UNITS, "rate": 8e-3, "information": weight, "spread": spread, "ramp": 10}
    found = page.evaluate(
        """([given, steps]) => {
            const learner = Heads.learner(given);
            for (let step = 0; step < steps; step++) learner.step();
            return [Array.from(learner.weights.kernel), Array.from(learner.weights.bias)];
        }""",
        [given, STEPS],
    )
    known = by_library(examples, weight, spread)
    assert np.abs(known[0] - examples["kernel"]).max() > 0.05
    for ours, theirs in zip(known, found, strict=True):
        np.testing.assert_allclose(np.array(theirs).reshape(ours.shape), ours, atol=1e-5)


def test_slopes_are_those_of_the_losses(page, examples):
    """Central differences of the loss with respect to each logit."""
    logits = np.random.default_rng(1).normal(size=(5, CLASSES))
    found = page.evaluate(
        """(logits) => {
            const classes = 3, rows = logits.length / classes;
            const at = (values) => {
                const one = Array.from({ length: rows * rows }, (_, n) => +(n % (rows + 1) === 0));
                const p = Heads.probabilities(one, rows, rows, values, new Array(classes).fill(0));
                return [Heads.crossEntropy(p, [0, 1, 2, 0, 1], classes),
                        Heads.lackOfInformation(p, rows, classes, 0.7)];
            };
            const slopes = at(logits).map((each) => Array.from(each.slope));
            const byHand = slopes.map(() => []);
            logits.forEach((_, place) => {
                const moved = (by) => at(logits.map((value, n) => value + (n === place ? by : 0)));
                const [up, down] = [moved(1e-5), moved(-1e-5)];
                byHand.forEach((each, n) => each.push((up[n].loss - down[n].loss) / 2e-5));
            });
            return [slopes, byHand];
        }""",
        logits.ravel().tolist(),
    )
    np.testing.assert_allclose(*map(np.array, found), atol=1e-8)


def test_halves_are_read_as_numpy_writes_them(page):
    import base64

    values = np.array([0, 1, -2.5, 65504, 6e-8, 0.1, -1e-4, 3.14159], np.float16)
    text = base64.b64encode(values.tobytes()).decode()
    found = page.evaluate("(text) => Array.from(Heads.halves(text))", text)
    np.testing.assert_array_equal(found, values.astype(np.float64))


def test_intervals_are_student_s(page):
    from simmim_lib.foundation.intervals import interval

    values = [0.7, 0.75, 0.9, 0.62, 0.81, 0.7, 0.66, 0.9, 0.5, 0.77]
    for count in range(2, 11):
        found = page.evaluate("(values) => Heads.interval(values)", values[:count])
        expected = interval(np.array(values[:count]))
        np.testing.assert_allclose([found["mean"], found["half"]], expected, rtol=1e-7)


@pytest.mark.parametrize(
    "method", ["mgda", "pcgrad", "cagrad", "imtl-g", "nash-mtl", "aligned-mtl"]
)
def test_steps_are_those_of_the_library(page, method):
    random = np.random.default_rng(0)
    pairs = [random.normal(size=(2, 2)) * random.uniform(0.1, 3, (2, 1)) for _ in range(30)]
    pairs += [
        np.array([[1.0, 0], [0, 2]]),
        np.array([[2.0, 0], [0, 1]]),
        np.array([[1.0, 0], [1, 1]]),
        np.array([[0.5, 0], [3.75, 0]]),
        np.array([[1.0, 0], [1, 0]]),
    ]
    for pair in pairs:
        found = page.evaluate(
            "([method, a, b]) => Gradients.mix(a, b, Gradients.weights[method](a, b))",
            [method, *pair.tolist()],
        )
        known = weighting.combine(method, pair).direction
        np.testing.assert_allclose(found, known, atol=1e-5, err_msg=str(pair))


@pytest.mark.parametrize("apart", [0.0, 1.5, 4.0])
def test_a_threshold_tells_people_what_bayes_says(page, apart):
    from scipy.stats import norm

    for threshold, prevalence in ((-1.0, 0.5), (1.25, 0.001), (3.0, 0.74)):
        found = page.evaluate("(given) => Screening.at(...given)", [threshold, apart, prevalence])
        sensitivity, specificity = norm.sf(threshold - apart), norm.cdf(threshold)
        known = predictive_values(sensitivity, specificity, prevalence)
        np.testing.assert_allclose(
            [found[name] for name in ("sensitivity", "specificity", "positive", "negative")],
            [sensitivity, specificity, *known],
            atol=1e-5,
        )
        shares = [found[name] for name in ("found", "missed", "calm", "alarmed")]
        assert sum(shares) == pytest.approx(1)
        assert found["accuracy"] == pytest.approx(shares[0] + shares[2])
    area = page.evaluate("(apart) => Screening.area(apart)", apart)
    assert area == pytest.approx(norm.cdf(apart / np.sqrt(2)), abs=1e-5)


READINGS = {
    "written": losses.formula_from_logits,
    "cross_entropy": losses.cross_entropy,
    "entropy": lambda labels, logits: losses.prediction_entropy(logits),
    "accuracy": losses.expected_accuracy,
}


@pytest.mark.parametrize("name", READINGS)
def test_readings_of_the_formula_have_the_library_s_values_and_slopes(page, name):
    import tensorflow as tf

    logits = np.random.default_rng(2).normal(size=(12, 3)) * 3
    labels = np.arange(12) % 3
    with tf.GradientTape() as tape:
        given = tf.Variable(logits)
        values = READINGS[name](tf.constant(labels), given)
        total = tf.reduce_sum(values)
    slopes = tape.gradient(total, given).numpy()
    found = page.evaluate(
        """([name, logits, labels]) => logits.map((each, n) => {
            const { loss, slope } = Formula.losses[name](Formula.softmax(each), labels[n]);
            return [loss, ...slope];
        })""",
        [name, logits.tolist(), labels.tolist()],
    )
    np.testing.assert_allclose(np.array(found)[:, 0], values.numpy(), atol=1e-5)
    np.testing.assert_allclose(np.array(found)[:, 1:], slopes, atol=1e-5)


@pytest.mark.parametrize(("start", "rises"), [(0.3, False), (0.45, True)])
def test_the_formula_as_written_turns_where_lesson_02_says(page, start, rises):
    """Below 1/e the label loses by it, above it gains: p log p is smallest there."""
    p = [start, (1 - start) / 2, (1 - start) / 2]
    path = page.evaluate('(p) => Formula.descend("written", p, 0, 60, 0.5)', p)
    assert (path[-1][0] > start) == rises
    assert all(sum(each) == pytest.approx(1) for each in path)


@pytest.mark.parametrize("ratio", [0.1, 0.28, 0.6, 0.9])
@pytest.mark.parametrize(("grid", "unit"), [(7, 1), (7, 2), (14, 3), (5, 1), (4, 4)])
def test_masks_hide_as_many_units_as_the_library_s(page, grid, unit, ratio):
    units = masking.number_of_units(grid, unit)
    hidden = masking.number_hidden(units, ratio)
    found = page.evaluate(
        """([grid, unit, ratio]) => {
            const units = Masks.units(grid, unit);
            return [units, Masks.hidden(units, ratio), Masks.draw(grid, unit, ratio, Math.random)];
        }""",
        [grid, unit, ratio],
    )
    assert found[:2] == [units, hidden]
    mask = np.array(found[2])
    corners = mask[::unit, ::unit]
    assert mask.shape == (grid, grid) and corners.sum() == hidden
    whole = corners.repeat(unit, axis=0).repeat(unit, axis=1)[:grid, :grid]
    np.testing.assert_array_equal(mask, whole)
