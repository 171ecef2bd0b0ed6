"""Start JupyterLab on the workbook, for `make lab` and `simmim lab`."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from simmim_lib.commands.publish import checkout
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import directories, home
from simmim_lib.lessons import LESSONS

JUPYTER_FOLDERS = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
"""The environment's names for the folders at home that Jupyter and its kernels write to."""

FIRST_LESSON = f"notebooks/{LESSONS[0].notebook}"


def arguments(root: Path) -> list[str]:
    """Return JupyterLab's options for a checkout.

    Without further options the server looks for the next free port when 8888 is busy.

    Args:
        root: the checkout, which becomes the folder that JupyterLab shows.
    """
    options = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url=/lab/tree/{FIRST_LESSON}",
        "--ServerApp.answer_yes=True",  # Ctrl-C stops at once instead of asking
        "--LabApp.news_url=None",  # no request to a news site, and no question about it
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0  # as in a container
    return [*options, "--ServerApp.allow_root=True"] if as_root else options


def start(options: Sequence[str] = ()) -> None:
    """Run JupyterLab until it is stopped with Ctrl-C.

    Args:
        options: more options of JupyterLab, such as `--no-browser` or `--port=9000`.

    Raises:
        WorkbookError: JupyterLab is not installed, or there is no checkout with lessons.
    """
    root = checkout()
    if not home.is_writable():
        lend_folders()
    # Where Jupyter does not see to Ctrl-C itself (while it loads, without a terminal, on Windows),
    # its kernels would be left running; a termination signal makes it stop them.
    signal.signal(signal.SIGINT, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        from jupyterlab.labapp import LabApp
    except ImportError as error:
        raise WorkbookError(
            "JupyterLab is not installed in this Python; install it with "
            "`python -m pip install -c constraints/local.txt -e .[lab]` and try again."
        ) from error
    LabApp.launch_instance([*arguments(root), *options])


def lend_folders() -> None:
    """Give Jupyter folders of its own until it ends, but for those that the environment names."""
    folder = directories.temporary_directory("simmim-jupyter-")
    for name in JUPYTER_FOLDERS:
        os.environ.setdefault(name, str(folder / name.lower()))
    print(
        "Your home folder cannot be written, so that Jupyter remembers its settings and layout "
        "until it ends: set HOME to a folder that you can write to.",
        file=sys.stderr,
    )


if __name__ == "__main__":
    try:
        start(sys.argv[1:])
    except WorkbookError as error:
        sys.exit(str(error))
