"""Serve the playground on this machine, for `simmim playground`."""

import errno
import html
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from simmim_lib.commands.lab import lend_folders
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import directories, home
from simmim_lib.playground import serving, uploads
from simmim_lib.studies import gallery

IDLE_SECONDS = 1800
"""After so long without a reader, what was computed for one is let go."""

LOOPBACK = ("localhost", "::1")
"""Names of this machine, beside addresses that begin with 127."""

EVERYWHERE = ("", "*", "0.0.0.0", "::")
"""Addresses by which a server is open to all; its own kernel reaches it as this machine."""

POLICY = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'self'"
"""What a browser may ask for: nothing of another host. Voila's page wants icons of one."""

SERVER = {
    "websocket_max_message_size": uploads.MAX_BYTES + 1_000_000,
    "headers": {"Content-Security-Policy": POLICY},
}
"""For Voila's server; an uploaded file comes in one message, and may be larger than usual."""

WARM = """\
import os
os.chdir({place!r})  # where `simmim playground` was typed: folder:photos is meant from there
from simmim_lib.foundation.startup import load_tensorflow
load_tensorflow()
from simmim_lib.playground import playground
playground().start()  # kept in memory, so that the first picture is there at once
"""
"""What a kernel does before there is a reader."""

SHOW = """\
from voila.utils import get_query_string
playground(get_query_string() or "")
"""
"""What it does for a reader: the first line waits until there is one."""


def _measured(example: gallery.Example) -> str:
    try:
        return gallery.verdict(example)
    except WorkbookError as error:
        return str(error)


def without_javascript() -> str:
    """Return HTML for browsers that run no JavaScript: the gallery, as it was measured."""
    rows = "".join(
        f"<tr><th>{html.escape(title)}</th><td>{html.escape(example.about)}</td>"
        f"<td>{html.escape(_measured(example))}</td></tr>"
        for title, example in gallery.EXAMPLES.items()
    )
    return (
        "<noscript><style>#rendered_cells {display: block !important} "
        "#loading {display: none !important}</style><p>The playground needs JavaScript, which this "
        "browser does not run. What its gallery shows was measured; in a terminal, "
        f"<code>simmim run --help</code> names all settings.</p><table>{rows}</table></noscript>"
    )


def page() -> dict[str, object]:
    """Return the notebook that Voila serves."""
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "markdown",
            "id": "without-javascript",
            "metadata": {},
            "source": without_javascript(),
        }
    ]
    cells += [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell-{number}",
            "metadata": {},
            "outputs": [],
            "source": source,
        }
        for number, source in enumerate((WARM.format(place=os.getcwd()), SHOW))
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "title": "SimMIM playground"}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def arguments(folder: Path) -> list[str]:
    """Return Voila's options.

    Args:
        folder: holds the notebook, and is all that Voila may read.
    """
    options = [
        str(folder / "playground.ipynb"),
        "--Voila.ip=127.0.0.1",
        "--preheat_kernel=True",
        "--pool_size=1",
        "--VoilaConfiguration.multi_kernel_enabled=False",
        f"--MappingKernelManager.cull_idle_timeout={IDLE_SECONDS}",
        "--MappingKernelManager.cull_interval=60",
    ]
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0  # as in a container
    return [*options, "--Voila.allow_root=True"] if as_root else options


def _page_class(voila: Any) -> Any:
    """Return what serves the page.

    Args:
        voila: Voila's application.
    """

    class Page(voila):
        """Knows from which machines it can be opened, once all options and files of them are read.

        Its kernels inherit what they may do then.
        """

        def start(self) -> None:
            if self.ip not in LOOPBACK and not self.ip.startswith("127."):
                os.environ[serving.FOLDER] = os.getcwd()
            # The kernel that is warmed up is told port and address before the server listens, and
            # waits there for its reader.
            ports = self.random_ports(int(self.port), self.port_retries + 1)  # type: ignore[has-type]
            self.port = _free(self.ip, ports)
            if self.ip not in EVERYWHERE:
                os.environ["VOILA_APP_IP"] = f"[{self.ip}]" if ":" in self.ip else self.ip
            super().start()

    return Page


def _free(address: str, ports: Iterable[int]) -> int:
    """Return the first port on which nobody listens, or the first of all."""
    from tornado.netutil import bind_sockets

    first, *others = ports
    for port in (first, *others):
        try:
            for each in bind_sockets(port, address):
                each.close()
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                return first  # no such address: the server says so
        else:
            return port
    return first


def start(options: Sequence[str] = ()) -> None:
    """Serve the playground until it is stopped with Ctrl-C.

    Args:
        options: more options of Voila, such as `--no-browser` or `--port=9000`. With an address of
            other machines, such as `--Voila.ip=0.0.0.0`, readers may use data in this folder only,
            beside what they upload, and `serving` limits their time and memory.

    Raises:
        WorkbookError: Voila is not installed.
    """
    try:
        from voila.app import Voila
    except ImportError as error:
        raise WorkbookError(
            "Voila, which serves the playground, is not installed in this Python: pip install "
            "voila. In a notebook, simmim_lib.playground.playground() shows the same."
        ) from error
    if not home.is_writable():
        lend_folders()
    folder = directories.temporary_directory("simmim-playground-")
    (folder / "playground.ipynb").write_text(json.dumps(page()), encoding="utf-8")
    given = {_name(each) for each in options}
    usual = [each for each in arguments(folder) if _name(each) not in given]
    _page_class(Voila).launch_instance([*usual, *options], tornado_settings=SERVER)


def _name(option: str) -> str:
    """Return an option's name; Voila takes one dash for two."""
    return option.partition("=")[0].lstrip("-")
