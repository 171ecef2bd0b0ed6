"""The panel of lesson 03 and the pictures of its stored study."""

import numpy as np
import pytest
from planted_results import as_scores
from scipy import stats
from widget_driver import choose, click, find, follow

from simmim_lib import experiments
from simmim_lib.errors import WorkbookError
from simmim_lib.lessons.simmim_model import figures, panels, studies
from simmim_lib.pictures import networks
from simmim_lib.pictures.style import new_figure
from simmim_lib.settings import Settings
from simmim_lib.studies import stored

TINY = Settings(targets=("mnist", "uci-digits"), labels_per_class=2, steps=40, seeds=2)


@pytest.fixture(scope="module")
def panel():
    return panels.simmim(TINY)


@pytest.mark.colab
@pytest.mark.slow
def test_every_control_is_followed(panel):
    says = follow(panel, lambda: choose(find(panel.view, "Heads"), "shared where classes agree"))
    assert "1 head, frozen" in says
    assert "after 40 of 40 steps" in says
    assert "by a network of its own" in says
    says = follow(panel, lambda: choose(find(panel.view, "Frozen layers"), "4"))
    assert "frozen: convolution_1, convolution_2, convolution_3, dense" in says
    says = follow(panel, lambda: choose(find(panel.view, "Source"), "from scratch"))
    assert "from fresh weights" in says
    follow(panel, lambda: choose(find(panel.view, "Source"), "fashion"))
    says = follow(panel, lambda: choose(find(panel.view, "Labels, others"), "10"))
    follow(panel, lambda: choose(find(panel.view, "Labels, first"), "1"))
    follow(panel, lambda: choose(find(panel.view, "Seeds"), "3"))
    says = follow(
        panel,
        lambda: choose(find(panel.view, "Targets"), "MNIST digits, UCI digits, Fashion-MNIST"),
    )
    assert "2 heads" in says
    assert "labels_per_class=(1, 10, 10)" in _code(panel)


@pytest.mark.slow
def test_a_weight_of_zero_leaves_its_target_unlearnt(panel):
    own = panels.simmim(TINY)
    says = follow(own, lambda: choose(find(own.view, "Weight, UCI"), "0"))
    unlearnt = float(says.split("uci-digits: ")[1].split(". ")[0])
    assert unlearnt < 0.5
    assert "task_weights=(1.0, 0.0)" in _code(own)


def _code(panel) -> str:
    click(find(panel.view, "Copy settings"))
    return panel.code.value


def test_one_target_gets_one_sentence():
    with pytest.raises(WorkbookError, match="'mnist' is the only target: name two"):
        panels.simmim(TINY.replace(targets=("mnist",)))


@pytest.mark.colab
def test_heads_that_cannot_be_shared_are_told_of():
    panel = panels.simmim(TINY.replace(shared_heads=True))
    choose(find(panel.view, "Targets"), "MNIST digits, Fashion-MNIST")
    panel.wait()
    assert "no head can be shared: use shared_heads=False" in panel.message.value


@pytest.mark.slow
def test_the_pictures_come_as_the_network_learns():
    settings = TINY.replace(seeds=1, labels_per_class=5)
    panel, told = panels.simmim(settings), []
    pictures = list(panel.update(panel.values, lambda *now: told.append(now)))
    assert len(pictures) == 1 + 2 + 1 + 1  # before, after 20 and 40 steps, tested, compared
    assert "after 0 of 40 steps" in pictures[0].alt
    assert "after 20 of 40 steps" in pictures[1].alt
    assert "by a network of its own" in pictures[-1].alt
    assert told[-1] == (3 * 40, 3 * 40)  # the joint network, and one for each target


@pytest.mark.slow
def test_what_a_panel_shows_is_what_the_experiment_gives():
    *_, course = experiments.follow(TINY)
    result = experiments.run(TINY, baseline=False)
    for target in TINY.targets:
        assert np.array_equal(course.result.accuracy[target], result.accuracy[target])
        assert course.validation[target].shape == (3, 2)
    assert list(course.steps) == [0, 20, 40]


