"""The command `simmim`: what it prints, writes and refuses."""

import dataclasses
import importlib.metadata
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from device_making import device
from image_making import fill, fill_table
from planted_results import as_scores

from simmim_lib import datasets, experiments
from simmim_lib.commands import cli, doctor, publish
from simmim_lib.experiments import pretraining
from simmim_lib.foundation import atomic, directories, startup
from simmim_lib.lessons import LESSONS
from simmim_lib.settings import Settings

QUICK = ["--source", "none", "--targets", "uci-digits,mnist", "--labels-per-class", "2"]
QUICK += ["--steps", "3", "--seeds", "2"]


@pytest.fixture
def fake_run(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Replace the experiment by one without training, and record what it was asked for."""
    asked: list[Settings] = []

    def run(settings: Settings) -> experiments.Result:
        asked.append(settings)
        each = {name: np.linspace(0.5, 0.7, settings.seeds) for name in settings.targets}
        scratch = {} if settings.source is None else {name: each[name] - 0.25 for name in each}
        return experiments.Result(
            settings, as_scores(each), each, {}, seconds=1.25, baseline=scratch
        )

    monkeypatch.setattr(experiments, "run", run)
    return asked


def refused(capsys: pytest.CaptureFixture, *words: str) -> str:
    """Run a command that must fail, and return its one sentence."""
    assert cli.main(words) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert len(errors.splitlines()) == 1 and errors.endswith(".\n")
    return errors


def test_the_command_is_installed() -> None:
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="simmim")
    assert script.load() is cli.main


@pytest.mark.slow
def test_run_trains_prints_and_writes(tmp_path: Path) -> None:
    """The whole way, with real training."""
    command = [sys.executable, "-m", "simmim_lib", "run", *QUICK, "--output", "result.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["result.json"]
    written = json.loads((tmp_path / "result.json").read_text())
    assert written["settings"]["targets"] == ["uci-digits", "mnist"]
    assert written["settings"]["source"] is None
    assert {"python", "tensorflow", "keras", "numpy"} <= set(written["versions"])
    for target in ("uci-digits", "mnist"):
        accuracy = written["accuracy"][target]
        row = next(line for line in done.stdout.splitlines() if line.startswith(target)).split()
        assert row[1:3] == ["2", f"{sum(accuracy) / 2:.3f}"]
        assert row[-2:] == [f"{value:.3f}" for value in accuracy]
    assert f"{written['seconds']:.1f} seconds" in done.stdout


@pytest.mark.slow
def test_every_setting_is_an_option(
    fake_run: list[Settings], capsys: pytest.CaptureFixture
) -> None:
    values = {
        "source": "fashion", "targets": ("mnist", "fashion"), "labels_per_class": 5,
        "frozen_layers": 1, "copied_layers": 3, "adaptation": "probe-then-fine-tune",
        "optimizer": "sgd", "learning_rate": 0.05, "steps": 7, "seeds": 4, "budget": "full",
        "task_weights": (0.5,), "shared_heads": True, "schedule": "cosine",
        "weighting": "pcgrad", "information": 0.3, "spread": 0.5, "confidence": 0.9,
        "class_prior": (0.25, 0.75), "class_shares": (0.0, 1.0), "foreign_images": "fashion",
        "ramp": 0.25, "strategy": "mirrored", "recipe": "simmim", "trunk": "article",
        "trunk_learning_rate": 0.1, "batch_size": 8, "patience": 40,
        "baseline": "none", "layer_decay": 0.65, "class_weights": "balanced",
    }  # fmt: skip
    # Each alone must be a setting that is allowed; these need others beside them.
    together = {"agreement", "augmentation", "image_size", "pretext"}
    assert set(values) | together == {field.name for field in dataclasses.fields(Settings)}
    for name, value in values.items():
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        assert cli.main(["run", f"--{name.replace('_', '-')}", text]) == 0
        assert fake_run[-1] == Settings(**{name: value}) != Settings()
    views = ["--agreement", "1", "--augmentation", "0.5", "--frozen-layers", "0"]
    assert cli.main(["run", *views]) == 0
    assert fake_run[-1] == Settings(agreement=1.0, augmentation=0.5, frozen_layers=0)
    assert cli.main(["run", "--trunk", "efficientnet-lite0", "--image-size", "128"]) == 0
    assert fake_run[-1] == Settings(trunk="efficientnet-lite0", image_size=128)
    masked = {"trunk": "small-vit", "source": "fashion", "pretext": "contrastive"}
    assert (
        cli.main(["run", *(word for name in masked for word in (f"--{name}", masked[name]))]) == 0
    )
    assert fake_run[-1] == Settings(**masked) != Settings(**{**masked, "pretext": "masked"})


def test_it_is_said_that_grey_images_are_repeated(fake_run: list[Settings], capsys) -> None:
    words = ["--targets", "bloodmnist,mnist", "--trunk", "efficientnet-lite0"]
    assert cli.main(["run", *words]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    expected = (
        "Grey images were repeated as red, green and blue, which efficientnet-lite0 takes: mnist."
    )
    assert last == expected
    assert cli.main(["run", "--targets", "mnist"]) == 0
    assert "Grey" not in capsys.readouterr().out


def test_the_table(fake_run: list[Settings], capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["run", "--seeds", "3"]) == 0
    # t(0.975, 2) = 4.303 in any table; deviation 0.1, so 4.303 * 0.1 / sqrt(3) = 0.248.
    assert capsys.readouterr().out.splitlines() == [
        "target          seeds    mean   95 % interval   each seed",
        "mnist               3   0.600   0.352 to 0.848  0.500 0.600 0.700",
        "  from scratch      3   0.350   0.102 to 0.598  0.250 0.350 0.450",
        "Test accuracies; 1.2 seconds with the quick budget.",
    ]


def test_one_seed_has_no_interval(fake_run: list[Settings], capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["run", "--seeds", "1", "--source", "none"]) == 0
    row = capsys.readouterr().out.splitlines()[1]
    assert row.split() == ["mnist", "1", "0.500", "-", "0.500"]


def test_an_interval_ends_where_scores_do(
    fake_run: list[Settings], capsys: pytest.CaptureFixture
) -> None:
    assert cli.main(["run", "--seeds", "2"]) == 0
    rows = capsys.readouterr().out.splitlines()[1:3]
    assert all("0.000 to 1.000" in row for row in rows)


@pytest.mark.parametrize("words", [("--strangers", "fashion"), ("--strangers=fashion",)])
def test_an_old_option_is_refused_with_the_new_one(
    words: tuple[str, ...], capsys: pytest.CaptureFixture
) -> None:
    told = refused(capsys, "run", *words)
    assert told == "The option 'strangers' is called 'foreign_images' now: use this name.\n"


def test_help_explains_every_option(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["run", "--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for field in dataclasses.fields(Settings):
        assert f"--{field.name.replace('_', '-')} VALUE" in text
        assert " ".join(field.metadata["help"].split()[:4]) in text


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--targets", ","], "name at least one"),
        (["--labels-per-class", "0"], "labels_per_class is 0"),
        (["--labels-per-class", "-3"], "labels_per_class is -3"),
        (["--labels-per-class", "ten"], "whole number"),
        (["--frozen-layers", "9"], "try 4"),
        (["--seeds", "0"], "seeds is 0"),
        (["--learning-rate", "nan"], "learning_rate"),
        (["--budget", "fulll"], "'full'"),
        (["--seed", "2"], "Did you mean '--seeds'"),
        (["--skip-broken"], "put ?skip-broken=yes behind the path, as in folder:photos?skip-"),
        (["--frozen-layer", "2"], "Did you mean '--frozen-layers'"),
        (["--frozen"], "--frozen"),
        (["--seeds"], "expected one argument"),
        (["mnist"], "'mnist'"),
    ],
)
def test_run_refuses(
    fake_run: list[Settings], capsys: pytest.CaptureFixture, words: list[str], expected: str
) -> None:
    assert expected in refused(capsys, "run", *words)
    assert fake_run == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--source", "mnits"], "Did you mean 'mnist'"),
        (["--targets", "mnist,uci-digit"], "Did you mean 'uci-digits'"),
        (["--targets", "uci-digits", "--labels-per-class", "5000"], "at most"),
    ],
)
def test_run_refuses_what_the_data_do_not_have(
    capsys: pytest.CaptureFixture, words: list[str], expected: str
) -> None:
    assert expected in refused(capsys, "run", *words)


@pytest.mark.parametrize("words", [[], ["frob"], ["data"], ["data", "frob"], ["publish"]])
def test_an_unfinished_or_unknown_command(capsys: pytest.CaptureFixture, words: list[str]) -> None:
    assert "--help`" in refused(capsys, *words)


def test_an_output_that_cannot_be_written_is_refused_before_the_run(
    fake_run: list[Settings],
    capsys: pytest.CaptureFixture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "does not exist" in refused(capsys, "run", "--output", str(tmp_path / "no" / "a.json"))
    assert "is a folder" in refused(capsys, "run", "--output", str(tmp_path))

    def read_only(**where: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", read_only)
    sentence = refused(capsys, "run", "--output", str(tmp_path / "a.json"))
    assert "Read-only file system" in sentence
    assert fake_run == []


def test_a_disk_that_fills_up_keeps_the_earlier_result(
    fake_run: list[Settings],
    capsys: pytest.CaptureFixture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = tmp_path / "result.json"
    output.write_text("earlier")

    def full(*paths: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert cli.main(["run", "--output", str(output)]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert output.read_text() == "earlier" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("output", ["gone/result.json", "full"])
def test_a_result_that_cannot_be_written_any_more_is_somewhere(
    fake_run: list[Settings],
    capsys: pytest.CaptureFixture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spare: Path,
    output: str,
) -> None:
    if output == "full":
        output = str(device(tmp_path, output))
    (tmp_path / "gone").mkdir()
    run = experiments.run

    def run_meanwhile(settings: Settings) -> experiments.Result:
        shutil.rmtree(tmp_path / "gone")
        return run(settings)

    monkeypatch.setattr(experiments, "run", run_meanwhile)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["run", "--seeds", "3", "--output", output]) == 2
    printed, errors = capsys.readouterr()
    (kept,) = spare.rglob(Path(output).name)
    assert json.loads(kept.read_text())["seconds"] == 1.25
    assert str(kept) in errors and len(errors.splitlines()) == 1
    assert "0.500 0.600 0.700" in printed and "Written" not in printed


def test_one_output_that_fails_does_not_keep_the_other_from_being_written(
    fake_run: list[Settings],
    capsys: pytest.CaptureFixture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spare: Path,
) -> None:
    (tmp_path / "gone").mkdir()
    run = experiments.run

    def run_meanwhile(settings: Settings) -> experiments.Result:
        shutil.rmtree(tmp_path / "gone")
        return run(settings)

    def save(self: experiments.Result, path: Path, target: str) -> None:
        atomic.write_text(path, f"the model of {target}")

    monkeypatch.setattr(experiments, "run", run_meanwhile)
    monkeypatch.setattr(experiments.Result, "save", save)
    words = ["--output", str(tmp_path / "gone" / "a.json"), "--save", str(tmp_path / "b.keras")]
    assert cli.main(["run", *words]) == 2
    assert (tmp_path / "b.keras").read_text() == "the model of mnist"
    assert "b.keras" in capsys.readouterr().out and len([*spare.rglob("a.json")]) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--output", "result.json"],
        ["--save", "result.json.keras", "--output", "other.json"],
        ["--targets", "mnist,fashion", "--save", "kept.keras"],
    ],
)
def test_two_runs_do_not_write_one_file(
    fake_run: list[Settings],
    capsys: pytest.CaptureFixture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
) -> None:
    """The second begins while the first is at it, and is refused before it trains."""
    run, statuses = experiments.run, []

    def run_while_another_begins(settings: Settings) -> experiments.Result:
        if not statuses:
            statuses.append(None)
            statuses[0] = cli.main(["run", *words])
        return run(settings)

    monkeypatch.setattr(experiments, "run", run_while_another_begins)
    monkeypatch.setattr(experiments.Result, "save", lambda self, path, target: None)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["run", *words]) == 0
    assert statuses == [2] and len(fake_run) == 1
    assert "Another process is about to write" in capsys.readouterr().err
    assert not [name for name in os.listdir() if name.endswith(".lock")]


def test_an_output_takes_the_place_of_nothing_that_is_read(
    fake_run: list[Settings], capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    photos = fill(tmp_path / "photos", {"cat": 8, "dog": 8})
    table, (photo, *_) = fill_table(tmp_path / "table"), sorted(photos.rglob("*.png"))
    linked = tmp_path / "link.csv"
    linked.symlink_to(table)
    for words, read in (
        (["run", "--targets", f"mnist,csv:{table}", "--output", str(table)], table),
        (["run", "--source", f"csv:{table}", "--output", str(linked)], table),
        (["run", "--foreign-images", f"folder:{photos}", "--output", str(photo)], photo),
        (["data", "show", f"folder:{photos}", "--output", str(photo)], photo),
    ):
        before = read.read_bytes()
        assert "would take the place of" in refused(capsys, *words)
        assert read.read_bytes() == before
    other = photos / "result.json"
    assert cli.main(["run", "--targets", f"folder:{photos}", "--output", str(other)]) == 0
    assert cli.main(["run", "--targets", f"folder:{photos}", "--output", str(other)]) == 0
    assert len(fake_run) == 2


def test_one_file_for_two_outputs_is_refused(
    fake_run: list[Settings], capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    path = str(tmp_path / "both.keras")
    assert "named twice" in refused(capsys, "run", "--output", path, "--save", path)
    assert fake_run == []


def test_a_result_can_be_piped(
    fake_run: list[Settings], capfd: pytest.CaptureFixture, tmp_path: Path
) -> None:
    if not os.path.exists("/dev/stdout"):
        pytest.skip("needs /dev/stdout")
    (tmp_path / "stdout").symlink_to("/dev/stdout")
    assert cli.main(["run", "--output", str(tmp_path / "stdout")]) == 0
    printed = capfd.readouterr().out
    begin, end = printed.index("{"), printed.rindex("}")
    assert json.loads(printed[begin : end + 1])["seconds"] == 1.25
    assert printed.startswith("target") and printed.endswith("/stdout.\n")


@pytest.mark.parametrize("words", [["data", "list"], ["run"], ["data", "show", "caf\u00e9"]])
def test_no_terminal_makes_a_command_fail(
    fake_run: list[Settings], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """Every command prints through streams that show what they have no sign for."""
    written = io.BytesIO()
    for name in ("stdout", "stderr"):
        stream = io.TextIOWrapper(written, encoding="ascii", errors="strict", write_through=True)
        monkeypatch.setattr(sys, name, stream)
    monkeypatch.setattr(cli, "_list_data", lambda options: print("\u4e2d \udce9 \xe9"))
    monkeypatch.setattr(cli, "_table", lambda result: "\u4e2d \udce9 \xe9")
    assert cli.main(words) in (0, 2)
    assert b"\\xe9" in written.getvalue()


@pytest.mark.slow
def test_interrupting_a_run_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    folder, log = tmp_path / "folder", tmp_path / "log"
    folder.mkdir()
    command = [sys.executable, "-m", "simmim_lib", "run", *QUICK, "--steps", "100000"]
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*command, "--output", "result.json"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    try:
        for _ in range(600):
            if "Adapting" in log.read_text():  # the progress bar: training is under way
                break
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert log.read_text().splitlines()[-1] == "Interrupted."
    assert "Traceback" not in log.read_text() and output == b""
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = f"'{sys.executable}' -m simmim_lib data list | head -n 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.stdout.startswith("glyphs") and done.stderr == ""


def test_data_list_shows_every_dataset(capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["data", "list"]) == 0
    output = capsys.readouterr().out
    for name in datasets.listed():
        entry = datasets.describe(name)
        assert re.search(rf"(?m)^{name} .* {len(entry.class_names)} classes", output)
        assert entry.licence in output


def test_looking_at_networks_leaves_a_card_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And starts without TensorFlow's page of messages."""
    begun: list[str] = []
    monkeypatch.setattr(startup, "load_tensorflow", lambda: begun.append("shared"))
    monkeypatch.setattr(pretraining, "verify", lambda: (begun.append("built"), ())[1])
    assert cli.main(["data", "verify"]) == 0
    assert begun == ["shared", "built"]


def test_data_verify(capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["data", "verify"]) == 0
    assert "mnist.npz: intact" in capsys.readouterr().out.splitlines()


def test_data_verify_finds_damage(
    capsys: pytest.CaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in directories.data_directory().glob("*.*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "mnist.npz").write_bytes((tmp_path / "mnist.npz").read_bytes()[:-1])
    monkeypatch.setattr(directories, "data_directory", lambda: tmp_path)
    assert cli.main(["data", "verify"]) == 2
    assert "mnist.npz" in capsys.readouterr().err


def test_data_rebuild_takes_the_names_of_datasets(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(datasets, "rebuild", lambda names: asked.append(names))
    assert cli.main(["data", "rebuild"]) == cli.main(["data", "rebuild", "mnist", "fashion"]) == 0
    assert asked == [[], ["mnist", "fashion"]]


def test_data_fetch_offline(
    capsys: pytest.CaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*arguments: object, **options: object) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(directories, "cache_directory", lambda: tmp_path)
    monkeypatch.setattr(urllib.request, "urlopen", offline)
    refused(capsys, "data", "fetch", "pneumoniamnist")
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]
    assert " pneumoniamnist, " in refused(capsys, "data", "fetch", "mnist")


def test_the_download_shows_how_far_it_is(capsys: pytest.CaptureFixture) -> None:
    cli._show_download(1_500_000, 4_000_000)
    cli._show_download(4_000_000, 4_000_000)
    assert capsys.readouterr().err == "\r1.5 of 4.0 MB\r4.0 of 4.0 MB\n"


def test_publish_tells_what_it_changed(
    capsys: pytest.CaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notebooks").mkdir()
    notebooks = [f"notebooks/{lesson.notebook}" for lesson in LESSONS]
    for name in ("pyproject.toml", "README.md", *notebooks):
        (tmp_path / name).write_bytes((Path(__file__).parents[2] / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    assert cli.main(["publish", "octocat/workbook", "--branch", "lessons"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "Changed pyproject.toml",
        "Changed README.md",
    ]
    assert publish.repository() == publish.Repository("octocat/workbook", "lessons")
    assert cli.main(["publish", "octocat/workbook", "--branch", "lessons"]) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert "not the name" in refused(capsys, "publish", "octocat")


@pytest.mark.parametrize("ok", [True, False])
def test_doctor_has_an_exit_status(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, ok: bool
) -> None:
    monkeypatch.setattr(doctor, "check", lambda: [doctor.Finding("A", ok, "found; fix it.")])
    assert cli.main(["doctor"]) == (0 if ok else 1)
    assert "A: found; fix it." in capsys.readouterr().out


def test_lab_needs_a_checkout(
    capsys: pytest.CaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "not in a checkout" in refused(capsys, "lab", "--no-browser")
