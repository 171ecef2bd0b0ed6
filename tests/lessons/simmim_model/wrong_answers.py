"""Wrong answers to the exercises of lesson 03, each with words of the message it must get."""


def _count(expression: str) -> str:
    return (
        "def joint_parameters(trunk, classes, tasks, shared_head):\n"
        "    features = trunk.output_shape[-1]\n"
        "    heads = 1 if shared_head else tasks\n"
        f"    return {expression}\n"
    )


def _weights(expression: str) -> str:
    return (
        "def equal_images(labels):\n"
        "    counts = {name: len(of_task) for name, of_task in labels.items()}\n"
        "    total = sum(counts.values())\n"
        f"    return {expression}\n"
    )


def _of_each(expression: str) -> str:
    return _weights(f"{{name: {expression} for name, count in counts.items()}}")


def _report(place: str, accuracy: str) -> str:
    return (
        "import numpy as np\n"
        "def tune_and_report(validation, test):\n"
        f"    place = {place}\n"
        f"    return place, {accuracy}\n"
    )


_BEST = "validation.mean(axis=1).argmax()"


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
    "03-equal-images": [
        (_of_each("count"), "*sum* over all images"),
        (_of_each("count * len(counts) / total"), "sum to the number of tasks"),
        (_of_each("1 / len(counts)"), "gives each *task*"),
        (_of_each("1"), "With weights of 1"),
        (_of_each("count**2 / total**2"), "Yours: [0."),
        (_weights("list(counts.values())"), "Give a dictionary"),
        (_weights("{'mnist': 0.75}"), "an entry for each"),
        # The right numbers, handed out in the reverse order of the tasks.
        (
            _weights("dict(zip(counts, reversed([n / total for n in counts.values()])))"),
            "the other way round: each loss has",
        ),
        (_weights("{'mnist': 0.75, 'uci-digits': 0.25}"), "yours are"),
    ],
    "03-tune-and-report": [
        (_report("test.mean(axis=1).argmax()", "test[place].mean()"), "chose by the test"),
        (_report(_BEST, "validation[place].mean()"), "report the validation accuracy"),
        (_report(_BEST, "test[place].max()"), "report the best seed"),
        (
            _report("validation.max(axis=1).argmax()", "test[place].mean()"),
            "single best seed",
        ),
        (_report(_BEST, "test.mean()"), "over all rates"),
        (_report("test.mean(axis=1).max()", _BEST), "the best mean on validation"),
        (_report("test[validation.mean(axis=1).argmax()].mean()", _BEST), "wrong order"),
        (_report(_BEST, "test[place]"), "type `tuple`"),
        (_report("1", "0.84667"), "Yours: [1, 0.8467]"),
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