PLANTED = Settings(targets=("mnist", "uci-digits"), frozen_layers=2, seeds=4, steps=40)
JOINT = {"mnist": [0.9, 0.8, 0.85, 0.81], "uci-digits": [0.6, 0.7, 0.5, 0.66]}
ALONE = {"mnist": [0.7, 0.72, 0.69, 0.7], "uci-digits": [0.8, 0.85, 0.9, 0.88]}


def planted(settings, accuracy):
    arrays = {name: np.array(values) for name, values in accuracy.items()}
    wrong = {name: values / 2 for name, values in arrays.items()}  # not to be shown as the test's
    return experiments.Result(settings, as_scores(arrays), wrong, {}, seconds=1.0)


@pytest.fixture(scope="module")
def comparison():
    """The picture of a network for two digits beside a network for each, with made-up numbers."""
    looks = {name: np.array([[0.1] * 4, values]) / 2 for name, values in JOINT.items()}
    course = experiments.Course(PLANTED, np.array([0, 40]), looks, result=planted(PLANTED, JOINT))
    alone = {
        each.targets[0]: planted(each, {each.targets[0]: ALONE[each.targets[0]]})
        for each in PLANTED.separately()
    }
    return figures.simmim(course, alone)


@pytest.mark.parametrize("target", PLANTED.targets)
def test_the_difference_is_joint_minus_separate(comparison, target):
    joint, alone = np.array(JOINT[target]), np.array(ALONE[target])
    gain = 100 * (joint - alone)
    half = stats.t.ppf(0.975, 3) * stats.sem(gain)
    said = comparison.alt.split(f"Test accuracy on {target}: ")[1]
    assert said.startswith(f"jointly {joint.mean():.3f} ±")
    assert f"by a network of its own {alone.mean():.3f} ±" in said
    assert f"difference {gain.mean():+.1f} ± {half:.1f} points" in said


def test_filled_is_joint_and_hollow_is_separate(comparison):
    axes = next(each for each in comparison.figure.axes if each.get_xlabel() == "test accuracy")
    points = {
        (round(-y), hollow): x
        for container in axes.containers
        for (x, y) in container.lines[0].get_xydata()
        for hollow in [container.lines[0].get_markerfacecolor() == "white"]
    }
    expected = {
        (row, hollow): np.mean(values[target])
        for row, target in enumerate(PLANTED.targets)
        for hollow, values in ((False, JOINT), (True, ALONE))
    }
    assert points == pytest.approx(expected)
    titles = [tick.get_text() for tick in axes.get_yticklabels()]
    assert titles == ["MNIST\ndigits", "UCI\ndigits"]


@pytest.mark.parametrize("depth", [0, 2, 4])
def test_the_drawing_hatches_as_many_layers_as_are_frozen(depth):
    axes = new_figure().add_axes((0, 0, 1, 1))
    networks.draw_joint_network(axes, PLANTED.replace(frozen_layers=depth))
    words = [each.get_text() for each in axes.texts if each.get_text() in ("frozen", "trained")]
    assert words == ["frozen"] * depth + ["trained"] * (4 - depth)
    assert [patch.get_hatch() for patch in axes.patches].count("//") == depth


@pytest.mark.slow
@pytest.mark.parametrize("study", ["joint", "unequal-labels"])
def test_the_stored_gains_are_joint_minus_separate(study):
    found = stored.load(study)
    rows = studies.gains(found)
    row = rows[-1]
    (alone,) = [s for s in row.settings.separately() if s.targets == (row.target,)]
    fields = {name: getattr(alone, name) for name in ("source", "targets", "labels_per_class")}
    own = found.values(**fields)
    settings = row.settings
    joint = found.values(
        target=row.target,
        source=settings.source,
        targets=settings.targets,
        labels_per_class=settings.labels_per_class,
        shared_heads=settings.shared_heads,
    )
    assert row.difference.mean == pytest.approx(100 * np.mean(joint - own))
    picture = figures.gains(rows, "Gains")
    assert str(row.difference) in picture.alt
    assert picture.png()
