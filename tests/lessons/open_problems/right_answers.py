"""Other right answers to the exercises of lesson 09."""

_INTEGRATED = """
import numpy as np

def integrated(gradient, image, baseline, steps):
    total = np.zeros_like(image)
    for place in np.linspace(0, 1, steps):
        total += gradient(baseline + place * (image - baseline))
    return (image - baseline) * total / steps
"""

RIGHT_ANSWERS = {
    "09-clip": [
        "import tensorflow as tf\n"
        "def clipped_sum(gradients, clip):\n"
        "    return tf.reduce_sum(tf.clip_by_norm(gradients, clip, axes=[1]), axis=0)\n",
        "import numpy as np\n"
        "def clipped_sum(gradients, clip):\n"
        "    total = 0\n"
        "    for row in gradients:\n"
        "        length = np.linalg.norm(row)\n"
        "        total = total + (row * clip / length if length > clip else row)\n"
        "    return total\n",
    ],
    "09-not-additive": [
        "from simmim_lib import privacy\ntogether = privacy.epsilon(4000, 1000, 8, 30, 1e-5)\n",
        "from simmim_lib import privacy\n"
        "together = round(privacy.epsilon(4000, 1000, 8.0, 30.0, 1e-5), 2)\n",
    ],
    "09-private-loops": ["mistakes = {'C': 'division', 'B': 'noise', 'A': 'clip'}\n"],
    "09-completeness": [
        _INTEGRATED,
        # All points at once, and as tensors.
        "import numpy as np\n"
        "def integrated(gradient, image, baseline, steps):\n"
        "    places = (np.arange(steps)[:, None] + 0.5) / steps\n"
        "    slopes = gradient(baseline + places * (image - baseline))\n"
        "    return (image - baseline) * slopes.mean(axis=0)\n",
        "import tensorflow as tf\n"
        "def integrated(gradient, image, baseline, steps):\n"
        "    way = tf.constant(image - baseline)\n"
        "    slopes = [gradient(baseline + (n + 0.5) / steps * way) for n in range(steps)]\n"
        "    return way * tf.reduce_mean(slopes, axis=0)\n",
    ],
    "09-survives": [
        "stays = {'gradient': 0, 'SmoothGrad': 0, 'integrated gradients': 1, "
        "'edges (asks no network)': 1}\n"
    ],
}
