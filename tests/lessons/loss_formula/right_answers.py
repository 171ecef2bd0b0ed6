"""Right answers to the exercises of lesson 02, in other forms than the folded solutions."""


def _differences(expression: str) -> str:
    """Find the slope by moving the logit."""
    return (
        "def slope_on_logit(probability):\n"
        "    logit = np.log(probability / (1 - probability))\n"
        "    def formula(z):\n"
        "        p = 1 / (1 + np.exp(-z))\n"
        "        return -p * np.log(p)\n"
        f"    return {expression}\n"
    )


RIGHT_ANSWERS = {
    "02-logit-slope": [
        _differences("(formula(logit + 1e-6) - formula(logit)) / 1e-6"),
        _differences("(formula(logit + 1e-3) - formula(logit)) / 1e-3"),
        _differences("round((formula(logit + 1e-5) - formula(logit - 1e-5)) / 2e-5, 3)"),
        "def slope_on_logit(probability):\n"
        "    logits = tf.Variable([np.log(probability), np.log(1 - probability)])\n"
        "    with tf.GradientTape() as tape:\n"
        "        value = losses.formula_as_written(tf.nn.softmax(logits)[0])\n"
        "    return tape.gradient(value, logits)[0]\n",
    ],
    "02-cross-entropy": [
        "def my_cross_entropy(labels, logits):\n    return losses.cross_entropy(labels, logits)\n",
        "from scipy.special import logsumexp\n"
        "def my_cross_entropy(labels, logits):\n"
        "    out = np.empty(len(labels))\n"
        "    out[...] = [logsumexp(z) - z[y] for y, z in zip(labels, logits)]\n"
        "    return map(float, out)\n",
    ],
    "02-sure-and-wrong": [
        "sure_and_wrong = np.array([0.001, 0.001, 0.998])\n"
        "unsure_and_right = tf.constant([0.34, 0.33, 0.33])\n",
        "sure_and_wrong, unsure_and_right = (0.03, 0.96, 0.01), [1 / 3 + 0.01, 0.33, 0.33]\n",
    ],
    "02-informed-and-wrong": [
        "predictions = np.eye(3)[[2, 0, 1]]\n",
        "predictions = [(0.01, 0.99, 0), (0.005, 0.005, 0.99), (0.98, 0.02, 0)]\n",
    ],
}
