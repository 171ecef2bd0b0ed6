"""A panel: controls beside a picture that follows them. It holds no computation of its own."""

import base64
import functools
import html
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from simmim_lib.errors import WorkbookError, printable, shown
from simmim_lib.foundation.progress import Progress, heard_by
from simmim_lib.panels.slider_names import slider_names
from simmim_lib.pictures.style import Picture

if TYPE_CHECKING:
    import ipywidgets as widgets

Values = Mapping[str, Any]
"""The values of a panel's controls by name."""

Update = Callable[[Values, Progress], Iterator[Picture]]
"""From the controls' values to pictures, the first of them as soon as there is something to see."""


class Cancelled(Exception):  # noqa: N818 - not an error
    """Ends an update whose pictures nobody waits for any more."""


class Panel:
    """Controls, a picture, and all that a reader needs while it changes.

    A change of a control starts the update in a thread, so that the next change and the cancel
    button are heard at once; an update that is overtaken by another is given up, and what it
    still shows or raises is not shown. Other failures are shown in the panel, and kept.

    Args:
        controls: ipywidgets by name, each with a `value`.
        update: computes the pictures; called with the controls' values.
        as_code: gives the line of Python that repeats what the panel shows.
        more: a widget below the controls, such as buttons that set them.

    Attributes:
        view: the widget that holds all others.
        picture: the widget that shows the picture, with a text for readers who cannot see it.
        shown: the picture itself, once there is one.
        error: the failure that is shown, if any.
    """

    def __init__(
        self,
        controls: "Mapping[str, widgets.Widget]",
        update: Update,
        as_code: Callable[[Values], str] | None = None,
        more: "widgets.Widget | None" = None,
    ) -> None:
        import ipywidgets as widgets

        self.controls = dict(controls)
        self.update = update
        self.as_code = as_code
        self.shown: Picture | None = None
        self.error: Exception | None = None
        self.picture = widgets.HTML(layout={"max_width": "100%"})
        self.message = widgets.HTML()
        self.code = widgets.HTML()
        self.bar = widgets.FloatProgress(max=1.0, description="Working", bar_style="info")
        self.cancel = widgets.Button(description="Cancel", icon="stop")
        self.working = widgets.HBox([self.bar, self.cancel], layout={"visibility": "hidden"})
        self.view = self._arrange(more)
        self._lock = threading.Lock()  # held while an update runs
        self._thread: threading.Thread | None = None
        self._request = 0  # the number of the latest; an update belongs to one of them
        self.cancel.on_click(lambda _: self.stop())
        for control in self.controls.values():
            control.observe(self._on_change, "value")

    def _arrange(self, more: "widgets.Widget | None") -> "widgets.VBox":
        import ipywidgets as widgets

        wrapping = widgets.Layout(display="flex", flex_flow="row wrap")
        parts = [widgets.Box(list(self.controls.values()), layout=wrapping)]
        if more is not None:
            parts.append(more)
        parts += [self.message, self.picture, self.working]
        if self.as_code:
            copy = widgets.Button(description="Copy settings", icon="clipboard")
            copy.on_click(lambda _: self._show_code())
            parts += [copy, self.code]
        return widgets.VBox([*parts, slider_names()], layout={"max_width": "100%"})

    @property
    def values(self) -> dict[str, Any]:
        """The controls' values by name."""
        return {name: control.value for name, control in self.controls.items()}

    @property
    def png(self) -> bytes:
        """The picture that is shown, as the content of a PNG file."""
        return self.shown.png() if self.shown else b""

    @property
    def alt(self) -> str:
        """The picture in words."""
        return self.shown.alt if self.shown else ""

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the picture has followed the last change."""
        thread = self._thread
        if thread:
            thread.join(seconds)

    def stop(self) -> None:
        """Give up the update that runs."""
        self._next_request()
        self.message.value = "Cancelled: the picture shows what was there before."

    def _on_change(self, _: object) -> None:
        self.code.value = ""
        request = self._next_request()
        self._thread = threading.Thread(target=self._follow, args=(request,), daemon=True)
        self._thread.start()

    def _next_request(self) -> int:
        self._request += 1
        return self._request

    def _follow(self, request: int) -> None:
        """Update the picture for a request, as long as it is the latest."""
        with self._lock:
            if request != self._request:
                return
            self.error = None
            self.message.value = ""
            progress = self._listener(request)
            try:
                with heard_by(progress):
                    for picture in self.update(self.values, progress):
                        self._show(request, picture)
            except Cancelled:
                pass
            except Exception as error:
                if request == self._request:
                    self.error = error
                    self.message.value = as_message(error)
            finally:
                self.working.layout.visibility = "hidden"

    def _listener(self, request: int) -> Progress:
        """Return what is told how far an update is; it ends one that nobody waits for any more."""
        return functools.partial(self._progress, request)

    def _progress(self, request: int, done: int, total: int) -> None:
        self._check(request)
        self.bar.value = done / total
        self.working.layout.visibility = "visible"

    def _show(self, request: int, picture: Picture) -> None:
        page = picture.as_html()  # takes long enough to be overtaken
        self._check(request)
        self.picture.value, self.shown = page, picture

    def _check(self, request: int) -> None:
        """Raise Cancelled unless a request is the latest."""
        if request != self._request:
            raise Cancelled

    def _show_code(self) -> None:
        assert self.as_code
        try:
            line = self.as_code(self.values)
        except WorkbookError as error:
            self.message.value = as_message(error)
            return
        style = "white-space: pre-wrap; user-select: all"
        self.code.value = f'<pre style="{style}">{html.escape(line)}</pre>'

    def _ipython_display_(self) -> None:
        """Show the panel at once, and in the same output the picture, for readers without a kernel.

        The cell waits until the first update is through, so that what is saved shows all of it.
        """
        from IPython.display import display

        data, metadata = self._output()
        handle = display(data, metadata=metadata, raw=True, display_id=True)
        if self.shown is None:
            self.start()
            data, metadata = self._output()
            handle.update(data, metadata=metadata, raw=True)

    def start(self) -> None:
        """Make the first picture, and wait for it."""
        self._follow(self._next_request())

    def as_html(self) -> str:
        """Return the picture as it is now, for readers without a kernel."""
        return self.shown.as_html() if self.shown else ""

    def _output(self) -> tuple[dict[str, object], dict[str, object]]:
        data = {
            **live_view(self.view),
            "text/plain": self.alt or "The panel's picture is being made.",
        }
        if self.shown is None:
            return data, {}
        data["image/png"] = base64.b64encode(self.png).decode()
        return data, {"image/png": self.shown.in_words()}


def live_view(widget: "widgets.Widget") -> dict[str, object]:
    """Return the part of a cell's output that shows a widget where there is a kernel."""
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {"application/vnd.jupyter.widget-view+json": view}


def as_message(error: Exception) -> str:
    """Return HTML for a failure: the sentence, or the whole story where none was prepared."""
    start = '<div class="simmim-error" role="alert" style="border-left: 0.4em solid #D55E00; '
    start += 'padding: 0.4em 0.8em">'
    if isinstance(error, WorkbookError):
        return f"{start}{html.escape(str(error))}</div>"
    story = printable("".join(traceback.format_exception(error)), keep="\n")
    return (
        f"{start}Something went wrong that should not: {html.escape(shown(error))}"
        f"<details><summary>Details</summary><pre>{html.escape(story)}</pre></details></div>"
    )
