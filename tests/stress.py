"""Move the controls of panels at random, quickly one after the other, as an impatient reader does.

Run it to see how memory grows with many moves: `python tests/stress.py 200`.
"""

import importlib
import inspect
import pkgutil
import re
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets
import numpy as np
import psutil
from widget_driver import hidden_errors, send

import simmim_lib.lessons
from simmim_lib.panels.panel import Panel

TEXTS = ("The film is good.", "no", "A dull, dull phone, and I love it!", "42", "👍")


def builders() -> dict[str, Callable[[], Panel]]:
    """Return every function of a lesson that makes a panel of nothing, by lesson and name."""
    found = {}
    for lesson in pkgutil.iter_modules(simmim_lib.lessons.__path__):
        name = f"simmim_lib.lessons.{lesson.name}.panels"
        if importlib.util.find_spec(name) is None:
            continue
        module = importlib.import_module(name)
        for function in vars(module).values():
            if inspect.isfunction(function) and function.__module__ == name:
                signature = inspect.signature(function)
                wanted = [p for p in signature.parameters.values() if p.default is p.empty]
                public = not function.__name__.startswith("_")
                if public and signature.return_annotation is Panel and not wanted:
                    found[f"{lesson.name}.{function.__name__}"] = function
    return found


def random_state(random: np.random.Generator, control: ipywidgets.Widget) -> dict[str, Any]:
    """Return a state of a control that a reader could bring about."""
    if isinstance(control, ipywidgets.SelectMultiple):
        number = len(control._options_labels)
        count = random.integers(1, min(number, 3) + 1)
        return {"index": sorted(random.choice(number, count, replace=False).tolist())}
    if hasattr(control, "_options_labels"):
        return {"index": int(random.integers(len(control._options_labels)))}
    if isinstance(control, ipywidgets.Checkbox):
        return {"value": bool(random.integers(2))}
    if isinstance(control, ipywidgets.Text):
        return {"value": str(random.choice(TEXTS))}
    steps = round((control.max - control.min) / control.step)
    return {"value": control.min + type(control.min)(random.integers(steps + 1) * control.step)}


def moves(panel: Panel, number: int, seed: int, pause: float) -> Iterator[int]:
    """Move one control after the other, without waiting for the picture.

    Args:
        panel: whose controls are moved.
        number: of moves.
        seed: of their choice.
        pause: the longest between two moves, in seconds.

    Yields:
        How many are done.
    """
    random = np.random.default_rng(seed)
    controls = list(panel.controls.values())
    for done in range(1, number + 1):
        control = controls[random.integers(len(controls))]
        if not control.disabled:
            send(control, **random_state(random, control))
        if random.random() < 0.05:
            panel.stop()
        time.sleep(pause * random.random())
        yield done


def shown_by(panel: Panel) -> tuple[str, str]:
    """Return what a panel shows once it is at rest: a failure's sentence, or its picture."""
    panel.wait()
    # A game counts the answers that were given on the way, which a new one has not seen.
    words = re.sub(r"\d+ of \d+ answered", "answered", panel.alt)
    return (str(panel.error), "") if panel.error else ("", words)


def afresh(build: Callable[[], Panel], panel: Panel) -> tuple[str, str]:
    """Return what a new panel shows whose controls stand as those of a panel."""
    new = build()
    new.start()
    for name, control in panel.controls.items():
        if not control.disabled:
            new.controls[name].value = control.value
    new._on_change(None)
    return shown_by(new)


def main(number: int, wanted: str = "") -> None:
    """Print for each panel how long its moves took, and how memory grew after a quarter of them."""
    process = psutil.Process()
    for name, build in builders().items():
        if wanted not in name:
            continue
        panel, start, early = build(), time.perf_counter(), 0
        panel.start()
        for done in moves(panel, number, 0, 0.3):
            if done == number // 4:
                panel.wait()
                early = process.memory_info().rss
        panel._on_change(None)
        same = shown_by(panel) == afresh(build, panel)
        late, seconds = process.memory_info().rss, time.perf_counter() - start
        errors = hidden_errors(panel.view) if panel.error is None else [str(panel.error)]
        growth = f"{early / 1e6:5.0f} -> {late / 1e6:5.0f} MB ({late / early - 1:+.1%})"
        print(f"{name:45} {seconds:5.0f} s {growth} as asked: {same} {errors}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
