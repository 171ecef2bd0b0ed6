"""Every kind of figure: the same under any settings of a reader, and whole with any names.

A new kind is a line in `FIGURES`, a new setting one in `SETTINGS`, a new name one in `NAMES`.
"""

import ast
import contextlib
import functools
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import style
from matplotlib.text import Text
from PIL import Image

from simmim_lib import datasets, masking
from simmim_lib.calibration import reliability
from simmim_lib.collapse import diagnose
from simmim_lib.errors import printable
from simmim_lib.experiments import Course, Result
from simmim_lib.foundation.intervals import Difference
from simmim_lib.lessons.information_maximisation import figures as information
from simmim_lib.lessons.language import figures as language
from simmim_lib.lessons.loss_formula import figures as losses
from simmim_lib.lessons.loss_formula import readings
from simmim_lib.lessons.masked_images import figures as masked
from simmim_lib.lessons.masked_images.vanishing import seen_after_layers
from simmim_lib.lessons.open_problems import figures as open_problems
from simmim_lib.lessons.simmim_model import figures as joint
from simmim_lib.lessons.start_here.figures import few_labels
from simmim_lib.lessons.task_weights import study_figures
from simmim_lib.lessons.transfer_learning import figures as transfer
from simmim_lib.pictures import charts, classification
from simmim_lib.pictures.style import Picture, new_figure, styled
from simmim_lib.reports import comparison_figures as comparison
from simmim_lib.settings import Settings

SEEDS = np.array([0.5, 0.6, 0.8])
CELLS = {(column, row): SEEDS + 0.05 * column for column in range(3) for row in range(2)}
STEPS = np.arange(3) * 20


def image_grid(name: str) -> Picture:
    return charts.image_grid(np.linspace(0, 1, 64 * 3).reshape(3, 8, 8, 1), [name, "b", name], name)


def accuracy_curves(name: str) -> Picture:
    curves = [charts.Curve(name, {1: SEEDS, 10: SEEDS, 100: SEEDS / 2}, "target")]
    return charts.accuracy_curves(curves, name, name, (name, SEEDS / 3), True, lowest=0.3)


def accuracy_rows(name: str) -> Picture:
    return charts.accuracy_rows({name: {"from scratch": SEEDS, name: SEEDS / 2}}, name)


@styled
def confusion(name: str) -> Picture:
    figure = new_figure(6, 5)
    counts = np.arange(9).reshape(3, 3)
    axes = figure.add_axes((0.2, 0.3, 0.6, 0.6))
    image = classification.draw_confusion(axes, counts / 9, counts, [name, "b", f"{name} 2"])
    axes.set_title(name)
    figure.colorbar(image)
    return Picture(figure, name)


def reliability_diagram(name: str) -> Picture:
    found = reliability(np.random.default_rng(0).dirichlet((1, 1, 1), 200), np.arange(200) % 3)
    return Picture(classification.draw_reliability({name: found}, name), name)


def heat_map(name: str) -> Picture:
    across = comparison.Axis("labels", ("1", "2", "3"), (1, 2, 3))
    return comparison.heat_map(across, comparison.Axis("source", (name, "b")), CELLS, name, name)


def curves(name: str) -> Picture:
    along = comparison.Axis("source", ("a", name, "c"))
    return comparison.curves(along, comparison.Axis(name, (name, "b")), CELLS, name, name)


def scores_against_cost(name: str) -> Picture:
    seconds = [0.01, 1.0, 30.0]
    front = np.array([True, False, True])
    return comparison.scores_against_cost(
        seconds, [SEEDS] * 3, name, front, [name, "b", name], name
    )


def course(name: str) -> Picture:
    settings = Settings(targets=("mnist", "fashion"), steps=40, seeds=3)
    looks = {target: np.outer((0.1, 0.4, 0.9), SEEDS) for target in settings.targets}
    scores = {target: {"accuracy": SEEDS} for target in settings.targets}
    result = Result(settings, scores, {}, {}, seconds=1.0)
    return joint.simmim(Course(settings, STEPS, looks, result=result), {"mnist": result})


def frozen_depth(name: str) -> Picture:
    guesses = np.roll(datasets.load("mnist").test.labels, 1)
    scores = {"mnist": {"accuracy": SEEDS}}
    shown = {"mnist": np.eye(10)[np.array([guesses] * 3)]}
    result = Result(Settings(seeds=3), scores, {}, shown, seconds=1.0)
    return transfer.frozen_depth({0: result, 2: result}, 2, result)


def score_against_accuracy(name: str) -> Picture:
    scores, accuracy = {name: {(name, "mnist"): 0.3}}, {(name, "mnist"): SEEDS}
    return transfer.score_against_accuracy(scores, accuracy, {"mnist": SEEDS / 2}, name)


