"""The lessons: what there is, and a folder for what belongs to one of them only."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lesson:
    """A lesson, and where its parts are.

    Attributes:
        number: two digits, as its notebook and its exercises begin.
        folder: of its figures, panels, studies and exercises, in this package.
        title: for readers.
        minutes: how long it takes, exercises included, as `notebooks/reading_time.py` counts.
        short_minutes: how long its short way takes, which leaves out what goes deeper.
    """

    number: str
    folder: str
    title: str
    minutes: int
    short_minutes: int

    @property
    def name(self) -> str:
        """The name of its notebook and its source, without a suffix."""
        return f"{self.number}_{self.folder}"

    @property
    def notebook(self) -> str:
        """The file name of its notebook."""
        return f"{self.name}.ipynb"


LESSONS = (
    Lesson("00", "start_here", "Start here", 15, 15),
    Lesson("01", "transfer_learning", "Transfer learning", 100, 60),
    Lesson("02", "loss_formula", "The loss formula", 100, 55),
    Lesson("03", "simmim_model", "The SimMIM model", 110, 55),
    Lesson("04", "task_weights", "Many tasks at once: task weights", 100, 55),
    Lesson("05", "information_maximisation", "Information maximisation", 110, 75),
    Lesson("06", "medical_images", "Medical images", 105, 85),
    Lesson("07", "language", "Language", 100, 70),
    Lesson("08", "masked_images", "Masked image modelling", 80, 60),
    Lesson("09", "open_problems", "Compute, privacy, interpretability", 110, 100),
    Lesson("10", "report", "Reports", 55, 50),
)
"""All lessons in order, and the only list of them.

The builder, the exercises, the studies, `simmim lab` and `simmim publish` read it; a test compares
the tables in README and lesson 00 with it.
"""
