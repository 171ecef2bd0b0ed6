"""What live pages are given: features of frozen trunks, as halves, and some images."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np

from simmim_lib import datasets, training, trunks
from simmim_lib.experiments.pretraining import pretrained

TARGET = "mnist"
PICTURES = "fashion"
SOURCES = {
    "glyphs": "letters in many fonts (glyphs)",
    "fashion": "clothes (Fashion-MNIST)",
    None: "none: a trunk that was never trained",
}
TRAIN_OF_EACH, TEST_OF_EACH = 30, 20
SEEDS = 5
STEPS, RATE = 60, 8e-3


def write(folder: Path) -> None:
    """Write the data as a script, since a page from the file system may not fetch anything."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, made in {"heads": heads(), "images": images()}.items():
        text = json.dumps(made, separators=(",", ":"))
        path = folder / f"{name}_data.js"
        path.write_text(f"window.SIMMIM_{name.upper()}={text};\n", encoding="utf-8")


def images() -> dict[str, Any]:
    """Return one image of each class, for the page that hides parts of them."""
    data = datasets.load(PICTURES)
    shown = _choose(data.test, 1)
    pixels = np.rint(255 * shown.images).astype(np.uint8)
    return {
        "size": pixels.shape[1],
        "names": [data.class_names[label] for label in shown.labels],
        "images": [base64.b64encode(each.tobytes()).decode() for each in pixels],
    }


def heads() -> dict[str, Any]:
    """Return all that the page needs on which a head learns, as plain values."""
    dataset = datasets.load(TARGET)
    classes = len(dataset.class_names)
    train, test = _choose(dataset.train, TRAIN_OF_EACH), _choose(dataset.test, TEST_OF_EACH)
    pixels = np.concatenate([train.images, test.images])
    truth = np.concatenate([train.labels, test.labels])
    features = {title: _features(source, pixels) for source, title in SOURCES.items()}
    units = next(iter(features.values())).shape[1]
    kernels = [_kernel(seed, units, classes) for seed in range(SEEDS)]
    return {
        "units": units,
        "classes": list(dataset.class_names),
        "train": len(train),
        "labels": truth.tolist(),
        "sources": [{"title": name, "features": _halves(each)} for name, each in features.items()],
        "orders": [
            np.random.default_rng(seed).permutation(len(train)).tolist() for seed in range(SEEDS)
        ],
        "kernels": [kernel.round(6).ravel().tolist() for kernel in kernels],
        "steps": STEPS,
        "rate": RATE,
    }


def _choose(part: datasets.Part, of_each: int) -> datasets.Part:
    """Return the first images of each class."""
    found = [np.flatnonzero(part.labels == label)[:of_each] for label in np.unique(part.labels)]
    places = np.concatenate(found)
    return datasets.Part(part.images[places], part.labels[places])


def _features(source: str | None, images: np.ndarray) -> np.ndarray:
    """Return what a whole trunk makes of images, (n, units)."""
    frozen = len(trunks.describe("small-cnn").blocks)
    parts = trunks.cut_trunk(frozen)
    weights = (
        pretrained(source).front_weights(parts) if source else trunks.fresh_weights(parts.front, 0)
    )
    return training.predict(parts.front, [each[None] for each in weights], images)[0]


def _kernel(seed: int, units: int, classes: int) -> np.ndarray:
    """Return a fresh head's kernel, by Keras's own rule (Glorot and Bengio 2010)."""
    most = np.sqrt(6 / (units + classes))
    return np.random.default_rng(seed).uniform(-most, most, (units, classes))


def _halves(values: np.ndarray) -> str:
    return base64.b64encode(values.astype("<f2").tobytes()).decode()
