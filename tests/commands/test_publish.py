"""Publishing changes the address wherever it stands, and nothing else."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from simmim_lib.commands import publish
from simmim_lib.errors import WorkbookError
from simmim_lib.lessons import LESSONS

ROOT = Path(__file__).parents[2]
LESSON = LESSONS[-1].notebook
UNPUBLISHED = publish.Repository(publish.PLACEHOLDER)


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    command = ["git", *identity, *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def notebook(where: publish.Repository, name: str = LESSON) -> str:
    """A notebook as a builder writes it, with text that must survive."""
    about = f"# Lesson\n{publish.badge_markdown(name, where)}\nOWNER/REPO, café, branch main.\n"
    texts = [("markdown", about), ("code", publish.setup_code(where)), ("code", 'address = ""\n')]
    cells = [{"cell_type": kind, "source": text.splitlines(True)} for kind, text in texts]
    return json.dumps({"cells": cells, "nbformat": 4}, indent=1, ensure_ascii=False) + "\n"


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed copy of this checkout's address and README, with small notebooks, unpublished.

    The tests must also pass in a fork that is published.
    """
    (tmp_path / "notebooks").mkdir()
    project, readme = ((ROOT / name).read_text("utf-8") for name in ("pyproject.toml", "README.md"))
    published = publish.repository(ROOT)
    project = project.replace(f"github.com/{published.name}", f"github.com/{UNPUBLISHED.name}")
    project = project.replace(f'branch = "{published.branch}"', 'branch = "main"')
    readme = readme.replace(published.readme_block, UNPUBLISHED.readme_block)
    (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
    (tmp_path / "README.md").write_text(readme, encoding="utf-8")
    for lesson in LESSONS:
        text = notebook(UNPUBLISHED, lesson.notebook)
        (tmp_path / "notebooks" / lesson.notebook).write_text(text, encoding="utf-8")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "start")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_stamps_every_place_and_changes_nothing_else(copy: Path) -> None:
    changed = publish.publish("octocat/work-book", "v1/main")
    notebooks = {f"notebooks/{lesson.notebook}" for lesson in LESSONS}
    expected = {"pyproject.toml", "README.md", *notebooks}
    assert {str(file.relative_to(copy)) for file in changed} == expected
    assert set(git(copy, "status", "--porcelain").split()[1::2]) == expected

    lesson = copy / "notebooks" / LESSON
    assert lesson.read_text("utf-8") == notebook(publish.Repository("octocat/work-book", "v1/main"))
    assert publish.repository() == publish.Repository("octocat/work-book", "v1/main")
    lines = git(copy, "diff", "-U0", "pyproject.toml").splitlines()
    assert [line for line in lines if line[0] in "+-"][2:] == [
        '-Repository = "https://github.com/OWNER/REPO"',
        '+Repository = "https://github.com/octocat/work-book"',
        '-branch = "main"',
        '+branch = "v1/main"',
    ]
    readme = (copy / "README.md").read_text("utf-8")
    assert "not published yet" not in readme
    assert f"{publish.repository().colab}notebooks/{LESSONS[0].notebook}" in readme


def test_the_notebook_keeps_valid_json_and_its_other_text(copy: Path) -> None:
    publish.publish("octocat/workbook")
    about, setup, other = json.loads((copy / "notebooks" / LESSON).read_text("utf-8"))["cells"]
    archive = "https://github.com/octocat/workbook/archive/refs/heads/main.zip"
    assert f'address = "{archive}"' in "".join(setup["source"])
    link = (
        f"(https://colab.research.google.com/github/octocat/workbook/blob/main/notebooks/{LESSON})"
    )
    assert link in about["source"][1]
    assert about["source"][2] == "OWNER/REPO, café, branch main.\n"
    assert other["source"] == ['address = ""\n']


def test_publishing_twice_changes_nothing_and_elsewhere_moves_all(copy: Path) -> None:
    publish.publish("octocat/workbook")
    git(copy, "commit", "--quiet", "-am", "published")
    assert publish.publish("octocat/workbook") == []
    assert git(copy, "status", "--porcelain") == ""

    publish.publish("hubot/fork", "lessons")
    for file in ("README.md", "pyproject.toml", f"notebooks/{LESSON}"):
        assert "octocat" not in (copy / file).read_text("utf-8")


def test_the_readme_of_this_checkout_says_what_is_true_of_it() -> None:
    where = publish.repository(ROOT)
    assert where.readme_block in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    "name",
    ["", "octocat", "octocat/", "/workbook", "a/b/c", "octo cat/x", "-a/b", "a--b/c", "a-/b",
     "a/..", "a/b.git", "a/b?c", "a/b\n", 'a/"b', "OWNER/REPO", "x" * 40 + "/b", "a/" + "b" * 101],
)  # fmt: skip
def test_refuses_a_malformed_name(copy: Path, name: str) -> None:
    with pytest.raises(WorkbookError, match="not the name of a GitHub repository"):
        publish.publish(name)
    assert git(copy, "status", "--porcelain") == ""


@pytest.mark.parametrize("name", ["a/b", "Octo-Cat/work.book_1", "x" * 39 + "/b"])
def test_accepts_the_names_that_github_allows(copy: Path, name: str) -> None:
    assert publish.publish(name)


@pytest.mark.parametrize(
    "branch", ["", "a b", "../x", "a..b", "a//b", "/a", "a/", "x.lock", '"', "."]
)
def test_refuses_a_malformed_branch(copy: Path, branch: str) -> None:
    with pytest.raises(WorkbookError, match="not a branch name"):
        publish.publish("octocat/workbook", branch)
    assert git(copy, "status", "--porcelain") == ""


