"""Right answers to the exercises of lesson 01, in other forms than the folded solutions."""

RIGHT_ANSWERS = {
    "01-trainable-parameters": [
        # By Keras itself, in the library's own way.
        "def trainable_parameters(model, frozen_layers):\n"
        "    freezing.freeze(model, frozen_layers)\n"
        "    return sum(np.size(weight) for weight in model.trainable_weights)\n",
        "import tensorflow as tf\n"
        "def trainable_parameters(model, frozen_layers):\n"
        "    layers = [layer for layer in model.layers if layer.count_params()]\n"
        "    return tf.constant(sum(x.count_params() for x in layers[frozen_layers:]))\n",
    ],
    "01-freeze-and-copy": [
        "def copy_and_freeze(source_model, target_model, frozen_layers):\n"
        "    freezing.copy_layers(source_model, target_model, frozen_layers)\n"
        "    freezing.freeze(target_model, frozen_layers)\n",
        # Arrays written in place: `out[...] = value` is no blank.
        "def copy_and_freeze(source_model, target_model, frozen_layers):\n"
        "    layers = zip(source_model.layers, target_model.layers)\n"
        "    for theirs, ours in [pair for pair in layers if pair[0].weights][:frozen_layers]:\n"
        "        arrays = ours.get_weights()\n"
        "        for ours_array, theirs_array in zip(arrays, theirs.get_weights()):\n"
        "            ours_array[...] = theirs_array\n"
        "        ours.set_weights(arrays)\n"
        "        ours.trainable = False\n",
    ],
    "01-fair-comparison": [
        "opponent = simmim_lib.Settings(source='glyphs', targets='uci-digits', steps=240,\n"
        "    labels_per_class=5, seeds=10, trunk_learning_rate=0.1, budget='full')\n",
        "opponent = simmim_lib.Settings(targets=('uci-digits',), labels_per_class=5, steps=240,\n"
        "    seeds=10, adaptation='gradual-unfreezing', trunk_learning_rate=0.1\n"
        ").replace(adaptation='fine-tune')\n",
    ],
    "01-leep": [
        "def leep(probabilities, labels):\n"
        "    joint = np.zeros((labels.max() + 1, probabilities.shape[1]), np.float32)\n"
        "    for label in range(len(joint)):\n"
        "        joint[label, ...] = probabilities[labels == label].sum(axis=0)\n"
        "    table = joint / joint.sum(axis=0)\n"
        "    logs = np.zeros(len(labels))\n"
        "    logs[...] = np.log(np.sum(table[labels] * probabilities, axis=1) + 1e-9)\n"
        "    return round(float(logs.mean()), 3)\n",
    ],
    "01-negative-transfer": [
        "def difference_and_half_width(transfer, scratch):\n"
        "    import scipy.stats\n"
        "    low, high = scipy.stats.ttest_rel(transfer, scratch).confidence_interval()\n"
        "    return {'mean': (low + high) / 2, 'half': (high - low) / 2}.values()\n",
        "def difference_and_half_width(transfer, scratch):\n"
        "    found = difference(transfer, scratch)\n"
        "    return np.float32(found.mean / 100), np.float32(found.half_width / 100)\n",
    ],
}
