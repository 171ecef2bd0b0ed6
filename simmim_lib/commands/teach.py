"""`simmim teach`: copies of lessons for a class, and what the checks say of the answers."""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simmim_lib.commands import command_line
from simmim_lib.commands.publish import checkout
from simmim_lib.errors import printable
from simmim_lib.foundation import console, outputs
from simmim_lib.teaching import checking, copies
from simmim_lib.teaching.checking import Checked, Limits

if TYPE_CHECKING:
    from simmim_lib.teaching.checking import Tell
    from simmim_lib.teaching.grades import Row

Add = Callable[..., argparse.ArgumentParser]
"""Adds a command to others: where to, its name, what it does, and its help."""


def describe(commands: Any, add: Add) -> None:
    """Describe the command `teach` and its two actions."""
    parser = commands.add_parser("teach", help="make copies for a class, and check its answers")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    command = add(actions, "copy", _copy, "write lessons without solutions, for students")
    command.add_argument(
        "output", type=command_line.path, metavar="OUT", help="a folder for the copies"
    )
    command.add_argument(
        "lessons",
        nargs="*",
        default=[],  # or argparse would call it required, too, where OUT is missing
        metavar="LESSON",
        help="such as 01 (default: all)",
    )
    command.add_argument("--no-hints", action="store_true", help="leave the hints out, too")
    command = add(actions, "check", _check, "run the answers of collected copies, and grade them")
    command.add_argument(
        "folder", type=command_line.path, metavar="FOLDER", help="what was handed in"
    )
    command.add_argument(
        "--output",
        type=command_line.path,
        default=Path("grades.csv"),
        metavar="FILE",
        help="the table, as CSV (default: grades.csv)",
    )
    _add_limits(command)


def _add_limits(command: argparse.ArgumentParser) -> None:
    usual = Limits()
    command.add_argument("--lesson", metavar="NN", help="refuse notebooks of other lessons")
    command.add_argument(
        "--seconds",
        type=float,
        default=usual.seconds,
        help=f"of computing, for an answer with its check (default: {usual.seconds:g})",
    )
    command.add_argument(
        "--memory",
        type=float,
        default=usual.gigabytes,
        metavar="GIGABYTES",
        help=f"for a notebook's answers (default: {usual.gigabytes:g})",
    )


def _copy(options: argparse.Namespace) -> None:
    written = copies.write(
        checkout() / "notebooks", options.output, options.lessons, not options.no_hints
    )
    console.tell("\n".join(f"Written to {path}." for path in written))
    console.tell(
        "Collect what students hand in, then: simmim teach check FOLDER --output grades.csv"
    )


def _check(options: argparse.Namespace) -> int:
    limits = Limits(options.seconds, options.memory)
    try:
        with outputs.claimed([options.output]), _bar() as tell:
            checked = checking.check(options.folder, options.output, tell, limits, options.lesson)
    except KeyboardInterrupt:
        told = f"\n{options.output} has what was done; the same command goes on."
        console.tell(told, sys.stderr)
        return command_line.INTERRUPTED
    for row in checked.rows:
        if row.is_failure:
            console.tell(failure(row), sys.stderr)
    console.tell(summary(checked))
    console.tell(f"Written to {options.output}.")
    return command_line.FAILED if any(row.is_failure for row in checked.rows) else 0


@contextmanager
def _bar() -> "Iterator[Tell]":
    """Show how many notebooks are done, where somebody looks."""
    from tqdm import tqdm

    with tqdm(desc="Check", unit="notebook", disable=None, leave=False) as bar:

        def tell(done: int, total: int, rows: "Sequence[Row]") -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield tell


def failure(row: "Row") -> str:
    """Return a line about what a teacher has to look at."""
    exercise = f", {row.exercise}" if row.exercise else ""
    return printable(f"{row.file}{exercise}: {row.verdict}. {row.sentence}")


def summary(checked: Checked) -> str:
    """Return a few sentences about a class."""
    rows = checked.rows
    lessons = Counter(dict((row.file, row.lesson) for row in rows).values())
    by_lesson = ", ".join(
        f"{number} of lesson {lesson}" if lesson else f"{number} of none"
        for lesson, number in sorted(lessons.items())
    )
    verdicts = Counter(row.verdict for row in rows)
    counted = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.most_common())
    kept = f" {checked.kept} had not changed and were not run again." if checked.kept else ""
    files = "1 file" if lessons.total() == 1 else f"{lessons.total()} files"
    return f"{files}, {by_lesson}; answers: {counted}.{kept}{_network(checked)}"


def _network(checked: Checked) -> str:
    """Be honest about what a prank could have reached."""
    if checked.network_closed is None:
        return ""
    if checked.network_closed:
        return " The system kept the network from them."
    return (
        " This system cannot close the network for one process; it was refused to Python code, "
        "which compiled code can pass by."
    )
