"""What an experiment will do, asked of it before anything is trained."""

import numpy as np
import pytest

from simmim_lib import datasets, experiments
from simmim_lib.experiments.examples import StagePlan, plan_stage
from simmim_lib.experiments.features import frozen_features
from simmim_lib.experiments.network import build_network
from simmim_lib.experiments.sources import pretrained
from simmim_lib.settings import Settings


def plans(settings: Settings) -> list[StagePlan]:
    """Return the plan of each stage, with the network as it is trained there."""
    tasks, source = experiments.choose_tasks(settings), experiments.initialise(settings)
    return [
        plan_stage(settings, tasks, build_network(settings, tasks, source, stage.frozen), stage)
        for stage in settings.stages
    ]


TWO_VIEWS = {"agreement": 1.0, "augmentation": 0.5}


@pytest.mark.parametrize(
    ("asked", "changed", "without_labels"),
    [
        ({}, False, False),
        ({"augmentation": 0.5}, True, False),
        ({"information": 0.3}, False, True),
        (TWO_VIEWS, True, True),
        ({"information": 0.3, **TWO_VIEWS}, True, True),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_what_is_asked_of_images_is_planned(asked, changed, without_labels):
    """Labelled ones alone can be changed, and agreement alone can teach."""
    settings = Settings(frozen_layers=0, steps=2, seeds=1, **asked)
    (plan,) = plans(settings)
    assert (plan.examples[0].unlabelled is not None) == without_labels
    recipe = plan.options.recipe
    assert (recipe is not None) == bool(asked)
    if recipe is not None:
        assert (recipe.kind.views is not None) == changed
        for name in ("information", "agreement", "augmentation"):
            assert getattr(recipe, name) == getattr(settings, name)


def test_foreign_images_go_through_the_frozen_layers_too():
    settings = Settings(
        information=0.3, foreign_images="fashion", frozen_layers=3, steps=2, seeds=1
    )
    (plan,) = plans(settings)
    own, foreign = (
        frozen_features(pretrained("glyphs"), 3, datasets.load(name)).train.images
        for name in ("mnist", "fashion")
    )
    found = plan.examples[0].unlabelled.features
    np.testing.assert_array_equal(found, np.concatenate([own, foreign]))
