"""The form of lesson 10: settings in, a report out, without a terminal."""

import html
import threading
from collections.abc import Mapping
from typing import Any

from simmim_lib import datasets
from simmim_lib.experiments.recipes import INFORMED
from simmim_lib.panels import controls
from simmim_lib.panels.panel import as_message
from simmim_lib.reports import report
from simmim_lib.settings import Settings, offers

LABELS = offers("labels_per_class")
SEEDS = offers("seeds")


class Form:
    """Controls for the settings that a report is usually asked for, and a button that makes it.

    The report runs in a thread, and the notebook in a process of its own, so the lesson stays
    usable. The outcome is kept in `made`; what goes wrong is shown, and kept in `error`.

    Args:
        start: the other settings, and where the controls stand at first.
    """

    def __init__(self, start: Settings) -> None:
        self.start, self.error, self.made = start, None, None
        self._thread: threading.Thread | None = None
        self._build()

    error: Exception | None
    made: report.Report | None

    def _build(self) -> None:
        import ipywidgets as widgets

        start, here = self.start, [name for name in datasets.names() if datasets.is_available(name)]
        sources = [("from scratch", None), *((name, name) for name in here)]
        looks = {**controls.layout_and_style(), "style": {"description_width": "120px"}}
        unlabelled = [("not used", False), ("taught by information (lesson 05)", True)]
        self.controls = {
            "source": controls.dropdown("Source", sources, start.source),
            "targets": widgets.SelectMultiple(
                description="Targets", options=here, value=start.targets, rows=4, **looks
            ),
            "labels_per_class": controls.slider(
                "Labels per class",
                sorted({*LABELS, min(start.labels_of.values())}),
                min(start.labels_of.values()),
            ),
            "unlabelled": controls.dropdown("Other images", unlabelled, bool(start.information)),
            "seeds": controls.slider("Seeds", sorted({*SEEDS, start.seeds}), start.seeds),
            "title": widgets.Text(description="Title", placeholder="as you like", **looks),
            "folder": widgets.Text(description="Folder", placeholder="a new one", **looks),
        }
        self.button = widgets.Button(
            description="Run this report", icon="play", layout={"flex": "0 0 auto"}
        )
        self.button.on_click(lambda _: self.run())
        self.bar = widgets.FloatProgress(max=1.0, layout={"visibility": "hidden"})
        self.message = widgets.HTML()
        rows = widgets.Layout(display="flex", flex_flow="row wrap")
        self.view = widgets.VBox(
            [
                widgets.Box(list(self.controls.values()), layout=rows),
                widgets.Box([self.button, self.bar], layout=rows),
                self.message,
            ],
            layout={"max_width": "100%"},
        )

    @property
    def values(self) -> dict[str, Any]:
        """The controls' values by name."""
        return {name: control.value for name, control in self.controls.items()}

    def settings(self, values: Mapping[str, Any]) -> Settings:
        """Return what the controls ask for.

        Raises:
            WorkbookError: values that do not go together.
        """
        own = {name: values[name] for name in ("source", "targets", "labels_per_class", "seeds")}
        if values["unlabelled"] and not self.start.information:
            own |= INFORMED
        if not values["unlabelled"]:
            own |= {"information": 0.0, "agreement": 0.0, "augmentation": 0.0}
        return self.start.replace(task_weights=None, **own)

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
            folder = values["folder"].strip() or report.usual_folder()
            self.made = report.write(asked, folder, values["title"], tell=self._tell)
            self.message.value = self._told(self.made, asked)
        except Exception as error:
            self.error = error
            self.message.value = as_message(error)
        finally:
            self.button.disabled = False
            self.bar.layout.visibility = "hidden"

    def _tell(self, position: int, number: int, title: str, share: float) -> None:
        self.bar.value = share
        self.message.value = f"{position} of {number}: {html.escape(title)} ..."

    @staticmethod
    def _told(made: report.Report, asked: Settings) -> str:
        line = report.command(asked, made.folder)
        return (
            f"<p><strong>{html.escape(made.numbers['verdict'])}</strong></p>"
            f"<p>The report is {html.escape(str(made.page))}. In a terminal, this makes it:</p>"
            f'<pre style="white-space: pre-wrap">{html.escape(line)}</pre>'
        )

    def _ipython_display_(self) -> None:
        """Show the form and, for readers without a kernel, what it does."""
        from IPython.display import display

        line = report.command(self.start)
        data = {
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self.view.model_id,
            },
            "text/html": "<p>Here stands a form, where there is a kernel. In a terminal, this "
            f"makes the report with its first settings: <code>{html.escape(line)}</code></p>",
            "text/plain": f"A form that makes a report; in a terminal: {line}",
        }
        display(data, raw=True)


def form(settings: Settings | None = None) -> Form:
    """Return the form that makes a report.

    Args:
        settings: where the controls stand at first; what has no control stays as it is.
    """
    return Form(settings or Settings())
