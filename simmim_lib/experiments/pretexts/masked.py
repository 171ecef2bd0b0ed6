"""Masked image modelling: to fill in what is hidden of an image.

Source: Xie et al. 2022, "SimMIM: A Simple Framework for Masked Image Modeling".
"""

import dataclasses
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import masking, trunks
from simmim_lib.errors import WorkbookError, shown
from simmim_lib.experiments.pretexts import self_taught
from simmim_lib.experiments.pretexts.self_taught import Recipe
from simmim_lib.experiments.pretrained import Pretrained
from simmim_lib.foundation import keras_setup
from simmim_lib.foundation.progress import Progress
from simmim_lib.losses import Tensor
from simmim_lib.trunks import Weights, patches, vit
from simmim_lib.trunks.building import ImageShape
from simmim_lib.trunks.catalogue import SMALL_VIT

if TYPE_CHECKING:
    import keras

PATCH = vit.SMALL.patch
"""Pixels on each side of a patch, by which masks are counted."""

MASKS = 4096
"""Masks that are drawn beforehand; each image of each step gets one of them by chance."""


@dataclass(frozen=True)
class Plan:
    """What is hidden, and what is asked of the reconstruction.

    Attributes:
        kind: a name in `masking.KINDS`.
        unit: patches on each side of a unit.
        ratio: the share of the units that is hidden.
        everywhere: whether the loss covers the visible pixels, too.
        normalised: whether each patch's pixels are to be predicted with mean 0 and variance 1.
        head_layers: dense layers from a patch's description to its pixels.
        final_norm: whether the descriptions are normalised before that.
        repaired: whether a convolutional network forgets, after each layer, what it has written
            where everything was hidden.
    """

    kind: str = "random"
    unit: int = 1
    ratio: float = masking.RATIO
    everywhere: bool = False
    normalised: bool = False
    head_layers: int = 1
    final_norm: bool = False
    repaired: bool = True


USUAL = Plan()


@dataclass(frozen=True, eq=False)
class Learner:
    """A trunk, and what fills in the hidden part with it.

    Attributes:
        network: the trunk.
        variables: of its blocks, by name.
        reconstruct: from images (n, size, size, channels) and a mask of patches (n, grid, grid),
            1 where hidden, to images, or to their patches as a plan wants them normalised.
        teach: from images to the loss of each, (n, 1), with a mask drawn anew.
    """

    network: "keras.Model"
    variables: "dict[str, list[keras.Variable]]"
    reconstruct: "keras.Model"
    teach: "keras.Model"

    @property
    def decoder(self) -> "list[keras.Variable]":
        """What is trained beside the trunk: the mask token and the head."""
        of_trunk = {id(variable) for variable in self.network.weights}
        return [each for each in self.teach.weights if id(each) not in of_trunk]

    def pretrained(self, weights: Weights, source: str, trunk: str, seed: int) -> Pretrained:
        """Return the network that weights make; what the pretext has not used of it is fresh.

        Args:
            weights: in the order of `teach.weights`.
            source: the dataset's name.
            trunk: its name.
            seed: of the fresh weights.
        """
        values = zip(self.network.weights, trunks.fresh_weights(self.network, seed), strict=True)
        known = {id(variable): value for variable, value in values}
        known |= {id(each): value for each, value in zip(self.teach.weights, weights, strict=True)}
        blocks = {
            name: [known[id(variable)] for variable in block]
            for name, block in self.variables.items()
        }
        decoder = [known[id(variable)] for variable in self.decoder]
        return Pretrained(source, blocks, [], None, trunk, "masked", decoder)


