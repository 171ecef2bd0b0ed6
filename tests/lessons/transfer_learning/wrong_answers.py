"""Wrong answers to the exercises of lesson 01, each with words of the message it must get."""

_WITH_WEIGHTS = "    layers = [layer for layer in model.layers if layer.weights]\n"


def _count(expression: str, layers: str = _WITH_WEIGHTS) -> str:
    return f"def trainable_parameters(model, frozen_layers):\n{layers}    return {expression}\n"


_PAIRS = (
    "def copy_and_freeze(source_model, target_model, frozen_layers):\n"
    "    layers = zip(source_model.layers, target_model.layers)\n"
    "    pairs = [pair for pair in layers if pair[0].weights]\n"
)
_COPY = (
    "    for source_layer, target_layer in pairs[:frozen_layers]:\n"
    "        target_layer.set_weights(source_layer.get_weights())\n"
)
_FREEZE = "    for _, layer in pairs[:frozen_layers]:\n        layer.trainable = False\n"


def _half(expression: str, mean: str = "d.mean()") -> str:
    return (
        "import numpy as np\n"
        "from scipy import stats\n"
        "def difference_and_half_width(transfer, scratch):\n"
        "    d = transfer - scratch\n"
        "    n, error = len(d), d.std(ddof=1) / np.sqrt(len(d))\n"
        "    half = stats.t.ppf(0.975, n - 1) * error\n"
        f"    return {mean}, {expression}\n"
    )


def _opponent(**changes: object) -> str:
    right = {
        "source": "glyphs",
        "targets": ("uci-digits",),
        "labels_per_class": 5,
        "steps": 240,
        "seeds": 10,
        "adaptation": "fine-tune",
        "trunk_learning_rate": 0.1,
    }
    fields = ", ".join(f"{name}={value!r}" for name, value in {**right, **changes}.items())
    return f"opponent = simmim_lib.Settings({fields})\n"


