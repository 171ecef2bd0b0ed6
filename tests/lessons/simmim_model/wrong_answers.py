"""Wrong answers to the exercises of lesson 03, each with words of the message it must get."""


def _count(expression: str) -> str:
    return (
        "def joint_parameters(trunk, classes, tasks, shared_head):\n"
        "    features = trunk.output_shape[-1]\n"
        "    heads = 1 if shared_head else tasks\n"
        f"    return {expression}\n"
    )


_SETTLED = (
    "def adapt(source, model, frozen_layers):\n"
    "    model.trunk.set_weights(source.trunk.get_weights())\n"
    "    freezing.freeze(model.trunk, frozen_layers)\n"
    "    model.compile('sgd')\n"
)
"""What is right, up to the last line."""


def _adapt(old: str, new: str, returns: str = "model") -> str:
    assert old in _SETTLED
    return _SETTLED.replace(old, new) + f"    return {returns}\n"


_COPY = "    model.trunk.set_weights(source.trunk.get_weights())\n"
_FREEZE = "    freezing.freeze(model.trunk, frozen_layers)\n"
_COMPILE = "    model.compile('sgd')\n"


def _loss(expression: str) -> str:
    return (
        "import numpy as np\n"
        "def joint_loss(labels, logits, weights):\n"
        "    every = {name: losses.cross_entropy(labels[name], logits[name]).numpy()\n"
        "             for name in labels}\n"
        "    weight = np.array([weights[name] for name in every])\n"
        "    mean = np.array([values.mean() for values in every.values()])\n"
        "    total = np.array([values.sum() for values in every.values()])\n"
        f"    return {expression}\n"
    )


def _extend(trunk: str = "clone", tasks: str = "[*model.tasks, task]", then: str = "heads") -> str:
    bodies = {
        "heads": "    heads = {layer.name: layer for layer in model.layers[1:]}\n"
        "    for layer in extended.layers[1:]:\n"
        "        if layer.name in heads:\n"
        "            layer.set_weights(heads[layer.name].get_weights())\n",
        "nothing": "",
        "kernels": "    for name in model._head_of:\n"
        "        extended._head_of[name].kernel.assign(model._head_of[name].kernel)\n"
        "        extended._head_of[name].bias.assign(0 * model._head_of[name].bias)\n",
        "first": "    first = model.layers[1].get_weights()\n"
        "    extended.layers[1].set_weights(first)\n",
        "reversed": "    extended.set_weights(extended.get_weights())\n"
        "    model.trunk.set_weights([0 * array for array in model.trunk.get_weights()])\n",
    }
    return (
        "def add_task(model, task):\n"
        "    clone = keras.models.clone_model(model.trunk)\n"
        "    clone.set_weights(model.trunk.get_weights())\n"
        "    fresh = keras.models.clone_model(model.trunk)\n"
        "    kernels = keras.models.clone_model(model.trunk)\n"
        "    for layer, other in zip(kernels.layers, model.trunk.layers):\n"
        "        layer.kernel.assign(other.kernel)\n"
        f"    extended = simmim_lib.SimMIM({trunk}, {tasks})\n"
        f"{bodies[then]}"
        "    return extended\n"
    )