@functools.cache
@keras_setup.as_usual()
def learner(trunk: str, images: ImageShape, plan: Plan = USUAL) -> Learner:
    """Return a trunk, and the models that teach it to fill in what is hidden; built once.

    Args:
        trunk: its name.
        images: the shape of the images.
        plan: what is hidden, and what is asked.
    """
    import keras

    size, _, channels = images
    about = trunks.describe(trunk)
    network = trunks.build_trunk(trunk, channels, size)
    image = keras.Input(images, name="image")
    mask = keras.Input((size // PATCH, size // PATCH), name="mask")
    fill = _fill_tokens if trunk == SMALL_VIT.name else _fill_maps
    reconstruct = keras.Model([image, mask], fill(network, image, mask, plan))
    drawn = _drawn_masks(plan, size // PATCH)(image)
    teach = keras.Model(image, _loss(plan)([image, reconstruct([image, drawn]), drawn]))
    return Learner(network, trunks.variables_of(network, about.end_of), reconstruct, teach)


def _fill_tokens(
    network: "keras.Model", image: "keras.KerasTensor", mask: "keras.KerasTensor", plan: Plan
) -> "keras.KerasTensor":
    """Fill in with a vision transformer: a learned token stands for each hidden patch."""
    return fill_tokens(network, vit.SMALL, image, mask, plan)


def fill_tokens(
    network: "keras.Model",
    sizes: vit.Sizes,
    image: "keras.KerasTensor",
    mask: "keras.KerasTensor",
    plan: Plan = USUAL,
) -> "keras.KerasTensor":
    """Return the reconstruction by a vision transformer of any size.

    Hidden patches are black when they are embedded, so that of the embedding only the bias is left,
    which says where they are; then the mask token is added.

    Args:
        network: from `vit.build`.
        sizes: of the network.
        image: (n, size, size, channels).
        mask: 1 where a patch is hidden, (n, grid, grid).
        plan: how the head is made.
    """
    import keras
    from keras import layers, ops

    grid = mask.shape[1]
    hidden = ops.reshape(mask, (-1, grid * grid, 1))
    if sizes.class_token:
        hidden = ops.pad(hidden, ((0, 0), (1, 0), (0, 0)))
    embed = network.get_layer(SMALL_VIT.blocks[0])
    tokens = embed(vit.rows_of_patches(image, sizes) * (1 - hidden))
    token = layers.Dense(sizes.width, use_bias=False, name="mask_token")
    tokens = layers.Add()([tokens, token(hidden)])
    last = network.get_layer(f"block_{sizes.depth}")
    described = keras.Model(embed.output, last.output, name="blocks")(tokens)
    if plan.final_norm:
        norm = layers.LayerNormalization(epsilon=sizes.epsilon, name="final_norm")
        described = norm(described)
    if sizes.class_token:
        described = described[:, 1:]
    return patches.join(_head(described, sizes, image.shape[-1], plan), grid, sizes.patch)


def _head(
    described: "keras.KerasTensor", sizes: vit.Sizes, channels: int, plan: Plan
) -> "keras.KerasTensor":
    """Return the pixels of each patch: by one dense layer, or by several."""
    from keras import layers

    for number in range(1, plan.head_layers):
        dense = layers.Dense(2 * sizes.width, activation="gelu", name=f"head_{number}")
        described = dense(described)
    return layers.Dense(sizes.patch**2 * channels, name="reconstruction")(described)


def _fill_maps(
    network: "keras.Model", image: "keras.KerasTensor", mask: "keras.KerasTensor", plan: Plan
) -> "keras.KerasTensor":
    """Fill in with the small convolutional network: a learned grey stands for hidden pixels.

    Its last layer describes the whole image at once, and the head makes all pixels of that.

    Source: Tian et al. 2023, "Designing BERT for Convolutional Networks: Sparse and Hierarchical
        Masked Modeling" (SparK), for masking after each layer.
    """
    from keras import layers, ops

    size, channels = image.shape[1], image.shape[-1]
    hidden = layers.UpSampling2D(size // mask.shape[1], name="hidden")(ops.expand_dims(mask, -1))
    visible = 1 - hidden
    grey = layers.Dense(channels, use_bias=False, name="mask_token")
    features = image * visible + grey(hidden)
    for layer in network.layers:
        features = layer(features)
        if plan.repaired and "convolution" in layer.name:
            visible = layers.MaxPooling2D(2, padding="same")(visible)
            features = features * visible
    pixels = layers.Dense(size * size * channels, name="reconstruction")(features)
    return layers.Reshape((size, size, channels))(pixels)


@functools.cache
def _mask_layer() -> type:
    """Return the class of the layer that draws masks; Keras is imported when it is needed."""
    import keras
    import tensorflow as tf

    class DrawnMasks(keras.layers.Layer):
        """Gives each image of a batch one of many masks, by chance."""

        def __init__(self, masks: np.ndarray) -> None:
            super().__init__(name="drawn_masks")
            self.masks = masks.astype(np.float32)
            self.numbers = keras.random.SeedGenerator(0)

        def call(self, images: Tensor) -> Tensor:
            count = (tf.shape(images)[0],)
            chosen = tf.random.stateless_uniform(
                count, self.numbers.next(), 0, len(self.masks), tf.int32
            )
            return tf.gather(tf.constant(self.masks), chosen)

        def compute_output_shape(self, shape: tuple) -> tuple:
            return (shape[0], *self.masks.shape[1:])

    return DrawnMasks


def _drawn_masks(plan: Plan, grid: int) -> "keras.layers.Layer":
    masks = masking.random_mask(MASKS, grid, plan.unit, plan.ratio, kind=plan.kind)
    return _mask_layer()(masks)


def _loss(plan: Plan) -> "keras.layers.Layer":
    """Return the layer from images, reconstructions and masks to a loss for each image, (n, 1)."""
    from keras import layers

    def loss(given: list[Tensor]) -> Tensor:
        images, reconstructions, mask = given
        wanted = masking.normalised(images, PATCH) if plan.normalised else images
        covered = mask * 0 + 1 if plan.everywhere else mask
        return masking.masked_l1_of_each(wanted, reconstructions, covered)[:, None]

    return layers.Lambda(loss, output_shape=(1,), name="loss")


RECIPE = Recipe(1500)
"""Of a minute or so."""

LONG_RECIPES = {("fashion", SMALL_VIT.name): Recipe(60_000, learning_rate=3e-3)}
"""Of the networks that come with the workbook, by source and trunk."""


def usual_recipe(source: str, trunk: str) -> Recipe:
    """Return how a trunk is trained: for a minute, or longer if it comes with the workbook."""
    return LONG_RECIPES.get((source, trunk), RECIPE)


def recipe(source: str, trunk: str) -> dict[str, object]:
    """Return the numbers that decide what `train` makes."""
    return dataclasses.asdict(usual_recipe(source, trunk)) | dataclasses.asdict(USUAL)


def follow(
    source: str, trunk: str, how: Recipe, plan: Plan = USUAL, steps_per_call: int = 20
) -> Iterator[tuple[int, Pretrained]]:
    """Train a trunk to fill in what is hidden, and look at it on the way.

    Args:
        source: a dataset's name; its labels are not used.
        trunk: the name of a trunk without weights of its own.
        how: it is trained.
        plan: what is hidden, and what is asked.
        steps_per_call: between two looks.

    Yields:
        How many steps are done, and the network.
    """
    made = learner(trunk, self_taught.shape_of_images(source, trunk), plan)
    for done, weights in self_taught.learn(made.teach, source, how, steps_per_call):
        yield done, made.pretrained(weights, source, trunk, how.seed)


def train(source: str, trunk: str, progress: Progress | None = None) -> Pretrained:
    """Train a trunk to fill in what is hidden, by its usual recipe.

    Args:
        source: a dataset's name; its labels are not used.
        trunk: the name of a trunk without weights of its own.
        progress: told after every few steps.
    """
    how = usual_recipe(source, trunk)
    return self_taught.last(follow(source, trunk, how), how.steps, progress)


def decoder_shapes(source: str, trunk: str) -> list[tuple[int, ...]]:
    """Return the shapes of the weights that are kept beside the trunk's."""
    made = learner(trunk, self_taught.shape_of_images(source, trunk))
    return [tuple(variable.shape) for variable in made.decoder]


def reconstructions(network: Pretrained, images: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return what a network fills in, (n, size, size, channels): all pixels, the visible ones, too.

    Args:
        network: of the pretext "masked".
        images: (n, size, size, channels).
        mask: of patches, True or 1 where hidden, (n, grid, grid).

    Raises:
        WorkbookError: a network that has learnt something else, or images or a mask of another
            shape than it learnt with.
    """
    images = masking.as_floats("images", images, "n, size, size, channels").numpy()
    mask = masking.as_mask(mask).numpy()
    _check(network, images, mask)
    made = learner(network.trunk, images.shape[1:])
    variables = [*(each for block in made.variables.values() for each in block), *made.decoder]
    values = [*network.trunk_weights, *network.decoder]
    known = {id(variable): value for variable, value in zip(variables, values, strict=True)}
    weights = [known[id(variable)] for variable in made.reconstruct.weights]
    filled, _ = made.reconstruct.stateless_call(weights, [], [images, mask])
    return np.asarray(filled)


def _check(network: Pretrained, images: np.ndarray, mask: np.ndarray) -> None:
    if network.pretext != "masked":
        raise WorkbookError(
            f"This network has learnt by the pretext {shown(network.pretext)}, and cannot fill in "
            'what is hidden: give one of the pretext "masked".'
        )
    wanted = self_taught.shape_of_images(network.source, network.trunk)
    if images.shape[1:] != wanted:
        raise WorkbookError(
            f"The images have the shape {images.shape[1:]}, but the network learnt from "
            f"{wanted}: give images of that height, width and number of channels."
        )
    grid = wanted[0] // PATCH
    if mask.shape != (len(images), grid, grid):
        raise WorkbookError(
            f"The mask has the shape {mask.shape}: give one of {(len(images), grid, grid)}, for "
            f"each image one of {grid} x {grid} patches."
        )
