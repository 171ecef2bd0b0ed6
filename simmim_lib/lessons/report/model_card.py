"""The model card of a report: what a kept model is, what it is good for, and what it is not.

Source: Mitchell et al. 2019, "Model Cards for Model Reporting".
"""

from collections.abc import Iterator

import numpy as np

from simmim_lib import calibration, datasets
from simmim_lib.diagnostic_accuracy import confusion, threshold_for_balance
from simmim_lib.errors import shown
from simmim_lib.experiments.baselines import MEAN, Findings, decisions, has_probabilities
from simmim_lib.experiments.kept_models import paths_by_target
from simmim_lib.experiments.yardsticks import Yardstick
from simmim_lib.foundation.intervals import effective_number, interval
from simmim_lib.lessons.report.judgements import THRESHOLD, Judgement, judge
from simmim_lib.pictures import classification
from simmim_lib.reports.pages import Table
from simmim_lib.reports.places import MODEL
from simmim_lib.reports.words import MAX_NAMES, image_sizes, listed, start

NORMAL_975 = 1.959964
"""Below it lie 97.5 % of a standard normal distribution."""

BYTES = 4
"""Of a parameter in a file."""

EVERY = slice(None)

FEW = 30
"""With fewer test images of a class, its recall is told to be rough."""


def model_card(findings: Findings, target: str) -> Table:
    """Describe the model that is kept for a target: the best seed's by its validation images."""
    card = _Card(findings, target)
    rows = [
        ("what it is", card.what_it_is()),
        ("trained on", card.trained_on()),
        ("intended for", card.intended_for()),
        ("parts", card.parts()),
        ("reference standard", card.reference_standard()),
        ("tested on", card.tested_on()),
        *card.details(),
        ("limits", " ".join(card.limits())),
        ("size", card.size()),
        ("licences", card.licences()),
        ("how to use", card.how_to_use()),
    ]
    return Table(("the model", "in words"), rows, f"Model card: {card.name}")


