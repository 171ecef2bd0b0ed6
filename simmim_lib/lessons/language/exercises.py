"""Checks of lesson 07: language."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simmim_lib.exercises import Mistake, Wrong, compare, exercise, in_words, numbers

if TYPE_CHECKING:
    import numpy as np


@exercise("07-masked-mean", "function")
def _masked_mean(answer: Callable[..., Any]) -> str:
    import numpy as np

    shown, drawn = np.random.default_rng(0), np.random.default_rng()
    further = ((1, 3, 2), tuple(drawn.integers(1, 5, 4)))
    for lengths, random in (((2, 4), shown), *((each, drawn) for each in further)):
        ids, vectors = padded_sentences(lengths, random)
        there = (ids > 0)[..., np.newaxis]
        right = (vectors * there).sum(axis=1) / there.sum(axis=1)
        otherwise = (
            f"For sentences of {in_words(np.array(lengths))} tokens, filled up to {ids.shape[1]}, "
            f"the means are {in_words(right)}."
        )
        mistakes = [
            Mistake(
                vectors.mean(axis=1),
                "Your mean counts the padding, too: what stands behind the end of a sentence "
                "changes its vector.",
            ),
            Mistake(
                (vectors * there).mean(axis=1),
                "You left the padding out of the sum, but divided by the full length: divide by "
                "the number of tokens that are there.",
            ),
            Mistake((vectors * there).sum(axis=1), "You return the sum: divide by the tokens."),
            Mistake(
                vectors[:, 0], "You return the first token's vector: every token has a part in it."
            ),
        ]
        compare(answer(ids.copy(), vectors.copy()), right, mistakes, otherwise)
    return (
        "Without the mask a sentence's vector would depend on how long its neighbours in the batch "
        "are, since they decide how much padding it gets."
    )


def padded_sentences(
    lengths: "tuple[int, ...]", random: "np.random.Generator"
) -> "tuple[np.ndarray, np.ndarray]":
    """Return the numbers of tokens, filled up with 0, and a vector for every place."""
    import numpy as np

    places = np.arange(max(lengths) + 1)
    ids = np.where(places < np.array(lengths)[:, np.newaxis], places + 5, 0)
    return ids, random.normal(size=(*ids.shape, 3)).round(2)


@exercise("07-shared-head", "function")
def _shared_head(answer: Callable[..., Any]) -> str:
    import numpy as np

    for sizes, seed in (((2, 6), 0), ((3, 1, 5), None)):
        random = np.random.default_rng(seed)
        domains = [(random.normal(size=(size, 4)), random.integers(0, 2, size)) for size in sizes]
        kernel, bias = random.normal(size=(4, 2)), random.normal(size=2)
        losses = [_losses(features, labels, kernel, bias) for features, labels in domains]
        means = [each.mean() for each in losses]
        copies = {f"domain {n}": (x.copy(), y.copy()) for n, (x, y) in enumerate(domains)}
        given = numbers(answer(copies, kernel.copy(), bias.copy()))
        mistakes = [
            Mistake(
                np.concatenate(losses).mean(),
                "You averaged over all sentences at once, so that a large domain counts more: "
                "take the mean in each domain first, then add.",
            ),
            Mistake(
                np.mean(means), "You return the mean over domains: the objective is their sum."
            ),
            Mistake(
                sum(each.sum() for each in losses),
                "You added up all sentences' losses: a domain's loss is their mean.",
            ),
            Mistake(-sum(means), "The sign is wrong: a loss is minus the logarithm."),
        ]
        otherwise = (
            f"For domains with {in_words(np.array(sizes))} sentences the sum is "
            f"{sum(means):.4g} nats."
        )
        compare(given, sum(means), mistakes, otherwise)
    return (
        "Every domain pulls at the same kernel and bias. With heads of their own on a frozen trunk "
        "nothing would be shared, and each domain would be alone."
    )


def _losses(
    features: "np.ndarray", labels: "np.ndarray", kernel: "np.ndarray", bias: "np.ndarray"
) -> "np.ndarray":
    """Return the cross-entropy of each sentence, in nats."""
    import numpy as np
    from scipy.special import log_softmax

    logits = log_softmax(features @ kernel + bias, axis=1)
    return -logits[np.arange(len(labels)), labels]


@exercise("07-words-behind", "function")
def _words_behind(answer: Callable[..., Any]) -> str:
    import numpy as np

    for count, seed in ((3, 0), (5, None)):
        random = np.random.default_rng(seed)
        values, weights = random.uniform(0.1, 1, count).round(2), random.normal(size=count).round(2)
        values[0] = 0.0
        bias = round(float(random.normal()), 2)
        parts = values * weights
        probability = 1 / (1 + np.exp(-(parts.sum() + bias)))
        given = answer(values.copy(), weights.copy(), bias)
        if not isinstance(given, tuple | list) or len(given) != 2:
            raise Wrong("Return two things: the part of each word, and the probability.")
        shown = f"For values {in_words(values)}, weights {in_words(weights)} and bias {bias:g}"
        compare(
            given[0],
            parts,
            [
                Mistake(weights, "You return the weights: a word that is not there adds nothing."),
                Mistake(parts + bias, "The bias is no word's part: add it once, to the sum."),
                Mistake(parts / parts.sum(), "You return shares: return what each word adds."),
            ],
            f"{shown} the words add {in_words(parts)}.",
        )
        compare(
            given[1],
            probability,
            [
                Mistake(1 / (1 + np.exp(-parts.sum())), "You left out the bias."),
                Mistake(parts.sum() + bias, "That is the logit: put it through the sigmoid."),
                Mistake(1 - probability, 'That is the probability of "negative".'),
            ],
            f"{shown} the probability is {in_words(probability)}.",
        )
    return "So every decision of a linear head can be opened down to the sum that made it."


@exercise("07-perplexity", "function")
def _perplexity(answer: Callable[..., Any]) -> str:
    import numpy as np

    random = np.random.default_rng()
    drawn = [random.uniform(0.05, 0.9, count) for count in random.integers(3, 7, 3)]
    for probabilities in (np.full(4, 0.25), np.array([0.5, 0.125]), *drawn):
        nats = -np.log(probabilities)
        right = np.exp(nats.mean())
        otherwise = f"For probabilities {in_words(probabilities)} it is {in_words(right)}."
        mistakes = [
            Mistake(nats.mean(), "That is the mean number of nats: perplexity is e to the power."),
            Mistake(
                np.mean(1 / probabilities),
                "You took the mean of 1 / p: take the mean of the logarithms, then e to the power.",
            ),
            Mistake(
                1 / probabilities.mean(),
                "You took the mean of the probabilities first: take the mean of the logarithms.",
            ),
            Mistake(1 / probabilities.prod(), "You left out the root: divide by the tokens."),
            Mistake(np.exp(-nats.mean()), "The sign is wrong: perplexity is at least 1."),
            Mistake(2 ** nats.mean(), "Natural logarithms go with e, not with 2."),
        ]
        compare(answer(probabilities.copy()), right, mistakes, otherwise)
    return (
        "A perplexity of k is what guessing among k equally likely tokens would give: with a "
        "quarter for each token it is four."
    )


@exercise("07-pairs", "function")
def _pairs(answer: Callable[..., Any]) -> str:
    import numpy as np

    drawn = np.random.default_rng().integers(0, 3, 6)
    for labels in (np.array([0, 1, 1]), np.array([1, 0, 1, 0, 0]), drawn):
        shown = f"For the labels {in_words(labels)}"
        given = numbers(answer(labels.copy()), shape=None)
        if given.ndim != 2 or given.shape[1] != 3:
            raise Wrong("Return rows of three numbers: first, second, same.")
        rows = [(*sorted(row[:2]), row[2]) for row in given.tolist()]
        places = [row[:2] for row in rows]
        if any(one == other for one, other in places):
            raise Wrong("A sentence with itself is no pair: it always points the same way.")
        if len(set(places)) < len(places):
            raise Wrong("You return a pair twice: (0, 1) is the same pair as (1, 0).")
        right = {
            (one, other): int(labels[one] == labels[other])
            for other in range(len(labels))
            for one in range(other)
        }
        if set(places) != set(right):
            missing = "pairs with different labels teach, too" if _all_same(rows) else "all count"
            raise Wrong(
                f"{shown} there are {len(right)} pairs, and you return {len(places)}: {missing}."
            )
        if all(same == 1 - right[one, other] for one, other, same in rows):
            raise Wrong("`same` is the wrong way round: 1 is for pairs with the same label.")
        for one, other, same in rows:
            if same != right[one, other]:
                raise Wrong(
                    f"{shown} the pair ({one:g}, {other:g}) has `same` {right[one, other]}, and "
                    f"you return {same:g}."
                )
    return (
        "Sixteen labels make 120 pairs: that is why an encoder can be fine-tuned with so few. But "
        "the pairs are not independent, and say no more than sixteen labels do."
    )


def _all_same(rows: "list[tuple[float, ...]]") -> bool:
    return bool(rows) and all(same == 1 for *_, same in rows)
