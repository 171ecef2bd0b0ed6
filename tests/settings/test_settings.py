import dataclasses
import json
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from fuzzing import many_cases
from hypothesis import given
from hypothesis import strategies as st

import simmim_lib
from simmim_lib import weighting
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import options
from simmim_lib.settings import (
    ADAPTATIONS,
    OPTIONS,
    RECIPES,
    RENAMED,
    SEEDS,
    WEIGHTINGS,
    Settings,
    Stage,
    check_recipe,
    check_task_weights,
    offers,
    parse,
)
from simmim_lib.sweeps import grids
from simmim_lib.trunks.catalogue import SMALL_CNN

BESIDE = {
    "agreement": {"augmentation": 1.0, "frozen_layers": 0},
    "augmentation": {"frozen_layers": 0},
    "copied_layers": {"frozen_layers": 0},
    "task_weights": {"targets": ("mnist", "fashion")},
}
"""What must be set beside a field, so that all its values can be meant."""

ALLOWED = {
    "recipe": list(RECIPES),
    "trunk": ["small-cnn", "article"],
    "source": ["glyphs", None],
    "pretext": ["labels"],
    "targets": [("mnist",), ("mnist", "uci-digits")],
    "task_weights": [None, (1.0, 0.0), (0.5, 2.0)],
    "weighting": list(WEIGHTINGS),
    "shared_heads": [True, False],
    "image_size": [28],
    "labels_per_class": [1, 50, "all", "up to 20"],
    "copied_layers": list(range(5)),
    "frozen_layers": list(range(5)),
    "adaptation": list(ADAPTATIONS),
    "optimizer": ["sgd", "adam"],
    "learning_rate": [1e-4, 0.002, 3.0],
    "trunk_learning_rate": [0.1, 1.0],
    "layer_decay": [0.65, 1.0],
    "batch_size": [1, 64],
    "class_weights": ["none", "balanced"],
    "schedule": ["constant", "warm-up"],
    "information": [0.0, 0.3],
    "spread": [0.0, 2.5],
    "agreement": [0.0, 1.0],
    "confidence": [0.0, 0.95],
    "ramp": [0.0, 1.0],
    "augmentation": [0.0, 2.0],
    "class_prior": [None, (0.25, 0.75)],
    "class_shares": [None, (0.0, 1.0)],
    "foreign_images": [None, "fashion"],
    "steps": [1, 500],
    "patience": [0, 40],
    "baseline": ["same-trunk", "small-trunk", "none"],
    "budget": ["quick", "full"],
    "seeds": [1, 10],
    "strategy": [None, "mirrored", "multi-worker"],
}
"""Values of each field, in the one form that they are stored in."""

EACH_ALLOWED = [(name, value) for name, values in ALLOWED.items() for value in values]


def build(name, value):
    return Settings(**{**BESIDE.get(name, {}), name: value})


def refusal(function, *arguments, **more):
    """Return the one sentence with which a call is refused."""
    with pytest.raises(WorkbookError) as caught:
        function(*arguments, **more)
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence.endswith(".") and len(sentence) < 600
    return sentence


def test_defaults_follow_the_budget(monkeypatch):
    assert SEEDS == {"quick": 3, "full": 10}  # as lessons and stored studies say
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
    "class_prior": (0.5, 0.5),
    "class_shares": (0.25, 0.75),
    "foreign_images": "fashion",
}
"""Everything that images without labels may be asked for."""


def test_labels_only_forgets_all_that_unlabelled_images_teach():
    others = {"frozen_layers": 0, "steps": 7, "optimizer": "sgd", "augmentation": 1.0}
    asked = Settings(**others, **UNLABELLED)
    assert all(getattr(asked, name) == value for name, value in UNLABELLED.items())
    assert asked.labels_only() == Settings(**others)
    scratch = asked.from_scratch()
    usual = Settings()
    assert all(getattr(scratch, name) == getattr(usual, name) for name in UNLABELLED)


def test_labels_only_keeps_the_views_of_labelled_images():
    """They need no other image, so that a difference is not theirs."""
    asked = Settings(recipe="simmim")
    assert asked.augmentation == 1
    assert asked.labels_only().augmentation == asked.from_scratch().augmentation == 1


