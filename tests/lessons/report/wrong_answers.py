"""Wrong answers to the exercises of lesson 10, and words of the message that refuses each."""

_IMPORTS = "import numpy as np\nimport scipy.stats\n"


def _verdict(
    factor: str = "scipy.stats.t.ppf(0.975, len(d) - 1)", d: str = "a - b", ddof: int = 1
) -> str:
    return (
        f"{_IMPORTS}def verdict(a, b):\n    d = {d}\n"
        f"    half = {factor} * d.std(ddof={ddof}) / len(d) ** 0.5\n"
        "    if abs(d.mean()) <= half:\n        return 'no clear difference'\n"
        "    return 'gain' if d.mean() > 0 else 'loss'\n"
    )


_UNPAIRED = (
    f"{_IMPORTS}def verdict(a, b):\n"
    "    halves = [scipy.stats.sem(x) * scipy.stats.t.ppf(0.975, len(x) - 1) for x in (a, b)]\n"
    "    difference = a.mean() - b.mean()\n"
    "    if abs(difference) <= sum(halves):\n        return 'no clear difference'\n"
    "    return 'gain' if difference > 0 else 'loss'\n"
)


def _flops(result: str) -> str:
    return (
        "def convolution_flops(side, window, stride, inputs, outputs):\n"
        f"    new = -(-side // stride)\n    return {result}\n"
    )


WRONG_ANSWERS = {
    "10-verdict": [
        (_UNPAIRED, "share"),
        (_verdict(factor="1.96"), "much too narrow"),
        (_verdict(ddof=0), "a little too narrow"),
        (_verdict(factor="0"), "zero lies inside"),
        (_verdict(d="b - a"), "wrong way round"),
        ("def verdict(a, b):\n    return a.mean() > b.mean()\n", "three verdicts"),
        ("def verdict(a, b):\n    a.mean() > b.mean()\n", "returns nothing"),
    ],
    "10-convolution-flops": [
        (_flops("new ** 2 * window ** 2 * inputs * outputs"), "one operation for each weight"),
        (_flops("2 * side ** 2 * window ** 2 * inputs * outputs"), "there are fewer"),
        (_flops("2 * (side // stride) ** 2 * window ** 2 * inputs * outputs"), "rounded up"),
        (_flops("2 * window ** 2 * inputs * outputs"), "one place only"),
        (_flops("2 * new ** 2 * window ** 2 * inputs"), "one output map"),
        (_flops("2 * new ** 2 * window ** 2 * outputs"), "one input map"),
        (_flops("2 * new ** 2 * window * inputs * outputs"), "window is square"),
        (_flops("2 * new * window ** 2 * inputs * outputs"), "as many rows"),
        (_flops("2 * 16 * 9 * 55"), "do not hard-code a size"),
        (_flops("new"), "not the number"),
    ],
}
