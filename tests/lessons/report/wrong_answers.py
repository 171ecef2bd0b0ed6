"""Wrong answers to the exercises of lesson 10, and words of the message that refuses each."""


def _conclusion(**changes: object) -> str:
    right = {"baseline": "fine-tune", "points": 1.9, "half width": 0.28, "verdict": "gain"}
    return f"conclusion = { {**right, **changes} }\n"


def _flops(result: str) -> str:
    return (
        "def convolution_flops(side, window, stride, inputs, outputs):\n"
        f"    new = -(-side // stride)\n    return {result}\n"
    )


WRONG_ANSWERS = {
    "10-conclusion": [
        (_conclusion(baseline="SimMIM"), "what the report is about"),
        (_conclusion(baseline="probe"), "best baseline on the *test* images"),
        (_conclusion(baseline="from scratch"), "a gain over a weak one"),
        (_conclusion(baseline="nothing"), "the baselines are"),
        (_conclusion(points=-1.9), "sign is reversed"),
        (_conclusion(points=0.019), "multiply by 100"),
        (_conclusion(points=1.5), "difference on validation images"),
        (_conclusion(points=4), "Yours: 4."),
        (_conclusion(**{"half width": 3.5}), "two unrelated means"),
        (_conclusion(**{"half width": 0.1}), "half width for 5 seeds"),
        (_conclusion(**{"half width": 0.2483}), "`ddof=1`"),
        (_conclusion(**{"half width": 0.2571}), "one degree of freedom less"),
        (_conclusion(verdict="loss"), "reaches from +1.6 to +2.2"),
        (_conclusion(verdict="no clear difference"), "'no clear difference', but"),
        (_conclusion(verdict="better"), "the three verdicts are"),
        ("conclusion = {'baseline': 'fine-tune'}", "an entry for each"),
        ("conclusion = 'gain'", "Give a dictionary"),
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
        (_flops("2 * 16 * 9 * 55"), "For side=28"),
        (_flops("new"), "Yours: 4."),
    ],
}