@pytest.mark.parametrize(
    "more", [{"frozen_layers": 2}, {"trunk": "efficientnet-lite0"}, {"frozen_layers": 0}]
)
def test_from_scratch_learns_from_labels_alone(more):
    """What a recipe asks of unlabelled images depends on what is frozen, and nothing is here."""
    scratch = Settings(recipe="simmim", **more).from_scratch()
    assert scratch.frozen_layers == scratch.information == scratch.agreement == 0


def test_what_the_environment_makes_usual_is_told_all_the_same(monkeypatch):
    monkeypatch.setenv("SIMMIM_BUDGET", "full")
    code = Settings().as_code()
    monkeypatch.delenv("SIMMIM_BUDGET")
    assert "budget='full'" in code and "budget" not in Settings().as_code()


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
        ({"trunk": "article", "pretext": "masked"}, "'article' knows labels only: use that"),
        ({"trunk": "resnet50", "pretext": "masked"}, "knows labels only"),
        ({"source": None, "pretext": "masked"}, "name a source, or leave pretext out"),
    ],
)
def test_values_that_do_not_go_together_get_one_sentence(given, words):
    assert words in refusal(Settings.from_mapping, given)


A_DATASET = "must be the name of a dataset, such as 'mnist'"
A_WEIGHT = "give one weight of at least 0 for each"
A_SHARE = "give a share above 0 for each class, 1 in all"
A_SHARE_SHOWN = "give a share of at least 0 for each class, 1 in all"
ONE_TO_A_MILLION = "must be a whole number from 1 to 1000000: try "


class Column:
    """Numbers as pandas and TensorFlow hold them: NumPy can have them."""

    def __init__(self, values=None):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        if self.values is None:
            raise NotImplementedError("Cannot convert a symbolic tensor to a NumPy array.")
        return np.array(self.values, dtype)


NO_NUMBERS = ["x", "1", "", None, True, np.True_, 1j, b"1", [1.0], {}, {1}, np.zeros(2), object()]
NO_NUMBERS += [Column(), Column("x"), Column([1.0])]
NOT_FINITE = [float("nan"), float("inf"), -float("inf"), np.float32("nan"), 10**400, -(10**5000)]
NO_NAMES = ["adm", "", 1, 1.0, True, ["sgd"], ("sgd",), {}, {"sgd": 1}, np.zeros(2), b"sgd", str]

