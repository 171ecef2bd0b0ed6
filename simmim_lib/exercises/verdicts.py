"""What a check says about an answer, as text and as a coloured box in a notebook."""

import html
import re
from dataclasses import dataclass
from typing import Literal

Status = Literal["right", "wrong", "not done yet", "not checked"]

# A symbol and a word carry the meaning; the colour (blue, orange, grey, told apart by colour-blind
# readers and visible on white and on black) only repeats it.
_LOOKS: dict[Status, tuple[str, str]] = {
    "right": ("✓", "#3b8fd1"),
    "wrong": ("✗", "#d5692a"),
    "not done yet": ("…", "#8a8a8a"),
    "not checked": ("?", "#8a8a8a"),
}


@dataclass(frozen=True)
class Verdict:
    """What a check says about an answer; a notebook shows it as a coloured box.

    Attributes:
        status: "right", "wrong", "not done yet", or "not checked" if there is no such exercise.
        message: sentences for the learner; code stands between backticks.
    """

    status: Status
    message: str

    def __repr__(self) -> str:
        symbol, _ = _LOOKS[self.status]
        return f"{symbol} {self.status.capitalize()}. {self.message}"

    def _repr_html_(self) -> str:
        symbol, colour = _LOOKS[self.status]
        message = re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(self.message))
        # The text keeps the page's own colours, so that it is readable on a dark page too.
        return (
            f'<div role="status" style="border-left: 0.4em solid {colour}; padding: 0.4em 0.8em">'
            f"<strong>{symbol} {self.status.capitalize()}.</strong> {message}</div>"
        )
