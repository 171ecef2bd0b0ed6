"""Wrong answers to the exercises of lesson 04, each with words of the message it must get."""


def _optimum(expression: str) -> str:
    return f"def optimal_weights(losses):\n    return {expression}\n"


def _mgda(*lines: str) -> str:
    return "def mgda_two_tasks(first, second):\n    apart = second - first\n" + "".join(
        f"    {line}\n" for line in lines
    )


def _clipped(expression: str) -> str:
    return _mgda(f"return np.clip({expression}, 0, 1)")


def _delta(expression: str) -> str:
    return (
        "def delta_m(together, alone, higher_is_better):\n"
        "    sign = np.where(higher_is_better, 1, -1)\n"
        f"    return {expression}\n"
    )


WRONG_ANSWERS = {
    "04-uncertainty-optimum": [
        (_optimum("np.log(losses)"), "You return s at the optimum"),
        (_optimum("losses"), "You return e^s"),
        (_optimum("1 / losses"), "forgot the 2"),
        (_optimum("losses / 2"), "rises with the loss"),
        (_optimum("np.exp(-losses) / 2"), "its logarithm"),
        (_optimum("0.5 + np.log(losses) / 2"), "whole terms"),
        (_optimum("0 * losses + 0.5"), "one half for every task"),
        (_optimum("(1 / losses) / np.sum(1 / losses)"), "sum to 1"),
        (_optimum("1 / (2 * losses**2)"), "squared the losses"),
        (_optimum("1 / (2 * np.sqrt(losses))"), "square root"),
        (_optimum("1 / (2 * np.log(losses))"), "set the slope to zero"),
        (_optimum("sum(1 / (2 * losses))"), "shape must be (2,)"),
        (_optimum("print(losses)"), "returns nothing"),
    ],
    "04-mgda-two-tasks": [
        (_mgda("return apart @ second / (apart @ apart)"), "not allowed: clip"),
        (_clipped("-(apart @ first) / (apart @ apart)"), "weight of the second"),
        (_clipped("-(apart @ second) / (apart @ apart)"), "sign is reversed"),
        (_clipped("apart @ first / (apart @ apart)"), "where it needs g2"),
        (_clipped("apart @ second / np.linalg.norm(apart)"), "divide by its square"),
        (
            _mgda(
                "first, second = (g / np.linalg.norm(g) for g in (first, second))",
                "apart = second - first",
                "return np.clip(apart @ second / (apart @ apart), 0, 1)",
            ),
            "plain mean, which gradients",
        ),
        (
            _mgda("return np.clip(apart @ second / (apart @ apart), 0.001, 0.999)"),
            "as some programs do",
        ),
        (
            _mgda(
                "one, two = np.linalg.norm(first), np.linalg.norm(second)",
                "return two / (one + two)",
            ),
            "weighed by length",
        ),
        (_mgda("return first @ second / (apart @ apart)"), "the first one's weight is"),
        (
            _mgda(
                "weight = np.clip(apart @ second / (apart @ apart), 0, 1)",
                "return [weight, 1 - weight]",
            ),
            "shape must be ()",
        ),
        (
            _mgda(
                "weight = np.clip(apart @ second / (apart @ apart), 0, 1)",
                "first *= weight",
                "return weight",
            ),
            "changes the gradients",
        ),
    ],
    "04-longest-length": [
        ("longest = {100: 5.76, 120: 0.5, 150: 1.155}", "*shortest* second gradient"),
        ("longest = {100: 3.16, 120: 2, 150: 1.155}", "move on"),
        ("longest = {100: 5.76, 120: 2, 150: 3.16}", "Move back"),
        ("longest = [5.76, 2, 1.155]", "Give a dictionary"),
        ("longest = {100: 5.76, 120: 2, 140: 1.3}", "an entry for each of `100`, `120`, `150`"),
        ("longest = {100: '5.76', 120: 2, 150: 1.155}", "is text where numbers"),
        ("longest = {100: 0, 120: 0, 150: 0}", "you read 0, but"),
    ],
    "04-delta-m": [
        (_delta("100 * np.mean((together - alone) / alone)"), "left out"),
        (_delta("-100 * np.mean(sign * (together - alone) / alone)"), "sign is reversed"),
        (_delta("100 * np.mean(sign * (together - alone) / together)"), "joint model's"),
        (_delta("np.mean(sign * (together - alone) / alone)"), "multiply by 100"),
        (_delta("100 * np.sum(sign * (together - alone) / alone)"), "take their mean."),
        (_delta("100 * np.mean(sign * (together - alone))"), "did not divide"),
        (
            _delta("100 * np.mean(sign * (together - alone)) / np.mean(alone)"),
            "divide for each task",
        ),
        (_delta("100 * np.mean(together / alone)"), "subtract 1"),
        (_delta("100 * np.median(sign * (together - alone) / alone)"), "took the median"),
        (_delta("100 * np.mean(np.abs(together - alone) / alone)"), "absolute values"),
        (_delta("100 * sign * (together - alone) / alone"), "shape must be ()"),
        (_delta("42"), "delta-m is"),
    ],
}