def labels_and_neighbours(name: str) -> Picture:
    task = datasets.few_shot("mnist", 2, seed=0)
    return few_labels(datasets.load("mnist"), task.labelled, {1: SEEDS, 2: SEEDS, 20: SEEDS})


def ablation(name: str) -> Picture:
    parts = {information.NOTHING: SEEDS, name: SEEDS[::-1] / 2}
    return information.ablation({1: parts, 2: parts}, name)


def collapse(name: str) -> Picture:
    logits = np.random.default_rng(0).normal(size=(3, 50, 4))
    return information.collapse({name: diagnose(logits, np.full(4, 0.25))}, name)


def weights_over_steps(name: str) -> Picture:
    falling = np.exp(-np.outer(np.arange(30), (0.1, 0.3)))
    return study_figures.weights_over_steps(falling, {"fixed": np.ones(30), "mgda": falling[:, 1]})


def changes(name: str) -> Picture:
    of_targets = {name: Difference(-2.0, 1.0), "fashion": Difference(0.5, 1.0)}
    return study_figures.changes({"fixed": of_targets, "mgda": of_targets}, name)


def one_probability(name: str) -> Picture:
    return losses.one_probability(readings.curves(), 0.3)


def filled_in(name: str) -> Picture:
    images = np.linspace(0, 1, 64 * 3).reshape(3, 8, 8, 1)
    return masked.filled_in(images, masking.random_mask(3, 2), images / 2, name)


def after_seconds(name: str) -> Picture:
    of_looks = (np.array([3.0, 300.0]), np.stack([SEEDS, SEEDS / 2]))
    return masked.after_seconds({"masked": of_looks, "contrastive": of_looks}, SEEDS, name)


def ratios_and_units(name: str) -> Picture:
    found = {(ratio, unit): SEEDS * ratio for ratio in (0.2, 0.6) for unit in (1, 2)}
    return masked.ratios_and_units(found, (0.6, 1), masking.random_mask(1, 4)[0], name)


def attention(name: str) -> Picture:
    maps = np.random.default_rng(0).random((3, 2, 4, 4))
    return masked.attention(np.linspace(0, 1, 64).reshape(8, 8, 1), (1, 2), maps, name)


def vanishing_mask(name: str) -> Picture:
    return masked.vanishing_mask(seen_after_layers(masking.random_mask(1, 4)[0]))


def ways_and_costs(name: str) -> Picture:
    ways = [open_problems.Way(name, name, cost, SEEDS + cost / 100) for cost in (0.1, 1.0, 30.0)]
    return open_problems.accuracy_against_cost(ways, name, limit=2.0)


def private_head(name: str) -> Picture:
    curves = {name: {0.1: SEEDS / 2, 1.0: SEEDS, 8.0: SEEDS}}
    return open_problems.private_head(curves, {name: SEEDS}, (1.0, SEEDS, name), name)


def claimed_and_found(name: str) -> Picture:
    rows = {name: (1.0, SEEDS), "b": (0.6, SEEDS)}
    return open_problems.claimed_and_found(rows, name)


def membership(name: str) -> Picture:
    shares = np.array([0.0, 1e-3, 1e-2, 1.0])
    found = np.outer(shares**0.5, SEEDS)
    private = {name: open_problems.Promised(found, shares**0.4, shares**0.9)}
    return open_problems.membership(shares, {name: found}, private, name)


def map_rows(name: str) -> Picture:
    images = np.linspace(0, 1, 128).reshape(2, 8, 8, 1)
    return open_problems.map_rows(images, {name: images - 0.5}, [name, "b"], name)


def forgetting(name: str) -> Picture:
    return open_problems.forgetting({name: np.outer((0.5, 0.1), SEEDS)}, [name, "b"], name)


def one_map(name: str) -> Picture:
    image = np.linspace(0, 1, 64).reshape(8, 8, 1)
    return open_problems.one_map(image, image - 0.5, 0 * image, name, [name, "b"])


def run_card(name: str) -> Picture:
    return open_problems.run_card(name, [name, "b"], name, name)


def by_labels(name: str) -> Picture:
    way = {name: {2: SEEDS, 8: SEEDS / 2}, "b": {2: SEEDS, 8: SEEDS / 3}}
    return language.by_labels({name: way}, {name: SEEDS}, name)


def who_teaches_whom(name: str) -> Picture:
    return language.who_teaches_whom({name: np.eye(2)[..., None] * SEEDS}, [name, "b"], name)


def words_behind(name: str) -> Picture:
    return language.words_behind([name, "b"], {name: np.array([0.5, -1])}, {name: "sum"}, name)


def continued(name: str) -> Picture:
    return language.continued([(name, 0.5), ("b", 0.1)], name, 0.8)


