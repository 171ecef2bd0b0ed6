"""`simmim report` and plain papermill: the files, the numbers in them, and what is refused."""

import ast
import concurrent.futures
import dataclasses
import datetime
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import build
import nbformat
import numpy as np
import papermill
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_making import fill_table, fill_with_waves
from outline import Outline

from simmim_lib import datasets, experiments
from simmim_lib.commands import cli
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import kept_models
from simmim_lib.reports import pages, places, report, running
from simmim_lib.settings import OPTIMIZERS, OPTIONS, Settings

SOURCE = build.FOLDER / "source" / "10_report.py"
TINY = Settings(source="mnist", targets=("uci-digits",), labels_per_class=2, steps=3, seeds=2)
TITLE = '<b>Digits</b> & "more"'


def silent(*_: object) -> None:
    """Hear of progress and say nothing."""


# --- The parameters


def parameter_literals(source: str) -> dict[str, object]:
    """Read the assignments of a cell, which must be literals and nothing else."""
    statements = ast.parse(source).body
    assert all(isinstance(each, ast.Assign) and len(each.targets) == 1 for each in statements)
    return {each.targets[0].id: ast.literal_eval(each.value) for each in statements}


def test_the_parameters_are_the_fields_of_settings(monkeypatch):
    monkeypatch.delenv("SIMMIM_BUDGET", raising=False)
    fields = {name: report.PARAMETERS.get(name, "usual") for name in OPTIONS}
    for notebook in (build.read_lesson(SOURCE), nbformat.read(report.notebook_path(), 4)):
        cells = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
        assert len(cells) == 1
        found = parameter_literals(cells[0].source)
        assert found == fields
        assert list(found) == list(fields)


def test_no_question_of_the_lesson_is_part_of_a_report():
    cells = build.read_lesson(SOURCE).cells
    of_report = [c.source for c in cells if "lesson" not in c.metadata.get("tags", [])]
    assert len(of_report) > 20
    for word in ("exercises.", "study_results", "form."):
        assert not [source for source in of_report if word in source]


def test_papermill_s_values_become_settings():
    usual = {field.name: getattr(Settings(), field.name) for field in dataclasses.fields(Settings)}
    assert report.read_parameters(usual) == Settings()
    given = {"targets": "mnist,uci-digits", "labels_per_class": "5,10", "source": "none"}
    found = report.read_parameters({**usual, **given, "frozen_layers": 0, "unrelated": 3})
    assert found.targets == ("mnist", "uci-digits")
    assert found.labels_per_class == (5, 10)
    assert found.source is None
    with pytest.raises(WorkbookError, match="'strangers' is called 'foreign_images' now"):
        report.read_parameters({**usual, "strangers": "fashion"})


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        Settings,
        source=st.sampled_from(["mnist", "glyphs", None]),
        targets=st.lists(st.sampled_from(["mnist", "fashion", "glyphs"]), min_size=1, unique=True),
        labels_per_class=st.integers(1, 99),
        frozen_layers=st.just(0),
        optimizer=st.sampled_from(sorted(OPTIMIZERS)),
        learning_rate=st.floats(1e-9, 10),
        information=st.floats(0, 9),
        class_prior=st.sampled_from([None, (0.5, 0.25, 0.25)]),
        shared_heads=st.booleans(),
        seeds=st.sampled_from([1, 7]),
        budget=st.sampled_from(["quick", "full"]),
    )
)
def test_the_command_describes_the_settings(asked):
    words = shlex.split(report.command(asked, "some where/it's"))
    assert words[:2] == ["simmim", "report"]
    options = cli._parser().parse_args(words[1:])
    assert report.parse_parameters(options.parameter) == asked
    assert options.output == Path("some where/it's")


# --- A report


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> report.Report:
    """Make a small report, with a title that is HTML."""
    told = []
    folder = tmp_path_factory.mktemp("report") / "new" / "folder"
    made = report.write(TINY, folder, TITLE, tell=lambda *words: told.append(words))
    begun = [title for *_, title, share in told if not share]
    assert begun[:3] == ["Settings", "The data", "Baselines"]
    assert [place for place, *_, share in told if not share] == list(range(1, len(begun) + 1))
    assert {number for _, number, *_ in told} == {len(begun)}
    for section, parts in (
        ("Baselines", 3),
        ("The experiment", 1),
    ):  # two at once may be told as one
        shares = [share for *_, title, share in told if title == section]
        assert set(shares) <= {part / parts for part in range(parts + 1)}
        assert shares == sorted(shares) and shares[-1] == 1
    return made


