"""The small language model against nanoGPT's recipe for a processor, at equal seconds: lesson 07.

Source: Karpathy, nanoGPT, readme: four layers of 128 units, 64 characters, batches of 12, AdamW.
"""

import math
import unicodedata
from collections.abc import Iterable
from typing import Any

import numpy as np
from timing import Row, seconds

from simmim_lib import datasets
from simmim_lib.experiments.pretexts import next_word
from simmim_lib.language.next_word import log_probabilities

WIDTH, HEADS, LAYERS, CONTEXT, BATCH_SIZE = 128, 4, 4, 64, 12
RATE, MIN_RATE, WARM_UP = 1e-3, 1e-4, 100
TRIED = 30
"""Steps that are timed before, to know how many there is time for."""

OTHER = 0
"""The number of every character that the training texts do not have."""


def as_we_read(texts: Iterable[str]) -> list[str]:
    """Normalise texts as our tokenizer does, so that both foretell the same characters."""
    return [unicodedata.normalize("NFKC", text).lower() for text in texts]


def numbers(texts: list[str], known: dict[str, int]) -> np.ndarray:
    return np.array([known.get(sign, OTHER) for sign in "\n".join(texts)], np.int64)


def nanogpt(characters: int) -> Any:
    """Return the network, which reads from left to right, with its weights drawn as GPT-2's."""
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.signs = nn.Embedding(characters, WIDTH)
            self.places = nn.Embedding(CONTEXT, WIDTH)
            layer = nn.TransformerEncoderLayer(
                *(WIDTH, HEADS, 4 * WIDTH, 0.0, "gelu"),
                batch_first=True,
                norm_first=True,
                bias=False,
            )
            self.blocks = nn.TransformerEncoder(layer, LAYERS, nn.LayerNorm(WIDTH, bias=False))
            for weight in self.parameters():
                if weight.ndim > 1:
                    nn.init.normal_(weight, std=0.02)

        def forward(self, given: Any) -> Any:
            length = given.shape[1]
            later = nn.Transformer.generate_square_subsequent_mask(length)
            made = self.signs(given) + self.places(torch.arange(length))
            return self.blocks(made, mask=later, is_causal=True) @ self.signs.weight.T

    torch.manual_seed(0)
    return Network()


def learn(network: Any, row: np.ndarray, steps: int) -> None:
    import torch
    from torch.nn import functional

    def share(step: int) -> float:
        if step < WARM_UP:
            return (step + 1) / WARM_UP
        wave = (1 + math.cos(math.pi * (step - WARM_UP) / max(steps - WARM_UP, 1))) / 2
        return (MIN_RATE + (RATE - MIN_RATE) * wave) / RATE

    optimizer = torch.optim.AdamW(network.parameters(), RATE, (0.9, 0.99), weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    random = np.random.default_rng(0)
    for _ in range(steps):
        starts = random.integers(0, len(row) - CONTEXT, BATCH_SIZE)
        piece = torch.tensor(row[starts[:, None] + np.arange(CONTEXT + 1)])
        optimizer.zero_grad()
        logits = network(piece[:, :-1])
        functional.cross_entropy(logits.flatten(0, 1), piece[:, 1:].flatten()).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()


def nats_a_character(network: Any, row: np.ndarray) -> float:
    """Read a text in pieces, each anew, as ours is read."""
    import torch
    from torch.nn import functional

    pieces = (len(row) - 1) // CONTEXT
    given = torch.tensor(row[: pieces * CONTEXT].reshape(pieces, CONTEXT))
    came = torch.tensor(row[1 : pieces * CONTEXT + 1].reshape(pieces, CONTEXT))
    with torch.no_grad():
        losses = [
            functional.cross_entropy(network(some).flatten(0, 1), right.flatten(), reduction="sum")
            for some, right in zip(given.split(256), came.split(256), strict=True)
        ]
    return float(sum(losses)) / (pieces * CONTEXT)


def against_nanogpt() -> Row:
    """Its unknown characters count as one, which makes them easier for it than for ours."""
    what = (
        "nats a character of unread articles in lower case at equal seconds: nanoGPT's recipe less "
        "ours"
    )
    try:
        import torch  # noqa: F401 - asked for before ours has trained for a minute
    except ImportError:
        return Row(what, "above 0", "left out: torch is not installed (pip install '.[bench]')")
    took = seconds(lambda: next_word.train("wikipedia"))
    data = datasets.load("wikipedia")
    train, test = (as_we_read(part.images) for part in (data.train, data.test))
    ours = -log_probabilities(test).sum() / sum(map(len, test))
    known = {sign: number for number, sign in enumerate(sorted(set("\n".join(train))), OTHER + 1)}
    row = numbers(train, known)
    step = seconds(lambda: learn(nanogpt(len(known) + 1), row, TRIED)) / TRIED
    network, steps = nanogpt(len(known) + 1), int(took / step)
    learn(network, row, steps)
    theirs = nats_a_character(network, numbers(test, known))
    return Row(
        what,
        "above 0",
        f"{theirs - ours:+.2f} ({theirs:.2f} after {steps:,} steps, and {ours:.2f}; {took:.0f} s)",
        bool(theirs > ours),
    )


ROWS = (against_nanogpt,)