REFUSED = {
    "recipe": {"Unknown recipe": [*NO_NAMES, None]},
    "trunk": {
        "Unknown trunk": ["adm", "", "small_cnn"],
        "must be a name: small-cnn, article": [1, 1.0, True, None, ["article"], {}, b"article"],
        "must be": [np.zeros(2)],
        "does not say where its blocks end": ["file:mine.keras"],
        "file missing.keras is not there": ["file:missing.keras?blocks=pool"],
    },
    "source": {
        A_DATASET: [5, "", "  ", 1.5, True, b"mnist", ["mnist"], {}, np.zeros(2), np.int8(3)]
    },
    "pretext": {"Unknown pretext": [*NO_NAMES, None]},
    "targets": {
        "name at least one dataset, such as 'mnist'": [
            *(None, 5, (), [], "", ",mnist", {"mnist"}, {"mnist": 1}, np.array(3), b"mnist"),
            *((5,), ("mnist", None), ("",), (("mnist",),), (True,), np.array([["mnist"]])),
        ],
        "twice (mnist, mnist): name each once": [["mnist", "mnist"], "mnist,mnist"],
    },
    "task_weights": {
        A_WEIGHT: [
            *(5, "1,2", {1, 2}, (1, -1), (1, "x"), (1, True), (1, None), (1, [2]), (1, 10**400)),
            *((1, np.nan), (1, np.inf), {"mnist": "x"}, np.array(1.0), np.ones((2, 2))),
            *((), (1,), (1, 2, 3), np.ones(3)),
        ],
        "task_weights are all 0": [(0, 0), {"mnist": 0, "fashion": 0.0}],
        "Unknown task 'mnits'. Did you mean 'mnist'?": [{"mnits": 1}],
    },
    "weighting": {"Unknown weighting": [*NO_NAMES, None]},
    "shared_heads": {"must be True or False": [None, 1, 0, "yes", np.int8(1), [True], {}]},
    "image_size": {
        "must be a whole number from 8 to 1024": [7, 1025, 28.0, "28", None, True, [28]],
        "takes images of 28 pixels: try 28": [32, 27, 1024],
    },
    "labels_per_class": {
        "must be a whole number from 0 to 1000000: try 0": [
            *(-1, 1.0, None, True, [1.5], [None], {1: 2}, np.float32(5)),
        ],
        "must be a whole number, 'all', or a most, such as 'up to 20'": [
            *(
                "5",
                "many",
                "up to",
                "up to x",
                "up to -1",
                "up to 0",
                "up to ²",
                "up to " + "9" * 5000,
                "ALL",
                "",
                ["all", "few"],
                np.array(["5"]),
            ),
        ],
        "labels_per_class is 2000000": ["up to 2000000"],
        "try 1000000": [1_000_001, 10**5000, [10**9]],
        "give one number for all, or one for each": [[], (1, 2), np.array([1, 2])],
    },
    "copied_layers": {"from 0 to 4: try": [-1, 5, 1.0, "2", None, True, [2], {}, 10**5000]},
    "frozen_layers": {"from 0 to 4: try": [-1, 5, 1.0, "2", None, True, [2], {}, 10**5000]},
    "adaptation": {"Unknown adaptation": [*NO_NAMES, None]},
    "optimizer": {"Unknown optimizer": [*NO_NAMES, None]},
    "learning_rate": {
        "must be a finite number above 0, like 0.001": [*NO_NUMBERS, *NOT_FINITE, 0, -1, 0.0],
    },
    "trunk_learning_rate": {
        "must be a finite number above 0 and at most 1, like 0.1": [
            *(*NO_NUMBERS, *NOT_FINITE, 0, -1, 1.1),
        ],
    },
    "layer_decay": {
        "must be a finite number above 0 and at most 1, like 0.65": [
            *(*NO_NUMBERS, *NOT_FINITE, 0, -1, 1.1),
        ],
    },
    "batch_size": {ONE_TO_A_MILLION: [0, -1, 1.0, "5", None, True, [5], {}, 10**5000]},
    "class_weights": {"Unknown class_weights": [*NO_NAMES, None]},
    "schedule": {"Unknown schedule": [*NO_NAMES, None]},
    **{
        name: {"must be a finite number of at least 0, like": [*NO_NUMBERS, *NOT_FINITE, -0.1]}
        for name in ("information", "spread", "agreement")
    },
    "confidence": {
        "must be a finite number of at least 0 and below 1, like 0.8": [
            *(*NO_NUMBERS, *NOT_FINITE, -0.1, 1, 1.5),
        ],
    },
    "ramp": {"finite number from 0 to 1, like 0.5": [*NO_NUMBERS, *NOT_FINITE, -0.1, 1.1]},
    "augmentation": {"finite number from 0 to 2, like 1": [*NO_NUMBERS, *NOT_FINITE, -0.1, 2.1]},
    "class_prior": {
        A_SHARE: [
            *(5, "0.5,0.5", ("a", "b"), {0.5}, {"a": 1.0}, np.array(1.0), np.full((1, 2), 0.5)),
            *((0.0, 1.0), (-0.5, 1.5), (True,), (None, 1), (np.nan, 1), (np.inf,), (1e308, 1e308)),
        ],
        "which sums to": [(), (0.5, 0.6), (0.5, 0.4)],
    },
    "class_shares": {
        A_SHARE_SHOWN: [
            *(5, "0.5,0.5", ("a", "b"), {0.5}, {"a": 1.0}, np.array(1.0), np.full((1, 2), 0.5)),
            *((-0.5, 1.5), (True,), (None, 1), (np.nan, 1), (np.inf,), (1e308, 1e308)),
        ],
        "which sums to": [(), (0.5, 0.6), (0.0, 0.0)],
    },
    "foreign_images": {A_DATASET: [7, "", True, b"mnist", ["mnist"], {}, np.zeros(2)]},
    "steps": {ONE_TO_A_MILLION: [0, -1, 1.0, "5", None, True, [5], {}, np.float64(5), 10**5000]},
    "patience": {
        "must be a whole number from 0 to 1000000": [-1, 1.0, "5", None, True, [5], {}, 10**5000],
    },
    "baseline": {"Unknown baseline": [*NO_NAMES, None]},
    "budget": {"Unknown budget": [*NO_NAMES, None]},
    "seeds": {ONE_TO_A_MILLION: [0, -1, 1.0, "5", None, True, [5], {}, np.zeros(2), 10**5000]},
    "strategy": {"Unknown strategy": NO_NAMES},
}
"""For each field, words of the sentence, and values that it answers."""