@pytest.fixture(scope="module")
def page(made) -> str:
    return made.page.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.floors
def test_there_are_four_files(made):
    assert {file.name for file in made.folder.iterdir()} == {
        "report.ipynb",
        "report.html",
        "result.json",
        "model.keras",
    }
    assert json.loads((made.folder / "result.json").read_text()) == made.numbers


@pytest.mark.slow
def test_the_numbers_are_those_of_the_experiment(made):
    again = experiments.run(TINY, progress=silent)
    expected = json.loads(json.dumps(again.as_dict()))
    for name in ("settings", "accuracy", "validation", "baseline", "versions"):
        assert made.numbers[name] == expected[name], name
    assert set(made.numbers["baselines"]) == {"from scratch", "probe", "fine-tune"}
    assert made.numbers["title"] == TITLE


@pytest.mark.slow
def test_the_model_is_the_best_seed_s_of_the_experiment(made):
    (path,) = made.models
    kept, (target,) = kept_models.read(path), TINY.targets
    validation = made.numbers["validation"][target]
    seed = validation.index(max(validation))
    assert kept.description.trained["seed"] == seed
    test = datasets.load(target).test
    guesses = kept.model.predict(255 * test.images, verbose=0).argmax(axis=1)
    assert np.mean(guesses == test.labels) == made.numbers["accuracy"][target][seed]


@pytest.mark.slow
@pytest.mark.floors
def test_the_page_needs_nothing_from_elsewhere(page):
    seen = Outline(page)
    for tag, attributes in seen.tags:
        assert tag not in ("script", "link", "iframe", "object", "embed", "b")
        for name in ("src", "data", "srcset"):
            value = attributes.get(name) or ""
            assert value.startswith("data:") or not value
        assert "url(" not in (attributes.get("style") or "")
        assert not (attributes.get("href") or "").startswith(("http", "//"))
    assert not re.findall(r"https?://", page)


@pytest.mark.slow
def test_the_page_shows_what_a_report_must(page, made):
    seen = Outline(page)
    assert TITLE in seen.text
    assert len(seen.all("h1")) == 1
    for heading in (
        *("Settings", "The data", "Baselines", "The experiment", "Test scores"),
        *("What is right and what is not", "What it was most wrong about", "Learning curves"),
        *("Calibration", "Cost", "Verdict", "Model card", "Environment"),
    ):
        assert f">{heading}</h2>" in page
    alts = " ".join(image["alt"] or "" for image in seen.all("img"))
    assert all(image["alt"] for image in seen.all("img"))
    for words in ("one of each", "Test scores", "Confusion matrix", "by training step"):
        assert words.split()[-1] in alts
    assert "expected calibration error" in alts
    assert seen.text.count(made.numbers["verdict"]) == 2  # at the top, and where it is derived
    for row in ("trained parameters", "Peak memory", "estimated GFLOP", "processor", "GPU"):
        assert row in seen.text
    for words in ("import ", "Predict.", "Exercise", "nan", "Traceback", "step/s", "<IPython"):
        assert words not in seen.text


