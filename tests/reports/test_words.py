"""Sentences about settings: they say what is so, in words that readers know."""

import pytest
from image_making import fill, save
from image_making import noise as make_noise

from simmim_lib.experiments.baselines import PROBE, SCRATCH
from simmim_lib.reports import words
from simmim_lib.settings import PRETEXTS, Settings

PUBLISHED = Settings(trunk="efficientnet-lite0")


def test_the_source_has_a_name_for_readers():
    assert words.source_name(PUBLISHED) == "ImageNet"
    assert words.source_name(Settings()) == "glyphs"
    assert words.source_name(Settings(source=None)) == "from scratch"
    assert words.source_name(Settings(source="folder:/some/where/photos")) == "photos"


def test_where_the_weights_come_from_is_said():
    published = words.start(PUBLISHED)
    assert "EfficientNet-Lite0" in published and "ImageNet" in published
    assert "Apache-2.0" in published and "all are copied and all frozen" in published
    own = words.start(Settings(source="fashion", copied_layers=3, frozen_layers=2))
    assert "all training images of fashion" in own and "3 are copied and 2 frozen" in own
    assert "random weights" in words.start(Settings(source=None))
    for pretext in ("masked", "contrastive"):
        told = words.start(Settings(trunk="small-vit", source="fashion", pretext=pretext))
        assert f"images of fashion, {PRETEXTS[pretext]}. Of its 6" in told


def test_a_published_trunk_is_not_trained_from_scratch_and_why():
    told = words.baselines(PUBLISHED, [SCRATCH, PROBE])
    assert "not EfficientNet-Lite0" in told and "minutes" in told and "shows the probe" in told
    assert "itself a probe" in words.baselines(PUBLISHED, [SCRATCH])
    same = words.baselines(PUBLISHED.replace(baseline="same-trunk"), [SCRATCH])
    assert "has the same trunk, EfficientNet-Lite0" in same
    assert "Nothing is trained" in words.baselines(PUBLISHED.replace(baseline="none"), [])


def test_image_sizes_go_from_the_smallest_to_the_largest(tmp_path):
    folder = fill(tmp_path / "photos", {"cat": 5, "dog": 5}, (40, 50))
    save(folder / "cat" / "large.png", make_noise(1, (70, 60)))
    save(folder / "cat" / "small.png", make_noise(2, (30, 60)))
    told = words.image_sizes(f"folder:{folder}", PUBLISHED)
    assert told == "60 x 30 to 60 x 70 pixels, seen at 96 x 96, grey repeated as colour"
    assert words.image_sizes("mnist", Settings()) == "28 x 28 pixels"
    colour = fill(tmp_path / "colour", {"cat": 5, "dog": 5}, (50, 50, 3))
    assert words.image_sizes(f"folder:{colour}", PUBLISHED) == "50 x 50 pixels, seen at 96 x 96"


@pytest.mark.parametrize(
    ("number", "told"), [(2, "0, 1"), (12, ", ".join(map(str, range(12)))), (14, "and 2 more")]
)
def test_of_many_names_the_rest_is_counted(number, told):
    assert words.listed([str(n) for n in range(number)]).endswith(told)