def test_the_tables_hold_every_field():
    assert list(REFUSED) == list(ALLOWED) == list(OPTIONS)


@pytest.mark.parametrize("name", REFUSED)
def test_a_value_that_a_field_cannot_have_gets_one_sentence(name):
    for words, values in REFUSED[name].items():
        for value in values:
            sentence = refusal(build, name, value)
            assert words in sentence, (value, sentence)
            assert name in sentence or "task" in sentence


def test_long_values_are_shortened_in_a_sentence():
    assert "…" in refusal(Settings, source=[1] * 1000)
    assert "a value of type int" in refusal(Settings, steps=10**5000)


ANYTHING = st.recursive(
    st.one_of(
        *(st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers()),
        *(st.text(max_size=5), st.binary(max_size=3), st.fractions(), st.decimals()),
        st.sampled_from([value for _, value in EACH_ALLOWED]),
        st.sampled_from([10**400, -(10**400), np.float16(0.5), np.longdouble(0.5), np.int8(2)]),
        st.sampled_from([np.array(2), np.array("mnist"), np.zeros((2, 0)), np.array([0.5, 0.5])]),
        st.sampled_from(
            [np.datetime64("2020-01-01"), np.array([None]), object(), int, NotImplemented]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=3), inner, max_size=2),
    ),
    max_leaves=4,
)


@pytest.mark.slow
@many_cases
@given(st.sampled_from([*OPTIONS]), ANYTHING)
def test_any_value_gives_plain_settings_or_one_sentence(name, value):
    try:
        settings = build(name, value)
    except WorkbookError as error:
        assert "\n" not in str(error) and str(error).endswith(".") and len(str(error)) < 600
        return
    again = Settings.from_mapping(json.loads(json.dumps(settings.as_dict(), allow_nan=False)))
    assert again == settings == eval(settings.as_code(), {"simmim_lib": _Recorder(Settings)})
    assert hash(again) == hash(settings)


class Text(str):
    """A text of a type of its own, as other libraries have them."""


@pytest.mark.parametrize(
    ("name", "given", "stored"),
    [
        *((name, np.int64(3), 3) for name in ("steps", "seeds", "labels_per_class")),
        ("frozen_layers", np.uint8(3), 3),
        ("copied_layers", np.array(3), 3),
        ("labels_per_class", np.array([3]), 3),
        ("learning_rate", np.float32(0.5), 0.5),
        ("learning_rate", np.longdouble(0.5), 0.5),
        ("learning_rate", Fraction(1, 2), 0.5),
        ("learning_rate", np.array(0.5), 0.5),
        ("information", 1, 1.0),
        ("information", np.int64(1), 1.0),
        ("spread", np.float16(0.25), 0.25),
        ("agreement", np.float64(0.5), 0.5),
        ("confidence", np.float32(0.5), 0.5),
        ("ramp", np.array(1), 1.0),
        ("augmentation", 2, 2.0),
        ("task_weights", np.array([1, 2]), (1.0, 2.0)),
        ("task_weights", [np.float32(0.5), 1], (0.5, 1.0)),
        ("task_weights", {"fashion": 3}, (1.0, 3.0)),
        ("class_prior", np.array([0.25, 0.75]), (0.25, 0.75)),
        ("class_prior", Column([0.25, 0.75]), (0.25, 0.75)),
        ("steps", Column(3), 3),
        ("learning_rate", Column(np.float32(0.5)), 0.5),
        ("targets", Column(["mnist", "fashion"]), ("mnist", "fashion")),
        ("class_shares", [0, np.int8(1)], (0.0, 1.0)),
        ("source", np.str_("mnist"), "mnist"),
        ("source", Text("mnist"), "mnist"),
        ("foreign_images", np.array("mnist"), "mnist"),
        ("targets", "mnist, fashion", ("mnist", "fashion")),
        ("targets", ["mnist", np.str_("fashion")], ("mnist", "fashion")),
        ("targets", np.array(["mnist", "fashion"]), ("mnist", "fashion")),
        ("shared_heads", np.True_, True),
        ("optimizer", np.str_("sgd"), "sgd"),
        ("strategy", Text("mirrored"), "mirrored"),
        ("budget", np.array("full"), "full"),
    ],
)
def test_values_of_other_types_are_stored_as_python_s_own(name, given, stored):
    settings, plain = build(name, given), build(name, stored)
    assert settings == plain and hash(settings) == hash(plain)
    assert repr(getattr(settings, name)) == repr(stored)
    assert settings.as_code() == plain.as_code()
    assert json.dumps(settings.as_dict()) == json.dumps(plain.as_dict())


