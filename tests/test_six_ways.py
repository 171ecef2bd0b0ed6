"""One experiment on pictures of one's own, asked for in six ways, has one outcome."""

import json
import subprocess
import sys

import image_making
import numpy as np
import pytest
from processes import finish

import simmim_lib
from simmim_lib.commands import cli
from simmim_lib.lessons.report import form
from simmim_lib.reports import report
from simmim_lib.settings import Settings
from simmim_lib.sweeps import rows

pytestmark = pytest.mark.slow

FROM_JSON = """
import json, pathlib, sys
import simmim_lib
values = json.loads(pathlib.Path(sys.argv[1]).read_text())
result = simmim_lib.run(simmim_lib.Settings.from_mapping(values))
result.to_json(sys.argv[2])
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory) -> Settings:
    folder = image_making.fill_with_waves(tmp_path_factory.mktemp("data") / "waves", 30)
    return Settings(
        targets=(f"folder:{folder}",), trunk="efficientnet-lite0", image_size=32, frozen_layers=8,
        labels_per_class=2, batch_size=4, steps=6, seeds=2, baseline="none",
    )  # fmt: skip


@pytest.fixture(scope="module")
def expected(asked) -> dict[str, list[float]]:
    """Return what Python gives: an outcome that other settings would not have."""
    found = simmim_lib.run(asked).as_dict()["accuracy"]
    assert min(*found.values()) > 0.34 and max(*found.values()) < 1
    return found


def check(found: dict[str, list[float]], expected: dict[str, list[float]]) -> None:
    assert found.keys() == expected.keys()
    for target, accuracy in expected.items():
        np.testing.assert_allclose(found[target], accuracy, atol=1e-6)


def texts(asked: Settings) -> dict[str, str]:
    """Return the settings that are not usual, as a terminal takes them."""
    return {
        name: ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in asked.unusual().items()
    }


def test_the_command(asked, expected, tmp_path, capsys):
    output = tmp_path / "result.json"
    words = [f"--{name.replace('_', '-')}={text}" for name, text in texts(asked).items()]
    assert cli.main(["run", *words, "--output", str(output)]) == 0
    check(json.loads(output.read_text())["accuracy"], expected)


def test_settings_from_a_file_in_another_process(asked, expected, tmp_path):
    given, output = tmp_path / "settings.json", tmp_path / "result.json"
    given.write_text(json.dumps(asked.as_dict()))
    command = [sys.executable, "-c", FROM_JSON, str(given), str(output)]
    finish(subprocess.Popen(command, stderr=subprocess.PIPE, text=True), seconds=200)
    check(json.loads(output.read_text())["accuracy"], expected)


def test_a_worker_of_a_sweep(asked, expected, tmp_path, capsys):
    lines = [f"  {name}: ['{text}']" for name, text in texts(asked).items() if name != "targets"]
    lines += [f"  targets: [[{json.dumps(asked.targets[0])}]]"]
    grid = tmp_path / "grid.yaml"
    grid.write_text("\n".join(["grid:", *lines]))
    folder = tmp_path / "results"
    assert cli.main(["sweep", str(grid), "--output", str(folder), "--workers", "1"]) == 0
    (row,) = rows.read(folder)
    check({name: scores["accuracy"].tolist() for name, scores in row.scores.items()}, expected)


def test_a_report_and_one_from_the_form(asked, expected, tmp_path, capsys):
    """Both at once, since each waits for a process of its own."""
    pytest.importorskip("papermill")
    view = form.form(asked)
    view.controls["folder"].value = str(tmp_path / "form")
    view.run()
    given = {"recipe": asked.recipe, **texts(asked)}  # a report has a recipe of its own
    words = [word for each in given.items() for word in ("-p", *each)]
    assert cli.main(["report", *words, "--output", str(tmp_path / "command")]) == 0
    view.wait(300)
    assert view.error is None
    for folder in ("command", "form"):
        check(json.loads((tmp_path / folder / report.NUMBERS).read_text())["accuracy"], expected)
