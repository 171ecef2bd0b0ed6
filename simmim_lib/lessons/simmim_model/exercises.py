"""Checks of lesson 03: the SimMIM model."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from simmim_lib.errors import shown
from simmim_lib.exercises import (
    EXACT,
    Mistake,
    Wrong,
    compare,
    entries,
    exercise,
    in_words,
    is_close,
    numbers,
)

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


def _as_simmim(returned: object) -> "SimMIM":
    import simmim_lib

    if returned is None:
        raise Wrong("Your function returns nothing (`None`): end it with `return` and the model.")
    if not isinstance(returned, simmim_lib.SimMIM):
        kind = type(returned).__name__
        raise Wrong(f"A `simmim_lib.SimMIM` is expected here, but this is of type `{kind}`.")
    return returned


@exercise("03-count-parameters", "function")
def _count_parameters(answer: Callable[..., Any]) -> str:
    import numpy as np

    from simmim_lib import trunks

    drawn = np.random.default_rng().integers((4, 4), (20, 9)).tolist()
    small = _trunk(seed=1)
    for trunk, classes, tasks in ((small, 10, 2), (small, *drawn), (trunks.build_trunk(), 7, 3)):
        for shared in (False, True):
            right, mistakes = _counts(trunk, classes, tasks, shared)
            otherwise = (
                f"For a trunk of {trunk.count_params():,} parameters that gives "
                f"{trunk.output_shape[-1]} features, {tasks} tasks of {classes} classes and "
                f"shared_head={shared}, the model has {right:,} parameters."
            )
            compare(answer(trunk, classes, tasks, shared), right, mistakes, otherwise, EXACT)
    return (
        "Each further task costs one head, or nothing if it can share one. Separate models would "
        "cost a trunk each."
    )


def _counts(
    model: "keras.Model", classes: int, tasks: int, shared: bool
) -> tuple[int, list[Mistake]]:
    """Give the number of parameters, and what each known mistake makes of it."""
    trunk, features, inputs = model.count_params(), model.output_shape[-1], model.input_shape[-1]
    heads, head = 1 if shared else tasks, (features + 1) * classes
    several = "You counted a head for every task: with `shared_head` they share one."
    one = "You counted one head: without `shared_head` each task has its own."
    return trunk + heads * head, [
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
            trunk + heads * (inputs + 1) * classes,
            "You built the heads on the images: their input is the output of the trunk.",
        ),
        Mistake(
            trunk + heads * (features + 1),
            "You gave each head one output: each class has an output of its own.",
        ),
        Mistake(trunk + tasks * head, several) if shared else Mistake(trunk + head, one),
    ]


@exercise("03-equal-images", "function")
def _equal_images(answer: Callable[..., Any]) -> str:
    import numpy as np

    random = np.random.default_rng()
    shown = {"mnist": 60, "uci-digits": 20}
    for sizes in (shown, _draw_sizes(random), _draw_sizes(random)):
        labels = {name: random.integers(10, size=count) for name, count in sizes.items()}
        given = entries(answer(labels), sizes)
        counts = np.array(list(sizes.values()), dtype=np.float64)
        weights = np.array([numbers(each) for each in given.values()])
        otherwise = (
            f"For {_sizes_in_words(sizes)} images the weights of {', '.join(sizes)} are "
            f"{in_words(counts / counts.sum())}: weight times 1 / (number of images) must be "
            "the same for every task."
        )
        compare(weights, counts / counts.sum(), _weight_mistakes(counts), otherwise)
    return (
        "Now one image counts as much as any other, and the task with more images dominates. With "
        "weights of 1 each task counts the same. Neither is right by itself: you decide."
    )


def _draw_sizes(random: "np.random.Generator") -> dict[str, int]:
    """Draw tasks in a random order, and the number of images of each."""
    names = random.permutation(["mnist", "uci-digits", "fashion", "glyphs"])
    counts = random.permutation(range(3, 90))
    return {str(name): int(count) for name, count in zip(names[:3], counts, strict=False)}


def _sizes_in_words(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sizes.items())


def _weight_mistakes(counts: "np.ndarray") -> list[Mistake]:
    import numpy as np

    return [
        Mistake(
            counts,
            "With the numbers of images as weights, the joint loss is the *sum* over all images: "
            "for their mean, divide by the number of all of them.",
        ),
        Mistake(
            counts / counts.mean(),
            "Every image counts the same, but your weights sum to the number of tasks: for the "
            "mean over all images they sum to 1.",
        ),
        Mistake(
            np.full(len(counts), 1 / len(counts)),
            "That gives each *task* the same weight: an image of a small task counts for more.",
        ),
        Mistake(
            np.ones(len(counts)),
            "With weights of 1, each *task* counts the same: its loss is a mean over its own "
            "images, so an image of a small task counts for more.",
        ),
        *(
            Mistake(
                inverse,
                "It is the other way round: each loss has already been divided by its number of "
                "images, and the weight has to undo that.",
            )
            for inverse in (
                1 / counts,
                counts.sum() / counts,
                (1 / counts) / (1 / counts).sum(),
            )
        ),
    ]


@exercise("03-tune-and-report", "function")
def _tune_and_report(answer: Callable[..., Any]) -> str:
    import numpy as np

    random = np.random.default_rng()
    drawn = [_draw_accuracies(random) for _ in range(4)]
    for validation, test in (tuple(map(np.array, _SHOWN_ACCURACIES)), *drawn):
        place = int(validation.mean(axis=1).argmax())
        right = np.array([place, test[place].mean()])
        given = numbers(answer(validation.copy(), test.copy()), (2,))
        otherwise = (
            f"For validation {in_words(validation)} and test {in_words(test)}, rate {place} has "
            f"the best mean on validation images, and its mean on test images is {right[1]:.3f}."
        )
        if is_close(given, [right[1], place]):
            raise Wrong("Right numbers, wrong order: first the index, then the accuracy.")
        compare(given, right, _tuning_mistakes(validation, test), otherwise)
    return (
        "Test images may judge once, after every choice is made. Section 6 chose each optimizer's "
        "rate in this way; the best of seven on the test images themselves would look too good."
    )


_SHOWN_ACCURACIES = (
    ((0.80, 0.90, 0.82), (0.88, 0.86, 0.87), (0.95, 0.70, 0.72), (0.84, 0.85, 0.83)),
    ((0.81, 0.86, 0.82), (0.83, 0.88, 0.83), (0.80, 0.71, 0.69), (0.85, 0.88, 0.86)),
)
"""Validation and test accuracies of four rates and three seeds: every mistake chooses otherwise."""


def _draw_accuracies(random: "np.random.Generator") -> "tuple[np.ndarray, np.ndarray]":
    rates, seeds = random.integers((3, 4), (7, 9))
    validation, test = random.uniform(0.5, 0.95, size=(2, rates, seeds))
    return validation, test


def _tuning_mistakes(validation: "np.ndarray", test: "np.ndarray") -> list[Mistake]:
    import numpy as np

    place, by_test = validation.mean(axis=1).argmax(), test.mean(axis=1).argmax()
    luckiest = np.unravel_index(validation.argmax(), validation.shape)[0]
    return [
        Mistake(
            [by_test, test[by_test].mean()],
            "You chose by the test images, so the accuracy that you report is that of the "
            "luckiest rate: choose on validation images.",
        ),
        Mistake(
            [place, validation[place].mean()],
            "You report the validation accuracy, which was chosen as the best of several and is "
            "too good: report that of the test images.",
        ),
        Mistake(
            [place, test[place].max()],
            "You report the best seed: report the mean over all of them.",
        ),
        Mistake(
            [luckiest, test[luckiest].mean()],
            "You chose the rate with the single best seed: compare the means over the seeds.",
        ),
        Mistake(
            [place, test.mean()],
            "You report the mean over all rates: report that of the chosen one.",
        ),
    ]


@exercise("03-new-task", "function")
def _new_task(answer: Callable[..., Any]) -> str:
    import numpy as np

    import simmim_lib

    seed = int(np.random.default_rng().integers(1_000_000))
    model, images = _joint(seed), _images()
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
    extended.compile("sgd", run_eagerly=True)  # for one step, compiling takes longer than it saves
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
        raise Wrong(
            f"There is no output {shown(task.name)}: the new model must have the new task, too."
        )
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
