"""Pictures and tables of a report: what they show is what was found."""

import re

import numpy as np
import pytest
from planted_results import as_scores
from sklearn.metrics import confusion_matrix

from simmim_lib import datasets, experiments
from simmim_lib.calibration import expected_calibration_error, reliability
from simmim_lib.experiments.baselines import ASKED, PROBE, SCRATCH, Findings, Way
from simmim_lib.experiments.cost import Cost
from simmim_lib.lessons.report import figures, image_figures, tables
from simmim_lib.pictures.classification import MIN_PREDICTIONS
from simmim_lib.settings import Settings


def way(name: str, target: str, right: float, seeds: int = 3) -> Way:
    """Make up predictions of which about a known share is right."""
    labels = datasets.load(target).test.labels
    classes = len(datasets.load(target).class_names)
    random = np.random.default_rng(len(name))
    probabilities = random.dirichlet(np.ones(classes), (seeds, len(labels)))
    hit = random.random((seeds, len(labels))) < right
    best = np.where(hit, labels, random.integers(classes, size=hit.shape))
    np.put_along_axis(probabilities, best[..., None], 2.0, axis=-1)
    probabilities /= probabilities.sum(axis=-1, keepdims=True)
    accuracy = np.mean(probabilities.argmax(axis=-1) == labels, axis=1)
    curve = np.linspace(0.1, accuracy, 4)
    return Way(
        name,
        (Settings(targets=(target,), seeds=seeds),),
        as_scores({target: accuracy}),
        {target: accuracy},
        {target: probabilities},
        {target: np.arange(4) * 10},
        {target: curve},
        seconds=1.5,
        cost=Cost(1000, 10, 2e9),
    )


@pytest.fixture(scope="module", params=["uci-digits", "fashion", "glyphs"])
def found(request) -> Findings:
    target = request.param
    asked = way(ASKED, target, 0.7)
    result = experiments.Result(
        asked.settings[0],
        as_scores(asked.accuracy),
        asked.validation,
        asked.probabilities,
        seconds=1.5,
    )
    compared = {name: way(name, target, share) for name, share in ((SCRATCH, 0.4), (PROBE, 0.6))}
    return Findings(result, asked, compared)


def target_of(found: Findings) -> str:
    return found.settings.targets[0]


@pytest.mark.slow
def test_the_confusion_is_scikit_learn_s_mean_over_seeds(found):
    target = target_of(found)
    labels = datasets.load(target).test.labels
    predicted = found.asked.probabilities[target].argmax(axis=-1)
    counts = [confusion_matrix(labels, own) for own in predicted]
    expected = np.mean([each / each.sum(axis=1, keepdims=True) for each in counts], axis=0)
    np.testing.assert_allclose(figures.confusion_shares(found, target), expected)
    alt = figures.confusion(found, target).alt
    names = datasets.load(target).class_names
    assert f"{names[0]}: {100 * expected[0, 0]:.0f} %" in alt
    np.fill_diagonal(expected, 0)
    row, column = np.unravel_index(expected.argmax(), expected.shape)
    assert f"{names[row]} is taken for {names[column]}" in alt


@pytest.mark.slow
def test_every_picture_fits_and_is_described(found):
    target = target_of(found)
    pictures = {
        "examples": image_figures.examples(found.settings, target, "target"),
        "most wrong": image_figures.most_wrong(found, target),
        "accuracies": figures.accuracies(found),
        "confusion": figures.confusion(found, target),
        "curves": figures.learning_curves(found, target),
        "reliability": figures.reliability(found, target),
    }
    for name, picture in pictures.items():
        assert picture.png()[:4] == b"\x89PNG"
        assert len(picture.alt) > 60 and "nan" not in picture.alt, name
        assert _overhang(picture.figure) <= 1, name
    budget = "budget quick"
    for name in ("confusion", "curves"):
        assert budget in pictures[name].figure.axes[0].get_title(loc="left"), name
    for name in ("confusion", "curves", "reliability", "accuracies"):
        axes = [each for each in pictures[name].figure.axes if each.get_xlabel()]
        assert axes and all(each.get_xlabel() for each in axes), name


