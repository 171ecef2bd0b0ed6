"""Contrastive learning: to recognise two views of the same image among those of all others.

Source: Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations"
    (SimCLR).
"""

import dataclasses
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simmim_lib import augmentation, trunks
from simmim_lib.experiments.pretexts import self_taught
from simmim_lib.experiments.pretexts.self_taught import Recipe
from simmim_lib.experiments.pretrained import Pretrained
from simmim_lib.foundation import keras_setup
from simmim_lib.foundation.progress import Progress
from simmim_lib.losses import Tensor
from simmim_lib.trunks.building import ImageShape
from simmim_lib.trunks.catalogue import SMALL_VIT

if TYPE_CHECKING:
    import keras

RECIPE = Recipe(600)
"""Of a minute or two."""

LONG_RECIPES = {("fashion", SMALL_VIT.name): Recipe(12_000)}
"""Of the network that comes with the workbook: some twenty minutes of two processor cores."""

STRENGTH = 1.5
"""How strongly views are turned, sheared, stretched and shifted, see `augmentation.draw_maps`."""

CONTRAST = 0.3
"""How strongly their contrast is changed: the standard deviation of its logarithm."""

TEMPERATURE = 0.2
UNITS = (128, 64)
"""Of the two dense layers between features and what is compared; they are thrown away."""


@dataclass(frozen=True, eq=False)
class Learner:
    """A trunk, and the model that teaches it to tell images apart.

    Attributes:
        variables: of the trunk's blocks, by name.
        teach: from images to the loss of each, (n, 1), with two views drawn anew.
    """

    variables: "dict[str, list[keras.Variable]]"
    teach: "keras.Model"


@functools.cache
@keras_setup.as_usual()
def learner(trunk: str, images: ImageShape) -> Learner:
    """Return a trunk, and the model that teaches it to tell images apart; built once.

    Args:
        trunk: its name.
        images: the shape of the images.
    """
    import keras
    from keras import layers

    size, _, channels = images
    network = trunks.build_trunk(trunk, channels, size)
    wide, narrow = UNITS
    first, second = layers.Dense(wide, activation="relu"), layers.Dense(narrow)
    image = keras.Input(images, name="image")
    views = [_view_layer()(number)(image) for number in (1, 2)]
    compared = [second(first(network(view))) for view in views]

    def loss(given: list[Tensor]) -> Tensor:
        return nt_xent(*given)[:, None]

    teach = keras.Model(image, layers.Lambda(loss, output_shape=(1,), name="loss")(compared))
    return Learner(trunks.variables_of(network, trunks.describe(trunk).end_of), teach)


@functools.cache
def _view_layer() -> type:
    """Return the class of the layer that draws views; Keras is imported when it is needed."""
    import keras
    import tensorflow as tf

    class View(keras.layers.Layer):
        """Changes each image of a batch by chance."""

        def __init__(self, number: int) -> None:
            super().__init__(name=f"view_{number}")
            self.numbers = keras.random.SeedGenerator(number)

        def call(self, images: Tensor) -> Tensor:
            count, shape = tf.shape(images)[0], images.shape[1:3]
            maps = augmentation.draw_maps(
                tf.fill([count], STRENGTH), tf.cast(self.numbers.next(), tf.int32), shape
            )
            drawn = tf.random.stateless_normal(
                [count, 1, 1, 1], tf.cast(self.numbers.next(), tf.int32), 0.0, CONTRAST
            )
            return tf.clip_by_value(augmentation.affine(images, maps) * tf.exp(drawn), 0.0, 1.0)

        def compute_output_shape(self, shape: tuple) -> tuple:
            return shape

    return View


def nt_xent(one: Tensor, other: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """Return how badly each image's two views find each other among all, (n,), in nats.

    Args:
        one: what was made of one view of each image, (n, units).
        other: the same of the other view.
        temperature: cosines are divided by it.

    Source: Chen et al. 2020, equation 1, the mean over both views.
    """
    import tensorflow as tf

    number = tf.shape(one)[0]
    both = tf.math.l2_normalize(tf.concat([one, other], axis=0), axis=1)
    cosines = tf.matmul(both, both, transpose_b=True) / temperature
    cosines -= 1e9 * tf.eye(2 * number)  # no view is compared with itself
    partners = tf.concat([tf.range(number) + number, tf.range(number)], axis=0)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(partners, cosines)
    return (losses[:number] + losses[number:]) / 2


def usual_recipe(source: str, trunk: str) -> Recipe:
    """Return how a trunk is trained: for a minute, or longer if it comes with the workbook."""
    return LONG_RECIPES.get((source, trunk), RECIPE)


def recipe(source: str, trunk: str) -> dict[str, object]:
    """Return the numbers that decide what `train` makes."""
    numbers = {"strength": STRENGTH, "contrast": CONTRAST, "temperature": TEMPERATURE}
    return dataclasses.asdict(usual_recipe(source, trunk)) | numbers | {"units": list(UNITS)}


def follow(
    source: str, trunk: str, how: Recipe, steps_per_call: int = 20
) -> Iterator[tuple[int, Pretrained]]:
    """Train a trunk to tell images apart, and look at it on the way.

    Args:
        source: a dataset's name; its labels are not used.
        trunk: the name of a trunk without weights of its own.
        how: it is trained.
        steps_per_call: between two looks.

    Yields:
        How many steps are done, and the network.
    """
    made = learner(trunk, self_taught.shape_of_images(source, trunk))
    places = {name: trunks.positions(made.teach, block) for name, block in made.variables.items()}
    for done, weights in self_taught.learn(made.teach, source, how, steps_per_call):
        blocks = {name: [weights[place] for place in of] for name, of in places.items()}
        yield done, Pretrained(source, blocks, [], None, trunk, "contrastive")


def train(source: str, trunk: str, progress: Progress | None = None) -> Pretrained:
    """Train a trunk to tell images apart, by its usual recipe.

    Args:
        source: a dataset's name; its labels are not used.
        trunk: the name of a trunk without weights of its own.
        progress: told after every few steps.
    """
    how = usual_recipe(source, trunk)
    return self_taught.last(follow(source, trunk, how), how.steps, progress)
