"""Pre-training by the next word: to foretell each token of a text from those before it."""

import numpy as np

from simmim_lib import datasets, trunks
from simmim_lib.errors import WorkbookError, shown
from simmim_lib.experiments.pretrained import Pretrained
from simmim_lib.foundation import keras_setup
from simmim_lib.foundation.progress import Progress
from simmim_lib.trunks import Blocks, tokens, words
from simmim_lib.trunks.catalogue import WORDS

STEPS = 1200
BATCH_SIZE = 32
LEARNING_RATE = 3e-3
SEED = 0


def recipe(source: str, trunk: str) -> dict[str, object]:
    """Return the numbers that decide what `train` makes."""
    return {
        "steps": STEPS,
        "batch_size": BATCH_SIZE,
        "learning_rate": LEARNING_RATE,
        "seed": SEED,
        "context": words.CONTEXT,
    }


@keras_setup.as_usual()
def train(
    source: str,
    trunk: str = WORDS.name,
    steps: int = STEPS,
    progress: Progress | None = None,
    start: Blocks | None = None,
    learning_rate: float = LEARNING_RATE,
) -> Pretrained:
    """Train a network to foretell the next token of a source's training texts; labels are not used.

    Args:
        source: the name of a dataset of texts.
        trunk: the name of a trunk that reads from left to right.
        steps: training steps, each on 32 pieces of 64 tokens; the stored network had `STEPS`.
        progress: told after every step.
        start: weights to begin with; by default fresh ones.
        learning_rate: of the first step; it falls to zero along half a cosine wave.

    Raises:
        WorkbookError: too little text.
    """
    import keras

    network = trunks.build_trunk(trunk)
    ends = trunks.describe(trunk).end_of
    network.set_weights(trunks.fresh_weights(network, SEED))
    if start:
        trunks.set_weights(network, ends, start)
    model = words.next_token_logits(network)
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    row = stream(datasets.load(source).train.images)
    if len(row) <= words.CONTEXT:
        raise WorkbookError(
            f"The source {shown(source)} has {len(row)} tokens for training, and the network reads "
            f"{words.CONTEXT} and the next one at once: give it more text."
        )
    pieces = _pieces(row, steps)
    for done, piece in enumerate(pieces, start=1):
        model.train_on_batch(piece[:, :-1], piece[:, 1:])
        if progress:
            progress(done, steps)
    return Pretrained(source, trunks.weights_of(network, ends), [], None, trunk, "next-word")


def stream(texts: np.ndarray) -> np.ndarray:
    """Return the tokens of several texts in one row, with `words.END` behind each, int32."""
    made = tokens.tokenizer(WORDS.name)
    encoded = made.encode_batch(list(texts), add_special_tokens=False)
    return np.concatenate([np.array([*each.ids, words.END], np.int32) for each in encoded])


def _pieces(row: np.ndarray, steps: int) -> np.ndarray:
    """Return the pieces that each step sees, from chance places: (steps, batch, context + 1)."""
    random = np.random.default_rng(SEED)
    starts = random.integers(0, len(row) - words.CONTEXT, (steps, BATCH_SIZE))
    return row[starts[..., np.newaxis] + np.arange(words.CONTEXT + 1)]
