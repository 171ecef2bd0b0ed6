"""Models to keep: a trained network as a plain Keras model, from pixels to named probabilities.

A kept model is a `.keras` file of Keras's own layers, which `keras.models.load_model` opens without
this library. One more member of the archive, `simmim.json`, says what the outputs are called and
how images are brought to the pixels that the model takes; Keras takes no notice of it. A network
for texts takes the numbers of their tokens, and the description says whose these are. What cuts
texts into tokens is not in the file: read from a stranger's, it could stop the process.
"""

import contextlib
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simmim_lib import datasets, trunks
from simmim_lib.errors import WorkbookError, shown
from simmim_lib.experiments.network import Architecture
from simmim_lib.experiments.pretrained import Pretrained
from simmim_lib.foundation import atomic, keras_files, keras_setup, outputs
from simmim_lib.foundation.keras_files import SUFFIX
from simmim_lib.foundation.paths import from_person
from simmim_lib.trunks import Weights, checkpoints, files, tokens
from simmim_lib.trunks.building import ImageShape
from simmim_lib.trunks.catalogue import TRUNKS
from simmim_lib.trunks.checkpoints import TOKENIZER
from simmim_lib.trunks.files import KEPT_DESCRIPTION

if TYPE_CHECKING:
    import keras
    from tokenizers import Tokenizer

    from simmim_lib.simmim import Task

MIDDLE_SQUARE = "middle_square"
"""The layer that cuts and scales images; what follows takes images of one size, and converts to
TensorFlow Lite, which has no such layer."""

ACTIVATIONS = {"classification": "softmax", "multi-label": "sigmoid", "regression": "linear"}
"""By the kind of a task, what turns its logits into the outputs of a kept model."""


TAKING_TEXTS = tuple(name for name, trunk in TRUNKS.items() if trunk.takes == "texts")
"""Trunks whose tokens a kept model may take."""


@dataclass(frozen=True, eq=False)
class Trained:
    """The trained networks of an experiment: all that is needed to build them again.

    Only what was trained is kept for each seed; the layers and what is frozen are shared with every
    other experiment of this process that uses them.

    Attributes:
        trunk: the name of the trunk.
        architecture: of the networks.
        source: what their frozen blocks were copied from.
        images: of each target, the shape of its images; of texts ().
        weights: of the part that is trained, each (seeds, ...).
        state: of the trunk's files when it was trained, as `trunks.Trunk.state`.
    """

    trunk: str
    architecture: Architecture
    source: Pretrained | None
    images: dict[str, ImageShape]
    weights: Weights
    state: tuple[int, ...] = ()


@dataclass(frozen=True)
class Description:
    """What the file of a kept model says about it.

    Attributes:
        title: what it was trained for, for readers.
        kind: as `simmim.Task.kind`.
        class_names: what its outputs stand for, in order.
        size: images are cut to their middle square and scaled to this height and width, in pixels;
            of texts so many tokens are kept.
        grey: whether images are read without colours.
        tokens: the trunk whose tokens texts are cut into; "" where the model takes images.
        tokenizer: the fingerprint of what cuts them, where the trunk is not of the catalogue.
        trained: how, and how good it was, for readers: plain values.
    """

    title: str
    kind: str
    class_names: tuple[str, ...]
    size: int
    grey: bool
    trained: Mapping[str, Any] = field(default_factory=dict)
    tokens: str = ""
    tokenizer: str = ""

    @property
    def takes(self) -> str:
        """What the model takes, one of `datasets.CONTENTS`."""
        return "texts" if self.tokens else "images"

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """The shape that the model's inputs have."""
        return (None, self.size) if self.tokens else (None, None, None, 1 if self.grey else 3)

    def as_json(self) -> str:
        """Return the description as it stands in the file."""
        inputs = {
            "image": "middle square of the upright image, scaled by Lanczos's method",
            "values": "0 to 255; the model divides them by 255",
        }
        if self.tokens:
            inputs = {"values": f"the first {self.size} tokens of a text; 0 fills up short ones"}
        return json.dumps({**asdict(self), **inputs}, indent=2) + "\n"

    @classmethod
    def from_values(cls, values: Any) -> "Description":
        """Read what `as_json` wrote, its JSON already read.

        Raises:
            ValueError: anything else.
        """
        if not isinstance(values, dict):
            raise ValueError("no description")
        names, kind = values.get("class_names"), values.get("kind")
        size: Any = values.get("size")
        if not (isinstance(names, list) and names and all(isinstance(name, str) for name in names)):
            raise ValueError("no class names")
        if not files.is_size(size):
            raise ValueError("no size")
        if not isinstance(kind, str) or kind not in ACTIVATIONS:
            raise ValueError("no kind")
        of_trunk, tokenizer = values.get("tokens", ""), values.get("tokenizer", "")
        if not isinstance(of_trunk, str) or not isinstance(tokenizer, str):
            raise ValueError("tokens of no network")
        own = bool(tokenizer) and of_trunk.startswith(f"{checkpoints.KIND}:")
        if not own and (tokenizer or of_trunk not in ("", *TAKING_TEXTS)):
            raise ValueError("tokens of no network that is known here")
        grey, trained = bool(values.get("grey")), values.get("trained")
        trained = trained if isinstance(trained, dict) else {}
        return cls(
            str(values.get("title")), kind, tuple(names), size, grey, trained, of_trunk, tokenizer
        )


