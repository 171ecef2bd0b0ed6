import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simmim_lib import weighting
from simmim_lib.errors import WorkbookError
from simmim_lib.settings import (
    ADAPTATIONS,
    FREEZABLE_LAYERS,
    SEEDS,
    WEIGHTINGS,
    Settings,
    Stage,
    parse,
)


def test_defaults_follow_the_budget(monkeypatch):
    monkeypatch.delenv("SIMMIM_BUDGET", raising=False)
    assert Settings().budget == "quick"
    assert Settings().seeds == SEEDS["quick"]
    assert Settings(budget="full").seeds == SEEDS["full"]
    monkeypatch.setenv("SIMMIM_BUDGET", "full")
    assert Settings().budget == "full"


def test_every_field_explains_itself():
    for known in dataclasses.fields(Settings):
        assert len(known.metadata["help"]) > 10, known.name


def test_from_scratch_has_nothing_to_copy_or_to_freeze():
    scratch = Settings(frozen_layers=3, adaptation="probe").from_scratch()
    assert (scratch.source, scratch.copied_layers, scratch.frozen_layers) == (None, 0, 0)
    assert scratch.adaptation == "fine-tune"


def test_the_line_of_code_repeats_the_settings():
    import simmim_lib

    settings = Settings(source="fashion", targets=("mnist", "uci-digits"), frozen_layers=1)
    made = eval(settings.as_code(), {"simmim_lib": _Recorder(simmim_lib.Settings)})
    assert made == settings


class _Recorder:
    """Stands in for the package: `run` gives back what it was asked to run."""

    def __init__(self, settings):
        self.Settings = settings

    def run(self, settings):
        return settings


def test_settings_survive_json():
    settings = Settings(targets=("mnist", "fashion"), learning_rate=0.01)
    assert Settings.from_mapping(json.loads(json.dumps(settings.as_dict()))) == settings


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("source", "none", None),
        ("source", "glyphs", "glyphs"),
        ("targets", "mnist, fashion", ("mnist", "fashion")),
        ("seeds", "7", 7),
        ("learning_rate", "1e-2", 0.01),
        ("budget", "full", "full"),
    ],
)
def test_parse(name, text, value):
    assert parse(name, text) == value


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"frozen_layers": 7}, "from 0 to 4: try 4"),
        ({"frozen_layers": -1}, "try 0"),
        ({"frozen_layers": 1.5}, "frozen_layers is 1.5"),
        ({"copied_layers": 1, "frozen_layers": 2}, "only 1 layers are copied"),
        ({"copied_layers": 1, "frozen_layers": 0, "adaptation": "probe"}, "copy all layers"),
        ({"source": None, "adaptation": "probe"}, "name a source"),
        ({"labels_per_class": 0}, "try information=0.3"),
        ({"labels_per_class": -3}, "labels_per_class is -3"),
        ({"seeds": 0}, "seeds is 0"),
        ({"steps": 0}, "steps is 0"),
        ({"learning_rate": 0}, "above 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"optimizer": "adm"}, "Did you mean 'adam'?"),
        ({"adaptation": "finetune"}, "Did you mean 'fine-tune'?"),
        ({"budget": "fast"}, "quick, full"),
        ({"targets": ()}, "at least one dataset"),
        ({"targets": None}, "at least one dataset"),
        ({"targets": ("mnist", "mnist")}, "twice"),
        ({"frozen_layer": 1}, "Did you mean 'frozen_layers'?"),
    ],
)
def test_bad_values_get_one_sentence(given, words):
    with pytest.raises(WorkbookError, match=r".") as caught:
        Settings.from_mapping(given)
    message = str(caught.value)
    assert words in message
    assert "\n" not in message


def test_text_that_is_no_number_gets_one_sentence():
    with pytest.raises(WorkbookError, match="seeds must be a whole number, but 'few' was given"):
        parse("seeds", "few")


def test_layers_are_frozen_by_name():
    from simmim_lib import models

    with_weights = [layer.name for layer in models.build_trunk().layers if layer.weights]
    assert tuple(with_weights) == FREEZABLE_LAYERS


def test_the_weightings_are_those_there_are():
    assert tuple(weighting.METHODS) == WEIGHTINGS


@pytest.mark.parametrize("depth", range(len(FREEZABLE_LAYERS) + 1))
@pytest.mark.parametrize(
    ("adaptation", "steps", "stages"),
    [
        ("fine-tune", 7, [("as set", 0, 7)]),
        ("probe", 7, [("all", 0, 7)]),
        ("probe-then-fine-tune", 7, [("all", 0, 3), ("as set", 3, 7)]),
        ("probe-then-fine-tune", 2, [("all", 0, 1), ("as set", 1, 2)]),
        ("probe-then-fine-tune", 1, [("as set", 0, 1)]),
    ],
)
def test_stages(adaptation, steps, stages, depth):
    settings = Settings(adaptation=adaptation, steps=steps, frozen_layers=depth)
    frozen = {"as set": depth, "all": len(FREEZABLE_LAYERS)}
    assert settings.stages == tuple(Stage(frozen[name], *rest) for name, *rest in stages)
    assert settings.depth == frozen[stages[-1][0]]
    assert settings.frozen_layer_names == FREEZABLE_LAYERS[: settings.depth]


@given(st.sampled_from([*ADAPTATIONS]), st.integers(1, 1000), st.integers(0, 4))
def test_stages_follow_each_other_and_take_all_steps(adaptation, steps, depth):
    stages = Settings(adaptation=adaptation, steps=steps, frozen_layers=depth).stages
    bounds = [(stage.first, stage.last) for stage in stages]
    assert [first for first, _ in bounds] == [0, *(last for _, last in bounds[:-1])]
    assert bounds[-1][1] == steps
    assert all(stage.steps > 0 for stage in stages)


def test_from_scratch_freezes_nothing():
    assert Settings(source=None, steps=7).stages == (Stage(0, 0, 7),)


@pytest.mark.parametrize(
    ("fields", "learns", "views"),
    [
        ({}, False, 0),
        ({"augmentation": 1.0}, False, 0),
        ({"information": 0.3}, True, 1),
        ({"information": 0.3, "augmentation": 1.0}, True, 1),
        ({"agreement": 1.0, "augmentation": 1.0}, True, 2),
        ({"information": 0.3, "agreement": 1.0, "augmentation": 1.0}, True, 2),
    ],
)
def test_unlabelled_images_are_drawn_where_they_teach_something(fields, learns, views):
    settings = Settings(frozen_layers=0, **fields)
    assert settings.learns_unlabelled is learns
    assert settings.unlabelled_views == views
