"""The page that learns in the browser does what the library does, to the fifth digit."""

import os
from pathlib import Path

import numpy as np
import pytest

from simmim_lib import information, training, weighting

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LIVE = Path(__file__).parents[2] / "docs" / "static" / "live"
UNITS, CLASSES, STEPS = 6, 3, 25


@pytest.fixture(scope="module")
def page():
    """A blank page that knows the functions of the live page."""
    browser = pytest.importorskip("browser", reason="the browser's driver is not installed")
    if not browser.find_browser() and not os.environ.get("SIMMIM_REQUIRE_BROWSER"):
        pytest.skip("there is no Chromium")
    with browser.chromium() as opened:
        blank = opened.new_page()
        for name in ("heads", "gradients"):
            text = (LIVE / f"{name}.js").read_text(encoding="utf-8")
            blank.add_script_tag(content=f"{text};window.{name.title()} = {name.title()};")
        yield blank


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

    values = [0.7, 0.75, 0.9, 0.62, 0.81]
    found = page.evaluate("(values) => Heads.interval(values)", values)
    np.testing.assert_allclose(
        [found["mean"], found["half"]], interval(np.array(values)), rtol=1e-3
    )


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
    ]
    for pair in pairs:
        found = page.evaluate(
            "([method, a, b]) => Gradients.mix(a, b, Gradients.weights[method](a, b))",
            [method, *pair.tolist()],
        )
        known = weighting.combine(method, pair).direction
        np.testing.assert_allclose(found, known, atol=1e-5, err_msg=str(pair))
