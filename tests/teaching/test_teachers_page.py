"""What the page for teachers names, exists."""

import re
import shlex
from pathlib import Path

import pytest

from simmim_lib import exercises
from simmim_lib.commands import cli
from simmim_lib.lessons import LESSONS
from simmim_lib.teaching import submissions
from simmim_lib.teaching.checking import Limits
from simmim_lib.teaching.outcomes import FAILURES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "teachers.md").read_text("utf-8")
COMMANDS = re.findall(r"(?m)(?:^ {4}|`|bin/)(simmim [^`\n]+)", PAGE)


def test_all_lessons_are_listed_with_their_minutes():
    rows = re.findall(
        r"(?m)^\| \[(.+?)\]\(\.\./notebooks/(.+?)\) \| (\d+) \| .+ \| .{10,} \|$", PAGE
    )
    assert rows == [
        (f"{lesson.number} {lesson.title}", lesson.notebook, str(lesson.minutes))
        for lesson in LESSONS
    ]


def test_every_lesson_is_in_a_session_of_the_long_course():
    rows = re.findall(r"(?m)^\| \d+ \| ([\d and]+) \|", PAGE)
    assert re.findall(r"\d\d", " ".join(rows)) == [lesson.number for lesson in LESSONS]
    minutes = {lesson.number: lesson.short_minutes for lesson in LESSONS}
    at_home = {"09": 20}  # exercises that the table names
    for row in rows:
        numbers = re.findall(r"\d\d", row)
        assert sum(minutes[number] - at_home.get(number, 0) for number in numbers) <= 90, row


def test_what_students_do_is_told_of_every_exercise():
    named = re.findall(r"(?m)^\| `(.+?)` \| .{10,} \|$", PAGE)
    assert sorted(named) == exercises.names()


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)", PAGE)
    assert links and all((ROOT / "docs" / link).exists() for link in links)
    assert "(docs/teachers.md)" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_and_its_options_exist(command, capsys):
    """`--help` at its end ends a command before it does anything, if it knows all before it."""
    words = shlex.split(command)[1:]
    options = [word for word in words if word.startswith("--")]
    action = words[:2] if words[0] == "teach" else words[:1]
    with pytest.raises(SystemExit) as end:
        cli.main([*action, "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert all(option in text for option in options)


def test_commands_are_found():
    assert {"teach copy", "teach check", "doctor", "publish", "report"} <= {
        " ".join(command.split()[1:3]) if "teach" in command else command.split()[1]
        for command in COMMANDS
    }


def test_verdicts_and_limits_are_those_of_the_program():
    assert re.findall(r"(?m)^\| ([a-z ]+) \| ", PAGE)[-len(FAILURES) :] == [
        "not checked",
        "stopped",
        "missing",
        "unclear",
        "unreadable",
    ]
    usual = Limits()
    assert f"{usual.gigabytes:g} GB of memory for itself" in PAGE
    assert f"{usual.seconds:g} seconds of computing" in PAGE
    assert f"larger than {submissions.LARGEST / 1e6:.0f} MB" in PAGE