@pytest.mark.slow
def test_the_notebook_is_the_report_without_the_lesson(made):
    notebook = nbformat.read(made.folder / "report.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert not [c for c in notebook.cells if "lesson" in c.metadata.get("tags", [])]
    assert report.numbers_of(notebook)["accuracy"] == made.numbers["accuracy"]
    assert "/tmp" not in json.dumps(notebook.metadata)
    assert "widget" not in json.dumps(notebook) and "progress" not in json.dumps(notebook)
    code = "\n".join(pages.of_notebook(notebook, code=True))
    assert "baselines.investigate(settings, compared)" in code


def test_only_cells_that_train_are_experiments():
    def cell(source, seconds=None, *tags):
        make = (
            nbformat.v4.new_markdown_cell if source.startswith("#") else nbformat.v4.new_code_cell
        )
        return make(source, metadata={"papermill": {"duration": seconds}, "tags": [*tags]})

    cells = [
        cell("import everything", 4.0),
        cell("## Data", 0.5),
        cell("data", 1.0),
        cell("## SimMIM"),
        cell("train", 16.0, report.TRAINING),
        cell("picture", 2.0, report.HIDDEN),
    ]
    found = report._seconds(nbformat.v4.new_notebook(cells=cells), total=32.0)
    assert found == {
        **{"total": 32.0, "experiments": 16.0, "fixed": 16.0},
        "parts": {"start": 4.0, "Data": 1.5, "SimMIM": 18.0, "kernel and page": 8.5},
    }


@pytest.mark.slow
def test_the_seconds_add_up(made):
    took = made.seconds
    assert took["fixed"] + took["experiments"] == pytest.approx(took["total"], abs=0.01)
    assert sum(took["parts"].values()) == pytest.approx(took["total"], abs=0.05)
    both = took["parts"]["Baselines"] + took["parts"]["The experiment"]
    # The two cells that train, and next to nothing beside them.
    assert 0 < took["experiments"] <= both
    assert min(took["parts"].values()) >= 0


@pytest.mark.slow
def test_plain_papermill_gives_the_same_numbers_again(made, this_kernel, tmp_path):
    """The whole lesson, by papermill alone, with the settings of result.json."""
    asked = Settings.from_mapping(made.numbers["settings"])
    words = [sys.executable, "-m", "papermill", report.notebook_path(), tmp_path / "out.ipynb"]
    words += ["--no-progress-bar"]
    for name, value in report.parameters(asked).items():
        words += ["-p", name, ",".join(value) if isinstance(value, list) else str(value)]
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    again = report.numbers_of(nbformat.read(tmp_path / "out.ipynb", as_version=4))
    for kind in ("accuracy", "validation", "baseline"):
        for target, values in made.numbers[kind].items():
            np.testing.assert_allclose(again[kind][target], values, atol=1e-6)
    for name, baseline in made.numbers["baselines"].items():
        for target, values in baseline["accuracy"].items():
            np.testing.assert_allclose(
                again["baselines"][name]["accuracy"][target], values, atol=1e-6
            )
    assert again["verdict"] == made.numbers["verdict"]


# --- Data of the user's own


@pytest.mark.slow
def test_a_report_on_a_folder_of_one_s_own(tmp_path):
    """From files to page: the trunk sees them at its size, and readers see a name, no address."""
    folder = fill_with_waves(tmp_path / "<i>places" / "waves & co", 20)
    asked = Settings(
        recipe="simmim",
        trunk="efficientnet-lite0",
        targets=(f"folder:{folder}",),
        labels_per_class=3,
        image_size=64,
        steps=10,
        seeds=2,
    )
    made = report.write(asked, tmp_path / "made", tell=silent)
    seen = Outline(made.page.read_text(encoding="utf-8"))
    assert made.numbers["title"] == "ImageNet to waves & co: a SimMIM report"
    assert not seen.all("i") and all("<i>" not in image["alt"] for image in seen.all("img"))
    assert seen.text.count(str(folder)) == 3  # in both tables of settings and in the command
    for words in ("64 x 64 pixels", "trained on the photographs of ImageNet", "not EfficientNet"):
        assert words in seen.text
    (mistakes,) = (a for image in seen.all("img") if "mistake" in (a := image["alt"]))
    assert mistakes.startswith("Test images of waves & co, seed ")
    (path,) = made.models
    kept = kept_models.read(path).description
    assert f"this is seed {kept.trained['seed']}" in seen.text
    accuracy = kept.trained["test"]["accuracy"]
    assert f"accuracy {100 * accuracy:.1f} % (95 % interval" in seen.text


@pytest.mark.slow
def test_a_report_on_numbers_and_labels(tmp_path):
    table = fill_table(tmp_path)
    asked = Settings(
        source="mnist",
        targets=(f"csv:{table}?label=score", f"csv:{table}?label=bar+top"),
        labels_per_class=5,
        steps=3,
        seeds=2,
    )
    made = report.write(asked, tmp_path / "made", tell=silent)
    seen = Outline(made.page.read_text(encoding="utf-8"))
    score, labels = asked.targets
    assert made.numbers["baselines"]["always the mean"]["scores"][score]["mean absolute error"]
    assert list(made.numbers["accuracy"]) == [labels]
    for words in ("units of score", "found (recall)", "always the mean", "from pixels to numbers"):
        assert words in seen.text
    alts = " ".join(image["alt"] for image in seen.all("img"))
    assert "Predicted score of 12 test images of table.csv?label=score" in alts
    assert "Confusion" not in alts and "nan" not in alts and "nan" not in seen.text


def test_numbers_are_reported_on_without_images_without_labels(tmp_path):
    target = f"csv:{fill_table(tmp_path)}?label=score"
    assert report.parse_parameters([("targets", target)]).recipe == "fine-tune"
    assert report.parse_parameters([]).recipe == "simmim"
    asked = report.parse_parameters([("targets", target), ("recipe", "simmim")])
    with pytest.raises(WorkbookError, match=r"is a regression task, .* use recipe=fine-tune"):
        report._check_asked(asked)


def test_images_are_read_at_the_size_that_the_notebook_shows(tmp_path, monkeypatch):
    folder = fill_with_waves(tmp_path / "waves", 10)
    asked = Settings(targets=(f"folder:{folder}",), trunk="efficientnet-lite0", labels_per_class=2)
    sizes = []
    load = datasets.load

    def loaded(name, size=None):
        sizes.append(size)
        return load(name, size)

    monkeypatch.setattr(datasets, "load", loaded)
    report._check_asked(asked)
    assert sizes == [96]


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        (Settings(recipe="simmim"), "Glyphs to mnist: a SimMIM report"),
        (Settings(source=None, targets=("folder:/a/b",)), "From scratch to b: a report"),
    ],
)
def test_the_usual_title_has_short_names(asked, title):
    assert report.usual_title(asked) == title


