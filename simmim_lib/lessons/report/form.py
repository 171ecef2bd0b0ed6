"""The form of lesson 10: settings in, a report out, without a terminal."""

import threading
from collections.abc import Mapping
from typing import Any

from simmim_lib import datasets
from simmim_lib.panels.controls import (
    dataset_options,
    dropdown,
    recipe_dropdown,
    setting_slider,
    several,
    source_dropdown,
    source_options,
    text_box,
    trunk_dropdown,
)
from simmim_lib.panels.panel import as_message, live_view
from simmim_lib.panels.slider_names import slider_names
from simmim_lib.reports import pages, report
from simmim_lib.settings import Settings

FIELDS = ("recipe", "trunk", "source", "pretext", "targets", "labels_per_class", "seeds")
"""Controls with the name and the values of a field of `Settings`."""


class Form:
    """Controls for the settings that a report is usually asked for, and a button that makes it.

    The report runs in a thread, and the notebook in a process of its own, so the lesson stays
    usable.

    Args:
        start: the other settings, and where the controls stand at first.

    Attributes:
        view: the widget that holds all others.
        made: the report that was made last, if it was made.
        error: the failure that is shown, if any.
    """

    def __init__(self, start: Settings) -> None:
        import ipywidgets as widgets

        self.start = start
        self.made: report.Report | None = None
        self.error: Exception | None = None
        self.controls = _controls(start)
        self.controls["trunk"].observe(lambda change: self._offer_sources(change["new"]), "value")
        self.button = widgets.Button(
            description="Run this report", icon="play", layout={"flex": "0 0 auto"}
        )
        self.bar = widgets.FloatProgress(max=1.0, layout={"visibility": "hidden"})
        self.message = widgets.HTML()
        wrapping = widgets.Layout(display="flex", flex_flow="row wrap")
        rows = [
            widgets.Box(list(self.controls.values()), layout=wrapping),
            widgets.Box([self.button, self.bar], layout=wrapping),
            self.message,
            slider_names(),
        ]
        self.view = widgets.VBox(rows, layout={"max_width": "100%"})
        self._thread: threading.Thread | None = None
        self.button.on_click(lambda _: self.run())

    @property
    def values(self) -> dict[str, Any]:
        """The controls' values by name."""
        return {name: control.value for name, control in self.controls.items()}

    def settings(self, values: Mapping[str, Any]) -> Settings:
        """Return what the controls ask for.

        Raises:
            WorkbookError: values that do not go together.
        """
        changes = {name: values[name] for name in FIELDS}
        if changes["source"] is None:  # from scratch, nothing is pre-trained
            changes["pretext"] = "labels"
        return self.start.replace(task_weights=None, **changes)

    def _offer_sources(self, trunk: str) -> None:
        """Offer the sources that go with a trunk that was chosen, its usual one first."""
        usual = Settings(trunk=trunk)
        source = self.controls["source"]
        source.options = source_options(usual, _offered(self.start), scratch=True)
        source.value = usual.source
        pretext = self.controls["pretext"]
        pretext.options = usual.trunk_info.pretexts
        pretext.value = usual.pretext

    def run(self) -> None:
        """Make the report that the controls ask for, in a thread."""
        if self._thread and self._thread.is_alive():
            return
        self.error, self.made = None, None
        self.message.value = ""
        self._thread = threading.Thread(target=self._work, args=(self.values,), daemon=True)
        self._thread.start()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the report is made, or has failed."""
        if self._thread:
            self._thread.join(seconds)

    def _work(self, values: dict[str, Any]) -> None:
        self.button.disabled = True
        self.bar.value, self.bar.layout.visibility = 0.0, "visible"
        try:
            asked = self.settings(values)
            folder = values["folder"].strip() or None
            self.made = report.write(asked, folder, values["title"], tell=self._show_progress)
            self.message.value = _outcome(self.made, asked)
        except Exception as error:
            self.error = error
            self.message.value = as_message(error)
        finally:
            self.button.disabled = False
            self.bar.layout.visibility = "hidden"

    def _show_progress(self, position: int, number: int, title: str, share: float) -> None:
        self.bar.value = share
        self.message.value = f"{position} of {number}: {pages.escaped(title)} ..."

    def _ipython_display_(self) -> None:
        """Show the form and, for readers without a kernel, what it does."""
        from IPython.display import display

        line = report.command(self.start)
        data = {
            **live_view(self.view),
            "text/html": (
                "<p>Where there is a kernel, a form is shown here. In a terminal, this makes the "
                f"report with its first settings: <code>{pages.escaped(line)}</code></p>"
            ),
            "text/plain": f"A form that makes a report; in a terminal: {line}",
        }
        display(data, raw=True)


def _offered(start: Settings) -> list[str]:
    """Return the datasets that are at hand, and those that are asked for."""
    available = datasets.available(start.trunk_info.takes)
    asked = (*start.targets, *filter(None, [start.source_dataset]))
    return list(dict.fromkeys((*available, *asked)))


def _controls(start: Settings) -> dict[str, Any]:
    names = _offered(start)
    # Numbers before words such as "all".
    fewest = min(start.labels_of.values(), key=lambda labels: (isinstance(labels, str), labels))
    return {
        "recipe": recipe_dropdown(start.recipe),
        "trunk": trunk_dropdown(start.trunk),
        "source": source_dropdown(start, names, scratch=True),
        "pretext": dropdown(
            "Pre-trained by",
            dict.fromkeys((*start.trunk_info.pretexts, start.pretext)),
            start.pretext,
        ),
        "targets": several("Targets", dataset_options(names), start.targets),
        "labels_per_class": setting_slider("labels_per_class", "Labels per class", fewest),
        "seeds": setting_slider("seeds", "Seeds", start.seeds),
        "title": text_box("Title", placeholder="as you like"),
        "folder": text_box("Folder", placeholder="a new one"),
    }


def _outcome(made: report.Report, asked: Settings) -> str:
    """Return HTML for a report that was made: its verdict, its place and its command."""
    line = report.command(asked, made.folder)
    return (
        f"<p><strong>{pages.escaped(made.numbers['verdict'])}</strong></p>"
        f"<p>The report is {pages.escaped(str(made.page))}. In a terminal, this makes it:</p>"
        f'<pre style="white-space: pre-wrap">{pages.escaped(line)}</pre>'
    )


def form(settings: Settings | None = None) -> Form:
    """Return the form that makes a report.

    Args:
        settings: where the controls stand at first; what has no control stays as it is.
    """
    return Form(settings or Settings.from_texts(report.PARAMETERS))