FIGURES: list[Callable[[str], Picture]] = [
    *(image_grid, accuracy_curves, accuracy_rows, confusion, reliability_diagram, heat_map),
    *(curves, scores_against_cost, course, frozen_depth, score_against_accuracy),
    *(by_labels, who_teaches_whom, words_behind, continued),
    *(labels_and_neighbours, ablation, collapse, weights_over_steps, changes, one_probability),
    *(filled_in, after_seconds, ratios_and_units, attention, vanishing_mask),
    *(ways_and_costs, private_head, claimed_and_found, membership, map_rows, forgetting, one_map),
    run_card,
]

OWN_WORDS = [
    *(course, frozen_depth, labels_and_neighbours, weights_over_steps, one_probability),
    vanishing_mask,
]
"""Those that show nothing but the workbook's own words, as they are drawn here."""


def others() -> dict[str, Any]:
    """Return other values than matplotlib's own for its switches and its numbers."""
    found: dict[str, Any] = {}
    for name in mpl.rcParamsDefault:
        value = mpl.rcParamsDefault[name]
        changed = not value if isinstance(value, bool) else 0.5
        if isinstance(value, bool | int | float) and name not in (*OF_THE_PROCESS, "text.usetex"):
            with contextlib.suppress(ValueError, RuntimeError), mpl.rc_context({name: changed}):
                found[name] = changed
    return found


OF_THE_PROCESS = ("interactive", "figure.raise_window")

SETTINGS: dict[str, dict[str, Any]] = {
    "dark": dict(style.library["dark_background"]),
    "black on black": {"text.color": "black", "figure.facecolor": "black", "axes.titlecolor": "k"},
    "a course's style": dict(style.library["ggplot"]),
    "old style": dict(style.library["classic"]),
    "TeX": {"text.usetex": True, "text.latex.preamble": r"\usepackage{nothing-of-this-name}"},
    "formulas": {"axes.formatter.use_mathtext": True, "mathtext.fontset": "cm"},
    "as in a talk": {"font.size": 30, "axes.titlesize": 60, "legend.fontsize": 40},
    "bold and slanted": {"font.weight": "bold", "font.style": "italic", "axes.titleweight": 900},
    "large ticks": {"xtick.labelsize": 40, "ytick.labelsize": 40, "xtick.major.size": 50},
    "ticks elsewhere": {"xtick.top": True, "xtick.bottom": False, "ytick.labelleft": False},
    "no spines": {"axes.spines.left": False, "axes.edgecolor": "white", "axes.linewidth": 9},
    "titles aside": {"axes.titlelocation": "right", "axes.titley": 0.2, "axes.titlepad": 90},
    "files": {"savefig.dpi": 30, "savefig.bbox": "tight", "savefig.transparent": True},
    "more about files": {"savefig.facecolor": "red", "savefig.format": "pdf"},
    "fine": {"figure.dpi": 300, "savefig.dpi": 600},
    "own layout": {"figure.constrained_layout.use": True, "figure.subplot.left": 0.4},
    "tight layout": {"figure.autolayout": True},
    "lines": {"lines.linewidth": 20, "lines.marker": "o", "lines.markersize": 30},
    "no marks": {"lines.linestyle": "None", "errorbar.capsize": 20, "patch.linewidth": 9},
    "own colours": {"axes.prop_cycle": mpl.cycler(color=["white"]), "image.cmap": "hot"},
    "own images": {"image.interpolation": "bicubic", "image.origin": "lower"},
    "as if by hand": {"path.sketch": (5, 100, 2)},
    "rough": {"text.hinting": "none", "text.antialiased": False, "lines.antialiased": False},
    "numbers": {"axes.unicode_minus": False, "axes.formatter.limits": (0, 0)},
    "locale": {"axes.formatter.use_locale": True, "axes.formatter.min_exponent": 9},
    "margins": {"axes.xmargin": 0.4, "axes.ymargin": 0.4, "axes.autolimit_mode": "round_numbers"},
    "legend": {"legend.loc": "center", "legend.labelcolor": "white", "legend.frameon": True},
    "grid": {"axes.grid": False, "axes.grid.which": "both", "axes.grid.axis": "x"},
    "everything": others(),
}

NAMES = [
    *("$1", "$10_$20", r"$\frac{", r"\alpha", "a_b^c", "x{y}%s%%", "_hidden", "#!/bin", "", " "),
    *("猫", "日本語と中国語", "한국어", "हिन्दी", "العربية", "👩\u200d🔬", "☃\ufe0f"),
    *("\udcff\udc80", "half \ud800", "nul \x00", "\x1b]0;mine\x07", "\u202etxt", "a\u2028b"),
    *("two\nlines", "tab\tbed", "<script>alert(1)</script>", "&amp;", "x" * 300, "wide " * 80),
]


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@functools.cache
def usual(draw: Callable[[str], Picture]) -> np.ndarray:
    """Return a figure's pixels as they are where nobody has set anything."""
    with mpl.rc_context():
        mpl.rcdefaults()
        return pixels(draw("name").png())


