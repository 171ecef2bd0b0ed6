"""The catalogue of trunks: what is known about each network before it is built."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from simmim_lib.errors import WorkbookError, check_choice, shown
from simmim_lib.foundation.addresses import Address
from simmim_lib.foundation.options import parts_of
from simmim_lib.trunks import checkpoints, files
from simmim_lib.trunks.bert import Sizes
from simmim_lib.trunks.checkpoints import Checkpoint
from simmim_lib.trunks.minilm import SIZES

IMAGENET = "imagenet"
"""The source of weights that were trained on ImageNet and published."""

SENTENCE_PAIRS = "sentence-pairs"
"""The source of weights that were trained to match sentences that belong together."""

FILE = "file"
"""The source of the weights that a saved network or a published one of the reader's choice has."""

PUBLISHED = (IMAGENET, SENTENCE_PAIRS, FILE)
"""The sources that are no datasets of the workbook."""


@dataclass(frozen=True)
class Trunk:
    """A network without a head.

    Attributes:
        name: what it is called in settings and files.
        title: the name for readers.
        blocks: what `frozen_layers` and `copied_layers` count, first to last.
        size: the usual height and width of the images it takes, in pixels; of texts the length, in
            tokens.
        sizes: the smallest and the largest that it can take.
        colour: whether it takes colour images only; grey ones are then repeated three times.
        published: the source of weights of its own, one of `PUBLISHED`; "" for a trunk that has
            none, and is pre-trained on a dataset.
        takes: one of `datasets.CONTENTS`.
        pretexts: what it can be pre-trained to do, of `settings.PRETEXTS`.
        frozen: how many blocks are frozen by default.
        licence: of the published weights.
        weights: the file of these in the workbook's data, without a suffix; "" where they are
            elsewhere.
        merged: the parts of this file that a block consists of, if it is not one of its own name.
        ends: the layers whose outputs end the blocks, where they are named otherwise.
        file: the saved network that it is, if it is no network of the catalogue.
        bert: the sizes of a network of BERT's layout.
        checkpoint: the published network that it is, if it is no network of the catalogue.
        state: of these files; another when they were written anew, so that a description can stand
            for what was made of them.
    """

    name: str
    title: str
    blocks: tuple[str, ...]
    size: int
    sizes: tuple[int, int]
    colour: bool = False
    published: str = ""
    pretexts: tuple[str, ...] = ("labels",)
    takes: str = "images"
    frozen: int = 0
    licence: str = ""
    weights: str = ""
    merged: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    ends: tuple[str, ...] = ()
    file: Path | None = None
    bert: Sizes | None = None
    checkpoint: Checkpoint | None = None
    state: tuple[int, ...] = ()

    @property
    def end_of(self) -> dict[str, str]:
        """The layer whose output ends each block."""
        return dict(zip(self.blocks, self.ends or self.blocks, strict=True))


SMALL_CNN = Trunk(
    "small-cnn",
    "three convolutions and a dense layer",
    ("convolution_1", "convolution_2", "convolution_3", "dense"),
    28,
    (28, 28),
    pretexts=("labels", "masked", "contrastive"),
    frozen=2,
)
"""The workbook's own network."""

ARTICLE = Trunk(
    "article",
    "the article's convolution and dense layer",
    ("convolution", "dense"),
    28,
    (28, 28),
    frozen=1,
)
"""The network in the article's code."""


SMALL_VIT = Trunk(
    "small-vit",
    "a small vision transformer",
    ("patch_embedding", *(f"block_{number}" for number in range(1, 5)), "features"),
    28,
    (28, 28),
    pretexts=("labels", "masked", "contrastive"),
)
"""For lesson 08: a transformer small enough for two processor cores."""


def _published(name: str, title: str, size: int, licence: str, ends: tuple[str, ...]) -> Trunk:
    """Describe a network for photographs that was trained on ImageNet; by default all is frozen."""
    stages = tuple(f"stage_{number}" for number in range(1, len(ends) - 1))
    blocks = ("stem", *stages, "features")
    sizes, frozen = (32, 512), len(ends)
    return Trunk(
        name,
        title,
        blocks,
        size,
        sizes,
        colour=True,
        published=IMAGENET,
        frozen=frozen,
        licence=licence,
        ends=ends,
    )


_LITE0_ENDS = ("stem", *(f"stage_{number}" for number in range(1, 8)), "features")

EFFICIENTNET_LITE0 = replace(
    _published("efficientnet-lite0", "EfficientNet-Lite0", 96, "Apache-2.0", _LITE0_ENDS),
    weights="efficientnet-lite0",
)
"""A small network for photographs; its weights come with the workbook."""

EFFICIENTNET_LITE0_MIDDLE = replace(
    _published(
        "efficientnet-lite0-middle",
        "EfficientNet-Lite0, middle layers",
        96,
        "Apache-2.0",
        (*_LITE0_ENDS[:4], "features"),
    ),
    weights="efficientnet-lite0",
    merged={"features": _LITE0_ENDS[4:7]},
)
"""Its stages 4 to 6, for drawings and scans. They are one block, since all three are looked at."""


