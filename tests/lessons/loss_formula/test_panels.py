"""Panels of lesson 02, driven as a browser would."""

import numpy as np
import pytest
from widget_driver import choose, find, follow, send

from simmim_lib.lessons.loss_formula import figures, panels, readings, training_by_loss

QUICK = training_by_loss.LossComparison(steps=20)
NOISY = training_by_loss.LossComparison(
    losses=("cross-entropy", "expected-accuracy"), flipped=0.4, steps=20
)


@pytest.mark.colab
@pytest.mark.slow
def test_one_probability_follows_its_slider():
    panel = panels.one_probability()
    slider = find(panel.view, "p of the label")
    low = follow(panel, lambda: send(slider, value=0.2))
    high = follow(panel, lambda: send(slider, value=0.5))
    assert "(a) as written: loss 0.32, slope 0.61, p ends at 0.00" in low
    assert "(a) as written: loss 0.35, slope -0.31, p ends at 0.99" in high


@pytest.mark.parametrize("p", [0.01, 0.1, 0.37, 0.99])
def test_one_probability_at_its_ends(p):
    picture = figures.one_probability(readings.curves(), p)
    assert f"p = {p:.2f}" in picture.alt
    assert "nan" not in picture.alt


@pytest.mark.colab
@pytest.mark.slow
def test_three_classes_follow_loss_label_and_start():
    panel = panels.three_classes()
    says = follow(panel, lambda: choose(find(panel.view, "Loss"), "(b) cross-entropy"))
    assert "ends after 200 steps at 1.00 for 3" in says
    says = follow(panel, lambda: choose(find(panel.view, "True class"), "8"))
    assert "1.00 for 8" in says
    says = follow(panel, lambda: send(find(panel.view, "p of 3"), value=0.9))
    assert "starts at 0.90 for 3" in says
    follow(panel, lambda: send(find(panel.view, "share of 5 in rest"), value=0.2))


@pytest.mark.slow
@pytest.mark.parametrize("name", list(readings.LOSSES))
def test_every_loss_and_corner_is_drawn(name):
    for label in range(3):
        start = np.log(np.array([[0.01, 0.98, 0.01]]))
        path = readings.descend(name, np.array([label]), start)[:, 0]
        picture = figures.three_classes(readings.simplex(name, label), path, ("3", "5", "8"))
        assert len(picture.png()) > 5000


@pytest.mark.colab
def test_one_prediction_is_measured_as_its_controls_say():
    panel = panels.one_prediction()
    send(find(panel.view, "p of 3"), value=0.5)
    says = follow(panel, lambda: send(find(panel.view, "Smoothing"), value=0.0))
    # Without smoothing cross-entropy is the surprise, all of it divergence.
    assert "surprise at the label 0.69 nats, entropy 1.03" in says  # 0.5, 0.3, 0.2
    assert "cross-entropy 0.69, of which 0.00 are the entropy of the truth and 0.69" in says
    says = follow(panel, lambda: choose(find(panel.view, "True class"), "8"))
    assert "surprise at the label 1.61 nats" in says


@pytest.mark.colab
@pytest.mark.slow
def test_a_real_network_follows_start_optimizer_and_seeds():
    panel = panels.real_network(QUICK)
    says = follow(panel, lambda: choose(find(panel.view, "Optimizer"), "sgd"))
    assert "random weights" in says and "with sgd" in says
    says = follow(
        panel, lambda: choose(find(panel.view, "Start"), training_by_loss.STARTS["uci-digits"])
    )
    assert "pre-trained on UCI digits" in says
    follow(panel, lambda: choose(find(panel.view, "Seeds"), "2"))


@pytest.mark.slow
def test_a_remembered_setting_is_shown_again():
    panel = panels.real_network(QUICK)
    seeds = find(panel.view, "Seeds")
    first = follow(panel, lambda: choose(seeds, "2"))
    follow(panel, lambda: choose(seeds, "1"))
    assert follow(panel, lambda: choose(seeds, "2")) == first


@pytest.mark.colab
@pytest.mark.slow
def test_noisy_labels_show_the_training_beside_the_stored_results():
    panel = panels.noisy_labels(NOISY)
    says = follow(panel, lambda: choose(find(panel.view, "Wrong labels"), "60 %"))
    assert "60% of the labels flipped" in says
    assert "(d) expected accuracy, best step: 0." in says


@pytest.mark.slow
def test_copied_settings_repeat_the_training():
    line = panels.real_network(QUICK).as_code({"seeds": 2, "optimizer": "sgd"})
    repeated = eval(line, {"training_by_loss": training_by_loss})
    wanted = training_by_loss.LossComparison(steps=20, seeds=2, optimizer="sgd")
    assert repeated.comparison == wanted
    np.testing.assert_array_equal(
        repeated.probability, training_by_loss.compare(wanted).probability
    )
