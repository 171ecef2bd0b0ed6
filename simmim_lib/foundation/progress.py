"""Progress: from steps done to a bar, or to lines that another process reads."""

import contextlib
import contextvars
import os
import sys
from collections.abc import Callable, Iterator

Progress = Callable[[int, int], object]
"""Called with the steps done and the steps in all; what it raises ends the training."""


PROGRESS_LINE = "simmim progress {done}/{total}"


PROGRESS_LINES = "SIMMIM_PROGRESS_LINES"
"""A variable of the environment: if it is set, bars become lines that another process can read."""


_LISTENER: contextvars.ContextVar[Progress | None] = contextvars.ContextVar(
    "listener", default=None
)


@contextlib.contextmanager
def heard_by(listener: Progress) -> Iterator[None]:
    """Let every bar within tell a listener, too; what it raises ends what the bar is about.

    So a panel can cancel what has a bar of its own, such as a pre-training.
    """
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


@contextlib.contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Show a bar with the time left, in a notebook or a terminal, if it takes over a second.

    The bar goes away at the end, so that a saved notebook does not depend on it.
    """
    with _lines() if os.environ.get(PROGRESS_LINES) else _bar(title) as shown:
        listener = _LISTENER.get()

        def tell(done: int, total: int) -> None:
            shown(done, total)
            if listener:
                listener(done, total)

        yield tell


@contextlib.contextmanager
def _lines() -> Iterator[Progress]:
    yield lambda done, total: print(
        PROGRESS_LINE.format(done=done, total=total), file=sys.stderr, flush=True
    )


@contextlib.contextmanager
def _bar(title: str) -> Iterator[Progress]:
    from tqdm.auto import tqdm

    with tqdm(desc=title, unit="step", delay=1, leave=False) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


def in_parts(progress: Progress, parts: int) -> Callable[[], Progress]:
    """Share one progress among several pieces of work of equal length, one after the other.

    Returns:
        A function that gives each piece its own progress.
    """
    positions = iter(range(parts))

    def next_part() -> Progress:
        position = next(positions)
        return lambda done, total: progress(position * total + done, parts * total)

    return next_part
