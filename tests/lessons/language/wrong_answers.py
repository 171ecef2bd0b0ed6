"""Wrong answers to the exercises of lesson 07, each with words of the message it must get."""


def _behind(
    parts: str, probability: str = "1 / (1 + np.exp(-(bias + (values * weights).sum())))"
) -> str:
    return f"def words_behind(values, weights, bias):\n    return {parts}, {probability}\n"


_MASK = "    mask = (ids > 0)[..., np.newaxis]\n"


def _mean(expression: str) -> str:
    return f"def masked_mean(ids, vectors):\n{_MASK}    return {expression}\n"


def _shared(expression: str) -> str:
    return (
        "def shared_head_loss(domains, kernel, bias):\n"
        "    losses = []\n"
        "    for features, labels in domains.values():\n"
        "        logits = features @ kernel + bias\n"
        "        true = logits[np.arange(len(labels)), labels]\n"
        "        losses.append(np.log(np.exp(logits).sum(axis=1)) - true)\n"
        f"    return {expression}\n"
    )


def _perplexity(expression: str) -> str:
    return f"def perplexity(p):\n    nats = -np.log(p)\n    return {expression}\n"


def _pairs(rows: str) -> str:
    return f"def pairs(labels):\n    n = range(len(labels))\n    return [{rows}]\n"


WRONG_ANSWERS = {
    "07-words-behind": [
        (_behind("weights"), "return the weights"),
        (_behind("values * weights + bias"), "no word's part"),
        (_behind("values * weights / (values * weights).sum()"), "return shares"),
        (_behind("values * weights", "1 / (1 + np.exp(-(values * weights).sum()))"), "the bias"),
        (_behind("values * weights", "bias + (values * weights).sum()"), "the logit"),
        (
            _behind("values * weights", "1 / (1 + np.exp(bias + (values * weights).sum()))"),
            "probability of",
        ),
        ("def words_behind(values, weights, bias):\n    return values * weights\n", "two things"),
        (_behind("values"), "the words add"),
    ],
    "07-masked-mean": [
        (_mean("vectors.mean(axis=1)"), "counts the padding"),
        (_mean("(vectors * mask).mean(axis=1)"), "the full length"),
        (_mean("(vectors * mask).sum(axis=1)"), "You return the sum"),
        (_mean("vectors[:, 0]"), "first token"),
        (_mean("vectors[:, -1]"), "the means are"),
        (_mean("None"), "returns nothing"),
    ],
    "07-shared-head": [
        (_shared("np.concatenate(losses).mean()"), "all sentences at once"),
        (_shared("np.mean([each.mean() for each in losses])"), "mean over domains"),
        (_shared("sum(each.sum() for each in losses)"), "added up all"),
        (_shared("-sum(each.mean() for each in losses)"), "sign is wrong"),
        (_shared("losses[0].mean()"), "the sum is"),
    ],
    "07-pairs": [
        (_pairs("(i, j, int(labels[i] == labels[j])) for i in n for j in n"), "with itself"),
        (
            _pairs("(i, j, int(labels[i] == labels[j])) for i in n for j in n if i != j"),
            "a pair twice",
        ),
        (_pairs("(i, j, int(labels[i] != labels[j])) for i in n for j in range(i)"), "way round"),
        (
            _pairs("(i, j, 1) for i in n for j in range(i) if labels[i] == labels[j]"),
            "different labels teach",
        ),
        (_pairs("(i, i + 1, int(labels[i] == labels[i + 1])) for i in n[:-1]"), "all count"),
        (_pairs("(i, j, 1) for i in n for j in range(i)"), "has `same` 0"),
        (_pairs("(i, j) for i in n for j in range(i)"), "three numbers"),
    ],
    "07-perplexity": [
        (_perplexity("nats.mean()"), "mean number of nats"),
        (_perplexity("np.mean(1 / p)"), "the mean of 1 / p"),
        (_perplexity("1 / p.mean()"), "probabilities first"),
        (_perplexity("1 / np.prod(p)"), "left out the root"),
        (_perplexity("np.exp(-nats.mean())"), "sign is wrong"),
        (_perplexity("2 ** nats.mean()"), "not with 2"),
        (_perplexity("np.exp(np.median(nats)) + 1"), "it is"),
    ],
}
