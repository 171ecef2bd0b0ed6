"""The figures of lesson 05: they show what was measured, and their text says the same."""

import numpy as np
import pytest
from planted_results import as_scores
from scipy import stats
from sklearn.metrics import confusion_matrix

from simmim_lib import datasets, losses
from simmim_lib.calibration import reliability
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import Course, Result
from simmim_lib.information import Diagnosis
from simmim_lib.lessons.information_maximisation import figures, halves_figures, labels_figures
from simmim_lib.pictures.classification import MIN_PREDICTIONS, confusion_counts
from simmim_lib.settings import Settings
from simmim_lib.studies.stored import Record, StoredStudy

RANDOM = np.random.default_rng(0)
INFORMED = {"information": 1.0, "agreement": 1.0, "augmentation": 1.0, "frozen_layers": 0}


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)


def course(probabilities, labels, validation=(0.5,), result=None, **fields):
    """A course of one seed whose last look is given."""
    settings = Settings(**{"seeds": 1, "steps": 40, **fields})
    target = settings.targets[0]
    return Course(
        settings,
        np.arange(len(validation)) * 20,
        {target: np.array(validation)[:, None]},
        {target: np.asarray(probabilities)[None]},
        {target: np.asarray(labels)[None]},
        result,
    )


def accuracies(mean, seeds=10):
    return mean + RANDOM.normal(0, 0.01, seeds)


def box(axes):
    """The texts and titles of an axes in one string."""
    return " ".join([axes.get_title(loc="left"), *(text.get_text() for text in axes.texts)])


# --- the two halves -----------------------------------------------------------------------------


def test_the_halves_are_those_of_mutual_information():
    logits = RANDOM.normal(0, 2, (50, 10))
    spread, doubt = halves_figures.halves(softmax(logits))
    assert spread - doubt == pytest.approx(float(losses.mutual_information(logits)))
    assert halves_figures.halves(np.eye(10)) == pytest.approx((np.log(10), 0))
    assert halves_figures.halves(np.full((3, 10), 0.1)) == pytest.approx((np.log(10),) * 2)


def test_a_sure_prediction_stands_in_its_corner_and_an_unsure_one_in_the_middle():
    sure, unsure = np.eye(10)[3], np.full(10, 0.1)
    now = course([sure, unsure, sure], [3, 5, 8])
    decagon = halves_figures.two_halves([now]).figure.axes[0]
    marks = {line.get_marker(): line for line in decagon.lines if len(line.get_xdata()) == 1}
    corner = halves_figures.corners(10)[3]
    assert corner == pytest.approx([np.sin(0.6 * np.pi), np.cos(0.6 * np.pi)])
    np.testing.assert_allclose(np.ravel(marks["$3$"].get_data()), corner, atol=1e-9)
    np.testing.assert_allclose(np.ravel(marks["$5$"].get_data()), 0, atol=1e-9)
    assert marks["$3$"].get_color() != marks["$8$"].get_color()  # right and wrong
    beside = np.linalg.norm(np.ravel(marks["$8$"].get_data()) - corner)
    assert 0.02 < beside < 0.1
    assert "1 right" in box(decagon) and "2 wrong" in box(decagon)


def test_the_curves_and_the_largest_share_are_those_of_the_looks():
    looks = [softmax(RANDOM.normal(0, size, (200, 10))) for size in (0.1, 5)]
    looks[1] = np.concatenate([np.eye(10)[[7] * 150], looks[1][:50]])
    labels = RANDOM.integers(0, 10, 200)
    courses = [course(looks[0], labels, (0.1,)), course(looks[1], labels, (0.1, 0.6))]
    picture = halves_figures.two_halves(courses)
    _, bars, nats, right = picture.figure.axes
    spread, doubt = (line.get_ydata() for line in nats.lines[:2])
    for place, look in enumerate(looks):
        found = halves_figures.halves(look)
        assert (spread[place], doubt[place]) == pytest.approx(found)
    assert right.lines[0].get_ydata().tolist() == [0.1, 0.6]
    share = looks[1].mean(axis=0)[7]
    assert box(bars).endswith(f"{100 * share:.0f} %")
    assert f"class 7 the largest share, {share:.0%}" in picture.alt
    assert f"is the information, {spread[1] - doubt[1]:.2f}" in picture.alt
    assert all(axes.get_ylabel() for axes in (bars, nats, right))


