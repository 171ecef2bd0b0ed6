"""Wrong answers to the exercises of lesson 05, each with words of the message it must get."""


def _term(expression: str, softmax: str = "softmax(logits, axis=1)") -> str:
    return (
        "import numpy as np\n"
        "from scipy.special import entr, softmax\n"
        "def entropy(values):\n"
        "    return entr(values).sum(axis=-1)\n"
        "def information_term(logits, spread):\n"
        f"    p = {softmax}\n"
        "    even, each = entropy(p.mean(axis=0)), entropy(p)\n"
        f"    return {expression}\n"
    )


def _corrected(expression: str) -> str:
    return (
        "import numpy as np\n"
        "from scipy.special import entr, softmax\n"
        "def corrected(logits):\n"
        "    p = softmax(logits, axis=1)\n"
        "    doubt = entr(p).sum(axis=1).mean()\n"
        "    even = entr(p.mean(axis=0)).sum()\n"
        f"    return {expression}\n"
    )


def _collapses(letters: str) -> str:
    return f"collapses = {{letter: letter in '{letters}' for letter in 'abcdef'}}\n"


WRONG_ANSWERS = {
    "05-information-term": [
        (_term("spread * (even - each.mean())"), "multiplied both halves"),
        (_term("even - each.mean()"), "`spread` is missing"),
        (_term("even - spread * each.mean()"), "multiplied the wrong half"),
        (_term("each.mean() - spread * even"), "sign is reversed"),
        (_term("spread * even"), "left out the second half"),
        (_term("-each.mean()"), "left out the first half"),
        (_term("spread * even + each.mean()"), "added the two halves"),
        (_term("spread * even - each.sum()"), "summed the entropies"),
        (
            _term("spread * entropy(softmax(logits.mean(axis=0))) - each.mean()"),
            "average the probabilities, not the logits",
        ),
        (_term("spread * even - each.mean()", "softmax(logits, axis=0)"), "over the images"),
        (_term("spread * entropy(p.mean(axis=1)) - each.mean()"), "yours is over the classes"),
        (_term("(spread * even - each.mean()) / np.log(2)"), "in bits"),
        (
            _term(
                "spread * even - each.mean()",
                "np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)",
            ),
            "the exponential overflows",
        ),
        (_term("0.5"), "yours is different"),
    ],
    "05-by-hand": [
        ("by_hand = [0.97, 0.36, 0.61]", "in bits"),
        ("by_hand = [0.25, 0.67, -0.42]", "are swapped"),
        ("by_hand = [0.25, 0.25, 0.0]", "first number is the mean of the entropies"),
        ("by_hand = [0.31, 0.25, 0.06]", "only one class"),
        ("by_hand = [0.69, 0.25, 0.44]", "mean prediction is (0.6, 0.4)"),
        ("by_hand = [0.67, 0.50, 0.17]", "sum of the two entropies"),
        ("by_hand = [0.67, 0.10, 0.57]", "certain prediction has entropy 0"),
        ("by_hand = [0.67, 0.25, -0.42]", "wrong sign"),
        ("by_hand = [0.67, 0.25, 0.92]", "added the halves"),
        ("by_hand = [0.67, 0.25, 0.67]", "not the first minus the second"),
        ("by_hand = [0.67, 0.25]", "shape must be (3,)"),
    ],
    "05-which-collapse": [
        ("collapses = ['b', 'd']", "each of the letters a to f"),
        ("collapses = dict.fromkeys('abcdef', 'yes')", "`True` (it collapses) or `False`"),
        (_collapses(""), "nothing collapses"),
        (_collapses("abcdef"), "everything collapses"),
        (_collapses("ef"), "by λ alone"),
        (_collapses("ace"), "the other way round"),
        (_collapses("bd"), "in 1 of six cases"),
    ],
    "05-sign-error": [
        (_corrected("doubt + even"), "what the broken code does"),
        (_corrected("-doubt - even"), "sign of the doubt instead"),
        (_corrected("even - doubt"), "they cancel"),
        (_corrected("doubt"), "spreading half is gone"),
        (_corrected("-even"), "doubt about each image is gone"),
        (_corrected("0.5"), "Change one sign only"),
    ],
}