@pytest.mark.slow
@pytest.mark.parametrize("draw", FIGURES, ids=lambda each: each.__name__)
def test_every_figure_is_the_same_whatever_a_reader_has_set(draw):
    with mpl.rc_context({**SETTINGS["dark"], **SETTINGS["everything"]}):
        picture = draw("name")
    with mpl.rc_context(SETTINGS["as in a talk"]):  # shown later, under other settings again
        np.testing.assert_array_equal(pixels(picture.png()), usual(draw))


@pytest.mark.slow
@pytest.mark.parametrize("reader", SETTINGS)
def test_no_setting_of_a_reader_changes_a_figure(reader):
    with mpl.rc_context(SETTINGS[reader]):
        before = {name: mpl.rcParams[name] for name in SETTINGS[reader]}
        found = scores_against_cost("name").png()
        assert before == {name: mpl.rcParams[name] for name in SETTINGS[reader]}
    np.testing.assert_array_equal(pixels(found), usual(scores_against_cost))


@pytest.mark.slow
def test_a_figure_that_a_reader_saves_is_the_same_too():
    with mpl.rc_context():
        mpl.rcdefaults()
        expected = io.BytesIO()
        accuracy_curves("name").figure.savefig(expected, format="png")
    for reader in ("dark", "files", "TeX", "as in a talk"):
        found = io.BytesIO()
        with mpl.rc_context(SETTINGS[reader]):
            accuracy_curves("name").figure.savefig(found, format="png")
        np.testing.assert_array_equal(
            pixels(found.getvalue()), pixels(expected.getvalue()), err_msg=reader
        )


def test_the_reader_s_family_of_fonts_is_used():
    with mpl.rc_context({"font.family": "serif"}):
        found = pixels(accuracy_curves("name").png())
    expected = usual(accuracy_curves)
    assert found.shape == expected.shape and not np.array_equal(found, expected)


def check(picture: Picture) -> None:
    """Refuse boxes in place of letters, formulas in place of names, and what cannot be seen."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph")
        assert picture.png().startswith(b"\x89PNG")
    assert printable(picture.alt, keep="\n") == picture.alt
    texts = [text for text in picture.figure.findobj(Text) if text.get_text()]
    assert not any(text.get_parse_math() or text.get_usetex() for text in texts)


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_drawn_as_the_text_that_it_is(name):
    check(image_grid(name))


@pytest.mark.parametrize("draw", [each for each in FIGURES if each not in OWN_WORDS])
def test_every_figure_draws_any_name(draw):
    check(draw("$10_$20 \x1b[31m \udcff 猫 \u202e_x"))


@pytest.mark.parametrize("draw", [confusion, heat_map, curves, accuracy_rows])
def test_a_long_name_is_shortened_along_an_axis(draw):
    axes = draw("x" * 300).figure.axes[0]
    written = [text.get_text() for text in (*axes.get_xticklabels(), *axes.get_yticklabels())]
    assert 20 < max(map(len, written)) <= 40


def test_what_looks_like_a_formula_is_no_formula():
    """Two dollars would set what is between them in italics, and vanish."""
    plain, formula = (pixels(image_grid(name).png()) for name in ("a b", "$a$ b"))
    assert (formula < 128).sum() > (plain < 128).sum() + 40


def test_a_name_that_begins_with_an_underscore_is_in_the_legend():
    legend = accuracy_curves("_name").figure.axes[0].get_legend()
    assert [text.get_text().strip() for text in legend.get_texts()] == ["_name"] * 2


@pytest.mark.parametrize("classes", [21, 200, 1000])
def test_of_hundreds_of_classes_some_are_named(classes):
    axes = new_figure(6, 5).add_axes((0.2, 0.3, 0.6, 0.6))
    names = [f"class {label}" for label in range(classes)]
    classification.draw_confusion(axes, np.eye(classes), np.eye(classes, dtype=int), names)
    written = [tick.get_text() for tick in axes.get_yticklabels()]
    assert 20 < len(written) <= classification.MAX_NAMES
    places = [round(place) for place in axes.get_yticks()]
    assert written == [names[place] for place in places]


def undecorated(path: Path) -> list[str]:
    """Return the functions of a module that make a figure outside of our style."""
    return [
        f"{path.name}: {node.name}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(part, ast.Name) and part.id == "new_figure" for part in ast.walk(node))
        and "styled" not in [ast.unparse(each) for each in node.decorator_list]
    ]


def test_whatever_makes_a_figure_does_so_in_our_style():
    library = Path(__file__).parents[1] / "simmim_lib"
    assert [each for path in library.rglob("*.py") for each in undecorated(path)] == []
