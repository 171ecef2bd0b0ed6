"""Links: what somebody has set, as the end of an address, and back.

What comes from a link is from a stranger: every value is read and checked as one on the command
line, and what names no setting is left out.
"""

import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from simmim_lib.errors import WorkbookError, shown
from simmim_lib.experiments.pretraining import is_here
from simmim_lib.playground import serving
from simmim_lib.settings import OPTIONS, Settings, as_text, parse_texts
from simmim_lib.trunks import checkpoints

HIDE = "hide"
"""What a link calls the controls that are not shown."""

MAX_CHARACTERS = 4000
"""Of the end of an address; longer ones are cut by browsers anyway."""


@dataclass(frozen=True)
class Link:
    """What a link asks for.

    Attributes:
        given: settings by name, as they are written; the others are as usual.
        hidden: the settings whose controls are not shown.
        refused: what is wrong with the link, in sentences.
    """

    given: Mapping[str, str] = field(default_factory=dict)
    hidden: Collection[str] = ()
    refused: tuple[str, ...] = ()


def read(query: str) -> Link:
    """Read the end of an address.

    What cannot be used is left out, and told in a sentence; the rest stands.

    Args:
        query: behind the question mark.
    """
    given: dict[str, str] = {}
    hidden: tuple[str, ...] = ()
    refused: list[str] = []
    for name, value in parse_qsl(query[:MAX_CHARACTERS].lstrip("?"), keep_blank_values=True):
        if name == HIDE:
            hidden = tuple(part for part in value.split(",") if part in OPTIONS)
        elif name in OPTIONS:
            given[name] = value
    with checkpoints.without_downloads():
        while given and (problem := _problem(given)):
            refused.append(f"The link is not followed in one thing: {problem}")
            given = _without(given, _culprit(problem, given))
    return Link(given, hidden, tuple(refused))


def _problem(given: Mapping[str, str]) -> str:
    """Return what is wrong with settings, as a sentence; nothing if nothing is."""
    try:
        asked = settings(given)
    except WorkbookError as error:
        return str(error)
    if not is_here(asked.trunk, asked.source):
        return (
            f"The trunk {shown(asked.trunk)} is not on this machine, and nothing is downloaded for "
            "what somebody else may have written: choose it yourself, if you know it."
        )
    return ""


def _culprit(problem: str, given: Mapping[str, str]) -> str:
    """Return the setting to leave out: one that cures it, or that the sentence names, or the last.

    Args:
        problem: a sentence about settings.
        given: these.
    """
    named = sorted((name for name in given if name in problem), key=problem.index)
    suspects = dict.fromkeys((*named, *reversed([*given])))
    cures = (name for name in suspects if not _problem(_without(given, name)))
    return next(cures, next(iter(suspects)))


def _without(given: Mapping[str, str], name: str) -> dict[str, str]:
    return {each: value for each, value in given.items() if each != name}


def settings(given: Mapping[str, Any]) -> Settings:
    """Return the settings in which some are given, as values or as texts, and the rest is usual.

    Raises:
        WorkbookError: values that are not allowed, or do not go together; files that the page's
            reader may not read.
    """
    values = parse_texts(given)
    serving.check_files(values)
    return Settings.from_mapping(values)


def write(asked: Settings, hidden: Collection[str] = ()) -> str:
    """Return the end of an address that `read` understands; what is as usual is left out."""
    given = {name: as_text(value) for name, value in asked.unusual().items()}
    return urlencode({**given, **({HIDE: ",".join(hidden)} if hidden else {})})


def command(asked: Settings) -> str:
    """Return the line for a terminal that runs an experiment."""
    words = ["simmim", "run"]
    for name, value in asked.unusual().items():
        words += [f"--{name.replace('_', '-')}", as_text(value)]
    return shlex.join(words)
