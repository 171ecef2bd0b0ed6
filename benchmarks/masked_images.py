"""How many images a second masked pre-training sees: lesson 08."""

from collections.abc import Callable
from typing import Any

import numpy as np
from timing import Row, matmul_rate, medians

from simmim_lib import datasets, masking, training
from simmim_lib.experiments.cost import PASSES
from simmim_lib.experiments.pretexts import masked, self_taught
from simmim_lib.trunks import patches, vit

STEPS, BATCH_SIZE = 40, 128
IMAGES = STEPS * BATCH_SIZE
SIZES = vit.SMALL
GRID = 28 // SIZES.patch


def ours() -> Callable[[], object]:
    model = masked.learner("small-vit", (28, 28, 1)).teach
    recipe = self_taught.Recipe(STEPS, BATCH_SIZE)
    return lambda: [*self_taught.learn(model, "fashion", recipe, steps_per_call=STEPS)]


def plain_keras() -> Callable[[], object]:
    """The same network as Keras's own guides would write it, trained by `fit`."""
    import keras
    import tensorflow as tf

    network = _plain_network()

    def loss(wanted: Any, filled: Any) -> Any:
        mask = wanted[:, :: SIZES.patch, :: SIZES.patch, 1]
        return masking.masked_l1(wanted[..., :1], filled, mask)

    network.compile(keras.optimizers.AdamW(1e-3), loss)
    images = datasets.load("fashion").train.images[:IMAGES]
    masks = masking.random_mask(IMAGES, GRID).astype(np.float32)
    wanted = np.concatenate([images, np.array(masking.pixels_of(masks, 28))], axis=-1)
    data = tf.data.Dataset.from_tensor_slices(((images, masks), wanted)).batch(BATCH_SIZE)
    return lambda: network.fit(data, verbose=0)


def _plain_network() -> Any:
    import keras
    from keras import layers, ops

    image, mask = keras.Input((28, 28, 1)), keras.Input((GRID, GRID))
    hidden = layers.Reshape((GRID**2, 1))(mask)
    embedded = layers.Conv2D(SIZES.width, SIZES.patch, SIZES.patch)(image)
    tokens = layers.Reshape((GRID**2, SIZES.width))(embedded) * (1 - hidden)
    tokens = tokens + layers.Dense(SIZES.width, use_bias=False)(hidden)
    tokens = tokens + layers.Embedding(GRID**2, SIZES.width)(ops.arange(GRID**2))
    for _ in range(SIZES.depth):
        attend = layers.MultiHeadAttention(SIZES.heads, SIZES.width // SIZES.heads)
        normal = layers.LayerNormalization()(tokens)
        tokens = tokens + attend(normal, normal)
        wide = layers.Dense(SIZES.hidden, "gelu")(layers.LayerNormalization()(tokens))
        tokens = tokens + layers.Dense(SIZES.width)(wide)
    pixels = layers.Dense(SIZES.patch**2)(tokens)
    filled = layers.Lambda(lambda each: patches.join(each, GRID, SIZES.patch))(pixels)
    return keras.Model([image, mask], filled)


def flops_an_image() -> int:
    """Return what the matrix products of a step take, by hand: projections, attention, pixels."""
    tokens, width = GRID**2, SIZES.width
    block = 4 * width**2 + 2 * width * SIZES.hidden + 2 * tokens * width
    ends = 2 * width * SIZES.patch**2
    return PASSES * 2 * tokens * (SIZES.depth * block + ends)


def products() -> Callable[[], object]:
    """The matrix products of as many steps and nothing else: one forward, and two backward."""
    import tensorflow as tf

    rows, width, pixels = BATCH_SIZE * GRID**2, SIZES.width, SIZES.patch**2
    block = [(width, 3 * width), (width, width), (width, SIZES.hidden), (SIZES.hidden, width)]
    sides = [*block * SIZES.depth, (pixels, width), (width, pixels)]
    dense = [
        (tf.random.normal((rows, one)), tf.random.normal((one, other))) for one, other in sides
    ]
    of_heads = (3, BATCH_SIZE, SIZES.heads, GRID**2, width // SIZES.heads)
    attention = [tf.random.normal(of_heads) for _ in range(SIZES.depth)]

    @tf.function(autograph=False)
    def step() -> list[Any]:
        made = []
        for values, kernel in dense:
            out = tf.matmul(values, kernel)
            made += [tf.matmul(out, kernel, transpose_b=True)]
            made += [tf.matmul(values, out, transpose_a=True)]
        for each in attention:
            queries, keys, values = tf.unstack(each)
            scores = tf.matmul(queries, keys, transpose_b=True)
            taken = tf.matmul(scores, values)
            back = tf.matmul(taken, values, transpose_b=True)
            made += [tf.matmul(scores, taken, transpose_a=True), tf.matmul(back, keys)]
            made += [tf.matmul(back, queries, transpose_a=True)]
        return [tf.reduce_max(each) for each in made]

    return lambda: [step() for _ in range(STEPS)]


def throughput() -> Row:
    fast, slow, alone = medians(ours(), plain_keras(), products())
    share = IMAGES / fast * flops_an_image() / matmul_rate()
    return Row(
        f"(y) masked pre-training of the small vision transformer, batches of {BATCH_SIZE}: Keras "
        "fit of the same network, written plainly, over ours",
        "at least 1.5 x",
        f"{slow / fast:.2f} x ({IMAGES / slow:,.0f} and {IMAGES / fast:,.0f} images a second); "
        f"of our time its matrix products take {alone / fast:.0%}; in all it is at {share:.0%} of "
        "the rate of this machine's matrix products",
        slow / fast >= 1.5,
    )


def masked_against_torch() -> Row:
    what = "(z) the same in Hugging Face's ViTForMaskedImageModeling, over ours"
    try:
        import torch
        from transformers import ViTConfig, ViTForMaskedImageModeling
    except ImportError:
        return Row(what, "at least 1 x", "left out: torch or transformers is not installed")
    config = ViTConfig(
        hidden_size=SIZES.width,
        num_hidden_layers=SIZES.depth,
        num_attention_heads=SIZES.heads,
        intermediate_size=SIZES.hidden,
        image_size=28,
        patch_size=SIZES.patch,
        num_channels=1,
        encoder_stride=SIZES.patch,
    )
    network = ViTForMaskedImageModeling(config)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
    part = datasets.load("fashion").train
    images = torch.tensor(part.images.transpose(0, 3, 1, 2))
    masks = torch.tensor(masking.random_mask(IMAGES, GRID).reshape(STEPS, BATCH_SIZE, -1))
    batches = torch.tensor(training.draw_batches(len(part), BATCH_SIZE, STEPS, 0).astype("int64"))

    def theirs() -> None:
        for batch, mask in zip(batches, masks, strict=True):
            optimizer.zero_grad()
            network(pixel_values=images[batch], bool_masked_pos=mask).loss.backward()
            optimizer.step()

    fast, slow = medians(ours(), theirs)
    measured = f"{slow / fast:.2f} x ({IMAGES / slow:,.0f} images a second)"
    return Row(what, "at least 1 x", measured, slow / fast >= 1)


ROWS = (throughput, masked_against_torch)
