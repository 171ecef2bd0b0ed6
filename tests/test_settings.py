import dataclasses
import json

import pytest

from simmim_lib import weighting
from simmim_lib.errors import WorkbookError
from simmim_lib.settings import FREEZABLE_LAYERS, SEEDS, WEIGHTINGS, Settings, parse


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


UNLABELLED = {
    "information": 0.3,
    "agreement": 1.0,
    "augmentation": 1.0,
    "class_prior": (0.5, 0.5),
    "class_shares": (0.25, 0.75),
    "strangers": "fashion",
}
"""Everything that images without labels may be asked for."""


def test_labels_only_forgets_all_that_unlabelled_images_teach():
    asked = Settings(frozen_layers=0, steps=7, optimizer="sgd", **UNLABELLED)
    assert all(getattr(asked, name) == value for name, value in UNLABELLED.items())
    assert asked.labels_only() == Settings(frozen_layers=0, steps=7, optimizer="sgd")
    scratch = asked.from_scratch()
    usual = Settings()
    assert all(getattr(scratch, name) == getattr(usual, name) for name in UNLABELLED)


def test_a_network_for_each_target_has_nothing_to_weigh_or_to_share():
    joint = Settings(
        targets=("mnist", "uci-digits"),
        labels_per_class=(5, 20),
        task_weights=(1, 3),
        shared_heads=True,
        weighting="pcgrad",
        steps=7,
    )
    assert joint.separately() == (
        Settings(targets=("mnist",), labels_per_class=5, steps=7),
        Settings(targets=("uci-digits",), labels_per_class=20, steps=7),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ramp", 0),
        ("ramp", 1.0),
        ("confidence", 0),
        ("frozen_layers", 4),
        ("labels_per_class", 1),
        ("steps", 1),
        ("class_shares", (1.0, 0.0)),
    ],
)
def test_the_last_value_that_is_allowed(name, value):
    assert getattr(Settings(**{name: value}), name) == value


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
    from simmim_lib import trunks

    with_weights = [layer.name for layer in trunks.build_trunk().layers if layer.weights]
    assert tuple(with_weights) == FREEZABLE_LAYERS


def test_the_weightings_are_those_there_are():
    assert tuple(weighting.METHODS) == WEIGHTINGS