# --- What is refused, before any training


def refused(capsys, *words: str) -> str:
    """Run `simmim report`, which must fail at once, and return its one sentence."""
    assert cli.main(["report", *words]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert len(errors.splitlines()) == 1 and errors.endswith(".\n")
    return errors


def executed(source: str, monkeypatch, folder: Path, lost: int = 0) -> tuple:
    """Run one cell, of which the first kernels do not come up; return cells, failure, starts."""
    starts, execute = [], papermill.execute_notebook

    def execute_or_not(*arguments: object, **options: object) -> object:
        starts.append(options)
        if len(starts) <= lost:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return execute(*arguments, **options)

    monkeypatch.setattr(papermill, "execute_notebook", execute_or_not)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    notebook.metadata.kernelspec = {"name": "python3", "language": "python"}
    found, failure = running.execute(notebook, {}, None, folder)
    return found.cells, failure, len(starts)


def test_where_a_kernel_does_not_come_up_another_is_started(monkeypatch, tmp_path):
    cells, failure, starts = executed("print(6 * 7)", monkeypatch, tmp_path, lost=2)
    assert (cells[0].outputs[0].text, failure, starts) == ("42\n", None, 3)


def test_what_stops_in_a_cell_is_not_begun_again(monkeypatch, tmp_path):
    _, failure, starts = executed("1 / 0", monkeypatch, tmp_path)
    assert "ZeroDivisionError" in str(failure) and starts == 1


@pytest.fixture
def no_notebook(monkeypatch):
    """Make starting a notebook an error: what is refused must be refused before."""

    def execute(*_: object) -> None:
        raise AssertionError("a notebook was started")

    monkeypatch.setattr(running, "execute", execute)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("label_per_class", "5"), "Did you mean 'labels_per_class'?"),
        (("labels_per_class", "five"), "must be a whole number, 'all', or a most"),
        (("learning_rate", "fast"), "must be a number"),
        (("shared_heads", "perhaps"), "shared_heads 'perhaps'"),
        (("targets", "mnits"), "Did you mean 'mnist'?"),
        (("source", "glyph"), "Did you mean 'glyphs'?"),
        (("labels_per_class", "100000"), "labels"),
        (("seeds", "0"), "seeds is 0"),
        (("strategy", "multi-worker"), "a report is made by one process"),
    ],
)
def test_a_wrong_parameter_gets_one_sentence(no_notebook, capsys, tmp_path, words, told):
    folder = tmp_path / "new"
    assert told in refused(capsys, "-p", *words, "--output", str(folder))
    assert not folder.exists()


def test_a_parameter_without_a_value_gets_one_sentence(no_notebook, capsys):
    assert "2 arguments" in refused(capsys, "-p", "seeds")


@pytest.mark.slow
def test_a_folder_with_a_report_is_left_alone(no_notebook, capsys, made):
    before = {file: file.read_bytes() for file in made.folder.iterdir()}
    assert "already holds a report" in refused(capsys, "--output", str(made.folder))
    assert {file: file.read_bytes() for file in made.folder.iterdir()} == before


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_a_file_is_no_folder(no_notebook, capsys, tmp_path, below):
    file = tmp_path / "file"
    file.write_text("mine")
    assert "is a file, not a folder" in refused(capsys, "--output", str(file / below))
    assert file.read_text() == "mine"


