"""Wrong answers to the exercises of lesson 04, each with words of the message it must get."""


def _optimum(expression: str) -> str:
    return f"def optimal_weights(losses):\n    return {expression}\n"


def _mgda(*lines: str) -> str:
    return "def mgda_two_tasks(first, second):\n    apart = second - first\n" + "".join(
        f"    {line}\n" for line in lines
    )


def _clipped(expression: str) -> str:
    return _mgda(f"return np.clip({expression}, 0, 1)")


def _pcgrad(*lines: str, returns: str = "kept_first + kept_second") -> str:
    return (
        "def pcgrad(first, second):\n"
        "    against = min(first @ second, 0)\n"
        "    one, two = first @ first, second @ second\n"
        "    kept_first = first - against / two * second\n"
        "    kept_second = second - against / one * first\n"
        + "".join(f"    {line}\n" for line in lines)
        + f"    return {returns}\n"
    )


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
    "04-pcgrad": [
        (
            _pcgrad(
                "kept_first = first - first @ second / two * second",
                "kept_second = second - first @ second / one * first",
            ),
            "also project where there is no conflict",
        ),
        (
            _pcgrad(
                "friends = max(first @ second, 0)",
                "kept_first = first - friends / two * second",
                "kept_second = second - friends / one * first",
            ),
            "the other way round",
        ),
        (_pcgrad(returns="first + second"), "plain sum"),
        (_pcgrad(returns="(kept_first + kept_second) / 2"), "the paper adds"),
        (
            _pcgrad(
                "share = min(second @ kept_first, 0) / (kept_first @ kept_first)",
                "kept_second = second - share * kept_first",
            ),
            "second gradient stays as it is",
        ),
        (_pcgrad(returns="first + kept_second"), "second gradient only"),
        (_pcgrad(returns="kept_first"), "add the second"),
        (
            _pcgrad(
                "kept_first = first - against / np.sqrt(two) * second",
                "kept_second = second - against / np.sqrt(one) * first",
            ),
            "divide by its square",
        ),
        (
            _pcgrad(
                "kept_first = first - against / one * second",
                "kept_second = second - against / two * first",
            ),
            "own squared length",
        ),
        (
            _pcgrad(
                "kept_first = first - against * second", "kept_second = second - against * first"
            ),
            "forgot to divide",
        ),
        (
            _pcgrad(
                "kept_first = first + against / two * second",
                "kept_second = second + against / one * first",
            ),
            "you double it",
        ),
        (_pcgrad(returns="0 * first"), "The last of these pairs does not conflict"),
        (_pcgrad(returns="first @ second"), "shape must be (3,)"),
        (
            "def pcgrad(first, second):\n"
            "    kept_first = first - min(first @ second, 0) / (second @ second) * second\n"
            "    second -= min(first @ second, 0) / (first @ first) * first\n"
            "    return kept_first + second\n",
            "changes the gradients",
        ),
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
