"""Questions of lesson 10."""

from simmim_lib.errors import WorkbookError
from simmim_lib.exercises.questions import Answer, Choice, Estimate, Option, letter, question
from simmim_lib.experiments import baselines
from simmim_lib.foundation.intervals import Difference
from simmim_lib.lessons.report import study_results
from simmim_lib.reports import report


@question(
    Choice(
        "10-misspelt",
        "You ask for `-p label_per_class 5`, without the *s*. What happens?",
        [
            Option(
                "nothing runs, and you are asked whether you meant another name",
                "A name that means nothing is most likely a slip, and a slip should cost seconds, "
                "not an hour.",
            ),
            Option(
                "the report runs with the usual number of labels",
                "That is what plain papermill does: it does not know the name, so your value has "
                "no effect.",
            ),
            Option(
                "the report runs with five labels",
                "You would have to be understood by somebody who guesses; a guess may be wrong.",
            ),
        ],
    )
)
def _misspelt() -> Answer:
    try:
        report.parse_parameters([("label_per_class", "5")])
        said = ""
    except WorkbookError as error:
        said = str(error).partition(" Choose")[0]
    return Answer(
        letter(not said),
        f"> {said}\n\nThe command checks all names and values, and the folder for the report, "
        "before it starts the notebook, and not after an hour of training. Plain papermill would "
        "warn and carry on: the usual value is used, and yours has no effect. Trust the table of "
        "settings, not your memory of what you typed.",
    )


_TAKEN_AWAY = (baselines.SCRATCH, baselines.PROBE, baselines.FINE_TUNE)


@question(
    Choice(
        "10-which-baseline",
        "The settings turn out clearly better than *from scratch*. You want to know whether the "
        "images *without labels* have contributed to that. Which baseline do you compare with?",
        [
            Option(
                baselines.SCRATCH,
                "It takes away the images without labels, but the source as well: the difference "
                "may be due to either.",
            ),
            Option(
                baselines.PROBE,
                "It takes away the images without labels, but the training of the copied layers "
                "as well.",
            ),
            Option(
                baselines.FINE_TUNE,
                "It has the same source, trains everything, and varies the labelled images in the "
                "same way; only the images without labels are missing.",
            ),
        ],
    )
)
def _which_baseline() -> Answer:
    plans = baselines.plans(report.parse_parameters([]))
    (right,) = (
        place
        for place, name in enumerate(_TAKEN_AWAY)
        if all(each.source and each.adaptation == "fine-tune" for each in plans[name])
    )
    return Answer(
        "abc"[right],
        "Why so many baselines? Each takes something else away. *From scratch* takes away the "
        "source, *probe* (a linear probe) the training of the copied layers, *fine-tune* freezing "
        "and images without labels, and *separate*, with several targets, the other targets. Only "
        "a gain over *all* of them is due to the settings as a whole.",
    )


@question(
    Choice(
        "10-overlap",
        "The next picture has a bar for each way of training: the 95 % interval of its mean. If "
        "the bars of two ways overlap, can their difference still be clear?",
        [
            Option(
                "no: overlapping bars mean no difference",
                "Each bar contains the luck of its seeds. Two ways that share their seeds share "
                "that luck.",
            ),
            Option(
                "yes, if they are compared seed by seed",
                "A seed with unlucky labelled images is unlucky for both ways, so it cancels in "
                "their difference.",
            ),
            Option(
                "only with more than thirty seeds",
                "Thirty is a rule of thumb for something else. Student's t is made for few.",
            ),
        ],
    )
)
def _overlap() -> Answer:
    overlapping = [pair for pair in study_results.adaptations() if pair.bars_overlap]
    clear = [pair for pair in overlapping if pair.difference.is_clear]
    return Answer(
        letter(bool(clear)),
        f"In lesson 01's study of ways to adapt, the bars of {len(overlapping)} pairs overlap, and "
        f"{len(clear)} of these differ clearly. The bars contain the luck of the labelled images; "
        "the difference within a seed does not. So the verdict comes from the differences, in the "
        "last column of the tables below. (And bars that do not overlap may belong to a difference "
        "that is not clear: where a seed is good for one way and bad for the other.)",
    )


