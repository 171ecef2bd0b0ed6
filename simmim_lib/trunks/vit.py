"""Vision transformers: an image as a row of patches, each of which looks at all others.

They are made of Keras's own layers and operations alone, so that whoever has Keras can open a
network that was saved.

Source: Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words".
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simmim_lib.errors import WorkbookError, check_flag, check_positive, check_whole
from simmim_lib.foundation import keras_setup
from simmim_lib.trunks import attention, patches
from simmim_lib.trunks.catalogue import SMALL_VIT

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Sizes:
    """What vision transformers differ in.

    Attributes:
        patch: pixels on each side of a patch.
        width: numbers by which each patch is described.
        depth: transformer blocks.
        heads: of the attention in each block; they divide the width.
        hidden: units between the two dense layers of a block.
        class_token: whether a token that stands for no patch comes first.
        epsilon: added to variances in the normalisations.
    """

    patch: int
    width: int
    depth: int
    heads: int
    hidden: int
    class_token: bool = False
    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        """Refuse what no network can have."""
        for name in ("patch", "width", "depth", "heads", "hidden"):
            check_whole(name, getattr(self, name), least=1)
        check_flag("class_token", self.class_token)
        check_positive("epsilon", self.epsilon)
        if self.width % self.heads:
            raise WorkbookError(
                f"A width of {self.width} cannot be divided among {self.heads} heads: try a width "
                f"of {self.heads * max(1, round(self.width / self.heads))}."
            )


SMALL = Sizes(patch=7, width=64, depth=4, heads=2, hidden=256)
"""For images of 28 pixels: 16 patches, so that two processor cores see thousands a second."""

BASE_16 = Sizes(patch=16, width=768, depth=12, heads=12, hidden=3072, class_token=True)
"""ViT-B/16, for images of 224 pixels: 196 patches."""


@keras_setup.as_usual()
def build(size: int, channels: int, sizes: Sizes = SMALL) -> "keras.Model":
    """Return a vision transformer without a head, its weights fresh.

    The first block embeds each patch: one dense layer for all, and a bias for each place, which
    holds the learned position, too. Then come the transformer blocks. The last block averages over
    the patches and normalises.

    Args:
        size: the height and width of the images, a multiple of the patch.
        channels: 1 for grey images, 3 for colour.
        sizes: of the network.

    Returns:
        A model from images (n, size, size, channels) in [0, 1] to features (n, width).

    Raises:
        WorkbookError: the patches do not divide the images evenly, or there is no pixel or channel.
    """
    import keras
    from keras import layers

    check_whole("size", size, least=sizes.patch)
    check_whole("channels", channels, least=1)
    image = keras.Input((size, size, channels), name="image")
    tokens = embedding(size, sizes)(rows_of_patches(image, sizes))
    for number in range(1, sizes.depth + 1):
        tokens = _block(tokens, f"block_{number}", sizes)
    pooled = layers.GlobalAveragePooling1D(name="average")(tokens)
    features = layers.LayerNormalization(epsilon=sizes.epsilon, name="features")(pooled)
    return keras.Model(image, features, name="trunk")


def rows_of_patches(image: "keras.KerasTensor", sizes: Sizes) -> "keras.KerasTensor":
    """Return what the embedding takes: the patches, behind zeros for the class token's place."""
    from keras import ops

    by_patch = patches.split(image, sizes.patch)
    return ops.pad(by_patch, ((0, 0), (1, 0), (0, 0))) if sizes.class_token else by_patch


def embedding(size: int, sizes: Sizes) -> "keras.layers.Layer":
    """Return the layer that turns patches into tokens: a kernel for all, a bias for each place."""
    from keras import initializers, layers

    places = (size // sizes.patch) ** 2 + sizes.class_token
    return layers.EinsumDense(
        "npc,cw->npw",
        output_shape=(places, sizes.width),
        bias_axes="pw",
        bias_initializer=initializers.TruncatedNormal(stddev=0.02),
        name=SMALL_VIT.blocks[0],
    )


def _block(tokens: "keras.KerasTensor", name: str, sizes: Sizes) -> "keras.KerasTensor":
    """Add what the patches tell each other, then what each makes of it."""
    from keras import layers

    normalise = layers.LayerNormalization(epsilon=sizes.epsilon, name=f"{name}_norm_1")
    heard = attention.attend(normalise(tokens), sizes.heads, name)
    tokens = layers.Add(name=f"{name}_heard")([tokens, heard])
    normalise = layers.LayerNormalization(epsilon=sizes.epsilon, name=f"{name}_norm_2")
    hidden = layers.Dense(sizes.hidden, activation="gelu", name=f"{name}_hidden")
    thought = layers.Dense(sizes.width, name=f"{name}_thought")(hidden(normalise(tokens)))
    return layers.Add(name=name)([tokens, thought])