def test_a_link_that_leads_nowhere_is_no_folder(no_notebook, capsys, tmp_path):
    (tmp_path / "link").symlink_to("nowhere")
    told = refused(capsys, "--output", str(tmp_path / "link"))
    assert "is a link that leads nowhere, not a folder" in told


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder where nobody may write")
def test_a_folder_that_cannot_be_written_is_told_of(no_notebook, capsys):
    assert "cannot be written" in refused(capsys, "--output", "/proc/self/report")


def test_an_empty_folder_will_do(tmp_path):
    places.check_folder(tmp_path)


@pytest.mark.parametrize("file", ["report.ipynb", "report.html", "result.json", "model.keras"])
@pytest.mark.parametrize("kind", ["file", "link that leads nowhere"])
def test_one_file_of_a_report_is_enough_to_leave_a_folder_alone(
    no_notebook, capsys, tmp_path, file, kind
):
    if kind == "file":
        (tmp_path / file).write_text("mine")
    else:
        (tmp_path / file).symlink_to(tmp_path / "nowhere")
    assert "already holds a report" in refused(capsys, "--output", str(tmp_path))
    assert [each.name for each in tmp_path.iterdir()] == [file]


# --- Several at once


def planted() -> nbformat.NotebookNode:
    """Return a report's notebook that was run, with numbers that say nothing."""
    numbers = {report.NUMBERS_TYPE: {"verdict": "It is so."}, "text/plain": ""}
    cells = [
        nbformat.v4.new_markdown_cell("## What was asked", metadata={"papermill": {"duration": 0}}),
        nbformat.v4.new_code_cell("1", metadata={"papermill": {"duration": 1}}),
    ]
    cells[1].outputs = [nbformat.v4.new_output("display_data", numbers)]
    return nbformat.from_dict(nbformat.v4.new_notebook(cells=cells))


@pytest.fixture
def quick_notebook(monkeypatch):
    """Replace the notebook's hour by nothing; it leaves a model."""

    def execute(notebook, values, tell, models):
        (models / "model.keras").write_bytes(b"the model")
        return planted(), None

    monkeypatch.setattr(running, "execute", execute)


FILES = {"report.ipynb", "report.html", "result.json", "model.keras"}


def test_reports_of_one_second_have_folders_of_their_own(quick_notebook, monkeypatch, tmp_path):
    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 1, 2, 3, 4, 5)

    monkeypatch.setattr(places.datetime, "datetime", Clock)
    monkeypatch.chdir(tmp_path)
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        made = [*threads.map(lambda _: report.write(TINY), range(4))]
    stamp = "2026-01-02-030405"
    expected = {stamp, f"{stamp}-2", f"{stamp}-3", f"{stamp}-4"}
    assert {each.folder.name for each in made} == expected
    for each in made:
        assert {file.name for file in each.folder.iterdir()} == FILES


def test_a_folder_that_was_named_is_claimed_from_the_start(quick_notebook, monkeypatch, tmp_path):
    folder = tmp_path / "new"
    execute, refusals = running.execute, []

    def execute_while_another_begins(*words):
        with pytest.raises(WorkbookError, match="or one is just being made there") as caught:
            report.write(TINY, folder)
        refusals.append(caught.value)
        return execute(*words)

    monkeypatch.setattr(running, "execute", execute_while_another_begins)
    assert report.write(TINY, folder).folder == folder
    assert len(refusals) == 1 and {file.name for file in folder.iterdir()} == FILES


