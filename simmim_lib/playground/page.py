"""The page: controls for all settings, the picture that follows, and ways to take it along."""

import html
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from simmim_lib.errors import WorkbookError
from simmim_lib.foundation.options import GROUPS
from simmim_lib.foundation.progress import Progress, in_parts
from simmim_lib.panels.controls import dropdown, text_box
from simmim_lib.panels.memory import follow, measure
from simmim_lib.panels.panel import Panel, as_message
from simmim_lib.pictures.style import Picture
from simmim_lib.playground import controls, figures, links, serving, uploads
from simmim_lib.playground.drawing import DrawingPad
from simmim_lib.reports import report
from simmim_lib.settings import OPTIONS, Settings
from simmim_lib.studies import gallery

if TYPE_CHECKING:
    import ipywidgets as widgets

OPEN_AT_FIRST = "data"
"""The group whose controls are seen at once."""

READABLE = (
    "<style>.simmim-groups [class*='Collapse-header'] {color: var(--jp-ui-font-color1)}</style>"
)
"""Lets the groups' titles stand out as much as other words: the grey they have is too faint."""

NO_EXAMPLE = "choose a setting"
"""What the gallery says where none is chosen."""

FORMS = ("Python", "command", "report", "link")
"""In which a setting can be taken along."""


class Playground(Panel):
    """Every setting on one page.

    What somebody has set stays as it is; all other controls follow, as the usual value of one
    setting may depend on another.

    The class is long because it joins all parts of the page: controls, gallery, pad, link, bar.

    Args:
        link: where to begin.

    Attributes:
        given: what was set by hand or by the link, by name.
    """

    def __init__(self, link: links.Link) -> None:
        self.given: dict[str, Any] = dict(link.given)
        self.hidden = tuple(link.hidden)
        self._refreshing = False
        start = links.settings(self.given)
        every = controls.controls_of(start)
        self._name_of = {id(control): name for name, control in every.items()}
        self._refused = "".join(as_message(WorkbookError(text)) for text in link.refused)
        super().__init__(every, _pictures)

    def start(self) -> None:
        """Make the first picture, and say beside it what of the link is not followed."""
        super().start()
        if self.error is None:
            self.message.value = self._refused

    @property
    def values(self) -> dict[str, Any]:
        """What was set; the rest is as usual."""
        return dict(self.given)

    @property
    def settings(self) -> Settings:
        """What the page shows.

        Raises:
            WorkbookError: what was set does not go together.
        """
        return links.settings(self.given)

    def set(self, given: Mapping[str, Any]) -> None:
        """Set what is given, and everything else to what is usual."""
        self.given = dict(given)
        self._forget_drawing()
        self._refresh()
        super()._on_change(None)

    def taken(self, form: str) -> str:
        """Return what the page shows in one of `FORMS`.

        Raises:
            WorkbookError: as `settings`.
        """
        asked = self.settings
        if form == "Python":
            return asked.as_code()
        if form == "link":
            return f"?{links.write(asked, self.hidden)}"
        return report.command(asked) if form == "report" else links.command(asked)

    def _on_change(self, change: Any) -> None:
        if self._refreshing:
            return
        self.given[self._name_of[id(change["owner"])]] = change["new"]
        self._forget_example()
        self._forget_drawing()
        self._refresh()
        super()._on_change(change)

    def _listener(self, request: int) -> Progress:
        """Return what also ends an update that takes more than a shared page gives."""
        return serving.limited(super()._listener(request))

    def _forget_example(self) -> None:
        """Say no more that an example is shown, so that it can be chosen again."""
        self.example.value = ""
        self.gallery.value = NO_EXAMPLE

    def _forget_drawing(self) -> None:
        """Take away the pad, whose networks are those of other settings now."""
        self.drawing.children = []

    def _refresh(self) -> None:
        """Let all controls stand where the settings are, without taking that for a wish."""
        self._refreshing = True
        try:
            controls.show(self.controls, self.settings)
        except WorkbookError:
            pass  # the update that follows says so
        finally:
            self._refreshing = False

    def _arrange(self, more: "widgets.Widget | None") -> "widgets.VBox":
        import ipywidgets as widgets

        from simmim_lib.panels.slider_names import slider_names

        side_by_side = widgets.Layout(display="flex", flex_flow="row wrap")
        left = widgets.VBox(
            [self._gallery(), widgets.HTML(READABLE), self._groups(), self._own_data()],
            layout={"flex": "0 1 380px", "min_width": "0"},
        )
        self.words, self.example = widgets.HTML(), widgets.HTML()
        right = widgets.VBox(
            [self.message, self.example, self.picture, self.words, self.working, self._takeaway()],
            layout={"flex": "1 1 480px", "min_width": "0"},
        )
        both = widgets.Box([left, right], layout=side_by_side)
        return widgets.VBox([both, slider_names()], layout={"max_width": "100%"})

    def _groups(self) -> "widgets.Accordion":
        """Return the controls by group, those that a link hides left out."""
        import ipywidgets as widgets

        boxes = {}
        for group in GROUPS:
            shown = [
                control
                for name, control in self.controls.items()
                if OPTIONS[name].metadata["group"] == group and name not in self.hidden
            ]
            if shown:
                boxes[group] = widgets.VBox(shown)
        groups = widgets.Accordion(list(boxes.values()))
        groups.add_class("simmim-groups")
        for position, group in enumerate(boxes):
            groups.set_title(position, f"{group.capitalize()}: {GROUPS[group]}")
        groups.selected_index = [*boxes].index(OPEN_AT_FIRST) if OPEN_AT_FIRST in boxes else None
        return groups

    def _gallery(self) -> "widgets.Widget":
        """Return the choice among named settings."""
        self.gallery = dropdown("Gallery", [NO_EXAMPLE, *gallery.EXAMPLES], NO_EXAMPLE)
        self.gallery.observe(lambda change: self._show_example(change["new"]), "value")
        return self.gallery

    def _show_example(self, title: str) -> None:
        example = gallery.EXAMPLES.get(title)
        if example is None:
            return
        self.set(example.given)
        try:
            told = f"{example.about} {gallery.verdict(example)}"
        except WorkbookError as error:
            self.example.value = as_message(error)
        else:
            self.example.value = f"<p>{html.escape(told)}</p>"

    def _takeaway(self) -> "widgets.Widget":
        """Return what copies the settings, in the form that is chosen."""
        import ipywidgets as widgets

        form = dropdown("Copy as", FORMS, FORMS[0])
        button = widgets.Button(description="Show", icon="clipboard")
        button.on_click(lambda _: self._show_form(form.value))
        draw = widgets.Button(description="Draw something yourself", icon="pencil")
        draw.layout.width = "220px"
        draw.on_click(lambda _: self._draw())
        self.drawing = widgets.VBox()
        return widgets.VBox([widgets.HBox([form, button]), self.code, draw, self.drawing])

    def _own_data(self) -> "widgets.Widget":
        """Return what makes data of the reader's own the target: by address, or by upload."""
        import ipywidgets as widgets

        wide = widgets.Layout(width="340px", max_width="100%")
        self.address = text_box("Your own", placeholder="folder:photos or csv:table.csv")
        use = widgets.Button(description="Learn from it", icon="folder-open")
        use.on_click(lambda _: self._learn_from(self.address.value))
        self.upload = widgets.FileUpload(
            accept=",".join(uploads.ACCEPTED), description="Upload .zip or .csv", layout=wide
        )
        self.upload.tooltip = "A .zip with a sub-folder for each class, or a .csv with texts"
        self.upload.observe(lambda change: self._keep(change["new"]), "value")
        return widgets.VBox([self.address, use, self.upload])

    def _learn_from(self, address: str) -> None:
        """Make data of the reader's own the only target; where that cannot be, nothing changes."""
        given = {**self.given, "targets": address.strip()}
        try:
            links.settings(given)
        except WorkbookError as error:
            self.message.value = as_message(error)
            return
        self._forget_example()
        self.set(given)

    def _keep(self, value: Any) -> None:
        """Keep what was uploaded, and learn from it."""
        if not value:
            return
        try:
            folder = serving.folder_for_upload(map(str, self.given.values()))
            address = uploads.keep(*uploads.uploaded(value), folder)
        except WorkbookError as error:
            self.message.value = as_message(error)
            return
        self.address.value = address
        self._learn_from(address)

    def _draw(self) -> None:
        """Show a pad to draw on, whose drawings the networks of these settings judge."""
        try:
            pad = DrawingPad(self.settings)
            pad.train()
        except Exception as error:
            self.message.value = as_message(error)
            return
        self.drawing.children = [pad.view]

    def _show(self, request: int, picture: Picture) -> None:
        """Show a picture, and below it the same in words."""
        super()._show(request, picture)
        self.words.value = f"<p>{html.escape(picture.alt)}</p>"

    def _show_form(self, form: str) -> None:
        """Show the settings in a form that can be copied."""
        try:
            text = html.escape(self.taken(form))
        except WorkbookError as error:
            self.message.value = as_message(error)
            return
        style = "white-space: pre-wrap; user-select: all"
        self.code.value = f'<pre style="{style}">{text}</pre>'


def _pictures(given: Mapping[str, Any], progress: Progress) -> Iterator[Picture]:
    """Draw the experiment as it learns; then train each target from scratch beside it."""
    asked = links.settings(given)
    compared = asked.source is not None and asked.baseline != "none"
    alone = asked.each_from_scratch() if compared else ()
    parts = in_parts(progress, 1 + len(alone))
    for courses in follow(asked, parts()):
        course = courses[-1]
        yield figures.outcome(course, {})
    scratch = {each.targets[0]: measure(each, parts()) for each in alone}
    if scratch:
        yield figures.outcome(course, scratch)


def playground(query: str = "", hide: Collection[str] = ()) -> Playground:
    """Return the page.

    Args:
        query: the end of an address, as "Copy as link" gives it; by default everything is usual.
        hide: settings whose controls are not shown, beside those that the link hides.
    """
    link = links.read(query)
    return Playground(links.Link(link.given, (*link.hidden, *hide), link.refused))
