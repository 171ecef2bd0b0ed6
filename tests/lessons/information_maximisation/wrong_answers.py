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


_RINGS = {"a": True, "b": False, "c": True, "d": True, "e": False, "f": False}


def _but(*letters: str) -> str:
    """All right, but for some letters."""
    return f"rings = { {x: rings != (x in letters) for x, rings in _RINGS.items()} }\n"


def _expecting(**changes: object) -> str:
    right = {"labels_per_class": 5, "class_prior": (0.5, *[0.5 / 9] * 9)}
    fields = ", ".join(f"{name}={value!r}" for name, value in {**right, **changes}.items())
    return f"expecting = simmim_lib.Settings(recipe='simmim', {fields})\n"


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
        (_term("0.5"), "Yours: 0.5."),
        (_term("spread * entropy(logits.mean(axis=0)) - entropy(logits).mean()"), "softmax of"),
        (_term("len(p) * (spread * even - each.mean())"), "number of images"),
    ],
    "05-alarm": [
        ("rings = ['a', 'c', 'd']", "Give a dictionary"),
        ("rings = dict.fromkeys('abcdef', 'yes')", "not `'yes'`"),
        ("rings = dict.fromkeys('abcdef', 'True')", "without quotation marks, not `'True'`"),
        (_but(*"abcdef"), "the other way round"),
        (_but("b"), "5 of your six are right. For (b)"),
        (_but("c", "e"), "4 of your six are right. For (c)"),
        (_but("d"), "For (d) the alarm rings"),
        (_but("e"), "e^H is 6"),
        (_but("f"), "as the prior says"),
    ],
    "05-class-prior": [
        ("expecting = (0.5, *[0.5 / 9] * 9)", "type `tuple`"),
        (_expecting(class_prior=None), "expected equally often"),
        (_expecting(class_prior=(0.1,) * 10), "You expect all digits equally often"),
        (_expecting(class_prior=(*[0.5 / 9] * 9, 0.5)), "that of the 0 comes first"),
        (_expecting(class_prior=(0.91, *[0.01] * 9)), "Yours: [0.91"),
        (_expecting(class_shares=(0.5, *[0.5 / 9] * 9)), "*picks* unlabelled images"),
        (_expecting(information=0.0), "has no effect: take the recipe"),
        (_expecting(labels_per_class=10), "yours are 10 of mnist"),
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