def _bert(name: str, title: str, sizes: Sizes, published: str) -> Trunk:
    """Describe a network for texts that was published; by default all is frozen."""
    return Trunk(
        name,
        title,
        sizes.blocks,
        min(64, sizes.positions),
        (8, sizes.positions),
        published=published,
        takes="texts",
        frozen=len(sizes.blocks),
        ends=sizes.ends,
        bert=sizes,
    )


MINILM = replace(
    _bert("minilm-l6", "MiniLM, six layers", SIZES, SENTENCE_PAIRS), licence="Apache-2.0"
)
"""all-MiniLM-L6-v2: a transformer that a billion pairs of sentences have taught to compare them."""

WORDS = Trunk(
    "words",
    "a small transformer that reads from left to right",
    ("embedding", "layer_1", "layer_2", "features"),
    64,
    (8, 64),
    pretexts=("next-word",),
    takes="texts",
)
"""The workbook's own language model: what a hundred articles can teach in two minutes."""

SMALL: Mapping[str, Trunk] = {"images": SMALL_CNN, "texts": WORDS}
"""By what they take, the workbook's own small networks."""

TRUNKS: Mapping[str, Trunk] = {
    trunk.name: trunk
    for trunk in (
        SMALL_CNN,
        ARTICLE,
        SMALL_VIT,
        EFFICIENTNET_LITE0,
        EFFICIENTNET_LITE0_MIDDLE,
        WORDS,
        MINILM,
        _published(
            "mobilenet-v2",
            "MobileNetV2",
            96,
            "Apache-2.0",
            (
                *("Conv1_relu", "expanded_conv_project_BN", "block_2_add", "block_5_add"),
                *("block_9_add", "block_12_add", "block_15_add", "features"),
            ),
        ),
        _published(
            "efficientnet-v2-b0",
            "EfficientNetV2-B0",
            128,
            "Apache-2.0",
            (
                *("stem_activation", "block1a_project_activation", "block2b_add", "block3b_add"),
                *("block4c_add", "block5e_add", "block6h_add", "features"),
            ),
        ),
        _published(
            "convnext-tiny",
            "ConvNeXt-Tiny",
            128,
            "MIT",
            (
                "convnext_tiny_stem",
                *(f"convnext_tiny_downsampling_block_{number}" for number in range(3)),
                "features",
            ),
        ),
        _published(
            "resnet50",
            "ResNet-50",
            128,
            "MIT",
            (
                *("pool1_pool", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out"),
                *("conv5_block3_out", "features"),
            ),
        ),
    )
}


def describe(name: str) -> Trunk:
    """Return what is known about a trunk.

    Args:
        name: of the catalogue; the address of a saved Keras model with the layers that end its
            blocks, first to last, such as "file:mine.keras?blocks=pool1,pool2,features"; or that of
            a network for texts with BERT's layout, "hub:owner/name?revision=COMMIT" on the Hugging
            Face Hub or "hub:PATH" in a folder.

    Raises:
        WorkbookError: the name is unknown, the address names no blocks, or a file is missing,
            damaged or of another kind, or cannot be downloaded.
    """
    if checkpoint := Checkpoint.find(name):
        return _of_texts(name, checkpoint)
    address = Address.parse(name, {FILE: ("blocks",)})
    if address is None:
        kinds = "file:PATH.keras?blocks=LAYER,LAYER", "hub:OWNER/NAME"
        check_choice("trunk", name, (*TRUNKS, *kinds))
        return TRUNKS[name]
    return _saved(name, address)


def _of_texts(name: str, checkpoint: Checkpoint) -> Trunk:
    state = checkpoint.state()  # before it is read: what is written meanwhile is read again
    trunk = _bert(name, checkpoint.title, checkpoints.sizes(checkpoint), FILE)
    return replace(trunk, checkpoint=checkpoint, state=state)


def _saved(name: str, address: Address) -> Trunk:
    blocks = tuple(parts_of(address.options.get("blocks", "")))
    if not blocks or not all(blocks):
        raise WorkbookError(
            f"The trunk {shown(name)} does not say where its blocks end: name the layers, first to "
            "last, as in file:mine.keras?blocks=pool1,pool2,features."
        )
    file = address.place
    height, width, channels = files.image_shape_of_file(file)
    if height != width:
        raise WorkbookError(
            f"The network in {address.path} takes images of {height} x {width} pixels, but the "
            "workbook's images are square: use a network that takes square ones."
        )
    return Trunk(
        name,
        file.stem,
        blocks,
        height,
        (height, height),
        colour=channels == 3,
        published=FILE,
        frozen=len(blocks),
        file=file,
        state=files.state(file),
    )


def check_size(trunk: Trunk, size: int) -> int:
    """Return a size of images that a trunk takes.

    Raises:
        WorkbookError: it takes others.
    """
    least, most = trunk.sizes
    if not least <= size <= most:
        allowed = f"{least}" if least == most else f"{least} to {most}"
        what = "texts" if trunk.takes == "texts" else "images"
        unit = "tokens" if trunk.takes == "texts" else "pixels"
        raise WorkbookError(
            f"image_size is {size}, but the trunk {shown(trunk.name)} takes {what} of {allowed} "
            f"{unit}: try {min(max(size, least), most)}, or another trunk."
        )
    return size
