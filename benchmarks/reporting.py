"""Lesson 10: how long the default report takes, and how much of it is not training."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from timing import Row, seconds


def default_report() -> Row:
    """The command as a user types it, from the first import to the last file."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "report"
        command = [sys.executable, "-m", "simmim_lib", "report", "--output", str(place)]
        total = seconds(lambda: subprocess.run(command, check=True, capture_output=True))
        numbers = json.loads((place / "result.json").read_text(encoding="utf-8"))
    fixed = total - numbers["report"]["seconds"]["experiments"]
    return Row(
        "(u) the default report: the whole command, and what of it is not experiments",
        "at most 180 s, at most 20 s of it fixed",
        f"{total:.0f} s, {fixed:.0f} s of it fixed",
        total <= 180 and fixed <= 20,
    )


ROWS = (default_report,)
