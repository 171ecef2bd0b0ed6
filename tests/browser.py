"""JupyterLab in a real browser: a server on this machine, and a notebook open in Chromium."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, sync_playwright

ARTEFACTS = Path(__file__).resolve().parent.parent / "artefacts"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Nothing to update, sync or draw on a graphics card; root, as in a container, has no sandbox.
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
# Every cell is in the page, wherever it is scrolled to; no news from the network.
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
PATIENCE = 120_000  # milliseconds until a step counts as failed; a step usually takes one second
# A panel's figure: an image widget, a page widget with a picture, or what an output area shows.
FIGURE = "img.widget-image, .widget-html img, .jupyter-widgets-output-area img"
OUTPUTS = ".jp-OutputArea-output"  # in JupyterLab as in nbconvert's pages
# JupyterLab says "idle" also while it still connects; cells that are run then silently do not run.
KERNEL_READY = """() => {
    const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
    const kernel = context?.session?.kernel;
    return context?.isReady && kernel?.connectionStatus == 'connected' && kernel.status == 'idle';
}"""


def find_browser() -> str | None:
    """Give the path of an installed Chromium, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def barriers(page: Page, part: str = OUTPUTS) -> list[str]:
    """Give what axe-core finds in a part of a page, and only there, against its use.

    Each is the rule's name and the element that breaks it.
    """
    found = Axe().run(page, context=part, options={"resultTypes": ["violations"]})
    return [
        f"{violation['id']}: {node['html']}"
        for violation in found.response["violations"]
        for node in violation["nodes"]
    ]


