"""Write colab.txt: what Colab has, as far as the workbook and its tests need it.

    python constraints/mirror_colab.py pip-freeze.txt 2026-08-19

The first argument is Colab's published package list (`pip-freeze.txt` in the GitHub repository
googlecolab/backend-info, or `pip freeze` in a session), the second one its date. `uv` finds which
packages are needed; Colab's versions bind it. Packages that Colab lacks (test tools) get the
newest versions that work with Colab's.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
HEADER = """\
# The versions in Colab's package list of {date} (Python 3.13, no GPU) of everything that the
# workbook and its tests need, for .venv-colab. Made by constraints/mirror_colab.py.
"""
FOOTER = "# Not on Colab: tools of the tests, at versions that work with the above.\n"


def normalised(requirement: str) -> str:
    """Return a requirement's package name in the one spelling of PEP 503."""
    return re.sub(r"[-_.]+", "-", re.split(r"[=<>!~; ]", requirement)[0]).lower()


def resolve(freeze: Path) -> list[str]:
    """Return the pins of all that the workbook and its tests need on Colab's versions."""
    command = ["uv", "pip", "compile", "pyproject.toml", "--extra=test", f"--constraint={freeze}"]
    where = ["--python-version=3.13", "--python-platform=linux"]
    plain = ["--no-header", "--no-annotate", "--quiet"]
    output = subprocess.run(
        [*command, *where, *plain], cwd=HERE.parent, check=True, capture_output=True, text=True
    ).stdout
    return [line for line in output.splitlines() if re.match(r"[a-z0-9]", line)]


def main() -> None:
    """Split the pins into Colab's and the others, and write them."""
    freeze, date = Path(sys.argv[1]).resolve(), sys.argv[2]
    on_colab = {normalised(line) for line in freeze.read_text().splitlines() if line[:1] != "#"}
    pins = resolve(freeze)
    sections = [HEADER.format(date=date), FOOTER]
    for pin in pins:
        sections[normalised(pin) not in on_colab] += pin + "\n"
    temporary = HERE / "colab.txt.part"
    temporary.write_text("".join(sections))
    os.replace(temporary, HERE / "colab.txt")


if __name__ == "__main__":
    main()
