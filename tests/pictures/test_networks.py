"""Drawings of networks show the blocks in their order, their sizes, and what is frozen."""

import pytest

from simmim_lib.pictures.networks import draw_joint_network
from simmim_lib.pictures.style import new_figure
from simmim_lib.settings import Settings

SIZES = [160, 4_640, 18_496, 131_200]
HEAD = 1_290


def drawn(settings: Settings):
    axes = new_figure().add_axes((0, 0, 1, 1))
    draw_joint_network(axes, settings)
    return axes


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("depth", [0, 1, 4])
def test_a_joint_network_is_drawn_from_left_to_right(depth, shared):
    targets = ("mnist", "uci-digits")
    axes = drawn(Settings(targets=targets, frozen_layers=depth, shared_heads=shared))
    by_place = sorted(axes.texts, key=lambda text: text.get_position()[0])
    blocks = [text.get_text().split("\n") for text in by_place if " maps" in text.get_text()]
    blocks += [text.get_text().split("\n") for text in by_place if " units" in text.get_text()]
    assert blocks == [
        ["convolution 1", "16 maps", f"{SIZES[0]:,} weights"],
        ["convolution 2", "32 maps", f"{SIZES[1]:,} weights"],
        ["convolution 3", "64 maps", f"{SIZES[2]:,} weights"],
        ["dense", "128 units", f"{SIZES[3]:,} weights"],
    ]
    states = [each.get_text() for each in by_place if each.get_text() in ("frozen", "trained")]
    assert states == ["frozen"] * depth + ["trained"] * (4 - depth)
    hatched = sorted(patch.get_x() for patch in axes.patches if patch.get_hatch())
    assert len(hatched) == depth
    heads = [text.get_text() for text in by_place if "logits" in text.get_text()]
    kind = "one head, shared" if shared else "head"
    assert heads == [f"{kind}\n10 logits\n{HEAD:,} weights"] * (1 if shared else 2)


def test_one_network_has_fewer_weights_than_one_for_each_target():
    """Each has a trunk of its own, and one head."""
    title = drawn(Settings(targets=("mnist", "uci-digits", "fashion"))).get_title()
    together, apart = sum(SIZES) + 3 * HEAD, 3 * (sum(SIZES) + HEAD)
    assert title == (
        f"From glyphs: {together:,} weights in one network, {apart:,} in separate ones"
    )