WRONG_ANSWERS = {
    "03-count-parameters": [
        (_count("heads * (features + 1) * classes"), "counted the heads only"),
        (_count("trunk.count_params()"), "counted the trunk only"),
        (_count("trunk.count_params() + heads * features * classes"), "biases of the heads"),
        (
            _count("tasks * trunk.count_params() + heads * (features + 1) * classes"),
            "trunk for every task",
        ),
        (
            _count("trunk.count_params() + heads * (trunk.input_shape[-1] + 1) * classes"),
            "heads on the images",
        ),
        (_count("trunk.count_params() + heads * (features + 1)"), "each head one output"),
        (_count("trunk.count_params() + tasks * (features + 1) * classes"), "head for every task"),
        (_count("trunk.count_params() + (features + 1) * classes"), "counted one head"),
        (_count("len(trunk.weights) + 2 * heads"), "154 parameters"),
        (_count("None"), "returns nothing"),
    ],
    "03-copy-and-freeze": [
        (_adapt(_COPY, ""), "Nothing was copied"),
        (_adapt(_FREEZE, ""), "No layer is frozen"),
        (_adapt(_COMPILE, ""), "Compile the model again"),
        (
            _adapt(_COMPILE, "    model.compile(keras.optimizers.SGD(0.0))\n"),
            "did not change weights",
        ),
        (
            _adapt(
                _SETTLED[_SETTLED.index(_COPY) :],
                "    layers = [keras.Input((6,)), *source.trunk.layers[:frozen_layers],\n"
                "              *model.trunk.layers[frozen_layers:]]\n"
                "    trunk = keras.Sequential(layers)\n"
                "    trunk.set_weights(source.trunk.get_weights())\n"
                "    joint = simmim_lib.SimMIM(trunk, model.tasks)\n"
                "    joint.compile('sgd')\n",
                "joint",
            ),
            "source's own layers",
        ),
        (
            _adapt(
                _COPY,
                "    for ours, theirs in zip(model.trunk.layers, source.trunk.layers):\n"
                "        ours.kernel.assign(theirs.kernel)\n",
            ),
            "not the biases",
        ),
        (
            _adapt(_COPY, "    freezing.copy_layers(source.trunk, model.trunk, frozen_layers)\n"),
            "Only these layers were copied: first, second.",
        ),
        (
            _adapt(_COPY, "    source.trunk.set_weights(model.trunk.get_weights())\n"),
            "source's weights have changed",
        ),
        (_adapt(_COPY, "    model.set_weights(source.get_weights())\n"), "heads' weights"),
        (
            _adapt(_COPY, "    model.trunk.set_weights([0 * w for w in model.trunk.weights])\n"),
            "not to those of the source",
        ),
        (_adapt(_FREEZE, "    model.trunk.trainable = False\n"), "whole trunk is frozen"),
        (_adapt(_FREEZE, "    model.trainable = False\n"), "whole model is frozen"),
        (
            _adapt(
                _FREEZE, "    for layer in model.layers[1:]:\n        layer.trainable = False\n"
            ),
            "froze a head",
        ),
        (
            _adapt(_FREEZE, "    freezing.freeze(source.trunk, frozen_layers)\n"),
            "froze layers of the source",
        ),
        (
            _adapt(_FREEZE, "    model.trunk.layers[frozen_layers - 1].trainable = False\n"),
            "these layers are frozen: second.",
        ),
        (_adapt(_COMPILE, _COMPILE, "None"), "returns nothing"),
        (_adapt(_COMPILE, _COMPILE, "model.trunk"), "type `Sequential`"),
        (
            "def adapt(source, model, frozen_layers):\n"
            "    trunk = keras.models.clone_model(source.trunk)\n"
            "    trunk.set_weights(source.trunk.get_weights())\n"
            "    freezing.freeze(trunk, frozen_layers)\n"
            "    joint = simmim_lib.SimMIM(trunk, model.tasks)\n"
            "    joint.set_weights([*source.trunk.get_weights(), *model.get_weights()[6:]])\n"
            "    return joint\n",
            "not compiled",
        ),
        (
            "def adapt(source, model, frozen_layers):\n"
            "    trunk = keras.models.clone_model(source.trunk)\n"
            "    trunk.set_weights(source.trunk.get_weights())\n"
            "    return simmim_lib.SimMIM(trunk, model.tasks[:1])\n",
            "must keep its tasks and its heads",
        ),
    ],
    "03-joint-loss": [
        (_loss("weight @ total"), "take their mean, or a task"),
        (
            _loss(
                "np.concatenate([w * v for w, v in zip(weight, every.values())]).mean()",
            ),
            "mean for each task",
        ),
        (_loss("mean.sum()"), "left the weights out"),
        (_loss("weight @ mean / weight.sum()"), "sum of the weights"),
        (_loss("np.mean(weight * mean)"), "number of tasks"),
        (_loss("weight ** 2 @ mean"), "squared"),
        (_loss("weight[-1] * mean[-1]"), "last task"),
        (_loss("weight[0] * mean[0]"), "first task"),
        (_loss("np.prod(weight * mean)"), "multiplied"),
        (_loss("-weight @ mean"), "sign"),
        (_loss("weight @ mean / np.log(2)"), "base 2"),
        (
            _loss(
                "-sum(weights[n] * logits[n][np.arange(len(labels[n])), labels[n]].mean()"
                " for n in labels)"
            ),
            "through the softmax",
        ),
        (_loss("weight * mean"), "shape must be ()"),
        (_loss("1.0"), "the loss is"),
    ],
    "03-new-task": [
        (_extend(trunk="fresh"), "trunk's weights are not those"),
        (_extend(trunk="kernels"), "trunk's biases"),
        (_extend(trunk="model.trunk"), "share layers"),
        (_extend(tasks="model.tasks"), "no output 'clothes'"),
        (_extend(tasks="[task]"), "lost digits, letters"),
        (
            _extend(tasks="[*model.tasks, simmim_lib.Task('clothes', ('shirt', 'coat'))]"),
            "gives 2 numbers",
        ),
        (_extend(then="nothing"), "answers for digits, letters have changed"),
        (_extend(then="first"), "answers for letters have changed"),
        (_extend(then="kernels"), "not its bias"),
        (_extend(then="reversed"), "given model's weights have changed"),
        ("def add_task(model, task):\n    model.tasks\n", "returns nothing"),
        ("def add_task(model, task):\n    return model.trunk\n", "type `Sequential`"),
    ],
}
