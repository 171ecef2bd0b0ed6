"""Wrong answers to the exercises of lesson 09, each with words of the message it must get."""

_START = "import numpy as np\n"


def _clip(*lines: str) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    return f"{_START}def clipped_sum(gradients, clip):\n{body}"


_LENGTHS = "lengths = np.maximum(np.linalg.norm(gradients, axis=1, keepdims=True), 1e-9)"


def _integrated(slopes: str, factor: str = "(image - baseline)") -> str:
    return (
        f"{_START}def integrated(gradient, image, baseline, steps):\n"
        "    places = (np.arange(steps) + 0.5) / steps\n"
        "    slopes = [gradient(baseline + place * (image - baseline)) for place in places]\n"
        f"    return {factor} * {slopes}\n"
    )


def _loops(**changes: str) -> str:
    return f"mistakes = {dict({'A': 'clip', 'B': 'noise', 'C': 'division'}, **changes)!r}\n"


def _stays(**changes: object) -> str:
    right = {
        "gradient": False,
        "SmoothGrad": False,
        "integrated gradients": True,
        "edges (asks no network)": True,
    }
    names = {"integrated": "integrated gradients", "edges": "edges (asks no network)"}
    changed = {names.get(name, name): value for name, value in changes.items()}
    return f"stays = { ({**right, **changed})!r}\n"


_EPSILON = (
    "from simmim_lib import privacy\n"
    "once = privacy.epsilon(examples=4000, batch_size=1000, noise_multiplier=8, epochs=15, "
    "delta=1e-5)\n"
)

WRONG_ANSWERS = {
    "09-clip": [
        (
            _clip(
                "total = gradients.sum(axis=0)",
                "return total * min(1, clip / np.linalg.norm(total))",
            ),
            "You shortened the sum",
        ),
        (_clip("return np.clip(gradients, -clip, clip).sum(axis=0)"), "You cut off each number"),
        (_clip(_LENGTHS, "return (gradients / lengths * clip).sum(axis=0)"), "equally long"),
        (
            _clip(_LENGTHS, "return (gradients * np.minimum(1, clip / lengths)).mean(axis=0)"),
            "You returned the mean",
        ),
        (
            _clip(_LENGTHS, "return (gradients * np.minimum(1, 1 / lengths)).sum(axis=0)"),
            "without multiplying by the clip",
        ),
        (_clip("return gradients.sum(axis=0)"), "You clipped nothing"),
        (_clip("return gradients"), "The shape must be (2,)"),
        (_clip("return 0 * gradients.sum(axis=0)"), "For rows of the lengths [5, 0.5, 0]"),
    ],
    "09-not-additive": [
        (f"{_EPSILON}together = 2 * once", "You added both epsilons"),
        (f"{_EPSILON}together = once", "after one training"),
        (f"{_EPSILON}together = 2 ** 0.5 * once", "root of two"),
        (f"{_EPSILON.replace('=8', '=4')}together = once", "You halved the noise"),
        ("together = 5", "call `privacy.epsilon` with twice the epochs"),
        ("together = 'two'", "text where numbers"),
    ],
    "09-private-loops": [
        (_loops(A="noise"), "In loop A the part 'noise' is right"),
        (_loops(B="clip"), "In loop B the part 'clip' is right"),
        (_loops(C="batches"), "In loop C the part 'batches' is right"),
        (_loops(C="rate"), "choose among"),
        ("mistakes = {'A': 'clip'}", "Give an entry for each"),
        ("mistakes = ['clip', 'noise', 'division']", "Give a dictionary"),
    ],
    "09-completeness": [
        (_integrated("np.mean(slopes, axis=0)", "1"), "You forgot the factor"),
        (_integrated("np.mean(slopes, axis=0)", "image"), "You multiplied by the image"),
        (_integrated("np.mean(slopes, axis=0)", "(baseline - image)"), "sign is reversed"),
        (_integrated("gradient(image)"), "at the image only"),
        (
            _integrated("np.mean([gradient(place * image) for place in places], axis=0)"),
            "begins at zero",
        ),
        (_integrated("np.mean(slopes)"), "You averaged over the pixels"),
        (_integrated("np.sum(slopes, axis=0)"), "divide by the number of steps"),
        (_integrated("0"), "and yours to 0.000. Yours: [0, 0]"),
        # It adds up to the same, and is another map.
        (_integrated("np.mean(slopes, axis=0))[::-1]", "((image - baseline)"), "map is [27, 3]"),
        ("def integrated(*given):\n    given = 0", "returns nothing"),
    ],
    "09-survives": [
        (_stays(gradient=True), "Look at 'gradient'"),
        (_stays(SmoothGrad=True), "falls below one quarter"),
        (_stays(integrated=False), "Look at 'integrated gradients'"),
        (_stays(edges=False), "stays above one quarter"),
        (_stays(edges="maybe"), "Write `True` or `False`"),
        ("stays = {'gradient': False}", "Give an entry for each"),
    ],
}
