"""The page about a sweep: what it says, draws and refuses."""

import html.parser
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from device_making import device
from scipy import stats

from simmim_lib.commands import cli
from simmim_lib.errors import WorkbookError, printable
from simmim_lib.pictures.style import Picture
from simmim_lib.reports import comparison, comparison_figures
from simmim_lib.settings import Settings
from simmim_lib.sweeps.rows import FILE_NAME, read

SEEDS = 4


def row(
    accuracy: float, seconds: float = 1.0, error: str | None = None, **fields: Any
) -> dict[str, Any]:
    settings = Settings(**{"seeds": SEEDS, "targets": ("mnist",), **fields})
    values = list(accuracy + 0.01 * np.arange(settings.seeds))
    return {
        "settings": settings.as_dict(),
        "scores": {name: {"accuracy": values} for name in settings.targets},
        "seconds": seconds,
        "versions": {"keras": "3.15"},
        "error": error,
    }


def results(folder: Path, *rows: dict[str, Any]) -> Path:
    text = "".join(json.dumps(each) + "\n" for each in rows)
    (folder / FILE_NAME).write_text(text)
    return folder


GRID = [
    row(base + labels / 100, seconds=labels, source=source, labels_per_class=labels)
    for source, base in (("glyphs", 0.6), (None, 0.5))
    for labels in (10, 2, 5)
]


