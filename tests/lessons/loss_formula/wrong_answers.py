"""Wrong answers to the exercises of lesson 02, each with words of the message it must get."""


def _slope(expression: str) -> str:
    return (
        "import numpy as np\n"
        "def slope_on_logit(probability):\n"
        "    p, log = probability, np.log(probability)\n"
        f"    return {expression}\n"
    )


def _losses(expression: str) -> str:
    return (
        "import numpy as np\n"
        "def softmax(values):\n"
        "    return np.exp(values) / np.exp(values).sum(axis=1)[:, None]\n"
        "def my_cross_entropy(labels, logits):\n"
        "    rows = np.arange(len(labels))\n"
        f"    return {expression}\n"
    )


def _chosen(sure: object, unsure: object) -> str:
    return f"sure_and_wrong = {sure}\nunsure_and_right = {unsure}\n"


_SURE, _UNSURE = [0.02, 0.97, 0.01], [0.4, 0.3, 0.3]

WRONG_ANSWERS = {
    "02-logit-slope": [
        (_slope("-(1 + log)"), "chain rule adds a factor"),
        (_slope("(1 + log) * p * (1 - p)"), "The sign is reversed: the formula"),
        (_slope("1 + log"), "sign is reversed, and that is the slope with respect to p"),
        (_slope("-(1 + log) * p"), "as if the sum in the softmax"),
        (_slope("-log * p * (1 - p)"), "only the p in front"),
        (_slope("-p * (1 - p)"), "only the logarithm"),
        (_slope("(-1 + log) * p * (1 - p)"), "belongs to both"),
        (_slope("p - 1"), "slope of cross-entropy"),
        (_slope("p * (1 - p)"), "slope of p alone"),
        (_slope("-(1 + log) / (p * (1 - p))"), "divided by the slope"),
        (_slope("-p * log"), "the formula itself"),
        (_slope("-(1 + np.log2(p)) * p * (1 - p)"), "base 2"),
        (_slope("-(1 + np.log10(p)) * p * (1 - p)"), "base 10"),
        (_slope("0.5 * log"), "Yours: [-0.8047, "),
        # Right wherever the message says what is right, and nowhere else.
        (
            _slope("-(1 + log) * p * (1 - p) * any(abs(p - q) < 1e-3 for q in (.2, .8, .5))"),
            "the slope is",
        ),
    ],
    "02-cross-entropy": [
        (_losses("-np.log(softmax(logits)[rows, labels])"), "exponential overflows"),
        (_losses("np.mean(-np.log(softmax(logits)[rows, labels]))"), "mean over the batch"),
        (_losses("np.log(softmax(logits)[rows, labels])"), "sign is reversed"),
        (
            _losses("-softmax(logits)[rows, labels] * np.log(softmax(logits)[rows, labels])"),
            "formula as written",
        ),
        (_losses("-(softmax(logits) * np.log(softmax(logits))).sum(axis=1)"), "entropy of each"),
        (_losses("-np.log(softmax(logits)).sum(axis=1)"), "logarithms of all classes"),
        (_losses("-logits[rows, labels]"), "used the logits as"),
        (_losses("-np.log2(softmax(logits)[rows, labels])"), "base 2"),
        (_losses("softmax(logits)[rows, labels]"), "returned the probability"),
        (
            _losses(
                "-np.log(np.maximum(softmax(logits - logits.max(axis=1)[:, None])"
                "[rows, labels], 1e-7))"
            ),
            "stuck near 16",
        ),
        (_losses("logits.max(axis=1)"), "Yours: [2, "),
    ],
    "02-sure-and-wrong": [
        (_chosen([0.2, 0.7, 0.1], _UNSURE), "must be below 0.3"),
        (_chosen([0.97, 0.02, 0.01], _UNSURE), "must be above 3"),
        (_chosen([0, 1, 0], _UNSURE), "infinite"),
        (_chosen([2, 97, 1], _UNSURE), "sum to 100"),
        (_chosen(["0.02", "0.97", "0.01"], _UNSURE), "is text where numbers"),
        (_chosen(_SURE, [0.8, 0.1, 0.1]), "closer to an even guess"),
        (_chosen(_SURE, [0.3, 0.4, 0.3]), "does not name the first class"),
        (_chosen(_SURE, [0.4, 0.6]), "shape must be (3,)"),
    ],
    "02-informed-and-wrong": [
        ("predictions = [[0, 1, 0], [0, 1, 0], [0, 1, 0]]", "let each class be predicted once"),
        ("predictions = [[1 / 3] * 3] * 3", "too unsure"),
        ("predictions = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]", "image 0 and 1 and 2 is right"),
        ("predictions = [[0, 1, 0], [1, 0, 0], [0, 0, 1]]", "image 2 is right"),
        ("predictions = [[0, 1, 0], [0, 0, 1], [1, 1, 0]]", "Row 2 must be"),
        ("predictions = [[0, 1, 0], [0, 0, 1]]", "shape must be (3, 3)"),
    ],
}
