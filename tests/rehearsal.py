"""Experiments without training: what they hand to it, and what they make of what comes back."""

import contextlib
import inspect
from collections.abc import Iterator
from types import SimpleNamespace
from unittest import mock

import numpy as np

from simmim_lib import experiments, training
from simmim_lib.settings import Settings
from simmim_lib.trunks import Weights


@contextlib.contextmanager
def rehearsed() -> Iterator[list[SimpleNamespace]]:
    """Note every call of `training.step_by_step`, and make up what it gives back.

    Each seed gets what the seed before it started from, so that trained weights are known, and
    not those that training began with.
    """
    calls: list[SimpleNamespace] = []
    signature = inspect.signature(training.step_by_step)

    def note(*arguments: object, **options: object) -> Iterator[Weights]:
        bound = signature.bind(*arguments, **options)
        bound.apply_defaults()
        call = SimpleNamespace(**bound.arguments)
        calls.append(call)
        if call.progress:
            call.progress(call.examples[0].steps, call.examples[0].steps)
        yield trained(call.weights)

    with mock.patch.object(training, "step_by_step", note):
        yield calls


def trained(weights: Weights) -> Weights:
    """Return what a rehearsal gives back in place of trained weights."""
    return [np.roll(weight, 1, axis=0) for weight in weights]


def stages(settings: Settings) -> list[SimpleNamespace]:
    """Return the arguments of each stage of an experiment's training."""
    with rehearsed() as calls:
        tasks = experiments.choose_tasks(settings)
        network = experiments.transfer(settings, tasks, experiments.initialise(settings))
        list(experiments.maximise_information(settings, tasks, network))
    return calls
