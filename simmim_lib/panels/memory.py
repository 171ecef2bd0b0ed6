"""What panels have measured already."""

from typing import TYPE_CHECKING

from simmim_lib import experiments
from simmim_lib.foundation.progress import Progress
from simmim_lib.settings import Settings

if TYPE_CHECKING:
    pass

_measured: dict[Settings, experiments.Result] = {}


def measure(settings: Settings, progress: Progress) -> experiments.Result:
    """Run an experiment, or remember it: going back to a setting should cost nothing."""
    if settings not in _measured:
        _measured[settings] = experiments.run(settings, baseline=False, progress=progress)
    return _measured[settings]
