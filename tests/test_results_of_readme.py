"""The numbers in README are those of the stored studies, and each row names its study's command."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simmim_lib.foundation.intervals import difference, mean_and_interval
from simmim_lib.lessons.masked_images.studies import REPORTED
from simmim_lib.lessons.task_weights.study_results import NEW_SEEDS
from simmim_lib.studies import stored

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def percent(values: np.ndarray) -> str:
    return f"{mean_and_interval(100 * values, digits=1)} %"


def row(study: str, what: str, ours: np.ndarray, beside: str, other: np.ndarray) -> str:
    """Return a line of the table: a result, what it is compared with, and the difference."""
    gain = difference(ours, other)
    told = f"{percent(ours)} | {beside}: {percent(other)} | {gain.size}, {gain.verdict}"
    return f"| {what} | {told} | `{stored.command(study)}` |"


def mean_of(study: stored.StoredStudy, targets: tuple[str, ...], **fields: Any) -> np.ndarray:
    """Return the mean accuracy over the targets of one experiment, (seeds,)."""
    each = [study.values(target=target, targets=targets, **fields) for target in targets]
    return np.mean(each, axis=0)


def rows() -> Iterator[str]:
    few, mnist = stored.load("few-labels"), {"targets": ("mnist",), "labels_per_class": 5}
    yield row(
        "few-labels",
        "Digits (MNIST), 5 labels a class, from rendered characters",
        few.values(source="glyphs", labels_per_class=5),
        "from scratch",
        few.values(source=None, labels_per_class=5),
    )
    unlabelled = stored.load("unlabelled")
    informed = {"information": 1.0, "agreement": 1.0}
    yield row(
        "unlabelled",
        "The same with images without labels (SimMIM)",
        unlabelled.values(source="glyphs", **mnist, **informed),
        "the same without them",
        unlabelled.values(source="glyphs", **mnist, information=0.0, augmentation=1.0),
    )
    photographs = stored.load("photograph-features")
    yield row(
        "photograph-features",
        "Clothes (Fashion-MNIST), 20 labels a class, EfficientNet-Lite0's middle layers (SimMIM)",
        photographs.values(trunk="efficientnet-lite0-middle", recipe="simmim"),
        "small network, fine-tuned",
        photographs.values(trunk="small-cnn", recipe="fine-tune"),
    )
    masked = stored.load("without-labels")
    for pretext, title in (("masked", "masked images (SimMIM of 2022)"), ("contrastive", "views")):
        yield row(
            "without-labels",
            f"Clothes, 5 labels a class, small transformer pre-trained on {title}, no label",
            masked.values(source="fashion", pretext=pretext, labels_per_class=5)[REPORTED],
            "from scratch",
            masked.values(source=None, labels_per_class=5)[REPORTED],
        )
    both = stored.load("informed-after-masking")
    yield row(
        "informed-after-masking",
        "Clothes, 5 labels a class, the masked network, then images without labels (SimMIM)",
        both.values(labels_per_class=5, information=1.0)[REPORTED],
        "the same without them",
        both.values(labels_per_class=5, information=0.0)[REPORTED],
    )
    joint = stored.load("joint")
    yield row(
        "joint",
        "Two collections of digits in one network, a head each, 10 labels a class: MNIST",
        joint.values(
            target="mnist", targets=("mnist", "uci-digits"), labels_per_class=10, shared_heads=False
        ),
        "a network for each",
        joint.values(targets=("mnist",), labels_per_class=10),
    )
    weighted, three = stored.load("weightings-again"), ("mnist", "uci-digits", "fashion")
    yield row(
        "weightings-again",
        "Three tasks, weighted by CAGrad, on new seeds: mean of the three",
        mean_of(weighted, three, weighting="cagrad")[NEW_SEEDS],
        "plain sum, its weights tuned",
        mean_of(weighted, three, task_weights=(0.75, 0.75, 1.5))[NEW_SEEDS],
    )
    texts = stored.load("text-domains")
    together = {"labels_per_class": 8, "information": 3.0, "target": "amazon"}
    yield row(
        "text-domains",
        "Sentiment of three domains in one head (MiniLM, SimMIM), 8 labels a class: Amazon",
        texts.values(targets=("amazon", "imdb", "yelp"), shared_heads=True, **together),
        "each domain alone, by the same recipe",
        texts.values(targets=("amazon",), **together),
    )
    chest = stored.load("few-pneumonia-labels")
    yield row(
        "few-pneumonia-labels",
        "AUC on chest X-rays (PneumoniaMNIST), 20 labels a class, ImageNet and SimMIM that knows "
        "how many are ill",
        chest.values("AUC", class_prior=(0.258, 0.742)),
        "from scratch",
        chest.values("AUC", source=None),
    )
    private = stored.load("private-heads")
    digits = {"dataset": "mnist", "epsilon": 1.0}
    yield row(
        "private-heads",
        "A private head for digits (epsilon 1) on features of rendered characters",
        private.values(**digits, features="glyphs"),
        "on pixels",
        private.values(**digits, features="pixels"),
    )


@pytest.mark.parametrize("line", [*rows()], ids=lambda line: line.split("|")[1].strip())
def test_each_result_is_that_of_its_study(line):
    assert line in README.splitlines()


def test_the_speeds_of_trunks_are_those_that_were_measured():
    measured = json.loads((ROOT / "data" / "results" / "trunk-speeds.json").read_text("utf-8"))
    assert f"`{measured['command']}`" in README
    speeds = dict(each.split(" ") for each in measured["rows"][0]["measured"].split(", "))
    rows = [line.split(" | ") for line in README.splitlines() if line.startswith("| `")]
    told = {name.strip("| `"): cells[2] for name, *cells in rows if name.strip("| `") in speeds}
    assert told.keys() == speeds.keys()
    assert told == {name: speeds[name] for name in told}