@pytest.mark.parametrize(("name", "value"), EACH_ALLOWED)
def test_allowed_values_are_stored_as_they_are(name, value):
    assert repr(getattr(build(name, value), name)) == repr(value)


@pytest.mark.parametrize(("name", "value"), EACH_ALLOWED)
def test_a_text_means_its_value(name, value):
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    texts = {"True": ["True", "yes", "YES"], "False": ["false", "no"], "None": ["none", "None"]}
    for each in texts.get(text, [text]):
        assert repr(parse(name, each)) == repr(value)
        assert Settings.from_texts({**BESIDE.get(name, {}), name: each}) == build(name, value)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("seeds", "few", "seeds must be a whole number, but 'few' was given"),
        ("seeds", "1.5", "seeds must be a whole number, but '1.5' was given"),
        ("steps", "1" * 5000, "steps must be a whole number, but '111"),
        ("learning_rate", "fast", "learning_rate must be a number, but 'fast' was given"),
        ("task_weights", "1,,2", "task_weights must be a number, but '' was given"),
        ("class_prior", "0.5;0.5", "class_prior must be a number, but '0.5;0.5' was given"),
        ("shared_heads", "on", "Unknown shared_heads 'on'. Did you mean 'no'?"),
        ("stepz", "3", "Unknown setting 'stepz'. Did you mean 'steps'?"),
    ],
)
def test_a_text_that_stands_for_no_value_gets_one_sentence(name, text, words):
    assert words in refusal(parse, name, text)


@pytest.mark.parametrize(
    "build_from",
    [
        lambda name: Settings.from_mapping({name: "fashion"}),
        lambda name: Settings.from_texts({name: "fashion"}),
        lambda name: Settings().replace(**{name: None}),
        lambda name: parse(name, "fashion"),
        lambda name: offers(name),
    ],
)
@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_old_name_is_refused_with_the_new_one(build_from, old, new):
    assert refusal(build_from, old) == f"The setting {old!r} is called {new!r} now: use this name."
    assert new in OPTIONS and old not in OPTIONS


@pytest.mark.parametrize(
    "text", ["grid: {strangers: [mnist]}", "experiments: [{strangers: mnist}]"]
)
def test_a_grid_with_an_old_name_is_refused_with_the_new_one(tmp_path, text):
    (tmp_path / "grid.yaml").write_text(text)
    assert "'strangers' is called 'foreign_images' now" in refusal(
        grids.read, tmp_path / "grid.yaml"
    )


def test_a_field_that_does_not_say_all_about_itself_cannot_be():
    @dataclasses.dataclass
    class Careless:
        steps: int = options.option(
            1, "how many", reads=options.Whole(1, 9), group="training", offers=(1, 2)
        )
        pace: int = dataclasses.field(default=1, metadata={"help": "how fast"})

    with pytest.raises(TypeError, match=r"Careless\.pace must be made by `options\.option`"):
        options.options_of(Careless)
    with pytest.raises(TypeError, match="reads"):
        options.option(1, "how fast", group="training")
    with pytest.raises(TypeError, match="group"):
        options.option(1, "how fast", reads=options.Whole(1, 9))
    with pytest.raises(WorkbookError, match="Did you mean 'training'"):
        options.option(1, "how fast", reads=options.Whole(1, 9), group="trainign")


def test_every_group_has_fields():
    assert {field.metadata["group"] for field in OPTIONS.values()} == set(options.GROUPS)


