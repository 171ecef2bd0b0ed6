"""Right answers to the exercises of lesson 08, in other forms than the folded solutions."""

RIGHT_ANSWERS = {
    "08-mask": [
        "import math\n"
        "def hide(units, ratio, random):\n"
        "    count = math.ceil(round(ratio * units, 9))\n"
        "    chosen = random.choice(units, count, replace=False)\n"
        "    return [unit in set(chosen.tolist()) for unit in range(units)]\n",
    ],
    "08-loss": [
        "import tensorflow as tf\n"
        "def masked_loss(images, filled, mask):\n"
        "    hidden = tf.cast(mask, tf.float64)[..., None]\n"
        "    total = tf.reduce_sum(tf.abs(images - filled) * hidden)\n"
        "    return total / (tf.reduce_sum(hidden) + 1e-5) / images.shape[-1]\n",
        "import numpy as np\n"
        "def masked_loss(images, filled, mask):\n"
        "    return np.abs(images - filled)[mask].mean()\n",
    ],
    "08-rounding": ["share = 0.6111", "share = 0.61111111"],
    "08-leak": ["losses = [0.1875, 0.3]", "import numpy as np\nlosses = np.array([0.1875, 0.3])\n"],
}