class Page(html.parser.HTMLParser):
    """The tables, the pictures' texts, the elements and what they load, of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.alts: list[str] = []
        self.elements: set[str] = set()
        self.loaded: list[str] = []
        self.in_cell = False
        self.text = path.read_text()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.add(tag)
        self.loaded += [value or "" for key, value in attrs if key in ("src", "href")]
        if tag == "img":
            self.alts.append(given["alt"] or "")
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self.in_cell = self.in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.in_cell:
            self.tables[-1][-1][-1] += data.replace("\N{NO-BREAK SPACE}", " ")


def page(folder: Path, *rows: dict[str, Any], fields: list[str] | None = None) -> Page:
    comparison.write(results(folder, *rows), folder / "page.html", fields)
    return Page(folder / "page.html")


def test_the_table_has_every_experiment_with_its_interval_best_first(tmp_path: Path) -> None:
    (table,) = page(tmp_path, *GRID).tables
    assert table[0] == ["source", "labels_per_class", "test accuracy", "seconds", "Pareto front"]
    assert [line[:2] for line in table[1:]] == [
        [source, labels] for source in ("glyphs", "none") for labels in ("10", "5", "2")
    ]
    values = 0.7 + 0.01 * np.arange(SEEDS)
    low, high = stats.t.interval(0.95, SEEDS - 1, values.mean(), stats.sem(values))
    assert table[1][2] == f"{values.mean():.3f} ± {(high - low) / 2:.3f}"
    # Nothing is quicker than 2 labels from glyphs and as good; from scratch all are beaten.
    assert [line[-1] for line in table[1:]] == ["yes"] * 3 + [""] * 3


def test_the_page_is_one_file_that_loads_nothing_and_runs_nothing(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    found = page(tmp_path, *GRID, row(0.1, error=evil, steps=3), row(0.1, optimizer="sgd"))
    assert "script" not in found.elements and "&lt;script&gt;" in found.text
    assert found.loaded and all(each.startswith("data:image/png;base64,") for each in found.loaded)
    assert found.tables[-1][0][-1] == "what went wrong"
    assert [line[-1] for line in found.tables[-1][1:]] == [evil]


def test_a_name_of_a_dataset_from_elsewhere_is_escaped(tmp_path: Path) -> None:
    found = page(tmp_path, row(0.5, targets=("<img src=x onerror=alert(1)>",)), row(0.4))
    assert found.loaded == [each for each in found.loaded if each.startswith("data:")]


def test_each_target_has_its_own_part(tmp_path: Path) -> None:
    both = row(0.8, targets=("mnist", "uci-digits"))
    found = page(tmp_path, both, row(0.6))
    assert [len(table) for table in found.tables] == [3, 2]
    assert [line[0] for line in found.tables[0][1:]] == ["mnist + uci-digits", "mnist"]


def drawn(rows: list[dict[str, Any]], tmp_path: Path, *fields: str) -> Picture:
    return comparison.draw("mnist", read(results(tmp_path, *rows)), fields)


def test_numbers_are_drawn_as_curves_in_their_order(tmp_path: Path) -> None:
    picture = drawn(GRID, tmp_path, "labels_per_class", "source")
    (axes,) = picture.figure.axes
    assert [each.get_text() for each in axes.get_legend().get_texts()] == ["glyphs", "none"]
    for container, base in zip(axes.containers, (0.615, 0.515), strict=True):
        line = container.lines[0]
        assert list(line.get_xdata()) == [2, 5, 10]
        wanted = base + np.array([0.02, 0.05, 0.1])
        np.testing.assert_allclose(np.array(line.get_ydata(), float), wanted)
    assert "source none, labels_per_class 5: 0.565 ± 0.021" in picture.alt


def test_names_are_drawn_as_a_map(tmp_path: Path) -> None:
    picture = drawn(GRID[:5], tmp_path, "source", "labels_per_class")
    axes = picture.figure.axes[0]
    wanted = [[0.635, 0.535], [0.665, np.nan], [0.715, 0.615]]
    np.testing.assert_allclose(np.ma.filled(axes.images[0].get_array(), np.nan), wanted)
    assert {each.get_text() for each in axes.texts} == {"0.635", "0.535", "0.665", "0.715", "0.615"}


def test_a_map_names_its_axes_and_their_values() -> None:
    across = comparison_figures.Axis("source", ("glyphs", "fashion", "none"))
    down = comparison_figures.Axis("steps", ("1", "2"), (1.0, 2.0))
    cells = {(0, 1): np.array([0.5, 0.6]), (2, 0): np.array([0.1, 0.3])}
    picture = comparison_figures.heat_map(across, down, cells, "AUC", "Sweep")
    axes = picture.figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("source", "steps")
    assert [each.get_text() for each in axes.get_xticklabels()] == list(across.values)
    assert [each.get_text() for each in axes.get_yticklabels()] == list(down.values)
    numbers = {each.get_text(): each.get_position() for each in axes.texts}
    assert numbers == {"0.550": (0, 1), "0.200": (2, 0)}
    assert "source none, steps 1: 0.200 ±" in picture.alt


def test_a_target_of_numbers_is_compared_by_its_error_the_smallest_first(tmp_path: Path) -> None:
    rows = []
    for steps, error, seconds in ((1, 40.0, 1.0), (2, 12.0, 2.0), (3, 20.0, 3.0)):
        of_steps = row(0.5, seconds=seconds, steps=steps)
        of_steps["scores"]["mnist"] = {"mean absolute error": [error] * SEEDS}
        rows.append(of_steps)
    shown = page(tmp_path, *rows)
    (table,) = shown.tables
    assert table[0] == ["steps", "test mean absolute error", "seconds", "Pareto front"]
    assert [(line[0], line[-1]) for line in table[1:]] == [("2", "yes"), ("3", ""), ("1", "yes")]
    assert all("mean absolute error" in alt for alt in shown.alts)


def test_the_table_has_every_measure_and_room_for_what_could_not_be_measured(
    tmp_path: Path,
) -> None:
    both, one = row(0.5), row(0.6, steps=7)
    both["scores"]["mnist"]["AUC"] = [0.9] * SEEDS
    (table,) = page(tmp_path, both, one).tables
    assert table[0][1:3] == ["test accuracy", "test AUC"]
    assert [line[2] for line in table[1:]] == ["", "0.900 ± 0.000"]


def test_the_front_is_drawn_from_cheap_to_dear_and_named() -> None:
    accuracies = [np.array([each - 0.01, each + 0.01]) for each in (0.9, 0.5, 0.4, 0.7)]
    picture = comparison_figures.scores_against_cost(
        [3.0, 1.0, 4.0, 2.0],
        accuracies,
        "AUC",
        np.array([True, True, False, True]),
        "abcd",
        "Sweep",
    )
    (axes,) = picture.figure.axes
    lines = {line.get_label(): line for line in axes.lines}
    front, beaten = lines["Pareto front"], lines["beaten in both"]
    np.testing.assert_allclose(front.get_xydata(), [(1, 0.5), (2, 0.7), (3, 0.9)])
    np.testing.assert_allclose(beaten.get_xydata(), [(4, 0.4)])
    assert {each.get_text(): tuple(each.xy) for each in axes.texts} == {
        "a": pytest.approx((3, 0.9)),
        "b": pytest.approx((1, 0.5)),
        "d": pytest.approx((2, 0.7)),
    }
    # Each name stands where there is more room.
    assert {each.get_text(): each.get_ha() for each in axes.texts} == {
        "a": "right",
        "b": "left",
        "d": "left",
    }
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("seconds for all seeds", "test AUC")
    assert [picture.alt.index(f"{name}: 0.") for name in "bda"] == sorted(
        picture.alt.index(f"{name}: 0.") for name in "abd"
    )


def test_the_bars_of_a_curve_are_the_intervals() -> None:
    along = comparison_figures.Axis("steps", ("1", "2"), (1.0, 2.0))
    cells = {(0, 0): np.array([0.5, 0.6, 0.7]), (1, 0): np.array([0.6, 0.62, 0.64])}
    (axes,) = comparison_figures.curves(along, None, cells, "AUC", "Sweep").figure.axes
    (bars,) = axes.containers[0].lines[2]
    for values, segment in zip(cells.values(), bars.get_segments(), strict=True):
        low, high = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
        np.testing.assert_allclose(segment[:, 1], [low, high])


def test_further_fields_are_averaged_seed_by_seed_and_named(tmp_path: Path) -> None:
    rows = [*GRID, *[row(0.3, labels_per_class=2, optimizer="sgd", seeds=3)]]
    picture = drawn(rows, tmp_path, "labels_per_class")
    (axes,) = picture.figure.axes
    assert "means over source, optimizer, seeds, 2 to 3 experiments each" in axes.get_title("left")
    first_three = 0.01 * np.arange(3).mean()
    (container,) = axes.containers
    wanted = (0.62 + 0.52 + 0.3) / 3 + first_three
    np.testing.assert_allclose(float(container.lines[0].get_ydata()[0]), wanted)


def test_the_fields_with_most_values_are_chosen(tmp_path: Path) -> None:
    rows = read(results(tmp_path, *GRID))
    # From scratch, frozen_layers and copied_layers are 0; that is no third and fourth question.
    assert list(comparison.varying(rows)) == ["source", "labels_per_class"]
    assert comparison.choose_fields(comparison.varying(rows)) == ["labels_per_class", "source"]
    found = page(tmp_path, *GRID)
    assert "labels_per_class 2" in found.alts[0] and "Pareto front" in found.alts[1]
    assert page(tmp_path, GRID[0]).alts == []  # with nothing to compare


def test_what_is_the_same_is_said_of_experiments_with_a_source(tmp_path: Path) -> None:
    """From scratch nothing is copied or frozen, whatever the others do."""
    scratch_first = [row(0.5, source=None), row(0.6, copied_layers=3, frozen_layers=1)]
    told = comparison.write(results(tmp_path, *scratch_first)).read_text()
    assert "copied_layers is 3, frozen_layers is 1" in told
    assert "frozen_layers is 0" not in told


def test_one_experiment_twice_counts_once_and_one_seed_has_no_interval(tmp_path: Path) -> None:
    found = page(tmp_path, row(0.5, seeds=1), row(0.25, seeds=1), row(0.5, seeds=1, steps=7))
    assert len(found.tables[0]) == 3
    assert {line[1] for line in found.tables[0][1:]} == {"0.500", "0.250"}


def test_failures_alone_make_a_page(tmp_path: Path) -> None:
    found = page(tmp_path, row(0, error="no"), row(0, error="nor this", steps=3))
    assert found.alts == [] and [line[-1] for line in found.tables[0][1:]] == ["no", "nor this"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ("sourc", "Unknown setting 'sourc'. Did you mean 'source'?"),
        ("steps", "steps is the same everywhere: choose from source, labels_per_class."),
        ("source,source", "source, source were given"),
    ],
)
def test_fields_that_cannot_be_drawn_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fields: str, told: str
) -> None:
    folder = results(tmp_path, *GRID)
    assert cli.main(["compare", str(folder), "--fields", fields]) == 2
    assert told in capsys.readouterr().err
    assert not (folder / "comparison.html").exists()


def titles(path: Path) -> list[str]:
    return re.findall("<h1[^>]*>(.*?)</h1>", path.read_text())


@pytest.mark.parametrize(
    ("given", "title"),
    [(".", "mine"), ("../mine", "mine"), ("below/..", "mine"), ("linked", "mine"), ("./", "mine")],
)
def test_the_title_is_the_folder_s_real_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, title: str
) -> None:
    folder = tmp_path / "mine"
    (folder / "below").mkdir(parents=True)
    (folder / "linked").symlink_to(folder)
    monkeypatch.chdir(results(folder, GRID[0]))
    assert cli.main(["compare", given]) == 0
    assert titles(folder / "comparison.html") == [f"A sweep: {title}"]


@pytest.mark.parametrize(
    "fields", ["source,labels_per_class", "source, labels_per_class", " source ,labels_per_class,"]
)
def test_fields_may_have_spaces_between_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: str
) -> None:
    asked = []
    monkeypatch.setattr(comparison, "write", lambda folder, path, fields: asked.append(fields))
    assert cli.main(["compare", str(tmp_path), "--fields", fields]) == 0
    assert asked == [["source", "labels_per_class"]]


def test_a_link_in_somebody_else_s_results_is_not_written_through(tmp_path: Path) -> None:
    folder, victim = results(tmp_path, GRID[0]), tmp_path / "victim"
    victim.write_text("mine")
    for name in ("comparison.html", "comparison.html.part", ".comparison.html.lock"):
        (folder / name).symlink_to(victim)
    assert cli.main(["compare", str(folder)]) == 0
    assert victim.read_text() == "mine" and titles(folder / "comparison.html")
    (folder / "named").symlink_to(victim)  # what the person named is followed
    assert cli.main(["compare", str(folder), "--output", str(folder / "named")]) == 0
    assert titles(victim)


def test_a_page_does_not_take_the_place_of_the_results(tmp_path: Path) -> None:
    folder = results(tmp_path, *GRID)
    before = (folder / FILE_NAME).read_bytes()
    with pytest.raises(WorkbookError, match=r"would take the place of .*name another file"):
        comparison.write(folder, folder / FILE_NAME)
    assert (folder / FILE_NAME).read_bytes() == before


def test_a_page_that_cannot_be_written_any_more_is_somewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = device(tmp_path, "full")
    (tmp_path / "spare").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "spare"))
    folder = results(tmp_path, GRID[0])
    assert cli.main(["compare", str(folder), "--output", str(full)]) == 2
    (kept,) = (tmp_path / "spare").rglob("full")
    assert str(kept) in capsys.readouterr().err and titles(kept)


def test_results_that_cannot_be_read_or_kept_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkbookError, match=r"cannot be read .*simmim sweep"):
        comparison.write(tmp_path / "nowhere", tmp_path / "page.html")
    with pytest.raises(WorkbookError, match="no experiment yet"):
        comparison.write(results(tmp_path), tmp_path / "page.html")
    with pytest.raises(WorkbookError, match="Cannot write"):
        comparison.write(results(tmp_path, *GRID), tmp_path / "no" / "page.html")
    (tmp_path / FILE_NAME).write_bytes(b"\x80\x04K\x01.\n")  # a pickle
    with pytest.raises(WorkbookError, match=r"line 1: "):
        comparison.write(tmp_path, tmp_path / "page.html")


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": 10**400},
        {"seconds": 1e308},
        {"seconds": float("inf")},
        {"seconds": float("nan")},
        {"seconds": -1},
        {"seconds": [1]},
        {"seconds": None},
        {"scores": {"mnist": {"accuracy": [10**400] * SEEDS}}},
        {"scores": {"mnist": {"accuracy": [1e308] * SEEDS}}},
        {"scores": {"mnist": {"accuracy": [float("nan")] * SEEDS}}},
        {"scores": {"mnist": {"accuracy": [0.5, [0.5]]}}},
        {"scores": {"mnist": {"accuracy": [0.5]}}},
        {"scores": {"mnist": {"accuracy": [0.5] * SEEDS, "AUC": [1.5] * SEEDS}}},
        {"scores": {"mnist": {"mean absolute error": [-1] * SEEDS}}},
        {"scores": {"mnist": {"mean absolute error": [1e39] * SEEDS}}},
        {"scores": {"mnist": {"mean absolute error": [float("inf")] * SEEDS}}},
        {"scores": {"mnist": {"AUC": [0.5] * SEEDS}}},
        {"scores": {"mnist": [0.5] * SEEDS}},
        {"scores": {"\ud800": {"accuracy": [0.5] * SEEDS}}},
        {"scores": {"fashion": {"accuracy": [0.5] * SEEDS}}},
        {"scores": 5},
        {"error": 5},
        {"versions": None},
        {"settings": {"steps": 10**400}},
        {"settings": {"learning_rate": 10**400}},
        {"settings": {"targets": ["\x1b]0;mine\x07"]}},
        {"settings": {"targets": ["folder:\x00"]}},
        {"settings": {"targets": ["folder:\ud800"]}},
        {"settings": {"\u202esteps": 3}},
        {"settings": []},
        {"settings": None},
    ],
)
def test_a_line_that_no_sweep_wrote_is_one_sentence(tmp_path: Path, change: dict[str, Any]) -> None:
    bad = row(0.5) | change
    with pytest.raises(WorkbookError, match=r"line 2: this is not an experiment") as refused:
        read(results(tmp_path, row(0.5), bad))
    told = str(refused.value)
    assert told.isprintable() and told.encode() and len(told) < 1000


@pytest.mark.parametrize("name", ["\x1b]0;mine\x07", "\ud800", "\x00", "\u202etxt", "<b>", "$1$2"])
def test_texts_of_a_stranger_s_results_are_shown_as_they_are(tmp_path: Path, name: str) -> None:
    rows = [row(0.5, seconds=2), row(0.4, error=name, steps=3), row(0.6, steps=9)]
    rows[0]["versions"] = {name: name}
    found = page(tmp_path, *rows)
    assert "b" not in found.elements and printable(found.text, keep="\n") == found.text
    assert printable(name) in found.tables[-1][1][-1]


@pytest.mark.parametrize("errors", [(3e38, 1.0), (3e38, 3e38), (1e-300, 3e38), (0.0, 5e-324)])
@pytest.mark.filterwarnings("error")
def test_errors_near_the_ends_of_single_precision_are_drawn(tmp_path: Path, errors: Any) -> None:
    rows = [row(0.5, seconds=place, steps=place) for place in (1, 2)]
    for each, error in zip(rows, errors, strict=True):
        each["scores"] = {"mnist": {"mean absolute error": [error] * SEEDS}}
    assert len(page(tmp_path, *rows).alts) == 2


@pytest.mark.parametrize("rates", [(1e308, 1.0), (1e-320, 1.0), (1e-300, 1e300), (0.1, 10**300)])
def test_settings_near_the_ends_of_floats_are_drawn(tmp_path: Path, rates: Any) -> None:
    rows = [row(0.5, seconds=place, learning_rate=rate) for place, rate in enumerate(rates, 1)]
    assert len(page(tmp_path, *rows).alts) == 2


@pytest.mark.slow
def test_of_very_many_experiments_some_are_named() -> None:
    number = 20_000
    seconds = np.geomspace(0.001, 1e9, number)
    accuracies = np.linspace(0, 1, number)[:, np.newaxis]
    picture = comparison_figures.scores_against_cost(
        list(seconds), list(accuracies), "AUC", np.ones(number, bool), ["x" * 99] * number, "Sweep"
    )
    (axes,) = picture.figure.axes
    assert 1 < len(axes.texts) <= comparison_figures.MAX_NAMED
    assert f"and {number - comparison_figures.MAX_TOLD} more" in picture.alt
    assert picture.png()