@pytest.mark.parametrize("name", OPTIONS)
def test_what_a_control_offers_is_allowed(name):
    values = offers(name)
    if name in (
        "source",
        "pretext",
        "image_size",
        "targets",
        "foreign_images",
        "task_weights",
        "class_prior",
        "class_shares",
    ):
        assert values == ()
        return
    assert len(set(values)) == len(values) > 1
    assert getattr(Settings(), name) in values
    for value in values:
        assert repr(getattr(build(name, value), name)) == repr(value)


def test_a_control_offers_where_it_stands_at_first_too():
    assert offers("labels_per_class") == (1, 2, 5, 10, 20, 50)
    assert offers("labels_per_class", 0, 7, 50) == (0, 1, 2, 5, 7, 10, 20, 50)
    assert offers("seeds") == (1, 2, 3, 5, 10)
    assert offers("shared_heads") == (False, True)
    assert offers("adaptation") == tuple(ADAPTATIONS)
    assert offers("strategy", "mirrored") == (None, "mirrored", "multi-worker")


TAUGHT = {
    "information": 0.3,
    "spread": 0.5,
    "agreement": 1.0,
    "confidence": 0.9,
    "ramp": 0.25,
    "class_prior": (0.5, 0.5),
    "class_shares": (0.1, 0.9),
    "foreign_images": "fashion",
}


def test_labels_only_forgets_all_about_unlabelled_images():
    others = {"frozen_layers": 0, "steps": 7, "seeds": 2, "budget": "full", "optimizer": "sgd"}
    others["augmentation"] = 1.0
    taught, plain = Settings(**TAUGHT, **others), Settings(**others)
    assert all(getattr(taught, name) != getattr(plain, name) for name in TAUGHT)
    assert {n for n, field in OPTIONS.items() if field.metadata["group"] == "unlabelled"} == {
        *TAUGHT
    }
    assert taught.labels_only() == plain
    assert taught.from_scratch() == plain.from_scratch() == plain.replace(source=None)


def test_alone_a_target_has_nothing_to_share():
    joint = Settings(
        targets=("mnist", "fashion"), labels_per_class=(1, 5), task_weights=(1, 2),
        weighting="pcgrad", shared_heads=True, steps=7,
    )  # fmt: skip
    assert joint.separately() == (
        Settings(targets=("mnist",), labels_per_class=1, steps=7),
        Settings(targets=("fashion",), labels_per_class=5, steps=7),
    )


@pytest.mark.parametrize(
    ("weights", "checked"),
    [
        (None, [1.0, 1.0]),
        ({}, [1.0, 1.0]),
        ({"b": 3}, [1.0, 3.0]),
        ([0, 2], [0.0, 2.0]),
        (np.array([0, 2]), [0.0, 2.0]),
    ],
)
def test_task_weights_come_in_order(weights, checked):
    assert repr(check_task_weights(weights, ("a", "b"))) == repr(checked)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1], "task_weights is [1] for 2 tasks: give one weight of at least 0 for each of a, b"),
        ([1, -2], "task_weights holds -2: give one weight"),
        ("12", "task_weights is '12': give one weight"),
        ([0, 0], "task_weights are all 0, so nothing would be learnt: give one weight"),
        ({"c": 1}, "Unknown task 'c'"),
    ],
)
def test_bad_task_weights_get_one_sentence(weights, words):
    assert words in refusal(check_task_weights, weights, ("a", "b"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"information": -1}, "information is -1"),
        ({"spread": "x"}, "spread is 'x'"),
        ({"agreement": float("nan")}, "agreement is nan"),
        ({"confidence": 1}, "confidence is 1"),
        ({"augmentation": 3}, "augmentation is 3"),
        ({"agreement": 1}, "try augmentation=1"),
    ],
)
def test_a_bad_recipe_gets_one_sentence(changes, words):
    assert words in refusal(check_recipe, SimpleNamespace(**{**Settings().as_dict(), **changes}))


def test_layers_are_frozen_by_name():
    from simmim_lib import trunks

    with_weights = [layer.name for layer in trunks.build_trunk().layers if layer.weights]
    assert tuple(with_weights) == SMALL_CNN.blocks