@question(
    Choice(
        "10-calibration",
        "Information from images without labels makes every prediction more confident, including "
        "the wrong ones. What does that do to the calibration on the first target, compared with "
        "*from scratch*?",
        [
            Option(
                "it is worse: the network is too sure of itself",
                "Being more confident is too confident only if one is not right more often.",
            ),
            Option(
                "it is better",
                "A network that learns a few labels by heart is sure of everything; what images "
                "without labels add is more right predictions.",
            ),
            Option(
                "there is no clear difference",
                "More confidence and more right predictions can cancel, but it would be a "
                "coincidence.",
            ),
        ],
    )
)
def _calibration(gain: Difference | None) -> Answer:
    verdict = gain.verdict if gain else "no clear difference"
    measured = f" Error from scratch less error as asked: {gain}." if gain else ""
    return Answer(
        letter(verdict == "gain", verdict not in ("gain", "loss")),
        "Calibration compares confidence with how often it is justified, so a network that is "
        f"right more often may be more confident with reason.{measured} Ask for "
        "`information=0` and compare. If somebody is going to act on the probabilities, read the "
        "next section before the one on scores.",
    )


@question(
    Estimate(
        "10-cost",
        "The usual report trains on two targets with ten labels per class and on images without "
        "labels. How many times as much work is that as *fine-tune*, which takes as many steps on "
        "the labelled images alone?",
        least=1,
        most=100,
        within=1.6,
        unit="times",
        logarithmic=True,
        too_low="A step looks at many more images without labels than with labels, and at each of "
        "them twice, changed in two ways.",
        too_high="A step sees more images, but the network and the number of steps are the same.",
        close="You counted the images that a step looks at.",
    )
)
def _cost() -> Answer:
    return Answer(
        study_results.fine_tuning_work(),
        "The table below has the operations of the settings that were asked for. An experiment "
        "that gains a point for ten times the work may still be worth it, but you should know.",
    )


@question(
    Estimate(
        "10-three-seeds",
        "Lesson 01's study of ways to adapt has ten seeds. Of the differences that are clear with "
        "all ten, how many per cent are clear with the first three seeds alone?",
        least=0,
        most=100,
        within=15,
        unit="per cent",
        too_low="Three seeds give wide intervals, but some differences are larger than that.",
        too_high="With three seeds, the interval is the standard error times 4.3, not times 2.",
        close="You did not expect too much of three seeds.",
    )
)
def _three_seeds() -> Answer:
    clear = [pair for pair in study_results.adaptations() if pair.difference.is_clear]
    early = [pair for pair in clear if pair.early_difference.is_clear]
    return Answer(
        100 * len(early) / len(clear),
        f"{len(early)} of {len(clear)}. The report's verdict is computed, not written: *gain* or "
        "*loss* where the interval lies on one side of zero, *no clear difference* where zero lies "
        'inside. And "no clear difference" is not "no difference": with three seeds, only a large '
        "difference is clear. Ask for more seeds. Nor does a verdict say anything about other "
        "datasets, other networks or other numbers of labels.",
    )


@question(
    Estimate(
        "10-sweep",
        "A sweep has 24 experiments that take a second each. How much time do two workers need, "
        "on two processor cores, in per cent of the time of one?",
        least=30,
        most=110,
        within=5,
        unit="per cent",
        too_low="Half the time would be perfect, but each worker first imports TensorFlow and "
        "compiles for itself.",
        too_high="The two have a core each, so they need not wait for each other.",
        close="You allowed for what each worker has to do for itself.",
    )
)
def _sweep() -> Answer:
    return Answer(
        study_results.sweep_speeds()[0].share,
        "How much more than half depends on the experiments. Each worker imports TensorFlow and "
        "compiles for itself. That is done once, takes as long on two workers as on one, and "
        "matters less the longer the experiments take. To compile as little as possible, a worker "
        "goes through neighbours in the grid: put fields that change the network, such as "
        "`source` or `frozen_layers`, first.",
    )


@question(
    Choice(
        "10-devices",
        "Lesson 05's information term looks at the *mean* prediction of a batch. Two devices see "
        "half a batch each. Is the outcome the same as on a single device?",
        [
            Option(
                "yes: the predictions are gathered first",
                "The loss is that of the whole batch, whoever looked at which half of it.",
            ),
            Option(
                "no: each device spreads its own half over the classes",
                "That is what happens if one only averages the losses of the devices; here they "
                "exchange their predictions before the loss is taken.",
            ),
            Option(
                "only without the information term",
                "Without it, averaging the losses of both halves would be enough. With it, the "
                "devices have to exchange more.",
            ),
        ],
    )
)
def _devices(largest: float, devices: int) -> Answer:
    here = (
        "This machine has one device, so that nothing was split above; the workbook's tests "
        "compare two, which come out alike. "
        if devices == 1
        else ""
    )
    return Answer(
        letter(largest > 1e-3),
        f'{here}`strategy="mirrored"` uses all GPUs of a machine and '
        "changes nothing but where the work is done. Each step waits for the slowest device and "
        "for the communication, so it pays off for large networks and batches; for networks as "
        "small as ours, a sweep is usually the better use of a second GPU. Only "
        '`weighting="fixed"` can be split.',
    )
