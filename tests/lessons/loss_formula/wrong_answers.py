"""Wrong answers to the exercises of lesson 02, each with words of the message it must get."""


def _slope(expression: str) -> str:
    return f"import numpy as np\ndef slope(probability):\n    return {expression}\n"


def _losses(expression: str) -> str:
    return (
        "import numpy as np\n"
        "def softmax(values):\n"
        "    return np.exp(values) / np.exp(values).sum(axis=1)[:, None]\n"
        "def my_cross_entropy(labels, logits):\n"
        "    rows = np.arange(len(labels))\n"
        f"    return {expression}\n"
    )


def _both(first: str, second: str) -> str:
    known = {
        "OWN": "-(prediction * np.log(prediction)).sum()",
        "CROSSED": "-(truth * np.log(prediction)).sum()",
    }
    return (
        "import numpy as np\n"
        "from scipy.special import xlogy\n"
        "def entropy_and_cross_entropy(truth, prediction):\n"
        f"    return {known.get(first, first)}, {known.get(second, second)}\n"
    )


def _information(expression: str) -> str:
    return (
        "import numpy as np\n"
        "from scipy.special import entr\n"
        "def entropy(values):\n"
        "    return entr(values).sum(axis=-1)\n"
        "def information(probabilities):\n"
        "    spread = entropy(probabilities.mean(axis=0))\n"
        "    each = entropy(probabilities)\n"
        f"    return {expression}\n"
    )


WRONG_ANSWERS = {
    "02-derivative": [
        (_slope("1 + np.log(probability)"), "sign is reversed"),
        (_slope("-np.log(probability)"), "differentiated only the factor in front"),
        (_slope("-1.0"), "differentiated only the logarithm"),
        (_slope("-1 / probability"), "slope of cross-entropy"),
        (_slope("-np.log(probability) - 1 / probability"), "the p cancels"),
        (_slope("-probability * np.log(probability)"), "the formula itself"),
        (_slope("-(1 + np.log2(probability))"), "base 2"),
        (_slope("-(1 + np.log10(probability))"), "base 10"),
        (_slope("0.5 * np.log(probability)"), "how much -p log p changes"),
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
        (_losses("logits.max(axis=1)"), "the loss is"),
    ],
    "02-entropy": [
        (_both("-(truth * np.log(prediction)).sum()", "OWN"), "wrong order"),
        (_both("-xlogy(truth, truth).sum()", "CROSSED"), "entropy of the truth"),
        (_both("(prediction * np.log(prediction)).sum()", "CROSSED"), "never negative"),
        (_both("-(prediction * np.log2(prediction)).sum()", "CROSSED"), "first number is in bits"),
        (_both("-(prediction * np.log(prediction)).mean()", "CROSSED"), "an entropy is a sum"),
        (_both("0.5", "CROSSED"), "your first number is 0.5"),
        (_both("OWN", "OWN"), "prediction again"),
        (_both("OWN", "(xlogy(truth, truth) - truth * np.log(prediction)).sum()"), "Kullback"),
        (_both("OWN", "(truth * np.log(prediction)).sum()"), "wrong sign: it is minus the sum"),
        (_both("OWN", "-(truth * np.log2(prediction)).sum()"), "second number is in bits"),
        (_both("OWN", "-(prediction * np.log(truth)).sum()"), "are swapped"),
        (_both("OWN", "0.5"), "your second number is 0.5"),
    ],
    "02-mutual-information": [
        (_information("each.mean() - spread"), "sign is reversed"),
        (_information("spread"), "left out the second half"),
        (_information("each.mean()"), "that is the mean entropy"),
        (_information("-each.mean()"), "that is minus the mean entropy"),
        (_information("spread + each.mean()"), "added the two halves"),
        (_information("spread - each.sum()"), "summed the entropies"),
        (
            _information("entropy(probabilities.mean(axis=1)) - each.mean()"),
            "mean over the classes",
        ),
        (_information("(spread - each.mean()) / np.log(2)"), "in bits"),
        (
            _information("spread + (probabilities * np.log(probabilities)).sum(axis=1).mean()"),
            "0 · log 0",
        ),
        (_information("0.5"), "yours is different"),
    ],
}