def test_the_weightings_are_those_there_are():
    assert tuple(weighting.METHODS) == WEIGHTINGS


@pytest.mark.parametrize("depth", range(len(SMALL_CNN.blocks) + 1))
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
    frozen = {"as set": depth, "all": len(SMALL_CNN.blocks)}
    assert settings.stages == tuple(Stage(frozen[name], *rest) for name, *rest in stages)
    assert settings.depth == frozen[stages[-1][0]]
    assert settings.frozen_layer_names == SMALL_CNN.blocks[: settings.depth]


@pytest.mark.parametrize(
    ("depth", "steps", "stages"),
    [
        (2, 9, [(4, 0, 3), (3, 3, 6), (2, 6, 9)]),
        (2, 10, [(4, 0, 3), (3, 3, 6), (2, 6, 10)]),
        (2, 11, [(4, 0, 3), (3, 3, 7), (2, 7, 11)]),
        (2, 2, [(3, 0, 1), (2, 1, 2)]),
        (4, 9, [(4, 0, 9)]),
        (0, 10, [(4, 0, 2), (3, 2, 4), (2, 4, 6), (1, 6, 8), (0, 8, 10)]),
    ],
)
def test_gradual_unfreezing_takes_a_layer_more_in_each_part(depth, steps, stages):
    settings = Settings(adaptation="gradual-unfreezing", steps=steps, frozen_layers=depth)
    assert settings.stages == tuple(Stage(*each) for each in stages)


LARGE = "efficientnet-lite0"
ON_IMAGES = {"learning_rate": 3e-3, "information": 1.0, "agreement": 1.0, "augmentation": 1.0}
ON_FEATURES = {"learning_rate": 2e-3, "information": 1.0, "agreement": 0.0, "augmentation": 0.0}
HEAD_ONLY = {**ON_FEATURES, "learning_rate": 8e-3}
PLAIN = {"learning_rate": 2e-3, "information": 0.0}


@pytest.mark.parametrize(
    ("given", "frozen", "values"),
    [
        ({}, 0, ON_IMAGES),
        ({"frozen_layers": 0}, 0, ON_IMAGES),
        ({"frozen_layers": 1}, 1, ON_FEATURES),
        ({"frozen_layers": 4}, 4, HEAD_ONLY),
        ({"trunk": LARGE}, 9, HEAD_ONLY),
        ({"trunk": LARGE, "frozen_layers": 8}, 8, ON_FEATURES),
        ({"trunk": LARGE, "frozen_layers": 0}, 0, ON_IMAGES),
        ({"trunk": LARGE, "source": None}, 0, ON_IMAGES),
        ({"information": 0.5, "learning_rate": 1e-4}, 0,
         {**ON_IMAGES, "information": 0.5, "learning_rate": 1e-4}),
    ],
)  # fmt: skip
def test_a_recipe_says_what_is_usual_for_all_that_is_not_said(given, frozen, values):
    settings = Settings(recipe="simmim", **given)
    assert (settings.frozen_layers, settings.schedule) == (frozen, "cosine")
    assert {name: getattr(settings, name) for name in values} == values
    assert set(settings.unusual()) == {"recipe", *given} - (
        {"frozen_layers"} if given == {"frozen_layers": 0} else set()
    )


@pytest.mark.parametrize("adaptation", sorted({*ADAPTATIONS} - {"fine-tune"}))
def test_images_without_labels_are_left_out_where_an_adaptation_cannot_use_them(adaptation):
    settings = Settings(recipe="simmim", adaptation=adaptation)
    assert {name: getattr(settings, name) for name in PLAIN} == PLAIN
    assert settings.frozen_layers == 2


def test_from_scratch_nothing_but_the_source_is_unusual():
    assert Settings(source=None).unusual() == {"source": None}


def test_large_trunks_are_compared_with_the_small_network_at_its_own_size():
    large = Settings(trunk=LARGE, image_size=64)
    assert (large.baseline, Settings().baseline) == ("small-trunk", "same-trunk")
    scratch = large.from_scratch()
    assert (scratch.trunk, scratch.image_size, scratch.source) == ("small-cnn", 28, None)
    same = large.replace(baseline="same-trunk").from_scratch()
    assert (same.trunk, same.image_size, same.source) == (LARGE, 64, None)


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
