"""Panels: controls beside a picture that follows them. They hold no computation of their own."""

import base64
import functools
import html
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from simmim_lib.errors import WorkbookError
from simmim_lib.foundation.progress import Progress
from simmim_lib.pictures.style import Picture

if TYPE_CHECKING:
    import ipywidgets as widgets

Values = Mapping[str, Any]


Update = Callable[[Values, Progress], Iterator[Picture]]
"""From the controls' values to pictures, the first of them as soon as there is something to see."""


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
        helpers: further widgets that only help to set the controls, shown below them.
    """

    def __init__(
        self,
        controls: "Mapping[str, widgets.Widget]",
        update: Update,
        as_code: Callable[[Values], str] | None = None,
        helpers: "widgets.Widget | None" = None,
    ) -> None:
        self.controls, self.error = dict(controls), None
        self._update, self._as_code, self._helpers = update, as_code, helpers
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
            *([self._helpers] if self._helpers else []),
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
                if request == self._asked:  # else nobody waits for it any more
                    self.error = error
                    self.message.value = as_message(error)
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
            self.message.value = as_message(error)
            return
        style = "white-space: pre-wrap; user-select: all"
        self.code.value = f'<pre style="{style}">{html.escape(line)}</pre>'


def as_message(error: Exception) -> str:
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