class _Card:
    """What there is to say about the best seed's network for a target.

    The class is long because each line of the card is a method, and all look at the same network.
    """

    def __init__(self, findings: Findings, target: str) -> None:
        self.findings, self.target = findings, target
        self.settings, self.name = findings.settings, findings.names[target]
        self.data = findings.data(target)
        self.judged_by: Yardstick = findings.yardstick(target)
        self.seed = findings.result.best_seed(target)
        self.chosen = datasets.choose(self.data, self.settings.labels_of[target], self.seed)
        self.outputs = findings.asked.probabilities[target][self.seed]
        self.judgements: list[Judgement] = judge(self.data, self.outputs)

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.data.class_names

    @property
    def what(self) -> str:
        """What the model is for, "images" or "texts"."""
        return self.data.content

    def what_it_is(self) -> str:
        head = {
            "classification": f"that tells apart {listed(self.class_names)}",
            "multi-label": f"that tells of each of {listed(self.class_names)} whether it is true",
            "regression": f"that predicts the number {listed(self.class_names)}",
        }[self.data.kind]
        others = [name for name in self.findings.names.values() if name != self.name]
        shared = f", trained together with those for {listed(others)}" if others else ""
        return f"{self.settings.trunk_info.title} with a head {head}{shared}."

    def trained_on(self) -> str:
        unlabelled = (
            f" and {len(self.chosen.unlabelled):,} without labels"
            if self.settings.learns_unlabelled
            else ""
        )
        return (
            f"{len(self.chosen.labelled):,} labelled {self.what} of {self.name}{unlabelled}, for "
            f"{self.settings.steps:,} steps. {start(self.settings)} {self._chosen()} on its "
            f"{len(self.chosen.validation):,} validation {self.what}."
        )

    def _chosen(self) -> str:
        if self.settings.seeds == 1:
            return "It is the only one that was trained, and was looked at"
        return f"Of {self.settings.seeds} seeds this is seed {self.seed}, the best"

    def intended_for(self) -> str:
        made = "written" if self.data.holds_texts else "taken"
        return (
            f"New {self.what} like those of {self.name}, that is, {made} in the same way of the "
            f"same things. Sizes: {image_sizes(self.target, self.settings)}."
        )

    def parts(self) -> str:
        """Return how large the parts are, who is in them, and how frequent each class is."""
        parts = {"Training and validation": self.data.train, "test": self.data.test}
        told = [f"{name}: {self._part(part)}" for name, part in parts.items()]
        if all(part.groups is None for part in parts.values()):
            told.append(f"which {self.what} belong together, as of one patient, is not recorded")
        return f"{'; '.join(told)}."

    def _part(self, part: datasets.Part) -> str:
        size = f"{len(part):,} {self.what}{self._shares(part.labels)}"
        if part.groups is None:
            return size
        return f"{size}, of {len({*part.groups.tolist()}):,} groups such as patients"

    def _shares(self, labels: np.ndarray) -> str:
        if self.data.kind == "regression":
            return ""
        is_true = (
            labels[:, None] == np.arange(len(self.class_names))
            if self.data.kind == "classification"
            else labels > 0
        )
        shares = zip(self.class_names, is_true.mean(axis=0), strict=True)
        return f" ({', '.join(f'{name} {100 * share:.1f} %' for name, share in shares)})"

    def reference_standard(self) -> str:
        return (
            f"The labels that come with {self.name} ({self.data.source}); by whom and by what they "
            "were set is not known here."
        )

    def tested_on(self) -> str:
        mean, low, high = self._over_images()
        judged, seeds = self.judged_by, self.findings.asked.main_scores(self.target)
        several = f" Mean of all seeds: {judged.mean(seeds)}." if len(seeds) > 1 else ""
        return (
            f"{len(self.outputs):,} test {self.what}, which no network learned from: "
            f"{judged.title} {judged.number(mean)} (95 % interval {judged.number(low)} to "
            f"{judged.number(high)}, for the chance in which {self.what} are tested"
            f"{', those of a group together' if self._belong_together() else ''})."
            f"{several}{self._beside_the_mean()}"
        )

    def _belong_together(self) -> bool:
        """Tell whether some of the test images are of one group."""
        groups = self.data.test.groups
        return groups is not None and len({*groups.tolist()}) < len(groups)

    def _over_images(self) -> tuple[float, float, float]:
        """Return this network's score, and its 95 % interval for other images of the same kind.

        Where an image has several labels, it counts as one observation, not as several; of a group
        of images each counts for less, the more they are alike.

        Source: Korn and Graubard 1998, "Confidence intervals for proportions with small expected
        number of positive counts estimated from survey data".
        """
        values = self._values()
        number = float(len(values))
        if self._belong_together():
            number = effective_number(values, np.asarray(self.data.test.groups))
        if self.data.kind == "regression":
            mean, half_width = interval(values)
            half_width *= (len(values) / number) ** 0.5
            return mean, max(0.0, mean - half_width), mean + half_width
        right = float(np.mean(values))
        return right, *_wilson(right, number)

    def _values(self) -> np.ndarray:
        """Return how far off or how right the network is on each test image, (n,)."""
        if self.data.kind == "regression":
            return np.abs(self.outputs - self.data.test.labels).mean(axis=1)
        probabilities, classes = decisions(self.data, self.outputs)
        right = probabilities.argmax(axis=1) == classes
        return right.reshape(len(self.outputs), -1).mean(axis=1)

    def _beside_the_mean(self) -> str:
        way = self.findings.baselines.get(MEAN)
        if way is None or self.target not in way.scores:
            return ""
        constant = self.judged_by.number(way.main_scores(self.target)[self.seed])
        return f" Without any network, always the mean: {constant}."

    def details(self) -> Iterator[tuple[str, str]]:
        """Yield rows for what goes with the kind of the target only."""
        if self.data.kind == "classification":
            yield "recall of each class", f"{_shares(self._recalls())}."
        if self.data.kind == "multi-label":
            yield "recall of each label", f"{_shares(self._recalls())}."
        if self.data.kind == "regression":
            off = np.abs(self.outputs - self.data.test.labels).max(axis=1)
            middle, most = (self.judged_by.number(np.quantile(off, part)) for part in (0.5, 0.9))
            yield "errors", f"half of them are below {middle}, nine in ten below {most}."
        if self._is_diagnosis():
            yield "at a fixed threshold", self._at_fixed_threshold()
        if has_probabilities(self.target):
            yield "calibration", self._calibration()
        yield "subgroups", "; ".join(self._subgroups()) + "."

    def _subgroups(self) -> Iterator[str]:
        """Yield how good the network is on each subgroup, or on the largest of very many."""
        if not self.data.test.subgroups:
            yield "not tested one by one, since the data name none"
        for what, tested in self.data.test.subgroups.items():
            learnt = self.data.train.subgroups.get(what, tested)
            names, sizes = np.unique(np.concatenate([tested, learnt]), return_counts=True)
            largest = np.argsort(-sizes, kind="stable")[:MAX_NAMES]
            for name in names[np.sort(largest)].tolist():
                yield f"{what} {shown(name)}, {self._good_on(tested == name)}"
            if (rest := len(names) - MAX_NAMES) > 0:
                yield f"{what}: {rest:,} more, each no larger than these, are not told"

    def _good_on(self, chosen: np.ndarray) -> str:
        number = np.count_nonzero(chosen)
        if not number:
            return f"no test {self.what}: not tested"
        if self.data.kind == "regression":
            error = self.judged_by.number(self._values()[chosen].mean())
            good = f"{self.judged_by.title} {error}"
        else:
            good = f"finds {_shares(self._recalls(chosen), ', ')}"
        return f"{number:,} {self.what if number > 1 else self.what.removesuffix('s')}: {good}"

    def _is_diagnosis(self) -> bool:
        """Tell whether there are two classes, and validation images to fix a threshold on."""
        two = self.data.kind == "classification" and len(self.class_names) == 2
        look = self.findings.result.looks.get(self.target)
        return two and look is not None and len({*look.labels[self.seed]}) == 2

    def _at_fixed_threshold(self) -> str:
        """Return both kinds of error where a threshold is fixed before the test."""
        look = self.findings.result.looks[self.target]
        labels, positive = look.labels[self.seed], self.class_names[1]
        threshold = threshold_for_balance(labels, look.probabilities[self.seed][:, 1])
        found = confusion(self.data.test.labels, self.outputs[:, 1], threshold)
        return (
            f"{shown(positive)} is said from a probability of {threshold:.3f} on, where "
            f"sensitivity and specificity were highest in sum on {len(labels):,} validation "
            f"{self.what}. On the test {self.what}: sensitivity {found.sensitivity:.3f}, "
            f"specificity {found.specificity:.3f}; right of those told {shown(positive)} "
            f"{found.positive_predictive_value:.3f}, of the others "
            f"{found.negative_predictive_value:.3f}, at the shares of classes among these."
        )

    def _recalls(self, chosen: np.ndarray | slice = EVERY) -> dict[str, tuple[int, int]]:
        """Return by class or label how many test examples are found, and how many there are.

        Args:
            chosen: which examples count, a mask (n,).
        """
        outputs, labels = self.outputs[chosen], self.data.test.labels[chosen]
        if self.data.kind == "multi-label":
            found = ((outputs >= THRESHOLD) & (labels > 0)).sum(axis=0)
            counts = (labels > 0).sum(axis=0)
        else:
            matrix = classification.confusion_counts(outputs, labels)
            found, counts = np.diag(matrix), matrix.sum(axis=1)
        pairs = zip(found.tolist(), counts.tolist(), strict=True)
        return dict(zip(self.class_names, pairs, strict=True))

    def _calibration(self) -> str:
        probabilities, labels = decisions(self.data, self.outputs)
        sure = 100 * float(probabilities.max(axis=1).mean())
        right = 100 * float(np.mean(probabilities.argmax(axis=1) == labels))
        error = 100 * calibration.expected_calibration_error(probabilities, labels)
        gap = sure - right
        verdict = "overconfident" if gap > 0 else "not sure enough"
        return (
            f"on average {sure:.1f} % sure, and right in {right:.1f} %: {verdict} by "
            f"{abs(gap):.1f} points. Expected calibration error {error:.1f} %."
        )

    def limits(self) -> Iterator[str]:
        """Yield sentences about where the model is weak, or was not tested."""
        origin = "place, author" if self.data.holds_texts else "place, camera"
        yield (
            f"Tested on {self.what} of {self.name} only: how good it is on others, from another "
            f"{origin} or time, is not known."
        )
        if self.data.kind == "regression":
            labels = self.data.train.labels[self.chosen.labelled]
            low, high = self.judged_by.number(labels.min()), self.judged_by.number(labels.max())
            yield f"It has seen numbers from {low} to {high}, and none beyond."
            return
        if self.data.kind == "classification":
            yield "It knows no other classes: whatever it is given is taken for one of these."
        yield from self._weakest()

    def _weakest(self) -> Iterator[str]:
        known = {name: each for name, each in self._recalls().items() if each[1]}
        if not known:
            return
        weakest = min(known, key=lambda name: known[name][0] / known[name][1])
        found, count = known[weakest]
        if found < count:
            told = f"of which it finds {found} of {count} test {self.what}"
            yield f"It is weakest on {weakest}, {told}."
        if few := [name for name, (_, count) in known.items() if count < FEW]:
            yield f"Recall is rough for what has fewer than {FEW} test {self.what}: {listed(few)}."

    def size(self) -> str:
        cost = self.findings.asked.cost
        number = cost.trained + cost.frozen
        megabytes = BYTES * number / 1e6
        size = self.settings.image_size
        seen = f"{size} x {size} pixels, the middle square of an image"
        if self.data.holds_texts:
            seen = f"the first {size} tokens of a text"
        return (
            f"{number:,} parameters, {cost.trained:,} of them trained here; as a file about "
            f"{megabytes:,.1f} MB. It sees {seen}."
        )

    def licences(self) -> str:
        trunk, source = self.settings.trunk_info, self.settings.source_dataset
        parts = [f"{self.what} of {self.name}: {self.data.licence}"]
        if source:
            licence = datasets.describe(source).licence
            parts.append(f"{self.what} of {datasets.short_name(source)}: {licence}")
        elif self.settings.source:
            parts.append(f"weights of {trunk.title}: {trunk.licence or 'not stated in their file'}")
        return f"{'; '.join(parts)}."

    def how_to_use(self) -> str:
        file = paths_by_target(MODEL, self.settings.targets)[self.target].name
        outputs = "probabilities" if has_probabilities(self.target) else "numbers"
        inputs = "the numbers of tokens" if self.data.holds_texts else "pixels"
        return (
            f"The report's folder holds it as {file}. In a terminal: simmim predict {file} "
            f"NEW-{self.what.upper()}. In Python: keras.models.load_model({file!r}), from "
            f"{inputs} to {outputs}."
        )


def _shares(recalls: dict[str, tuple[int, int]], between: str = "; ") -> str:
    parts = [
        f"{name}: {100 * found / count:.0f} % of {count:,}" if count else f"{name}: not tested"
        for name, (found, count) in recalls.items()
    ]
    return between.join(parts)


def _wilson(share: float, number: float) -> tuple[float, float]:
    """Return the 95 % interval of a share of so many observations.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    squared = NORMAL_975**2 / number
    middle = (share + squared / 2) / (1 + squared)
    half_width = (share * (1 - share) * squared + squared**2 / 4) ** 0.5 / (1 + squared)
    return max(0.0, middle - half_width), min(1.0, middle + half_width)
