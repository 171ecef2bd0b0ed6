"""The panel of lesson 03 and the pictures of its stored study."""

import numpy as np
import pytest
from widget_driver import choose, click, find, follow

from simmim_lib import experiment, joint_figures, joint_panels, reference
from simmim_lib.settings import Settings

pytestmark = pytest.mark.colab

TINY = Settings(targets=("mnist", "uci-digits"), labels_per_class=2, steps=40, seeds=2)


@pytest.fixture(scope="module")
def panel():
    return joint_panels.simmim(TINY)


@pytest.mark.slow
def test_every_control_is_followed(panel):
    says = follow(panel, lambda: choose(find(panel.view, "Heads"), "shared where classes agree"))
    assert "1 heads" in says
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


def test_a_weight_of_zero_leaves_its_target_unlearnt(panel):
    own = joint_panels.simmim(TINY)
    says = follow(own, lambda: choose(find(own.view, "Weight, UCI"), "0.0"))
    unlearnt = float(says.split("uci-digits: ")[1].split(". ")[0])
    assert unlearnt < 0.5
    assert "task_weights=(1.0, 0.0)" in _code(own)


def _code(panel) -> str:
    click(find(panel.view, "Copy settings"))
    return panel.code.value


def test_heads_that_cannot_be_shared_are_told_of():
    panel = joint_panels.simmim(TINY.replace(shared_heads=True))
    choose(find(panel.view, "Targets"), "MNIST digits, Fashion-MNIST")
    panel.wait()
    assert "no head can be shared: use shared_heads=False" in panel.message.value


@pytest.mark.slow
def test_the_pictures_come_as_the_network_learns():
    settings = TINY.replace(seeds=1, labels_per_class=5)
    told = []
    pictures = list(joint_panels._pictures(settings, lambda *now: told.append(now)))
    assert len(pictures) == 1 + 2 + 1 + 1  # before, after 20 and 40 steps, tested, compared
    assert "after 0 of 40 steps" in pictures[0].alt
    assert "after 20 of 40 steps" in pictures[1].alt
    assert "by a network of its own" in pictures[-1].alt
    assert told[-1] == (3 * 40, 3 * 40)  # the joint network, and one for each target


def test_what_a_panel_shows_is_what_the_experiment_gives():
    *_, course = experiment.follow(TINY)
    result = experiment.run(TINY, baseline=False)
    for target in TINY.targets:
        assert np.array_equal(course.result.accuracy[target], result.accuracy[target])
        assert course.validation[target].shape == (3, 2)
    assert list(course.steps) == [0, 20, 40]


def test_parameters_by_hand():
    trunk, head = 154_496, 1_290
    both = Settings(targets=("mnist", "fashion"))
    assert joint_figures.parameters(both) == trunk + 2 * head
    assert joint_figures.parameters(TINY.replace(shared_heads=True)) == trunk + head
    assert joint_figures.head_groups(both) == [["mnist"], ["fashion"]]
    three = Settings(targets=("mnist", "fashion", "uci-digits"), shared_heads=True)
    assert joint_figures.head_groups(three) == [["mnist", "uci-digits"], ["fashion"]]


@pytest.mark.parametrize("study", ["joint", "unequal-labels"])
def test_the_stored_gains_are_joint_less_separate(study):
    found = reference.load(study)
    rows = reference.gains(found)
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
    picture = joint_figures.gains(rows, "Gains")
    assert str(row.difference) in picture.alt
    assert picture.png()
