"""Right answers to the exercises of lesson 04, in other forms than the folded solutions."""

_SQUARED = "lambda x: np.sum((x * first + (1 - x) * second) ** 2)"

RIGHT_ANSWERS = {
    "04-uncertainty-optimum": [
        "from scipy.optimize import minimize\n"
        "def optimal_weights(losses):\n"
        "    term = lambda s: np.sum(losses / (2 * np.exp(s)) + s / 2)\n"
        "    return 1 / (2 * np.exp(minimize(term, np.log(losses) + 0.1, tol=1e-10).x))\n",
        "def optimal_weights(losses):\n"
        "    weights = np.empty_like(losses)\n"
        "    weights[...] = 0.5 / losses\n"
        "    return tf.constant(weights, tf.float32)\n",
    ],
    "04-mgda-two-tasks": [
        "from scipy.optimize import minimize_scalar\n"
        "def mgda_two_tasks(first, second):\n"
        f"    squared = {_SQUARED}\n"
        "    return minimize_scalar(squared, bounds=(0, 1), method='bounded').x\n",
        "def mgda_two_tasks(first, second):\n"
        "    weights = np.linspace(0, 1, 10_001)[:, None]\n"
        "    lengths = np.linalg.norm(weights * first + (1 - weights) * second, axis=1)\n"
        "    return weights[lengths.argmin()]\n",
    ],
    "04-longest-length": [
        # The slider's last stop before the limit, and its first one behind.
        "longest = {100: 10**0.7, 120: 10**0.3, 150: 1}\n",
        "longest = {150: 10**0.1, 120: 10**0.4, 100: 10**0.8}\n",
        "import pandas\nlongest = pandas.Series([5.8, 2, 1.15], index=[100, 120, 150])\n",
        "longest = {angle: -1 / np.cos(np.radians(angle)) for angle in (100, 120, 150)}\n",
    ],
    "04-by-luck": [
        "by_luck = {'level': 0.999, 'at least one': 0.83, 'expected': 1.7}\n",
        "import scipy.stats\n"
        "count = scipy.stats.binom(34, 0.05)\n"
        "level = 0.95 ** (1 / 34)\n"
        "by_luck = {'expected': count.mean(), 'at least one': count.sf(0), 'level': level}\n",
    ],
}