def test_the_alarm_is_written_below_with_its_own_words():
    labels = np.arange(100) % 10
    collapsed = halves_figures.two_halves([course(np.eye(10)[[4] * 100], labels)])
    fine = halves_figures.two_halves([course(np.eye(10)[labels], labels)])
    written = [
        " ".join(" ".join(text.get_text() for text in each.figure.texts).split())
        for each in (collapsed, fine)
    ]
    assert "ALARM: collapsed in 1 of 1 seeds (0): up to 100% of the images" in written[0]
    assert "Alarm silent: no collapse: the most predicted class has 10%" in written[1]
    assert "collapsed in 1 of 1" in collapsed.alt and "no collapse" in fine.alt


def test_in_the_end_the_alarm_is_that_of_the_result():
    labels = np.arange(100) % 10
    diagnosis = Diagnosis(np.array([0.77]), np.array([0.5]), np.log(10))
    result = Result(Settings(seeds=1), {}, {}, {}, 1.0, diagnostics={"mnist": diagnosis})
    picture = halves_figures.two_halves([course(np.eye(10)[labels], labels, result=result)])
    assert "up to 77% of the images" in picture.alt


# --- labels, or unlabelled images ---------------------------------------------------------------


def stored(targets=("mnist",), counts=(1, 10)):
    plain = {"seeds": 10, "steps": 500, "budget": "full"}
    ways = ({"source": None}, {}, INFORMED)
    settings = [
        Settings(targets=(target,), labels_per_class=count, **plain, **way)
        for target in targets
        for count in counts
        for way in ways
    ]
    nothing = Settings(targets=targets[:1], labels_per_class=0, **plain, **INFORMED)
    records = [Record(each, {"accuracy": accuracies(0.8)}) for each in (*settings, nothing)]
    return StoredStudy("unlabelled", "", "", "full", {}, records)


