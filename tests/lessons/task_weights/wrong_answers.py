"""Wrong answers to the exercises of lesson 04, each with words of the message it must get."""


def _optimum(expression: str) -> str:
    return f"def optimal_weights(losses):\n    return {expression}\n"


def _mgda(*lines: str) -> str:
    return "def mgda_two_tasks(first, second):\n    apart = second - first\n" + "".join(
        f"    {line}\n" for line in lines
    )


def _clipped(expression: str) -> str:
    return _mgda(f"return np.clip({expression}, 0, 1)")


def _luck(**changes: object) -> str:
    right = {"expected": 1.7, "at least one": 0.825, "level": 0.9985}
    return f"by_luck = { {**right, **changes} }\n"


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
    "04-by-luck": [
        (_luck(expected=32.3), "contain zero"),
        (_luck(expected=0.05), "share for one interval"),
        (_luck(expected=0.85), "one side only"),
        (_luck(expected=2), "so 1.7 do so on average. Yours: 2."),
        (_luck(**{"at least one": 0.175}), "*none* excludes"),
        (_luck(**{"at least one": 1.7}), "at most 1"),
        (_luck(**{"at least one": 0.05}), "probability for one interval"),
        (_luck(**{"at least one": 0.5}), "0.95^34 = 0.175. Yours: 0.5."),
        (_luck(level=0.00147), "1 minus that"),
        (_luck(level=0.95), "far more rarely"),
        (_luck(level=1.0), "never misses has no ends"),
        (_luck(level=0.175), "leaves for all of them"),
        (_luck(level=0.99926), "half of the error on either"),
        (_luck(level=0.99), "the level is 0.9985. Yours: 0.99."),
        ("by_luck = [1.7, 0.825, 0.9985]", "Give a dictionary"),
    ],
}