def _overhang(figure) -> float:
    """Return by how many pixels anything drawn sticks out of the figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer = FigureCanvasAgg(figure).get_renderer()
    box, page = figure.get_tightbbox(renderer).padded(0), figure.bbox_inches
    outside = (page.x0 - box.x0, page.y0 - box.y0, box.x1 - page.x1, box.y1 - page.y1)
    return max(outside) * figure.dpi


def test_learning_curves_draw_every_way(found):
    target = target_of(found)
    axes = figures.learning_curves(found, target).figure.axes[0]
    drawn = {line.get_label(): line.get_xydata() for line in axes.get_lines()}
    assert list(drawn) == [SCRATCH, PROBE, ASKED]
    for name, points in drawn.items():
        curve = found.ways[name].curves[target]
        np.testing.assert_allclose(points[:, 1], curve.mean(axis=1))
    looks = [(line.get_color(), line.get_linestyle()) for line in axes.get_lines()]
    assert len({style for _, style in looks}) == len(looks)  # told apart without colours, too


def test_reliability_shows_what_was_asked_and_the_best_baseline(found):
    target = target_of(found)
    figure = figures.reliability(found, target).figure
    diagrams = [axes for axes in figure.axes if axes.get_title(loc="left")]
    titles = [axes.get_title(loc="left") for axes in diagrams]
    assert titles[0].startswith(ASKED) and titles[1].startswith(PROBE)
    labels = datasets.load(target).test.labels
    errors = [
        100 * expected_calibration_error(own, labels) for own in found.asked.probabilities[target]
    ]
    assert f"error {np.mean(errors):.1f} ±" in titles[0]
    for axes, name in zip(diagrams, (ASKED, PROBE), strict=True):
        predictions = found.ways[name].probabilities[target]
        pooled = reliability(np.concatenate(predictions), np.tile(labels, len(predictions)))
        shown = pooled.accuracy[pooled.count >= MIN_PREDICTIONS]
        np.testing.assert_allclose([bar.get_height() for bar in axes.containers[0]], shown)


def test_the_table_of_accuracies_tells_means_seeds_and_differences(found):
    target = target_of(found)
    table = tables.accuracies(found, target)
    rows = {row[0]: row for row in table.rows}
    asked, scratch = found.asked.accuracy[target], found.baselines[SCRATCH].accuracy[target]
    assert rows[SCRATCH][1].startswith(f"{100 * scratch.mean():.1f} ± ")
    assert rows[SCRATCH][2].split() == [f"{100 * value:.1f}" for value in scratch]
    assert rows[SCRATCH][3].startswith(f"{100 * (asked - scratch).mean():+.1f} ± ")
    assert rows[SCRATCH][3].endswith(": gain") and rows[ASKED][3] == "–"


@pytest.mark.slow
def test_the_other_tables(found):
    settings, target = found.settings, target_of(found)
    names = [row[0] for row in tables.all_settings(settings).rows]
    assert set(names) == set(settings.as_dict())
    usual = [row[0] for row in tables.asked(settings).rows]
    changed = settings.replace(optimizer="sgd", frozen_layers=0, information=0.5)
    more = [row[0] for row in tables.asked(changed).rows]
    assert set(more) - set(usual) == {"optimizer", "information"}
    (line,) = (row for row in tables.data(settings).rows if row[0] == f"{target} (target)")
    classes = len(datasets.load(target).class_names)
    assert line[1:4:2] == (str(classes), f"{10 * classes:,}")
    cost = tables.cost(found)
    assert re.search(r"\d MiB|does not say", cost.caption)
    assert {row[4] for row in cost.rows} == {"2.0"}
    error = 100 * found.asked.calibration_error(target).mean()
    assert tables.calibration(found).rows[-1][1].startswith(f"{error:.1f} ±")