@dataclass(frozen=True, eq=False)
class KeptModel:
    """A model that was kept, and what its file says about it.

    Attributes:
        model: from what it takes to probabilities or numbers.
        description: what its file says.
        tokenizer: what cuts texts for it, where that is not one of the catalogue's.
    """

    model: "keras.Model"
    description: Description
    tokenizer: "Tokenizer | None" = None


@keras_setup.as_usual()
def build(trained: Trained, target: str, seed: int) -> "keras.Model":
    """Return one seed's network for a target, as a plain Keras model of Keras's own layers.

    Args:
        trained: the networks.
        target: one of theirs.
        seed: which of them, from 0.

    Returns:
        A model from pixels (n, height, width, 1 or 3) of any size, with values from 0 to 255, to
        probabilities (n, classes), their names as `describe` says; for a regression to numbers.
        Images of another size than those of the training are cut to their middle square and scaled.
        A network for texts is one from the numbers of their tokens, (n, length), int32.
    """
    import keras
    from keras import layers

    (task, head), trunk = _head(trained, target, seed), _trunk(trained, target, seed)
    if shape := trained.images[target]:
        inputs = keras.Input((None, None, shape[2]), name="pixels")
        features = trunk(_seen(inputs, shape, trunk))
    else:
        inputs = keras.Input(trunk.input_shape[1:], dtype="int32", name="tokens")
        features = trunk(inputs)
    if len(features.shape) == 4:
        features = layers.GlobalAveragePooling2D(name="pooling", dtype="float32")(features)
    logits = layers.Dense(len(task.class_names), name="logits", dtype="float32")
    name = "numbers" if task.kind == "regression" else "probabilities"
    outputs = layers.Activation(ACTIVATIONS[task.kind], name=name, dtype="float32")
    model = keras.Model(inputs, outputs(logits(features)), name="kept_model")
    logits.set_weights(head)
    return model


def _seen(
    pixels: "keras.KerasTensor", shape: ImageShape, trunk: "keras.Model"
) -> "keras.KerasTensor":
    """Return what a trunk sees of pixels, which are brought to the shape of the training first."""
    from keras import layers

    square = layers.Resizing(
        *shape[:2], crop_to_aspect_ratio=True, antialias=True, name=MIDDLE_SQUARE
    )(pixels)
    images = layers.Rescaling(1 / 255, name="scale")(square)
    wanted = trunk.input_shape[1:]
    return images if wanted == shape else trunks.adapter(shape, wanted)(images)


def describe(trained: Trained, target: str, title: str, how: Mapping[str, Any]) -> Description:
    """Return what the file of a target's model says about it.

    Args:
        trained: the networks.
        target: one of theirs.
        title: of the target, for readers.
        how: it was trained, and how good it was, in plain values.
    """
    (task,) = (each for each in trained.architecture.model.tasks if each.name == target)
    known = title, task.kind, task.class_names
    if shape := trained.images[target]:
        return Description(*known, size=shape[0], grey=shape[2] == 1, trained=how)
    length, trunk = trained.architecture.size, trained.trunk
    made = Description(*known, size=length, grey=False, trained=how, tokens=trunk)
    if (checkpoint := trunks.describe(trunk).checkpoint) is None:
        return made
    return replace(made, tokenizer=tokens.fingerprint(checkpoint.read(TOKENIZER)))


def _trunk(trained: Trained, target: str, seed: int) -> "keras.Model":
    """Return one seed's trunk, whole."""
    info = trunks.describe(trained.trunk)
    if info.state != trained.state:
        raise WorkbookError(
            f"The files of the trunk {shown(info.name)} were written anew since it was trained: "
            "train it again."
        )
    given = None if info.colour or info.takes == "texts" else trained.images[target][2]
    trunk = trunks.build_trunk(info.name, given, trained.architecture.size)
    trunks.set_weights(trunk, info.end_of, _blocks(trained, seed))
    return trunk


def _blocks(trained: Trained, seed: int) -> trunks.Blocks:
    """Return one seed's weights of all blocks of the trunk: those copied, then those trained."""
    frozen = trained.architecture.trunk.frozen
    copied = trained.source.blocks if trained.source else {}
    blocks = {name: copied[name] for name in [*copied][:frozen]}
    for name, places in trained.architecture.positions.items():
        if name in trained.architecture.trunk.variables:
            blocks[name] = [trained.weights[place][seed] for place in places]
    return blocks


