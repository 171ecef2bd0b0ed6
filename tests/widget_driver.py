"""Drive widgets as a browser would, without a browser and without a kernel.

The one place that uses ipywidgets' private message interface, which is the same in versions 7.7.1
and 8. The helpers raise errors that ipywidgets would only log: a callback of `interact` or of a
button that fails would otherwise leave a test green.
"""

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets
import traitlets.log
from PIL import Image


def send(widget: ipywidgets.Widget, **state: Any) -> None:
    """Send the browser's message that a reader changed a widget, such as `send(slider, value=3)`.

    Args:
        widget: a live widget.
        state: its traits as the browser writes them; the browser speaks of a choice in a Dropdown
            or a SelectionSlider by `index`, see `choose`.

    Raises:
        Exception: whatever a callback raises.
    """
    unknown = set(state) - set(widget.keys)
    assert not unknown, f"{type(widget).__name__} has nothing called {unknown} to send"
    _handle(widget, {"method": "update", "state": state, "buffer_paths": []})


def choose(widget: ipywidgets.Widget, label: str) -> None:
    """Choose an option of a Dropdown, a SelectionSlider, ToggleButtons or RadioButtons by label."""
    send(widget, index=list(widget._options_labels).index(label))


def click(button: ipywidgets.Button) -> None:
    """Send the browser's message that a reader clicked a button.

    Raises:
        Exception: whatever the button's callback raises.
    """
    assert not button.disabled, f"the button {button.description!r} is disabled"
    _handle(button, {"method": "custom", "content": {"event": "click"}})


def _handle(widget: ipywidgets.Widget, data: dict[str, Any]) -> None:
    with logged_errors_raised():
        widget._handle_msg({"content": {"data": data}, "buffers": []})


def follow(panel: Any, change: Callable[[], object]) -> str:
    """Make a change, wait for the new figure, and return what the panel says about it.

    Args:
        panel: a `simmim_lib.panels.panel.Panel`.
        change: what a reader does.
    """
    before = panel.png
    change()
    panel.wait()
    assert panel.error is None
    assert hidden_errors(panel.view) == []
    assert Image.open(io.BytesIO(panel.png)).format == "PNG"
    assert panel.png != before
    return panel.alt


@contextmanager
def logged_errors_raised() -> Iterator[None]:
    """Raise the first error that ipywidgets logs, instead of raising it, inside the block."""
    errors: list[BaseException] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info and record.exc_info[1]:
                errors.append(record.exc_info[1])

    logger, handler = traitlets.log.get_logger(), Collect()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
    if errors:
        raise errors[0]


def walk(root: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    """Give a widget and everything inside it, from the outside in and from top to bottom."""
    yield root
    for child in getattr(root, "children", ()):
        yield from walk(child)


def find(root: ipywidgets.Widget, label: str) -> ipywidgets.Widget:
    """Find the one widget with a label: what stands beside a control or on a button."""
    found = [widget for widget in walk(root) if getattr(widget, "description", None) == label]
    labels = sorted(filter(None, {getattr(widget, "description", "") for widget in walk(root)}))
    assert len(found) == 1, f"{len(found)} widgets are labelled {label!r}; labels are {labels}"
    return found[0]


def hidden_errors(root: ipywidgets.Widget) -> list[str]:
    """List the errors that a panel shows, or holds in an Output widget where nobody looks."""
    found = []
    for widget in walk(root):
        for output in getattr(widget, "outputs", ()):
            if output["output_type"] == "error":
                found.append(f"{output['ename']}: {output['evalue']}")
        if 'class="simmim-error"' in str(getattr(widget, "value", "")):
            found.append(str(widget.value))
    return found
