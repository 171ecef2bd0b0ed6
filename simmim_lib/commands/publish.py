"""Where this copy of the workbook is published, and the texts that depend on it.

The address stands once, in `pyproject.toml`. The notebook builder takes each lesson's badge and
setup cell from here; `publish` changes the address and everything that was made from it.
"""

import contextlib
import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from simmim_lib.errors import WorkbookError, shown
from simmim_lib.foundation import atomic
from simmim_lib.lessons import LESSONS

PLACEHOLDER = "OWNER/REPO"

_HOST = "https://github.com/"
_COLAB = "https://colab.research.google.com/github/"
_NAME = re.compile(
    r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}(?<!\.git)"
)
_BRANCH = re.compile(r"(?!.*(?:\.\.|//|/\.|\.lock(?:/|$)|[./]$))[A-Za-z0-9_][A-Za-z0-9._/-]*")
_README_BLOCK = re.compile(r"(?s)<!-- colab: .*?<!-- colab end -->")

_SETUP = """\
# @title Install the helpers where they are missing, as on Colab; changes no other package
import importlib.util
import pathlib, subprocess, sys, tempfile

{address}
if importlib.util.find_spec("simmim_lib") is None:
    from packaging.version import Version
    files = [*pathlib.Path().glob("simmim_workbook-*.whl")]
    if files:  # the newest; uploaded twice, it may be called "... (1).whl", which pip refuses
        age = lambda file: (Version(file.name.split("-")[1]), file.stat().st_mtime)
        newest = max(files, key=age)
        address = pathlib.Path(tempfile.mkdtemp(), newest.name.partition("any")[0] + "any.whl")
        address.write_bytes(newest.read_bytes())
    if not address:
        raise RuntimeError("This copy is not published: upload its simmim_workbook-*.whl beside "
                           "this notebook (README, Colab) and run this cell again.")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", str(address)], check=True)
    importlib.invalidate_caches()
from simmim_lib.foundation.startup import load_tensorflow
load_tensorflow()  # without the page of messages it starts with
"""


@dataclass(frozen=True)
class Repository:
    """A repository on GitHub, and what is written about it in lessons and README.

    Attributes:
        name: owner and repository, as in `octocat/workbook`.
        branch: the branch that readers get.
    """

    name: str
    branch: str = "main"

    @property
    def published(self) -> bool:
        """Whether this is a real address and not the placeholder."""
        return self.name != PLACEHOLDER

    @property
    def colab(self) -> str:
        """The address at which Colab opens files of this repository; a path goes behind it."""
        return f"{_COLAB}{self.name}/blob/{self.branch}/"

    @property
    def address_line(self) -> str:
        """The setup cell's line that says where the package comes from.

        Before publishing it names nothing: whoever owns the placeholder's name on GitHub could
        otherwise put their own code into a reader's session.
        """
        address = f"{_HOST}{self.name}/archive/refs/heads/{self.branch}.zip"
        return f'address = "{address if self.published else ""}"  # filled in by: simmim publish'

    @property
    def readme_block(self) -> str:
        """The part of the README about Colab."""
        text = self._published_text if self.published else _UNPUBLISHED_TEXT
        return f"<!-- colab: written by simmim publish -->\n{text}\n<!-- colab end -->"

    @property
    def _published_text(self) -> str:
        return (
            f"{badge_markdown(LESSONS[0].notebook, self)}\n\n"
            f"The badge opens lesson {LESSONS[0].number}; every lesson starts with its own. Its "
            f"first cell installs the helpers from [{self.name}]({_HOST}{self.name}) (branch "
            f"`{self.branch}`), upgrades nothing that Colab has and needs no restart."
        )


_UNPUBLISHED_TEXT = """\
**This copy is not published yet**: the Colab badges in the lessons lead nowhere until its owner
runs `simmim publish your-name/your-repository` in a checkout (see below), commits and pushes.
Until then, by hand:

1. In a checkout: `python -m pip wheel --no-deps --wheel-dir dist .`
2. In Colab: *File > Upload notebook*, and choose a lesson from `notebooks/`.
3. In Colab's file browser (the folder on the left): upload the `.whl` file from `dist/`.
4. Run the lesson; its first cell finds the wheel and installs it."""