def test_each_way_has_its_curve_and_band():
    found = stored()
    picture = labels_figures.labels_or_unlabelled(found, "mnist", None)
    (axes,) = picture.figure.axes
    curves = {line.get_label(): line for line in axes.lines}
    assert list(curves) == ["from scratch", "fine-tuned", "SimMIM"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0", "1", "10"]
    for (way, curve), band in zip(curves.items(), axes.collections, strict=True):
        fields = {"source": None if way == "from scratch" else "glyphs"}
        fields["information"] = float(way == "SimMIM")
        counts = (0, 1, 10) if way == "SimMIM" else (1, 10)
        values = [found.values(labels_per_class=count, **fields) for count in counts]
        np.testing.assert_allclose(curve.get_ydata(), np.mean(values, axis=1))
        assert list(curve.get_xdata()) == [(0, 1, 10).index(count) for count in counts]
        corners = band.get_paths()[0].vertices[:, 1]
        for each in values:
            interval = stats.ttest_1samp(each, 0).confidence_interval(0.95)
            assert np.abs(corners - interval.low).min() < 1e-9
            assert np.abs(corners - interval.high).min() < 1e-9
        assert f"10: {values[-1].mean():.3f} ± " in picture.alt
    assert axes.get_xlabel() and axes.get_ylabel() == "test accuracy"


def test_the_live_point_is_hollow_until_it_is_tested():
    fields = {"labels_per_class": 20, **INFORMED}
    under_way = course(np.eye(10), range(10), (0.3, 0.81), **fields)
    result = Result(under_way.settings, as_scores({"mnist": np.array([0.79])}), {}, {}, 1.0)
    done = course(np.eye(10), range(10), (0.3, 0.81), result, **fields)
    for live, value, images in ((under_way, 0.81, "validation"), (done, 0.79, "test")):
        picture = labels_figures.labels_or_unlabelled(stored(), "mnist", live)
        (axes,) = picture.figure.axes
        (mark,) = [line for line in axes.lines if line.get_marker() == "D"]
        assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (3, pytest.approx(value))
        assert (mark.get_markerfacecolor() == "white") == (live is under_way)
        assert f"now: {value:.3f} on {images} images (1 seed, 20 of 40 steps), " in picture.alt
        assert [text.get_text() for text in axes.get_xticklabels()] == ["0", "1", "10", "20"]


def test_a_live_point_below_the_axis_waits_at_its_edge():
    live = course(np.eye(10), range(10), (0.02,), labels_per_class=1, **INFORMED)
    (axes,) = labels_figures.labels_or_unlabelled(stored(), "mnist", live).figure.axes
    (mark,) = [line for line in axes.lines if line.get_marker() == "D"]
    assert mark.get_ydata()[0] == axes.get_ylim()[0] > 0.5


def test_a_target_that_was_not_studied_is_refused():
    with pytest.raises(WorkbookError, match=r"Unknown target 'fashion'.*Choose one of: mnist"):
        labels_figures.labels_or_unlabelled(stored(), "fashion", None)


# --- no labels ----------------------------------------------------------------------------------


def test_the_table_counts_what_is_taken_for_what():
    labels, guesses = RANDOM.integers(0, 10, (2, 200))
    counts = confusion_counts(np.eye(10)[guesses], labels)
    np.testing.assert_array_equal(counts, confusion_matrix(labels, guesses))


def test_the_climb_stands_beside_the_stored_accuracies():
    labels = np.arange(200) % 10
    guesses = np.where((labels == 7) & (np.arange(200) < 150), 1, labels)
    lines = {"source only": accuracies(0.7), "1,000 steps": accuracies(0.97)}
    fields = {"labels_per_class": 0, **INFORMED}
    picture = labels_figures.no_labels(
        course(np.eye(10)[guesses], labels, (0.6, 0.92), **fields), lines
    )
    climb, table = picture.figure.axes
    found = {line.get_label().split(":")[0]: line.get_ydata() for line in climb.lines}
    for name, values in lines.items():
        np.testing.assert_allclose(found[name], values.mean())
        assert f"{name} {values.mean():.3f} ± " in picture.alt
    assert list(found["now (validation)"]) == [0.6, 0.92]
    shares = table.images[0].get_array()
    assert shares[7, 1] == pytest.approx(75) and shares[7, 7] == pytest.approx(25)
    assert "7 taken for 1, images: 15" in picture.alt
    assert "from glyphs" in picture.alt and "after 20 of 40 steps, 0.60 at the start" in picture.alt
    assert (table.get_xlabel(), table.get_ylabel()) == ("predicted class", "true class")


def test_a_perfect_reader_confuses_nothing():
    now = course(np.eye(10), range(10), (1.0,), labels_per_class=0, **INFORMED)
    picture = labels_figures.no_labels(now, {"source only": accuracies(0.7)})
    assert "most often confused: none" in picture.alt


# --- what the lesson shows besides --------------------------------------------------------------


def test_views_stand_under_their_images():
    images = datasets.load("mnist").train.images[:3]
    weak, strong = np.roll(images, 1, axis=1), np.roll(images, 4, axis=2)
    picture = figures.views(images, weak, strong)
    shown = [axes.images[0].get_array() for axes in picture.figure.axes]
    np.testing.assert_array_equal(shown, np.concatenate([images, weak, strong])[..., 0])
    names = [text.get_text() for text in picture.figure.texts]
    assert names == ["image", "weak view", "strong view"]
    assert f"{np.abs(strong - images).mean():.2f} in the strong ones" in picture.alt


def test_an_ablation_marks_the_whole_recipe_and_tells_what_each_part_is_worth():
    whole, without = accuracies(0.96), accuracies(0.90)
    rows = {n: {figures.NOTHING: whole, "information": without} for n in (1, 5)}
    picture = figures.ablation(rows, "MNIST")
    first, second = picture.figure.axes
    assert first.get_title(loc="left") == "1 label per class"
    assert second.get_title(loc="left") == "5 labels per class"
    assert [tick.get_text() for tick in first.get_yticklabels()] == [
        "nothing: the whole recipe",
        "information",
    ]
    assert first.lines[0].get_xdata()[0] == pytest.approx(whole.mean())
    dots = [float(container[0].get_xdata()[0]) for container in first.containers]
    assert dots == pytest.approx([whole.mean(), without.mean()])
    paired = stats.ttest_rel(without, whole)
    half = np.diff(paired.confidence_interval(0.95)).item() / 2
    cost = 100 * (without - whole).mean()
    assert f"without information {without.mean():.3f}" in picture.alt
    assert f"{cost:+.1f} ± {100 * half:.1f} points: loss" in picture.alt
    assert second.get_xlabel() == "test accuracy"


def test_reliability_shows_accuracy_and_the_gap_to_confidence():
    def predictions(surely):
        logits = RANDOM.normal(0, 1, (500, 10))
        labels = RANDOM.integers(0, 10, 500)
        logits[np.arange(500), labels] += 2
        return reliability(softmax(surely * logits), labels)

    before, after = predictions(1), predictions(4)
    picture = figures.reliability(before, after, ("fine-tuned", "informed"))
    left, counts, right, _ = picture.figure.axes
    for axes, each, name in ((left, before, "fine-tuned"), (right, after, "informed")):
        assert axes.get_title(loc="left") == f"{name}: calibration error {each.expected_error:.1%}"
        accuracy, gap = axes.containers
        filled = each.count >= MIN_PREDICTIONS
        np.testing.assert_allclose([bar.get_height() for bar in accuracy], each.accuracy[filled])
        tops = [bar.get_y() + bar.get_height() for bar in gap]
        np.testing.assert_allclose(tops, each.confidence[filled])
        assert f"{name}: expected calibration error {each.expected_error:.1%}" in picture.alt
    assert sum(bar.get_height() for bar in counts.containers[0]) == pytest.approx(100)
    assert "nan" not in picture.alt and picture.png()


def test_crosses_are_the_seeds_whose_alarm_rings():
    rows = {
        "spread 0": Diagnosis(np.array([0.9, 0.2, 0.8]), np.log([2, 8, 4.9]), np.log(10)),
        "spread 1": Diagnosis(np.full(3, 0.12), np.log([9.5, 9.6, 5.1]), np.log(10)),
    }
    picture = figures.collapse(rows, "MNIST")
    shares, classes = picture.figure.axes
    assert [tick.get_text() for tick in shares.get_yticklabels()] == list(rows)
    found = {sign: [] for sign in "Xo"}
    for line in classes.lines:
        if line.get_marker() in found:
            found[line.get_marker()] += list(line.get_xdata())
    assert found["X"] == pytest.approx([2, 4.9])
    assert found["o"] == pytest.approx([8, 9.5, 9.6, 5.1])
    (threshold,) = [line for line in classes.lines if line.get_linestyle() == "--"]
    assert threshold.get_xdata()[0] == pytest.approx(5)
    assert shares.lines[0].get_marker() == "o" and shares.lines[0].get_xdata() == pytest.approx(20)
    assert "spread 0: the alarm rings in 2 of 3 seeds" in picture.alt
    assert "spread 1: the alarm rings in 0 of 3 seeds" in picture.alt
    assert "at most 90%" in picture.alt and "fewer than 5 classes" in picture.alt
