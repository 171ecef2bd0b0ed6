"""Checks of lesson 03: the SimMIM model."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from simmim_lib.exercises import Mistake, Wrong, compare, exercise

if TYPE_CHECKING:
    import keras
    import numpy as np

    from simmim_lib.simmim import SimMIM, Task

    Arrays = list[np.ndarray]

_SIZES = (6, 5, 4, 3)  # of the input and of each layer of the trunk
_LAYERS = ("first", "second", "third")
_CLASSES = {"digits": ("0", "1", "2"), "letters": ("a", "b")}
_EXAMPLES = 8


def _trunk(seed: int) -> "keras.Sequential":
    """Build a small dense trunk whose units all move when it is trained; no bias is zero."""
    import keras

    trunk = keras.Sequential([keras.Input((_SIZES[0],))], name="trunk")
    for name, size in zip(_LAYERS, _SIZES[1:], strict=True):
        trunk.add(keras.layers.Dense(size, activation="tanh", name=name))
    _randomise(trunk, seed)
    return trunk


def _randomise(model: "keras.Model", seed: int) -> None:
    import numpy as np

    random = np.random.default_rng(seed)
    model.set_weights([random.normal(0, 0.5, weight.shape) for weight in model.weights])


def _joint(seed: int) -> "SimMIM":
    import simmim_lib

    tasks = [simmim_lib.Task(name, class_names) for name, class_names in _CLASSES.items()]
    model = simmim_lib.SimMIM(_trunk(seed), tasks)
    _randomise(model, seed)
    return model


def _images() -> "np.ndarray":
    import numpy as np

    return np.random.default_rng(0).normal(size=(_EXAMPLES, _SIZES[0])).astype(np.float32)


def _take_a_step(model: "SimMIM") -> None:
    """Take one training step of a compiled model on all tasks."""
    import numpy as np

    labels = {
        task.name: np.arange(_EXAMPLES, dtype=np.int32) % len(task.class_names)
        for task in model.tasks
    }
    images = {task.name: _images() for task in model.tasks}
    model.fit(images, labels, batch_size=_EXAMPLES, shuffle=False, verbose=0)


def _copies(model: "keras.Model") -> "Arrays":
    return [array.copy() for array in model.get_weights()]


def _equal(left: "Arrays", right: "Arrays") -> bool:
    import numpy as np

    return all(np.array_equal(one, other) for one, other in zip(left, right, strict=True))


def _same_variables(left: "keras.Model", right: "keras.Model") -> bool:
    """Tell whether two models have a weight in common."""
    known = {id(weight) for weight in left.weights}
    return any(id(weight) in known for weight in right.weights)


def _as_simmim(returned: object) -> "SimMIM":
    import simmim_lib

    if returned is None:
        raise Wrong("Your function returns nothing (`None`): end it with `return` and the model.")
    if not isinstance(returned, simmim_lib.SimMIM):
        kind = type(returned).__name__
        raise Wrong(f"A `simmim_lib.SimMIM` is expected here, but this is of type `{kind}`.")
    return returned


@exercise("03-count-parameters")
def _count_parameters(answer: Callable[..., Any]) -> str:
    layers = [(a + 1) * b for a, b in pairwise(_SIZES)]
    trunk, features = sum(layers), _SIZES[-1]
    for classes, tasks in ((10, 2), (7, 3)):
        for shared in (False, True):
            heads = 1 if shared else tasks
            head = (features + 1) * classes
            mistakes = [
                Mistake(heads * head, "You counted the heads only: the trunk has parameters, too."),
                Mistake(trunk, "You counted the trunk only: each head has parameters, too."),
                Mistake(
                    trunk + heads * features * classes,
                    "You forgot the biases of the heads: one for each class.",
                ),
                Mistake(
                    tasks * trunk + heads * head,
                    "You counted a trunk for every task: all tasks share one.",
                ),
                Mistake(
                    trunk + heads * (_SIZES[0] + 1) * classes,
                    "You built the heads on the images: their input is the output of the trunk.",
                ),
                Mistake(
                    trunk + heads * (features + 1),
                    "You gave each head one output: each class has an output of its own.",
                ),
            ]
            if shared:
                several = "You counted a head for every task: with `shared_head` they share one."
                mistakes.append(Mistake(trunk + tasks * head, several))
            else:
                one = "You counted one head: without `shared_head` each task has its own."
                mistakes.append(Mistake(trunk + head, one))
            otherwise = (
                f"For a trunk of {trunk} parameters that gives {features} features, {tasks} tasks "
                f"of {classes} classes and shared_head={shared}, the model has "
                f"{trunk + heads * head} parameters, but your function returns something else."
            )
            given = answer(_trunk(seed=1), classes, tasks, shared)
            compare(given, trunk + heads * head, mistakes, otherwise)
    return (
        "Each further task costs one head, or nothing if it can share one. Separate models would "
        "cost a trunk each."
    )


@exercise("03-copy-and-freeze")
def _copy_and_freeze(answer: Callable[..., Any]) -> str:
    for frozen in (2, 1):
        source, model = _joint(seed=1), _joint(seed=2)
        model.compile("sgd")
        _take_a_step(model)  # from now on its compiled step remembers which weights it trains
        wanted, fresh = _copies(source.trunk), _copies(model.trunk)
        heads = _copies(model)[len(fresh) :]
        adapted = _as_simmim(answer(source, model, frozen))
        _refuse_shared_or_changed_source(source, adapted, wanted)
        _refuse_wrong_copy(_copies(adapted.trunk), wanted, fresh)
        _refuse_other_heads(_copies(adapted)[len(fresh) :], heads)
        _refuse_wrong_freeze(adapted, frozen)
        _refuse_wrong_training(adapted, frozen)
    return (
        "The check trained your model for a step: the frozen layers stayed as they were, all "
        "others changed, and the source is untouched."
    )


def _refuse_shared_or_changed_source(source: "SimMIM", adapted: "SimMIM", wanted: "Arrays") -> None:
    if not _equal(_copies(source.trunk), wanted):
        raise Wrong("The source's weights have changed: copy from the source to the model.")
    if _same_variables(source, adapted):
        raise Wrong(
            "The model uses the source's own layers: what one learns would change the other. Copy "
            "the values with `set_weights(layer.get_weights())`."
        )
    if not all(layer.trainable for layer in source.trunk.layers):
        raise Wrong("You froze layers of the source: freeze those of the model.")


def _refuse_wrong_copy(now: "Arrays", wanted: "Arrays", fresh: "Arrays") -> None:
    import numpy as np

    copied = [np.array_equal(one, other) for one, other in zip(now, wanted, strict=True)]
    if all(copied):
        return
    if not any(copied):
        if _equal(now, fresh):
            raise Wrong("Nothing was copied: the trunk still has its own weights.")
        raise Wrong("The trunk's weights have changed, but not to those of the source.")
    if all(copied[::2]):
        raise Wrong("You copied the kernels but not the biases: take all weights of a layer.")
    names = [name for name, done in zip(_LAYERS, copied[::2], strict=True) if done]
    raise Wrong(
        f"Only these layers were copied: {', '.join(names)}. All layers of the trunk are copied; "
        "`frozen_layers` says how many of them stay as they are."
    )


def _refuse_other_heads(now: "Arrays", before: "Arrays") -> None:
    if [array.shape for array in now] != [array.shape for array in before]:
        raise Wrong("The heads have changed: the model must keep its tasks and its heads.")
    if not _equal(now, before):
        raise Wrong("The heads' weights have changed: only the trunk comes from the source.")


def _refuse_wrong_freeze(adapted: "SimMIM", frozen: int) -> None:
    if not any(weight.trainable for weight in adapted.weights):
        raise Wrong("The whole model is frozen: nothing would be left to train.")
    heads = [layer for layer in adapted.layers if layer is not adapted.trunk]
    if not all(layer.trainable for layer in heads):
        raise Wrong("You froze a head: the heads have to learn the new tasks.")
    trained = [layer.trainable for layer in adapted.trunk.layers]
    if trained == [position >= frozen for position in range(len(_LAYERS))]:
        return
    if all(trained):
        raise Wrong("No layer is frozen: training would overwrite what was copied.")
    if not any(trained):
        raise Wrong(
            f"The whole trunk is frozen: `frozen_layers={frozen}` leaves its other layers to train."
        )
    names = [name for name, flag in zip(_LAYERS, trained, strict=True) if not flag]
    raise Wrong(
        f"With `frozen_layers={frozen}` these layers are frozen: {', '.join(names)}. Count from "
        "the input."
    )


def _refuse_wrong_training(adapted: "SimMIM", frozen: int) -> None:
    """Train for a step and see what moves."""
    if not adapted.compiled:
        raise Wrong("The model is not compiled, so it cannot be trained: end with `compile`.")
    before = _copies(adapted)
    _take_a_step(adapted)
    changes = zip(before, adapted.get_weights(), strict=True)
    moved = [not _equal([one], [other]) for one, other in changes]
    if any(moved[: 2 * frozen]):
        raise Wrong(
            "The layers say `trainable=False`, but `fit` has trained them all the same: it still "
            "uses the training step it had. Compile the model again after freezing."
        )
    if not all(moved[2 * frozen :]):
        raise Wrong(
            "A step of `fit` did not change weights that are not frozen: freeze first, then "
            "compile, with a learning rate above 0 and the losses of all tasks."
        )


@exercise("03-joint-loss")
def _joint_loss(answer: Callable[..., Any]) -> str:
    import numpy as np

    random = np.random.default_rng(3)
    examples = [
        ({"digits": (6, 3), "letters": (3, 5)}, (1.0, 0.5)),
        ({"digits": (5, 3), "letters": (2, 4), "clothes": (7, 2)}, (0.3, 2.0, 0.6)),
    ]
    for shapes, by_task in examples:
        logits = {name: random.normal(0, 2, shape) for name, shape in shapes.items()}
        labels = {name: random.integers(shape[1], size=shape[0]) for name, shape in shapes.items()}
        weights = dict(zip(shapes, by_task, strict=True))
        right, mistakes = _joint_loss_values(labels, logits, weights)
        given = answer(
            {name: array.copy() for name, array in labels.items()},
            {name: array.copy() for name, array in logits.items()},
            dict(weights),
        )
        shown = ", ".join(f"{count} images of {name}" for name, (count, _) in shapes.items())
        otherwise = (
            f"For {shown} and the weights {weights} the loss is {right:.4f}: the sum over the "
            "tasks of each weight times the mean of the task's cross-entropies."
        )
        compare(given, right, mistakes, otherwise)
    return (
        "Because each task's loss is a mean, a task with many images does not drown one with few; "
        "only the weight decides how much a task counts."
    )


def _joint_loss_values(
    labels: "Mapping[str, np.ndarray]",
    logits: "Mapping[str, np.ndarray]",
    weights: Mapping[str, float],
) -> tuple[float, list[Mistake]]:
    """Give the joint loss, and what each known mistake makes of it."""
    import numpy as np
    from scipy.special import log_softmax

    every = {
        name: -log_softmax(logits[name], axis=1)[np.arange(len(of_task)), of_task]
        for name, of_task in labels.items()
    }
    weight = np.array(list(weights.values()))
    mean = np.array([of_task.mean() for of_task in every.values()])
    total = np.array([of_task.sum() for of_task in every.values()])
    right = float(weight @ mean)
    pooled = np.concatenate(
        [w * of_task for w, of_task in zip(weight, every.values(), strict=True)]
    )
    raw = [-logits[name][np.arange(len(y)), y].mean() for name, y in labels.items()]
    return right, [
        Mistake(
            float(weight @ total),
            "You summed the losses of a task's images: take their mean, or a task with many images "
            "counts more than its weight says.",
        ),
        Mistake(
            float(pooled.mean()),
            "You took one mean over the images of all tasks: take a mean for each task.",
        ),
        Mistake(float(mean.sum()), "You left the weights out."),
        Mistake(
            float(weight @ mean / weight.sum()),
            "You divided by the sum of the weights: they are used as they are, so that doubling "
            "all of them doubles the loss.",
        ),
        Mistake(
            float(weight @ mean / len(mean)),
            "You divided by the number of tasks: the loss is the sum over the tasks.",
        ),
        Mistake(
            float(weight**2 @ mean),
            "You squared the weights: each loss is multiplied by its weight once.",
        ),
        Mistake(
            float(weight[-1] * mean[-1]),
            "Only the last task counts: add to the sum in each pass of the loop.",
        ),
        Mistake(
            float(weight[0] * mean[0]),
            "Only the first task counts: return after the loop, not inside it.",
        ),
        Mistake(float(np.prod(weight * mean)), "You multiplied the losses of the tasks: add them."),
        Mistake(
            -right,
            "The sign is reversed: cross-entropy is minus the logarithm, so it is above 0.",
        ),
        Mistake(
            float(right / np.log(2)),
            "You took a logarithm to base 2: use the natural one, `np.log`.",
        ),
        Mistake(
            float(weight @ np.array(raw)),
            "You used the logits as if they were log-probabilities: they must go through the "
            "softmax first.",
        ),
    ]


@exercise("03-new-task")
def _new_task(answer: Callable[..., Any]) -> str:
    import numpy as np

    import simmim_lib

    model, images = _joint(seed=1), _images()
    task = simmim_lib.Task("clothes", ("shirt", "coat", "bag", "boot"))
    before, weights = _outputs(model, images), _copies(model)
    extended = _as_simmim(answer(model, task))
    if not _equal(_copies(model), weights):
        raise Wrong(
            "The given model's weights have changed: build a new model and leave the given one "
            "alone."
        )
    now = _outputs(extended, images)
    _refuse_wrong_tasks(task, before, now)
    _refuse_other_outputs(model, extended, before, now)
    extended.compile("sgd")
    _take_a_step(extended)
    after = _outputs(model, images)
    if not all(np.array_equal(after[name], before[name]) for name in before):
        raise Wrong(
            "Training the new model for a step has changed the old one's answers: they share "
            "layers. `keras.models.clone_model` makes new ones, into which you copy the weights."
        )
    return (
        "For the old tasks the new model answers as the old one did. To keep it that way, freeze "
        "the trunk and train only the new head."
    )


def _refuse_wrong_tasks(
    task: "Task", before: "Mapping[str, np.ndarray]", now: "Mapping[str, np.ndarray]"
) -> None:
    if task.name not in now:
        raise Wrong(f"There is no output {task.name!r}: the new model must have the new task, too.")
    outputs, classes = now[task.name].shape[-1], len(task.class_names)
    if outputs != classes:
        raise Wrong(
            f"The new head gives {outputs} numbers for an image, but the new task has {classes} "
            "classes."
        )
    missing = [name for name in before if name not in now]
    if missing:
        raise Wrong(f"The new model has lost {', '.join(missing)}: it must keep the old tasks.")


def _outputs(model: "SimMIM", images: "np.ndarray") -> "dict[str, np.ndarray]":
    return {name: logits.numpy() for name, logits in model(images).items()}


def _refuse_other_outputs(
    model: "SimMIM",
    extended: "SimMIM",
    before: "Mapping[str, np.ndarray]",
    now: "Mapping[str, np.ndarray]",
) -> None:
    import numpy as np

    if all(np.allclose(now[name], before[name], atol=1e-6) for name in before):
        return
    old, new = _copies(model.trunk), _copies(extended.trunk)
    if not _equal(old, new):
        if _equal(old[::2], new[::2]):
            raise Wrong("The trunk's biases are not those of the old model: copy all its weights.")
        raise Wrong(
            "The trunk's weights are not those of the old model, so the old tasks get other "
            "answers: `clone_model` builds the layers anew, with fresh weights."
        )
    changed = [name for name in before if not np.allclose(now[name], before[name], atol=1e-6)]
    if all(abs(np.ptp(now[name] - before[name], axis=0)).max() < 1e-5 for name in changed):
        raise Wrong(
            f"The answers for {', '.join(changed)} are off by the same numbers for every image: "
            "you copied the kernel of a head, but not its bias."
        )
    raise Wrong(
        f"The trunk is right, but the answers for {', '.join(changed)} have changed: copy the "
        "weights of each old head into the head of the same task."
    )
