"""Drawings of networks show the blocks in their order, their sizes, and what is frozen."""

import itertools

import pytest
import rehearsal
from matplotlib.patches import Rectangle

from simmim_lib.experiments.network import architecture
from simmim_lib.pictures.networks import draw_joint_network, draw_network
from simmim_lib.pictures.style import new_figure
from simmim_lib.settings import ADAPTATIONS, Settings

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


@pytest.mark.slow
@pytest.mark.parametrize("adaptation", ADAPTATIONS)
@pytest.mark.parametrize("depth", [0, 2, 4])
def test_a_joint_network_is_drawn_as_it_was_trained(adaptation, depth):
    targets = ("mnist", "uci-digits")
    settings = Settings(
        targets=targets, adaptation=adaptation, frozen_layers=depth, steps=4, seeds=1
    )
    last = rehearsal.stages(settings)[-1].weights
    trained = len(last) // 2 - len(targets)  # a kernel and a bias each, and the heads
    axes = drawn(settings)
    by_place = sorted(axes.texts, key=lambda text: text.get_position()[0])
    states = [each.get_text() for each in by_place if each.get_text() in ("frozen", "trained")]
    assert states == ["frozen"] * (4 - trained) + ["trained"] * trained


LARGE = "efficientnet-lite0"


@pytest.mark.slow
@pytest.mark.parametrize("depth", [0, 6, 9])
def test_many_blocks_of_a_joint_network_are_counted_together_where_they_share_a_state(depth):
    settings = Settings(targets=("mnist", "fashion"), trunk=LARGE, frozen_layers=depth)
    axes = drawn(settings)
    layers = architecture(settings)
    by_place = sorted(axes.texts, key=lambda text: text.get_position()[0])
    names = [text.get_text() for text in by_place if text.get_rotation() == 90]
    assert names == [block.name.replace("_", " ") for block in layers.blocks]
    states = [text.get_text() for text in by_place if text.get_text() in ("frozen", "trained")]
    assert states == [*["frozen"] * (depth > 0), *["trained"] * (depth < 9)]
    counts = {
        state: sum(
            block.parameters for block in layers.blocks if block.frozen == (state == "frozen")
        )
        for state in states
    }
    told = [text.get_text() for text in by_place if text.get_text().endswith("\nweights")]
    assert told == [f"{counts[state]:,}\nweights" for state in states]
    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert [bool(box.get_hatch()) for box in boxes] == [True] * depth + [False] * (9 - depth)
    edges = [(box.get_x(), box.get_x() + box.get_width()) for box in boxes]
    assert all(end < start for (_, end), (start, _) in itertools.pairwise(edges))
    assert edges[-1][1] < 73  # where the arrows to the heads begin


@pytest.mark.parametrize(("trunk", "boxes"), [("small-cnn", 6), (LARGE, 11)])
def test_a_network_of_any_length_finds_room_without_overlap(trunk, boxes):
    axes = new_figure().add_axes((0, 0, 1, 1))
    draw_network(axes, Settings(trunk=trunk))
    edges = [(box.get_x(), box.get_x() + box.get_width()) for box in axes.patches]
    assert len(edges) == boxes  # the image, the blocks and the head
    assert all(end < start for (_, end), (start, _) in itertools.pairwise(edges))
    assert edges[0][0] >= 0 and edges[-1][1] <= 100
    # Above are the states and the title, below are the words.
    assert all(box.get_y() > 24 and box.get_y() + box.get_height() < 90 for box in axes.patches)