def _head(trained: Trained, target: str, seed: int) -> "tuple[Task, Weights]":
    """Return a target's task, and one seed's kernel and bias of its head."""
    model = trained.architecture.model
    (task,) = (each for each in model.tasks if each.name == target)
    places = trunks.positions(model, model.head_of(target).weights)
    return task, [trained.weights[place][seed] for place in places]


def write(model: "keras.Model", description: Description, path: str | os.PathLike[str]) -> None:
    """Write a model with its description, atomically.

    Args:
        model: from `build`.
        description: what its outputs and inputs are.
        path: ends in `.keras`.

    Raises:
        WorkbookError: another ending, or the file cannot be written.
    """
    check_suffix(path)
    atomic.write_bytes(path, _as_bytes(model, description))


def _as_bytes(model: "keras.Model", description: Description) -> bytes:
    """Return what a model's file holds, written by Keras where there is room for it."""
    for place in outputs.SPARE_FOLDERS:
        with contextlib.suppress(OSError), tempfile.TemporaryDirectory(dir=place) as folder:
            file = Path(folder, f"model{SUFFIX}")
            model.save(file)
            with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(KEPT_DESCRIPTION, description.as_json())
            return file.read_bytes()
    raise WorkbookError(
        "The model cannot be saved, since the folder for temporary files has no room: make some, "
        "or set TMPDIR to a folder that has."
    )


def check_suffix(path: str | os.PathLike[str]) -> None:
    """Refuse a name that Keras would not open again.

    Raises:
        WorkbookError: it does not end in `.keras`.
    """
    if Path(path).suffix != SUFFIX:
        example = Path(path).with_suffix(SUFFIX) if Path(path).name else f"model{SUFFIX}"
        raise WorkbookError(
            f"A model cannot be saved as {path}, since Keras opens it by the ending {SUFFIX}: "
            f"name it {example}."
        )


def paths_by_target(path: str | os.PathLike[str], targets: Sequence[str]) -> dict[str, Path]:
    """Return a file for the model of each target: the path itself where there is one target only.

    Raises:
        WorkbookError: it does not end in `.keras`.
    """
    check_suffix(path)
    path = from_person(path)
    if len(targets) == 1:
        return {targets[0]: path}
    return {name: path.with_stem(f"{path.stem}-{datasets.file_name(name)}") for name in targets}


def read(path: str | os.PathLike[str]) -> KeptModel:
    """Read a kept model; no code from the file is ever run.

    Raises:
        WorkbookError: the file is missing, damaged, or holds another kind of model, layers that
            are not known here, or code.
    """
    path = from_person(path)
    model = keras_files.load(path)
    description = _description(path)
    expected = description.input_shape, len(description.class_names)
    shapes = getattr(model, "input_shape", None), getattr(model, "output_shape", (None,))[-1]
    if shapes != expected:  # a model that was never built has none
        raise WorkbookError(
            f"{path} holds a model that does not fit its description {KEPT_DESCRIPTION}, so one of "
            "the two was changed: save the model again with Result.save or `simmim run --save`."
        )
    own = _own_tokenizer(path, description) if description.tokenizer else None
    return KeptModel(model, description, own)


def _own_tokenizer(path: Path, description: Description) -> "Tokenizer":
    """Return the tokenizer of a network that is not of the catalogue.

    Nothing is downloaded for that: the file of the model may be a stranger's.

    Raises:
        WorkbookError: it is not on this machine, or is another than the one that was learnt with.
    """
    name = description.tokens
    try:
        checkpoint = checkpoints.Checkpoint.find(name)
    except WorkbookError:
        checkpoint = None
    if checkpoint is None or not checkpoint.is_here(TOKENIZER):
        raise WorkbookError(
            f"{path} reads the tokens of {shown(name)}, which is not on this machine: put its "
            "folder there, or name that network once as a trunk, which downloads it."
        )
    content = checkpoint.read(TOKENIZER)
    if tokens.fingerprint(content) != description.tokenizer:
        raise WorkbookError(
            f"{path} has learnt from other tokens than those of {shown(name)} on this machine: "
            "put the network's folder there that it was trained with."
        )
    return tokens.read(content.decode())


def _description(path: str | os.PathLike[str]) -> Description:
    if KEPT_DESCRIPTION not in keras_files.members(path):
        raise WorkbookError(
            f"{path} holds a Keras model without the names of its classes, as model.save writes "
            "it: predict with one that Result.save or `simmim run --save` has written."
        )
    values = keras_files.read_json(path, KEPT_DESCRIPTION)
    try:
        return Description.from_values(values)
    except ValueError as error:
        raise WorkbookError(
            f"The description {KEPT_DESCRIPTION} in {path} is damaged ({error}): save the model "
            "again with Result.save or `simmim run --save`."
        ) from error
