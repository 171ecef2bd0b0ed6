"""Right answers to the exercises of lesson 05, in other forms than the folded solutions."""

RIGHT_ANSWERS = {
    "05-information-term": [
        # The Jensen-Shannon divergence of the predictions is their information.
        "def information_term(logits, spread):\n"
        "    p = scipy.special.softmax(logits, axis=1)\n"
        "    even = scipy.stats.entropy(p.mean(axis=0))\n"
        "    divergence = scipy.stats.entropy(p, p.mean(axis=0, keepdims=True), axis=1).mean()\n"
        "    return divergence + (spread - 1) * even\n",
        "import tensorflow as tf\n"
        "def information_term(logits, spread):\n"
        "    p = tf.nn.softmax(tf.constant(logits, tf.float32))\n"
        "    mean = tf.reduce_mean(p, axis=0)\n"
        "    doubt = -tf.reduce_sum(p * tf.math.log(p + 1e-9), axis=1)\n"
        "    even = -tf.reduce_sum(mean * tf.math.log(mean + 1e-9))\n"
        "    return spread * even - tf.reduce_mean(doubt)\n",
    ],
    "05-alarm": [
        "rings = dict(zip('abcdef', np.array([True, False, True, True, False, False])))\n",
        "rings = {'f': 0, 'e': 0, 'd': 1, 'c': 1, 'b': 0, 'a': 1}\n",
        "import pandas\n"
        "rings = pandas.Series([True, False, True, True, False, False], [*'abcdef'])\n",
    ],
    "05-class-prior": [
        "expecting = simmim_lib.Settings(\n"
        "    recipe='simmim', labels_per_class=5, class_prior=[0.5, *[0.055] * 8, 0.06]\n"
        ")\n",
    ],
    "05-sign-error": [
        "from simmim_lib import losses\n"
        "def corrected(logits):\n    return -float(losses.mutual_information(logits))\n",
    ],
}
