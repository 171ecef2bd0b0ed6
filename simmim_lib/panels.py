"""Panels: controls beside a picture that follows them. They hold no computation of their own."""

import base64
import functools
import html
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from simmim_lib import datasets, experiment, figures, neighbours
from simmim_lib.errors import WorkbookError
from simmim_lib.figures import Picture
from simmim_lib.settings import ADAPTATIONS, FREEZABLE_LAYERS, Settings
from simmim_lib.training import Progress

if TYPE_CHECKING:
    import ipywidgets as widgets

Values = Mapping[str, Any]
Update = Callable[[Values, Progress], Iterator[Picture]]
"""From the controls' values to pictures, the first of them as soon as there is something to see."""

CONTROL_WIDTH = "330px"


class Cancelled(Exception):  # noqa: N818 - not an error
    """Ends a computation whose outcome nobody waits for any more."""


class Panel:
    """Controls, a picture, and all that a reader needs while it changes.

    A change of a control starts the update in a thread, so that the next change and the cancel
    button are heard at once; an update that is overtaken by another is given up. A failure is
    shown in the panel, and kept in `error`.

    Args:
        controls: ipywidgets by name, each with a `value`.
        update: computes the pictures; called with the controls' values.
        as_code: gives the line of Python that repeats what the panel shows.
    """

    def __init__(
        self,
        controls: "Mapping[str, widgets.Widget]",
        update: Update,
        as_code: Callable[[Values], str] | None = None,
    ) -> None:
        self.controls, self.error = dict(controls), None
        self._update, self._as_code = update, as_code
        self._alt = ""
        self._lock, self._thread = threading.Lock(), None
        self._asked = 0  # counts the requests; an update belongs to one of them
        self._build()
        for control in self.controls.values():
            control.observe(self._on_change, "value")

    error: Exception | None
    _thread: threading.Thread | None

    def _build(self) -> None:
        import ipywidgets as widgets

        self.picture = widgets.Image(format="png", layout={"max_width": "100%"})
        self.message, self.code = widgets.HTML(), widgets.HTML()
        self.bar = widgets.FloatProgress(max=1.0, description="Working", bar_style="info")
        self.cancel = widgets.Button(description="Cancel", icon="stop")
        self.working = widgets.HBox([self.bar, self.cancel], layout={"visibility": "hidden"})
        self.cancel.on_click(lambda _: self._stop())
        wrapping = widgets.Layout(display="flex", flex_flow="row wrap")
        parts = [
            widgets.Box(list(self.controls.values()), layout=wrapping),
            self.message,
            self.picture,
            self.working,
        ]
        if self._as_code:
            copy = widgets.Button(description="Copy settings", icon="clipboard")
            copy.on_click(lambda _: self._show_code())
            parts += [copy, self.code]
        self.view = widgets.VBox(parts, layout={"max_width": "100%"})

    @property
    def values(self) -> dict[str, Any]:
        """The controls' values by name."""
        return {name: control.value for name, control in self.controls.items()}

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the picture has followed the last change."""
        thread = self._thread
        if thread:
            thread.join(seconds)

    def _ipython_display_(self) -> None:
        """Show the panel at once, and in the same output the picture, for readers without a kernel.

        The cell waits until the first update is through, so that what is saved shows all of it.
        """
        from IPython.display import display

        data, metadata = self._output()
        handle = display(data, metadata=metadata, raw=True, display_id=True)
        if not self.picture.value:
            self._work(self._next_request())
            data, metadata = self._output()
            handle.update(data, metadata=metadata, raw=True)

    def _output(self) -> tuple[dict[str, object], dict[str, object]]:
        data: dict[str, object] = {
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self.view.model_id,
            },
            "text/plain": self._alt or "The panel's picture is being made.",
        }
        if self.picture.value:
            data["image/png"] = base64.b64encode(self.picture.value).decode()
        return data, {"image/png": {"alt": self._alt}}

    def _on_change(self, _: object) -> None:
        self.code.value = ""
        request = self._next_request()
        self._thread = threading.Thread(target=self._work, args=(request,), daemon=True)
        self._thread.start()

    def _next_request(self) -> int:
        self._asked += 1
        return self._asked

    def _stop(self) -> None:
        self._next_request()
        self.message.value = "Cancelled: the picture shows what was there before."

    def _work(self, request: int) -> None:
        with self._lock:  # one update at a time: the one before gives up at its next step
            if request != self._asked:
                return
            self.error = None
            self.message.value = ""
            try:
                for picture in self._update(self.values, functools.partial(self._tell, request)):
                    if request != self._asked:
                        return
                    self._show(picture)
            except Cancelled:
                pass
            except Exception as error:
                self.error = error
                self.message.value = _as_message(error)
            finally:
                self.working.layout.visibility = "hidden"

    def _show(self, picture: Picture) -> None:
        self.picture.value = picture.png()
        self._alt = picture.alt

    def _tell(self, request: int, done: int, total: int) -> None:
        if request != self._asked:
            raise Cancelled
        self.bar.value = done / total
        self.working.layout.visibility = "visible"

    def _show_code(self) -> None:
        assert self._as_code
        try:
            line = self._as_code(self.values)
        except WorkbookError as error:
            self.message.value = _as_message(error)
            return
        style = "white-space: pre-wrap; user-select: all"
        self.code.value = f'<pre style="{style}">{html.escape(line)}</pre>'


def _as_message(error: Exception) -> str:
    """Return HTML for a failure: the sentence, or the whole story where none was prepared."""
    start = '<div class="simmim-error" role="alert" style="border-left: 0.4em solid #D55E00; '
    start += 'padding: 0.4em 0.8em">'
    if isinstance(error, WorkbookError):
        return f"{start}{html.escape(str(error))}</div>"
    story = "".join(traceback.format_exception(error))
    return (
        f"{start}Something went wrong that should not: {html.escape(repr(error))}"
        f"<details><summary>Details</summary><pre>{html.escape(story)}</pre></details></div>"
    )


def _dropdown(description: str, options: object, value: object) -> "widgets.Dropdown":
    import ipywidgets as widgets

    return widgets.Dropdown(description=description, options=options, value=value, **_looks())


def _slider(description: str, options: object, value: object) -> "widgets.SelectionSlider":
    """A slider over listed values, which answers when it is let go."""
    import ipywidgets as widgets

    return widgets.SelectionSlider(
        description=description, options=options, value=value, continuous_update=False, **_looks()
    )


def _looks() -> dict[str, Any]:
    # A list of long options would not shrink below its longest one, and stick out of a phone.
    width = {"width": CONTROL_WIDTH, "max_width": "100%", "min_width": "0"}
    return {"style": {"description_width": "120px"}, "layout": width}


def frozen_layers(settings: Settings | None = None) -> Panel:
    """Return the panel that freezes layers and trains the others.

    Args:
        settings: where the controls stand at first; the first target is used.
    """
    # On validation images, 72 steps are nearly as good as the usual 120, and the wait is shorter.
    start = settings or Settings(steps=72)
    # The picture names the frozen layers; a slider has no room for more than a number.
    depths = [(str(depth), depth) for depth in range(len(FREEZABLE_LAYERS) + 1)]
    bundled = [name for name in datasets.names() if datasets.is_available(name)]
    few = sorted({1, 2, 5, 10, 20, 50, start.labels_per_class})
    controls = {
        "source": _dropdown("Source", bundled, start.source),
        "targets": _dropdown("Target", [(n, (n,)) for n in bundled], start.targets[:1]),
        "labels_per_class": _slider("Labels per class", few, start.labels_per_class),
        "frozen_layers": _slider("Frozen layers", depths, start.frozen_layers),
        "adaptation": _dropdown("Training", list(ADAPTATIONS), start.adaptation),
        "seeds": _slider("Seeds", sorted({1, 2, 3, 5, 10, start.seeds}), start.seeds),
    }

    def asked(values: Values) -> Settings:
        return start.replace(**values)

    return Panel(
        controls,
        lambda values, progress: _frozen_layers_pictures(asked(values), progress),
        lambda values: asked(values).as_code(),
    )


def _frozen_layers_pictures(settings: Settings, progress: Progress) -> Iterator[Picture]:
    """Measure the depth that is asked for and draw it; then, one by one, all the others."""
    shown = settings.frozen_layers
    results = {shown: _measure(settings, progress)}
    yield figures.frozen_depth(results, shown, None)
    baseline = _measure(settings.from_scratch(), progress)
    for depth in range(len(FREEZABLE_LAYERS) + 1):
        results[depth] = _measure(settings.replace(frozen_layers=depth), progress)
    yield figures.frozen_depth(results, shown, baseline)


_measured: dict[Settings, experiment.Result] = {}


def _measure(settings: Settings, progress: Progress) -> experiment.Result:
    """Run an experiment, or remember it: going back to a setting should cost nothing."""
    if settings not in _measured:
        _measured[settings] = experiment.run(settings, baseline=False, progress=progress)
    return _measured[settings]


def few_labels() -> Panel:
    """Return the first panel: how much a few labelled images tell, without any network."""
    counts = (1, 2, 5, 10, 20)
    choices = [(datasets.describe(name).title, name) for name in ("mnist", "uci-digits", "fashion")]
    controls = {
        "dataset": _dropdown("Dataset", choices, "mnist"),
        "labels_per_class": _slider("Labels per class", counts, 1),
    }

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        dataset = datasets.load(values["dataset"])
        labelled = datasets.few_shot(dataset, values["labels_per_class"], seed=0).labelled
        accuracy = {count: neighbours.accuracy(dataset.name, count, seeds=5) for count in counts}
        yield figures.few_labels(dataset, labelled, accuracy)

    return Panel(controls, pictures)
