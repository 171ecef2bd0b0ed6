"""What is known of one answer, and what a process needs to find it out."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Judgement = Literal[
    "right", "wrong", "not done yet", "not checked", "stopped", "missing", "unclear", "unreadable"
]

FAILURES: frozenset[Judgement] = frozenset(
    {"not checked", "stopped", "missing", "unclear", "unreadable"}
)
"""Where no check has spoken, and a teacher has to look."""


@dataclass(frozen=True)
class Outcome:
    """What is known of one answer.

    Attributes:
        exercise: its name; empty for what is said of the whole notebook.
        judgement: the check's verdict; or "not checked" (there is no such exercise), "stopped" (it
            ran into a limit), "missing" (its cell), "unclear" (which answer counts), "unreadable"
            (the file).
        sentence: what the check says, or why it was not asked.
    """

    exercise: str
    judgement: Judgement
    sentence: str


@dataclass(frozen=True)
class Answer:
    """An answer that can be run.

    Attributes:
        exercise: its name.
        source: the code of its cell.
        expression: what is handed to the check if the cell itself no longer does that.
    """

    exercise: str
    source: str
    expression: str


@dataclass(frozen=True)
class Job:
    """One notebook's answers, for a process to run.

    Attributes:
        imports: the code of the cells tagged `imports`.
        answers: in the notebook's order.
        seconds: that the imports, and each answer with its check, may take.
        memory: in bytes, that they may take beyond what the library holds.
    """

    imports: str
    answers: tuple[Answer, ...]
    seconds: float
    memory: int

    def as_json(self) -> dict[str, Any]:
        """Return it as `from_json` reads it."""
        return asdict(self)

    @staticmethod
    def from_json(content: dict[str, Any]) -> "Job":
        """Return the job that `as_json` described."""
        answers = tuple(Answer(**each) for each in content["answers"])
        return Job(content["imports"], answers, content["seconds"], content["memory"])