@pytest.mark.parametrize("address", ["https://github.com/o/w", "github.com/o/w.git", "o/w/"])
def test_proposes_the_name_in_a_pasted_address(copy: Path, address: str) -> None:
    with pytest.raises(WorkbookError, match="Did you mean 'o/w'"):
        publish.publish(address)


def test_refuses_a_notebook_that_would_keep_another_address(copy: Path) -> None:
    lesson = copy / "notebooks" / LESSON
    lesson.write_text(notebook(publish.Repository("someone/else")), encoding="utf-8")
    git(copy, "commit", "--quiet", "-am", "another address")
    with pytest.raises(WorkbookError, match="make notebooks"):
        publish.publish("octocat/workbook")
    assert git(copy, "status", "--porcelain") == ""


def test_refuses_a_checkout_without_one_of_the_notebooks(copy: Path) -> None:
    (copy / "notebooks" / LESSON).unlink()
    git(copy, "commit", "--quiet", "-am", "a notebook less")
    with pytest.raises(WorkbookError, match=f"{LESSON} cannot be read .* restore it"):
        publish.publish("octocat/workbook")
    assert git(copy, "status", "--porcelain") == ""


def test_leaves_alone_what_is_no_lesson(copy: Path) -> None:
    draft = copy / "notebooks" / "draft.ipynb"
    draft.write_text(notebook(UNPUBLISHED, draft.name), encoding="utf-8")
    assert draft not in publish.publish("octocat/workbook")
    assert draft.read_text("utf-8") == notebook(UNPUBLISHED, draft.name)


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_link_in_the_place_of_a_temporary_file_is_not_written_to(
    copy: Path, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    for file in ("pyproject.toml", "README.md", f"notebooks/{LESSON}"):
        (copy / f"{file}.part").symlink_to(victim)
    assert publish.publish("octocat/workbook")
    assert victim.read_text() == "mine" and (copy / "pyproject.toml.part").is_symlink()


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_failing_write_changes_nothing(
    copy: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    calls = iter(range(1, 10))
    replace = os.replace

    def fail_once(source: Path, target: Path) -> None:
        if next(calls) == failing:
            raise OSError(28, "No space left on device", str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_once)
    with pytest.raises(WorkbookError, match="No space left on device"):
        publish.publish("octocat/workbook")
    assert git(copy, "status", "--porcelain") == ""


def test_outside_a_checkout_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkbookError, match="not in a checkout"):
        publish.publish("octocat/workbook")


SETUP_PRELUDE = """
import importlib.util, subprocess, sys, types
sys.modules["simmim_lib.foundation"] = types.ModuleType("simmim_lib.foundation")
sys.modules["simmim_lib.foundation.startup"] = types.SimpleNamespace(load_tensorflow=lambda: None)
importlib.util.find_spec = lambda name: {found}
subprocess.run = lambda command, check: print(command[1:], check)
"""


def run_setup(folder: Path, found: bool, where: publish.Repository) -> subprocess.CompletedProcess:
    code = SETUP_PRELUDE.format(found=found or None) + publish.setup_code(where)
    command = [sys.executable, "-I", "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_the_setup_cell_does_nothing_where_the_package_is(tmp_path: Path) -> None:
    done = run_setup(tmp_path, True, UNPUBLISHED)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_setup_cell_installs_from_the_published_address(tmp_path: Path) -> None:
    done = run_setup(tmp_path, False, publish.Repository("octocat/workbook"))
    archive = "https://github.com/octocat/workbook/archive/refs/heads/main.zip"
    assert done.stdout.strip() == f"['-m', 'pip', 'install', '--quiet', '{archive}'] True"


WHEEL = "simmim_workbook-{}-py3-none-any{}.whl"


@pytest.mark.parametrize(
    ("uploads", "newest"),
    [
        ([("0.1.0", "")], "0.1.0"),
        ([("0.1.0", " (1)")], "0.1.0"),
        ([("0.1.0", ""), ("0.1.0", " (1)"), ("0.1.0", "(2)")], "0.1.0"),
        ([("0.10.0", ""), ("0.9.0", "")], "0.10.0"),
        ([("0.10.0", " - Copy"), ("0.2.0", " (1)")], "0.10.0"),
        ([("1.0", ""), ("1.0rc1", ""), ("1.0.dev3", "")], "1.0"),
        ([("1.0.post1", ""), ("1.0", " (10)")], "1.0.post1"),
    ],
)
def test_the_setup_cell_takes_the_newest_wheel_beside_it_under_a_name_that_pip_accepts(
    tmp_path: Path, uploads: list[tuple[str, str]], newest: str
) -> None:
    """Whatever browsers add to the name of a file that was there before."""
    for age, (version, sign) in enumerate(uploads):
        file = tmp_path / WHEEL.format(version, sign)
        file.write_text(f"{version}{sign}")
        os.utime(file, (1000 + age, 1000 + age))
    for where in (UNPUBLISHED, publish.Repository("octocat/workbook")):
        *_, package = ast.literal_eval(run_setup(tmp_path, False, where).stdout.split(" True")[0])
        assert Path(package).name == WHEEL.format(newest, "")
        last = [f"{version}{sign}" for version, sign in uploads if version == newest][-1]
        assert Path(package).read_text() == last


def test_before_publishing_the_setup_cell_says_what_to_upload(tmp_path: Path) -> None:
    done = run_setup(tmp_path, False, UNPUBLISHED)
    assert done.stdout == ""  # above all, no code from whoever owns the placeholder's name
    assert "upload its simmim_workbook-*.whl" in done.stderr.splitlines()[-1]


def test_the_setup_cell_keeps_to_the_length_of_a_cell() -> None:
    assert len(publish.setup_code(UNPUBLISHED).splitlines()) <= 20