@pytest.mark.parametrize("end", [KeyboardInterrupt, WorkbookError("no"), RuntimeError])
@pytest.mark.parametrize("before", [True, False])
def test_a_claim_that_comes_to_nothing_leaves_nothing(monkeypatch, tmp_path, end, before):
    def execute(*_):
        assert (tmp_path / "a" / "b" / "report.ipynb").exists()
        raise end

    monkeypatch.setattr(running, "execute", execute)
    if before:
        (tmp_path / "a" / "b").mkdir(parents=True)
        (tmp_path / "a" / "mine").touch()
    with pytest.raises(BaseException):  # noqa: B017
        report.write(TINY, tmp_path / "a" / "b")
    left = [str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*")]
    assert sorted(left) == (["a", "a/b", "a/mine"] if before else [])


def test_a_home_is_no_folder_called_so(quick_notebook, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert report.write(TINY, "~/new").folder == tmp_path / "new"


# --- Nothing is lost


@pytest.mark.parametrize("what", ["gone", "a file"])
def test_a_report_whose_folder_has_gone_is_kept_elsewhere(
    quick_notebook, monkeypatch, tmp_path, spare, what
):
    folder, execute = tmp_path / "above" / "new", running.execute

    def execute_meanwhile(*words):
        shutil.rmtree(folder.parent)
        if what == "a file":
            folder.parent.touch()
        return execute(*words)

    monkeypatch.setattr(running, "execute", execute_meanwhile)
    with pytest.raises(WorkbookError, match="Cannot write") as caught:
        report.write(TINY, folder)
    (kept,) = spare.glob("*/new")
    assert str(kept) in str(caught.value) and {file.name for file in kept.iterdir()} == FILES


def test_a_page_that_cannot_be_made_leaves_notebook_and_model(
    quick_notebook, monkeypatch, tmp_path
):
    def fail(*_, **__):
        raise RuntimeError("a bug")

    monkeypatch.setattr(pages, "of_notebook", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        report.write(TINY, tmp_path / "new")
    assert {file.name for file in (tmp_path / "new").iterdir()} == {"report.ipynb", "model.keras"}


@pytest.mark.parametrize("module", ["nbformat", "papermill", "nbconvert"])
def test_a_missing_library_is_told_of(no_notebook, monkeypatch, tmp_path, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(WorkbookError, match=f"{module} is not installed .* pip install"):
        report.write(TINY, tmp_path / "new")
    assert not (tmp_path / "new").exists()


# --- What fails half-way


@pytest.mark.slow
def test_a_report_that_fails_keeps_the_notebook_only(capsys, tmp_path):
    """Fashion without labels: only the experiment finds out that nothing knows its classes."""
    folder = tmp_path / "new"
    words = "-p targets fashion -p source mnist -p labels_per_class 0 -p information 1 -p steps 3"
    assert cli.main(["report", *words.split(), "--output", str(folder)]) == 1
    output, errors = capsys.readouterr()
    sentence = errors.splitlines()[-1]
    assert output == ""
    assert "stopped in section 'The experiment': 'fashion' has no labels" in sentence
    assert str(folder / "report.ipynb") in sentence and sentence.endswith(".")
    assert [file.name for file in folder.iterdir()] == ["report.ipynb"]
    notebook = nbformat.read(folder / "report.ipynb", as_version=4)
    kinds = {each.output_type for cell in notebook.cells for each in cell.get("outputs", [])}
    assert {"error", "display_data"} <= kinds  # what came before it is there


@pytest.mark.slow
def test_a_kernel_that_dies_is_told_of(monkeypatch, tmp_path):
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": build.KERNEL})
    notebook.cells = [
        nbformat.v4.new_markdown_cell("## Living"),
        nbformat.v4.new_code_cell("import os; os._exit(7)"),
    ]
    nbformat.write(notebook, tmp_path / "planted.ipynb")
    monkeypatch.setattr(report, "notebook_path", lambda: tmp_path / "planted.ipynb")
    with pytest.raises(report.IncompleteError, match="section 'Living'"):
        report.write(Settings(source=None), tmp_path / "new")
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["report.ipynb"]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_an_interruption_leaves_nothing(tmp_path):
    words = "-p source mnist -p targets uci-digits -p steps 100000 --output new"
    process = subprocess.Popen(
        [sys.executable, "-m", "simmim_lib", "report", *words.split()],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        for line in process.stderr:
            if "Baselines" in line:
                break
        kernels = psutil.Process(process.pid).children(recursive=True)
        assert kernels
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert "Interrupted." in process.stderr.read()
        assert not psutil.wait_procs(kernels, timeout=10)[1]
        assert list(tmp_path.iterdir()) == []
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_notebook_without_numbers_is_told_of():
    with pytest.raises(WorkbookError, match="holds no numbers"):
        report.numbers_of(build.read_lesson(SOURCE))


def test_a_path_that_no_notebook_can_hold_is_refused_before_any_training(tmp_path):
    folder = fill_with_waves(tmp_path / os.fsdecode(b"pets-\xff"), 12)
    asked = Settings.from_texts({"targets": f"folder:{folder}", "recipe": "fine-tune"})
    with pytest.raises(WorkbookError, match="is no UTF-8"):
        report.write(asked, tmp_path / "report")
    assert not (tmp_path / "report" / report.NOTEBOOK).exists()
