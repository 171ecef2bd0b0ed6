"""The outcome of an experiment."""

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import collapse, datasets
from simmim_lib.errors import WorkbookError, check_choice, check_whole, offered, shown
from simmim_lib.experiments import kept_models
from simmim_lib.experiments.environment import versions
from simmim_lib.experiments.evaluation import ValidationLook
from simmim_lib.experiments.measures import accuracies
from simmim_lib.foundation import atomic
from simmim_lib.settings import Settings
from simmim_lib.training import devices

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, eq=False)
class Result:
    """The outcome of an experiment; each dictionary has an entry for each target.

    Attributes:
        settings: what was asked for.
        scores: on the test images, by the name of the measure, each (seeds,); which ones there are
            follows from the kind of the task, as `measures.MEASURES` says.
        validation: the accuracy on the validation images, for choosing between settings, (seeds,).
        baseline: test accuracy of a network of its own for each target, from scratch with the same
            labels, steps and seeds, shape (seeds,); empty where it was not asked for or the
            experiment is from scratch itself, and without the targets that have no labels.
        looks: what each seed's network predicts for its validation images, for what is to be fixed
            before the test; empty in a result that was made without training.
        diagnostics: whether the predictions for unlabelled images collapsed; empty where none were
            learnt from.
        probabilities: of each class for each test image, shape (seeds, n, classes).
        seconds: how long it took, pre-training of the source not included.
        trained: the trained networks, from which `model` and `save` make models to keep; none in a
            result that was made without training. They are not written to JSON.
    """

    settings: Settings
    scores: dict[str, dict[str, np.ndarray]]
    validation: dict[str, np.ndarray]
    probabilities: dict[str, np.ndarray] = field(repr=False)
    seconds: float
    baseline: dict[str, np.ndarray] = field(default_factory=dict)
    looks: dict[str, ValidationLook] = field(default_factory=dict, repr=False)
    diagnostics: dict[str, collapse.Diagnosis] = field(default_factory=dict)
    trained: kept_models.Trained | None = field(default=None, repr=False)

    @property
    def accuracy(self) -> dict[str, np.ndarray]:
        """The share of the test images classified correctly, of each target that has classes."""
        return accuracies(self.scores)

    @property
    def budget(self) -> str:
        """The budget that made this result."""
        return self.settings.budget

    @property
    def predictions(self) -> dict[str, np.ndarray]:
        """The class predicted for each test image, shape (seeds, n)."""
        return {name: each.argmax(axis=-1) for name, each in self.probabilities.items()}

    def best_seed(self, target: str | None = None) -> int:
        """Return the seed whose network is best on a target's validation images.

        Args:
            target: one of the settings'; may be left out where there is one only.

        Raises:
            WorkbookError: another target, or none where there are several.
        """
        return int(np.argmax(self.validation[self._target(target)]))

    def model(self, seed: int | None = None, target: str | None = None) -> "keras.Model":
        """Return a trained network as a plain Keras model, from pixels to probabilities.

        It takes pixels (n, height, width, 1 or 3) of any size, with values from 0 to 255, and
        gives probabilities (n, classes), the classes in the order of the dataset's; all that
        training did to the images is inside. A network for texts takes the numbers of their tokens.
        See `kept_models.build`.

        Args:
            seed: whose network, from 0; by default the best on the validation images.
            target: as `best_seed`.

        Raises:
            WorkbookError: a seed that there is not, a target as `best_seed`, or a result without
                networks.
        """
        target = self._target(target)
        return kept_models.build(self._networks, target, self._seed(seed, target))

    def save(
        self, path: str | os.PathLike[str], seed: int | None = None, target: str | None = None
    ) -> None:
        """Write what `model` returns to a file, atomically; of several machines, the chief does.

        The names of the classes, and how images are read, are in the file, too:
        `simmim predict` and `kept_models.read` know them again.

        Args:
            path: ends in `.keras`.
            seed: as `model`.
            target: as `model`.

        Raises:
            WorkbookError: as `model`; the file cannot be written, or is called otherwise.
        """
        kept_models.check_suffix(path)
        target = self._target(target)
        seed = self._seed(seed, target)
        model = kept_models.build(self._networks, target, seed)
        if devices.is_chief(self.settings.strategy):
            kept_models.write(model, self._description(target, seed), path)

    @property
    def _networks(self) -> kept_models.Trained:
        if self.trained is None:
            raise WorkbookError(
                "This result has no trained networks, since it was read or remembered without "
                "them: run the experiment again, with simmim_lib.run(settings)."
            )
        return self.trained

    def _target(self, target: str | None) -> str:
        targets = self.settings.targets
        if target is None and len(targets) > 1:
            raise WorkbookError(
                f"There is a model for each of the targets {offered(targets)}: say which, as in "
                f"target={shown(targets[0])}."
            )
        return check_choice("target", targets[0] if target is None else target, targets)

    def _seed(self, seed: int | None, target: str) -> int:
        if seed is None:
            return self.best_seed(target)
        return check_whole("seed", seed, 0, self.settings.seeds - 1)

    def _description(self, target: str, seed: int) -> kept_models.Description:
        """Return what the file says about the model of a seed."""
        scores = {name: float(values[seed]) for name, values in self.scores[target].items()}
        return kept_models.describe(
            self._networks,
            target,
            datasets.describe(target).title,
            {
                "seed": seed,
                "validation": float(self.validation[target][seed]),
                "test": scores,
                "settings": self.settings.as_dict(),
                "versions": versions(),
            },
        )

    def as_dict(self) -> dict[str, Any]:
        """Return all but predictions and networks as plain values that JSON can hold."""
        return {
            "settings": self.settings.as_dict(),
            "accuracy": as_lists(self.accuracy),
            "scores": {target: as_lists(scores) for target, scores in self.scores.items()},
            "validation": as_lists(self.validation),
            "baseline": as_lists(self.baseline),
            "diagnostics": {name: each.as_dict() for name, each in self.diagnostics.items()},
            "seconds": self.seconds,
            "versions": versions(),
        }

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Write the result to a file, atomically; of several machines, the chief does.

        Raises:
            WorkbookError: the file cannot be written.
        """
        if devices.is_chief(self.settings.strategy):
            atomic.write_text(path, json.dumps(self.as_dict(), indent=2) + "\n")


def as_lists(arrays: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """Return arrays, (seeds,) each, as plain values that JSON can hold."""
    return {name: [float(value) for value in values] for name, values in arrays.items()}