def checkout() -> Path:
    """Return the checkout of the workbook that the working directory lies in.

    Raises:
        WorkbookError: it lies in none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        file = folder / "pyproject.toml"
        if file.is_file() and 'name = "simmim-workbook"' in file.read_text(encoding="utf-8"):
            return folder
    raise WorkbookError(
        f"{here} is not in a checkout of the workbook, which this command changes or reads; "
        "clone the repository, go into its folder and try again."
    )


def repository(root: Path | None = None) -> Repository:
    """Read from `pyproject.toml` where this copy is published.

    Args:
        root: the checkout; by default the one the working directory lies in.

    Raises:
        WorkbookError: there is no checkout.
    """
    text = ((root or checkout()) / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)
    name = project["project"]["urls"]["Repository"].removeprefix(_HOST)
    return Repository(name, project["tool"]["simmim"]["branch"])


def badge_markdown(lesson: str, where: Repository | None = None) -> str:
    """Return the badge that opens a lesson in Colab.

    Args:
        lesson: the notebook's file name, as in `00_start_here.ipynb`.
        where: the repository; by default what `pyproject.toml` says.
    """
    where = where or repository()
    picture = "https://colab.research.google.com/assets/colab-badge.svg"
    return f"[![Open in Colab]({picture})]({where.colab}notebooks/{lesson})"


def setup_code(where: Repository | None = None) -> str:
    """Return the code of every lesson's setup cell.

    Args:
        where: the repository; by default what `pyproject.toml` says.
    """
    return _SETUP.format(address=(where or repository()).address_line).rstrip("\n")


def publish(name: str, branch: str = "main", root: Path | None = None) -> list[Path]:
    """Write a new address into `pyproject.toml` and all that was made from it.

    Args:
        name: owner and repository on GitHub, as in `octocat/workbook`.
        branch: the branch that readers get.
        root: the checkout; by default the one the working directory lies in.

    Returns:
        The files that changed; none if the address was there before.

    Raises:
        WorkbookError: a malformed name, no checkout, a notebook that is missing or lacks its badge
            or setup cell, or a file that cannot be written. Nothing has changed then.
    """
    _check(name, branch)
    root = root or checkout()
    old, new = repository(root), Repository(name, branch)
    project, readme = root / "pyproject.toml", root / "README.md"
    notebooks = [root / "notebooks" / lesson.notebook for lesson in LESSONS]
    texts = {file: _text(file) for file in (project, readme, *notebooks)}
    stamped = {file: _stamp(text, old, new) for file, text in texts.items()}
    stamped[project] = _stamp_project(texts[project], new)
    stamped[readme] = _README_BLOCK.sub(lambda _: new.readme_block, stamped[readme])
    _check_stamped(stamped, new)
    changed = {file: text for file, text in stamped.items() if text != texts[file]}
    _write_all(changed)
    return list(changed)


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode()  # read_text would change line endings
    except OSError as error:
        raise WorkbookError(
            f"{file} cannot be read ({error.strerror}); restore it from git and publish again."
        ) from error


def _stamp(text: str, old: Repository, new: Repository) -> str:
    """Replace what depends on the address: as plain text, and as a notebook's JSON has it."""
    for before, after in ((old.colab, new.colab), (old.address_line, new.address_line)):
        text = text.replace(before, after).replace(_in_json(before), _in_json(after))
    return text


def _in_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _stamp_project(text: str, new: Repository) -> str:
    text = re.sub(r'(?m)^(Repository = )".*"', rf'\1"{_HOST}{new.name}"', text)
    return re.sub(r'(?m)^(branch = )".*"', rf'\1"{new.branch}"', text)


def _check(name: str, branch: str) -> None:
    if not _NAME.fullmatch(name) or name == PLACEHOLDER:
        bare = re.sub(r"^(https?://)?(www\.)?github\.com/|(\.git)?/*$", "", name)
        advice = f" Did you mean {shown(bare)}?" if bare != name and _NAME.fullmatch(bare) else ""
        raise WorkbookError(
            f"{shown(name)} is not the name of a GitHub repository; give its owner and its name "
            f"with a slash between them, as in octocat/workbook.{advice}"
        )
    if not _BRANCH.fullmatch(branch):
        raise WorkbookError(
            f"{shown(branch)} is not a branch name; give one of letters, digits and . _ - /, as in "
            "main."
        )


def _check_stamped(stamped: dict[Path, str], new: Repository) -> None:
    """Refuse to publish a checkout in which a notebook would keep another address."""
    for file, text in stamped.items():
        badge = f"{new.colab}notebooks/{file.name}"
        whole = badge in text and _in_json(new.address_line) in text
        if file.suffix == ".ipynb" and not whole:
            raise WorkbookError(
                f"{file} lacks the badge or the setup cell that pyproject.toml describes; "
                "run `make notebooks` and publish again."
            )


def _write_all(texts: dict[Path, str]) -> None:
    """Write several files or none: all are written beside their places before the first moves."""
    originals = {file: file.read_bytes() for file in texts}
    try:
        with contextlib.ExitStack() as moves:
            for file, text in texts.items():
                written = moves.enter_context(atomic.writing(file))
                written.write(text.encode())
                written.flush()
    except OSError as error:
        for file, content in originals.items():
            if file.read_bytes() != content:
                file.write_bytes(content)
        raise WorkbookError(
            f"The checkout cannot be written ({error.strerror}), so nothing was published; make it "
            "writable, free some space and publish again."
        ) from error
