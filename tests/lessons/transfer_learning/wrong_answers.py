"""Wrong answers to the exercises of lesson 01, each with words of the message it must get."""

WRONG_ANSWERS = {
    "01-trainable-parameters": [
        (
            "def trainable_parameters(model, frozen_layers):\n    return model.count_params()\n",
            "counted every layer",
        ),
        (
            "def trainable_parameters(model, frozen_layers):\n"
            "    return sum(layer.count_params() for layer in model.layers[:frozen_layers])\n",
            "counted the frozen layers",
        ),
        (
            "import numpy as np\n"
            "def trainable_parameters(model, frozen_layers):\n"
            "    return sum(np.size(layer.kernel) for layer in model.layers[frozen_layers:])\n",
            "biases",
        ),
        (
            "def trainable_parameters(model, frozen_layers):\n"
            "    return sum(len(layer.weights) for layer in model.layers[frozen_layers:])\n",
            "counted the arrays",
        ),
        (
            "def trainable_parameters(model, frozen_layers):\n"
            "    return len(model.layers[frozen_layers:])\n",
            "counted layers",
        ),
        (
            "def trainable_parameters(model, frozen_layers):\n"
            "    return sum(layer.count_params() for layer in model.layers[frozen_layers + 1:])\n",
            "one layer too many",
        ),
        (
            "def trainable_parameters(model, frozen_layers):\n"
            "    return sum(layer.count_params() for layer in model.layers[frozen_layers - 1:])\n",
            "one layer too few",
        ),
        (
            "def trainable_parameters(model, frozen_layers):\n"
            "    return 23 if frozen_layers == 2 else 7\n",
            "8 are trained",
        ),
        (
            "def trainable_parameters(model, frozen_layers):\n"
            "    total = sum(layer.count_params() for layer in model.layers[frozen_layers:])\n",
            "returns nothing",
        ),
        (
            "def trainable_parameters(model, frozen_layers):\n    return model.parameters\n",
            "Your code stopped with AttributeError",
        ),
    ],
    "01-freeze-and-copy": [
        (
            "def copy_and_freeze(source_model, target_model, frozen_layers):\n"
            "    for layer in target_model.layers[:frozen_layers]:\n"
            "        layer.trainable = False\n",
            "Nothing was copied",
        ),
        (
            "def copy_and_freeze(source_model, target_model, frozen_layers):\n"
            "    for number in range(frozen_layers):\n"
            "        weights = source_model.layers[number].get_weights()\n"
            "        target_model.layers[number].set_weights(weights)\n",
            "not frozen",
        ),
        (
            "import keras\n"
            "def copy_and_freeze(source_model, target_model, frozen_layers):\n"
            "    shared = source_model.layers[:frozen_layers]\n"
            "    for layer in shared:\n"
            "        layer.trainable = False\n"
            "    return keras.Sequential([*shared, *target_model.layers[frozen_layers:]])\n",
            "source's own layers",
        ),
        (
            "def copy_and_freeze(source_model, target_model, frozen_layers):\n"
            "    for number in range(frozen_layers + 1):\n"
            "        weights = source_model.layers[number].get_weights()\n"
            "        target_model.layers[number].set_weights(weights)\n"
            "        target_model.layers[number].trainable = False\n",
            "layers were copied: edges, parts, shapes",
        ),
        (
            "def copy_and_freeze(source_model, target_model, frozen_layers):\n"
            "    for number in range(frozen_layers):\n"
            "        weights = source_model.layers[number].get_weights()\n"
            "        target_model.layers[number].set_weights(weights)\n"
            "    for layer in target_model.layers[:frozen_layers + 1]:\n"
            "        layer.trainable = False\n",
            "layers are frozen: edges, parts, shapes",
        ),
        (
            "def copy_and_freeze(source_model, target_model, frozen_layers):\n"
            "    target_model.set_weights(source_model.get_weights())\n"
            "    for layer in target_model.layers[:frozen_layers]:\n"
            "        layer.trainable = False\n",
            "copied all 4 layers",
        ),
        (
            "def copy_and_freeze(source_model, target_model, frozen_layers):\n"
            "    for number in range(frozen_layers):\n"
            "        weights = source_model.layers[number].get_weights()\n"
            "        target_model.layers[number].set_weights(weights)\n"
            "    target_model.trainable = False\n",
            "whole target is frozen",
        ),
        (
            "def copy_and_freeze(source_model, target_model, frozen_layers):\n"
            "    for number in range(frozen_layers):\n"
            "        weights = source_model.layers[number].get_weights()\n"
            "        target_model.layers[number].set_weights(weights)\n"
            "    for layer in target_model.layers[frozen_layers:]:\n"
            "        layer.trainable = False\n",
            "froze the last layers",
        ),
        (
            "def copy_and_freeze(source_model, target_model, frozen_layers):\n"
            "    source_model.set_weights(target_model.get_weights())\n",
            "source model's weights have changed",
        ),
        (
            "def copy_and_freeze(source_model, target_model, frozen_layers):\n"
            "    for number in range(frozen_layers):\n"
            "        source_layer = source_model.layers[number]\n"
            "        target_model.layers[number].set_weights(source_layer.get_weights())\n"
            "        source_layer.trainable = False\n",
            "froze layers of the source",
        ),
        (
            "def copy_and_freeze(source_model, target_model, frozen_layers):\n"
            "    for number in range(frozen_layers):\n"
            "        layer = target_model.layers[number]\n"
            "        layer.kernel.assign(source_model.layers[number].kernel)\n"
            "        layer.trainable = False\n",
            "not the biases",
        ),
        (
            "def copy_and_freeze(source_model, target_model, frozen_layers):\n"
            "    for layer in target_model.layers[:frozen_layers]:\n"
            "        layer.kernel.assign(0 * layer.kernel)\n",
            "not to those of the source",
        ),
    ],
    "01-leep": [
        (
            "import numpy as np\n"
            "def leep(probabilities, labels):\n"
            "    joint = np.eye(labels.max() + 1)[labels].T @ probabilities / len(labels)\n"
            "    table = joint / joint.sum(axis=1, keepdims=True)\n"
            "    return np.log((table[labels] * probabilities).sum(axis=1)).mean()\n",
            "divided by P(target class)",
        ),
        (
            "import numpy as np\n"
            "def leep(probabilities, labels):\n"
            "    joint = np.eye(labels.max() + 1)[labels].T @ probabilities / len(labels)\n"
            "    table = joint / joint.sum(axis=0)\n"
            "    return np.log((table[labels] * probabilities).sum(axis=1).mean())\n",
            "logarithm of the mean",
        ),
        (
            "import numpy as np\n"
            "def leep(probabilities, labels):\n"
            "    joint = np.eye(labels.max() + 1)[labels].T @ probabilities / len(labels)\n"
            "    return np.log((joint[labels] * probabilities).sum(axis=1)).mean()\n",
            "not normalised",
        ),
        (
            "import numpy as np\n"
            "def leep(probabilities, labels):\n"
            "    joint = np.eye(labels.max() + 1)[labels].T @ probabilities\n"
            "    return np.log((joint[labels] * probabilities).sum(axis=1)).mean()\n",
            "holds sums of probabilities",
        ),
        (
            "import numpy as np\n"
            "def leep(probabilities, labels):\n"
            "    joint = np.eye(labels.max() + 1)[labels].T @ probabilities\n"
            "    table = joint / joint.sum(axis=0)\n"
            "    return np.log((table[labels] * probabilities).sum(axis=1)).sum()\n",
            "summed the logarithms",
        ),
        (
            "import numpy as np\n"
            "def leep(probabilities, labels):\n"
            "    joint = np.eye(labels.max() + 1)[labels].T @ probabilities\n"
            "    table = joint / joint.sum(axis=0)\n"
            "    return -np.log((table[labels] * probabilities).sum(axis=1)).mean()\n",
            "sign",
        ),
        (
            "import numpy as np\n"
            "def leep(probabilities, labels):\n"
            "    joint = np.eye(labels.max() + 1)[labels].T @ probabilities\n"
            "    table = joint / joint.sum(axis=0)\n"
            "    return np.log10((table[labels] * probabilities).sum(axis=1)).mean()\n",
            "base 10",
        ),
        (
            "import numpy as np\n"
            "def leep(probabilities, labels):\n"
            "    joint = np.eye(labels.max() + 1)[labels].T @ probabilities\n"
            "    table = joint / joint.sum(axis=0)\n"
            "    return np.log2((table[labels] * probabilities).sum(axis=1)).mean()\n",
            "base 2",
        ),
        (
            "import numpy as np\n"
            "def leep(probabilities, labels):\n"
            "    joint = np.eye(labels.max() + 1)[labels].T @ probabilities\n"
            "    table = joint / joint.sum(axis=0)\n"
            "    return np.log(table[labels, probabilities.argmax(axis=1)]).mean()\n",
            "most probable source class",
        ),
        (
            "import numpy as np\n"
            "def leep(probabilities, labels):\n"
            "    return np.log(0.0 * probabilities.mean())\n",
            "logarithm of zero",
        ),
        (
            "def leep(probabilities, labels):\n    return -0.5\n",
            "yours is different",
        ),
    ],
    "01-negative-transfer": [
        (
            "from scipy import stats\n"
            "def difference_and_half_width(transfer, scratch):\n"
            "    differences = transfer - scratch\n"
            "    quantile = stats.t.ppf(0.975, len(differences) - 1)\n"
            "    return differences.mean(), quantile * differences.std(ddof=1)\n",
            "square root",
        ),
        (
            "import numpy as np\n"
            "from scipy import stats\n"
            "def difference_and_half_width(transfer, scratch):\n"
            "    quantile = stats.t.ppf(0.975, len(transfer) - 1)\n"
            "    squared = (transfer.var(ddof=1) + scratch.var(ddof=1)) / len(transfer)\n"
            "    return transfer.mean() - scratch.mean(), quantile * np.sqrt(squared)\n",
            "unrelated",
        ),
        (
            "import numpy as np\n"
            "from scipy import stats\n"
            "def difference_and_half_width(transfer, scratch):\n"
            "    differences = transfer - scratch\n"
            "    quantile = stats.t.ppf(0.975, len(differences) - 1)\n"
            "    return differences.mean(), quantile * differences.std() / np.sqrt(len(scratch))\n",
            "ddof=1",
        ),
        (
            "import numpy as np\n"
            "def difference_and_half_width(transfer, scratch):\n"
            "    differences = transfer - scratch\n"
            "    error = differences.std(ddof=1) / np.sqrt(len(scratch))\n"
            "    return differences.mean(), 1.96 * error\n",
            "1.96",
        ),
        (
            "import numpy as np\n"
            "def difference_and_half_width(transfer, scratch):\n"
            "    differences = transfer - scratch\n"
            "    return differences.mean(), differences.std(ddof=1) / np.sqrt(len(scratch))\n",
            "standard error",
        ),
        (
            "import numpy as np\n"
            "from scipy import stats\n"
            "def difference_and_half_width(transfer, scratch):\n"
            "    differences = transfer - scratch\n"
            "    error = differences.std(ddof=1) / np.sqrt(len(scratch))\n"
            "    return differences.mean(), 2 * stats.t.ppf(0.975, len(scratch) - 1) * error\n",
            "whole width",
        ),
        (
            "import numpy as np\n"
            "from scipy import stats\n"
            "def difference_and_half_width(transfer, scratch):\n"
            "    differences = transfer - scratch\n"
            "    error = differences.std(ddof=1) / np.sqrt(len(scratch))\n"
            "    return differences.mean(), 2.776445 * error\n",
            "half width for 3 seeds",
        ),
        (
            "def difference_and_half_width(transfer, scratch):\n"
            "    return (scratch - transfer).mean(), 0.01\n",
            "sign",
        ),
        (
            "def difference_and_half_width(transfer, scratch):\n"
            "    return (transfer - scratch).sum(), 0.01\n",
            "summed the differences",
        ),
        (
            "def difference_and_half_width(transfer, scratch):\n    return transfer.mean(), 0.01\n",
            "mean difference is",
        ),
        (
            "def difference_and_half_width(transfer, scratch):\n"
            "    return (transfer - scratch).mean()\n",
            "shape must be (2,)",
        ),
    ],
}
