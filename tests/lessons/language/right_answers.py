"""Right answers to the exercises of lesson 07, in other forms than the folded solutions."""

RIGHT_ANSWERS = {
    "07-words-behind": [
        "def words_behind(values, weights, bias):\n"
        "    import tensorflow as tf\n"
        "    parts = tf.constant(values) * tf.constant(weights)\n"
        "    return [parts, tf.sigmoid(tf.reduce_sum(parts) + bias)]\n",
    ],
    "07-masked-mean": [
        "def masked_mean(ids, vectors):\n"
        "    pairs = zip(ids, vectors)\n"
        "    return [of_tokens[there > 0].mean(axis=0) for there, of_tokens in pairs]\n",
    ],
    "07-shared-head": [
        "def shared_head_loss(domains, kernel, bias):\n"
        "    import keras\n"
        "    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)\n"
        "    return sum(float(loss(y, x @ kernel + bias)) for x, y in domains.values())\n",
    ],
    "07-pairs": [
        "import numpy as np\n"
        "def pairs(labels):\n"
        "    second, first = np.tril_indices(len(labels), -1)\n"
        "    return np.stack([second, first, labels[first] == labels[second]], axis=1)\n",
    ],
    "07-perplexity": [
        "def perplexity(probabilities):\n"
        "    return np.prod(probabilities) ** (-1 / len(probabilities))\n",
    ],
}