WRONG_ANSWERS = {
    "01-trainable-parameters": [
        (_count("model.count_params()"), "counted every layer"),
        (_count("sum(x.count_params() for x in layers[:frozen_layers])"), "counted the frozen"),
        (
            _count("sum(x.count_params() - x.bias.shape[0] for x in layers[frozen_layers:])"),
            "biases",
        ),
        (_count("sum(len(x.weights) for x in layers[frozen_layers:])"), "counted the arrays"),
        (_count("len(layers[frozen_layers:])"), "counted layers"),
        (_count("sum(x.count_params() for x in layers[frozen_layers + 1:])"), "layer too many"),
        (
            _count("sum(x.count_params() for x in layers[max(frozen_layers - 1, 0):])"),
            "layer too few",
        ),
        # What was the folded solution once: it counts `flatten`, which the lesson does not.
        (
            _count("sum(layer.count_params() for layer in model.layers[frozen_layers:])"),
            "such as `flatten`",
        ),
        (_count("{2: 150986, 4: 1290, 0: 155786}.get(frozen_layers, 132490)"), "are trained"),
        (_count("model.count_params() - 4_800"), "Yours: "),
        (_count("None"), "returns nothing"),
        (
            _count("str(sum(x.count_params() for x in layers[frozen_layers:]))"),
            "is text where numbers",
        ),
        (_count("model.parameters"), "Your code stopped with AttributeError"),
    ],
    "01-freeze-and-copy": [
        (_PAIRS + _FREEZE, "Nothing was copied"),
        (_PAIRS + _COPY, "not frozen"),
        (
            "import keras\n" + _PAIRS + "    shared = source_model.layers[:frozen_layers]\n"
            "    return keras.Sequential([*shared, *target_model.layers[frozen_layers:]])\n",
            "source's own layers",
        ),
        (
            _PAIRS + _COPY.replace("[:frozen_layers]", "[:frozen_layers + 1]") + _FREEZE,
            "layers were copied: convolution_1, convolution_2, convolution_3.",
        ),
        (
            _PAIRS + _COPY + _FREEZE.replace("[:frozen_layers]", "[:frozen_layers + 1]"),
            "layers are frozen: convolution_1, convolution_2, convolution_3.",
        ),
        (
            "def copy_and_freeze(source_model, target_model, frozen_layers):\n"
            "    pairs = list(zip(source_model.layers, target_model.layers))\n" + _COPY + _FREEZE,
            "With `frozen_layers=4` these layers were copied: convolution_1, convolution_2, "
            "convolution_3.",
        ),
        (
            _PAIRS + "    target_model.set_weights(source_model.get_weights())\n" + _FREEZE,
            "copied all 5 layers",
        ),
        (
            _PAIRS + _COPY + "    for layer in target_model.layers:\n"
            "        layer.trainable = False\n",
            "whole target is frozen",
        ),
        # All layers say what they should, and nothing can learn.
        (
            _PAIRS + _COPY + "    target_model.trainable = False\n"
            "    for _, layer in pairs[frozen_layers:]:\n        layer.trainable = True\n",
            "nothing in the model would learn",
        ),
        (
            _PAIRS + _COPY + "    for _, layer in pairs[frozen_layers:]:\n"
            "        layer.trainable = False\n",
            "froze the last layers",
        ),
        (
            _PAIRS + "    source_model.set_weights(target_model.get_weights())\n",
            "source model's weights have changed",
        ),
        (_PAIRS + _COPY + "    source_model.layers[0].trainable = False\n", "of the source"),
        (
            _PAIRS + "    for source_layer, target_layer in pairs[:frozen_layers]:\n"
            "        target_layer.kernel.assign(source_layer.kernel)\n",
            "not the biases",
        ),
        (
            _PAIRS + "    for _, layer in pairs[:frozen_layers]:\n"
            "        layer.kernel.assign(0 * layer.kernel)\n",
            "not to those of the source",
        ),
    ],
    "01-fair-comparison": [
        (_opponent(adaptation="gradual-unfreezing"), "Both runs unfreeze gradually"),
        (_opponent(steps=120), "number of steps"),
        (_opponent(seeds=3), "same seeds"),
        (_opponent(trunk_learning_rate=1.0), "steps of different size"),
        (_opponent(labels_per_class=10), "number of labels"),
        (_opponent(targets=("mnist",)), "same target"),
        (_opponent(source=None), "same source"),
        (_opponent(learning_rate=1e-3), "Your `learning_rate` is 0.001"),
        (_opponent(batch_size=16), "differ in more than"),
        ("opponent = 'fine-tune'", "type `str`"),
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
            "Yours: -0.5.",
        ),
    ],
    "01-negative-transfer": [
        (_half("half * np.sqrt(n)"), "square root"),
        (
            _half(
                "stats.t.ppf(0.975, n - 1) * "
                "np.sqrt((transfer.var(ddof=1) + scratch.var(ddof=1)) / n)"
            ),
            "unrelated",
        ),
        (_half("half * np.sqrt((n - 1) / n)"), "ddof=1"),
        (_half("1.96 * error"), "1.96"),
        (_half("error"), "standard error"),
        (_half("2 * half"), "whole width"),
        (_half("stats.t.ppf(0.95, n - 1) * error"), "on one side"),
        (_half("stats.t.ppf(0.975, n) * error"), "degrees of freedom"),
        (_half("-half"), "negative"),
        (_half("d.mean() + half", mean="d.mean() - half"), "ends of the interval"),
        (_half("100 * half", mean="100 * d.mean()"), "percentage points"),
        (_half("d.mean()", mean="half"), "wrong order"),
        (_half("2.776445 * error"), "half width for 3 seeds"),
        (_half("half", mean="-d.mean()"), "sign"),
        (_half("half", mean="d.sum()"), "summed the differences"),
        (_half("half", mean="transfer.mean()"), "Yours: 0.712."),
        (
            "def difference_and_half_width(transfer, scratch):\n"
            "    return (transfer - scratch).mean()\n",
            "shape must be (2,)",
        ),
    ],
}