@contextmanager
def jupyterlab(folder: Path, private: Path) -> Iterator[str]:
    """Serve a folder with JupyterLab on a free port of this machine only.

    Args:
        folder: holds the notebooks.
        private: an empty folder for the server's own files; the user's settings are neither read
            nor changed.

    Yields:
        The address, where %s stands for a notebook's file name.
    """
    for name, settings in SETTINGS.items():
        path = private / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    token = secrets.token_hex(16)
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(private / "config"),
        "JUPYTER_DATA_DIR": str(private / "data"),
        "JUPYTER_RUNTIME_DIR": str(private / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(private / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(private / "workspaces"),
        "JUPYTER_TOKEN": token,
    }
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    command += [f"--ServerApp.root_dir={folder}", "--LabApp.extension_manager=readonly"]
    command += ["--LabApp.expose_app_in_browser=True"]
    log = private / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        _wait_for_port(port, server, log)
        yield f"http://127.0.0.1:{port}/lab/tree/%s?reset&token={token}"
    finally:
        server.terminate()  # the server ends its kernels first
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for_port(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.1)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the installed Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Notebook:
    """A notebook open in JupyterLab, with what a reader does to it."""

    def __init__(self, page: Page, address: str) -> None:
        """Open a notebook and wait until its kernel is ready."""
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        page.wait_for_function(KERNEL_READY)
        self.page = page

    def run_all(self) -> None:
        """Run all cells and wait until they have run and the kernel rests."""
        self.page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.page.wait_for_function(KERNEL_READY)

    def shut_down(self) -> None:
        """End the kernel, so that the next page starts with a fresh one."""
        self.page.evaluate("window.jupyterapp.commands.execute('notebook:shutdown-kernel')")

    def errors(self) -> list[str]:
        """Give the errors that the page shows, in cells and in panels."""
        # On the page an error in a cell has no mark of its own: it looks like other text of the
        # error stream, and a `WorkbookError` is one sentence without a traceback.
        cells = self.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.model.toJSON().cells
                .flatMap(cell => cell.outputs ?? [])
                .filter(output => output.output_type == 'error')
                .map(output => `${output.ename}: ${output.evalue}`)"""
        )
        texts = self.page.locator(".jp-RenderedText")  # of output widgets, too
        tracebacks = texts.filter(has_text="Traceback (most recent call last)")
        panels = self.page.locator(".simmim-error")
        return [*cells, *tracebacks.all_inner_texts(), *panels.all_inner_texts()]

    def use_theme(self, theme: str) -> None:
        """Change JupyterLab's colours to those of a theme; what is opened later has them, too."""
        change = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
        self.page.evaluate(change, theme)
        used = f"body[data-jp-theme-name='{theme}']"
        self.page.wait_for_selector(used, state="attached")

    def answer_questions(self) -> None:
        """Answer every question somehow, twice where it has to be, so that all is shown."""
        letters = self.page.get_by_role("button", name=re.compile(r"^\([a-h]\)$")).all()
        guesses = self.page.get_by_role("button", name="That is my guess").all()
        for button in (*letters, *guesses, *guesses):
            button.click()
        # A wrong order has one try only, and the kernel's reply to a guess takes a moment.
        self.page.wait_for_function(
            """() => {
                for (const button of document.querySelectorAll('[title="Show the answer"]'))
                    if (button.offsetParent) button.click();
                const bold = Array.from(document.querySelectorAll('.jupyter-widgets strong'));
                const shown = bold.filter(each => each.textContent == 'Explain.');
                return shown.length == document.querySelectorAll('[id^=question-]').length;
            }""",
            polling=200,
        )

    def control(self, label: str) -> Locator:
        """Find a control by the label that a reader sees beside it."""
        return self.page.locator(f".widget-label:text-is('{label}')").locator("xpath=..")

    def slider(self, label: str) -> Locator:
        """Find the part of a slider that the keyboard moves."""
        return self.control(label).get_by_role("slider").first

    def press(self, control: Locator, key: str) -> None:
        """Move the focus to a control, as the tabulator key does, and press a key."""
        control.focus()
        self.page.keyboard.press(key)

    def figure(self) -> str:
        """Give the address of the first panel's picture; each new picture has another one."""
        return self.page.locator(FIGURE).first.get_attribute("src")

    def wait_for_new_figure(self, old: str) -> str:
        """Wait until the picture is another one than `old`, and fully there; give its address."""
        # The attribute, not the property: the property turns an empty address into the page's own.
        self.page.wait_for_function(
            """([figures, old]) => {
                const figure = document.querySelector(figures);
                return figure?.getAttribute('src') && figure.getAttribute('src') != old
                    && figure.complete;
            }""",
            arg=[FIGURE, old],
            polling=20,
        )
        return self.figure()

    def pixels(self) -> str:
        """Give the picture itself, encoded: another address may still show the same picture."""
        return self.page.evaluate(
            """async address => {
                const bytes = new Uint8Array(await (await fetch(address)).arrayBuffer());
                return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
            }""",
            self.figure(),
        )

    def hold(self, width: int, height: int) -> None:
        """Read on a screen of this size, with nothing but the notebook on it."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.evaluate(
            """() => {
                const shell = window.jupyterapp.shell;
                shell.collapseLeft();
                shell.mode = 'single-document';
            }"""
        )

    def controls_out_of_reach(self) -> list[str]:
        """List controls and figures that lie, wholly or in part, beyond the panel's edges."""
        return self.page.evaluate(
            """figures => Array.from(
                document.querySelectorAll('.widget-inline-hbox, .jupyter-button, ' + figures)
            ).filter(part => {
                const cell = part.closest('.jp-OutputArea')?.getBoundingClientRect();
                const box = part.getBoundingClientRect();
                const shown = box.width > 0;  // a control that is hidden is not out of reach
                return cell && shown && (box.left < cell.left - 1 || box.right > cell.right + 1);
            }).map(part => (part.innerText || part.tagName).slice(0, 60))""",
            FIGURE,
        )

    def screenshot(self, name: str) -> Path:
        """Keep a picture of what the reader sees."""
        ARTEFACTS.mkdir(exist_ok=True)
        path = ARTEFACTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path
