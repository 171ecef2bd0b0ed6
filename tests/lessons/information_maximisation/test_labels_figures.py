"""Few labels and none in lesson 05: pictures show what was measured, and say the same."""

import numpy as np
import pytest
from courses import course
from planted_results import as_scores
from scipy import stats

from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import Result
from simmim_lib.lessons.information_maximisation import labels_figures as figures
from simmim_lib.settings import Settings
from simmim_lib.studies.stored import Record, StoredStudy

RANDOM = np.random.default_rng(0)
INFORMED = {"information": 1.0, "agreement": 1.0, "augmentation": 1.0, "frozen_layers": 0}


def accuracies(mean, seeds=10):
    return mean + RANDOM.normal(0, 0.01, seeds)


# --- labels, or unlabelled images ---------------------------------------------------------------


def stored(targets=("mnist",), counts=(1, 10)):
    plain = {"seeds": 10, "steps": 500, "budget": "full"}
    ways = ({"source": None}, {}, {**INFORMED, "information": 0.0, "agreement": 0.0}, INFORMED)
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
    picture = figures.labels_or_unlabelled(found, "mnist", None)
    (axes,) = picture.figure.axes
    curves = {line.get_label(): line for line in axes.lines}
    assert list(curves) == ["from scratch", "fine-tuned", "augmented", "SimMIM"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0", "1", "10"]
    for (way, curve), band in zip(curves.items(), axes.collections, strict=True):
        fields = {"source": None if way == "from scratch" else "glyphs"}
        fields["information"] = float(way == "SimMIM")
        fields["augmentation"] = float(way in ("augmented", "SimMIM"))
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
        picture = figures.labels_or_unlabelled(stored(), "mnist", live)
        (axes,) = picture.figure.axes
        (mark,) = [line for line in axes.lines if line.get_marker() == "D"]
        assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (3, pytest.approx(value))
        assert (mark.get_markerfacecolor() == "white") == (live is under_way)
        assert f"now: {value:.3f} on {images} images (1 seed, 20 of 40 steps), " in picture.alt
        assert [text.get_text() for text in axes.get_xticklabels()] == ["0", "1", "10", "20"]


def test_a_live_point_below_the_axis_waits_at_its_edge():
    live = course(np.eye(10), range(10), (0.02,), labels_per_class=1, **INFORMED)
    (axes,) = figures.labels_or_unlabelled(stored(), "mnist", live).figure.axes
    (mark,) = [line for line in axes.lines if line.get_marker() == "D"]
    assert mark.get_ydata()[0] == axes.get_ylim()[0] > 0.5


def test_a_target_that_was_not_studied_is_refused():
    with pytest.raises(WorkbookError, match=r"Unknown target 'fashion'.*Choose one of: mnist"):
        figures.labels_or_unlabelled(stored(), "fashion", None)


# --- few labels or none --------------------------------------------------------------------------


def test_the_climb_stands_beside_the_stored_accuracies():
    labels = np.arange(200) % 10
    guesses = np.where((labels == 7) & (np.arange(200) < 150), 1, labels)
    lines = {"source only": accuracies(0.7), "1,000 steps": accuracies(0.97)}
    fields = {"labels_per_class": 0, **INFORMED}
    picture = figures.climb_and_confusions(
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
    written = {each.get_position(): each.get_text() for each in table.texts}
    assert written[1, 7] == "15" and written[7, 7] == "5" and (7, 1) not in written


@pytest.mark.parametrize(
    ("labels", "words"),
    [(0, "without a label"), (1, "with 1 label per class"), (5, "with 5 labels per class")],
)
def test_the_number_of_labels_is_written_in_its_grammar(labels, words):
    now = course(np.eye(10), range(10), (1.0,), labels_per_class=labels, **INFORMED)
    picture = figures.climb_and_confusions(now, {"source only": accuracies(0.7)})
    assert f"mnist learnt {words} of its own" in picture.alt
    assert picture.figure.axes[0].get_title(loc="left") == f"MNIST digits {words}: 1.00"


def test_a_perfect_reader_confuses_nothing():
    now = course(np.eye(10), range(10), (1.0,), labels_per_class=0, **INFORMED)
    picture = figures.climb_and_confusions(now, {"source only": accuracies(0.7)})
    assert "most often confused: none" in picture.alt
