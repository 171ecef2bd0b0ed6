"""Questions of lesson 08."""

import numpy as np

from simmim_lib import masking
from simmim_lib.exercises.questions import (
    Answer,
    Choice,
    Estimate,
    Option,
    letter,
    question,
)
from simmim_lib.foundation.intervals import difference, mean_and_interval
from simmim_lib.lessons.masked_images import study_results
from simmim_lib.lessons.masked_images.chosen import informed_validation
from simmim_lib.lessons.masked_images.pretrainings import INFORMED_STEPS
from simmim_lib.lessons.masked_images.studies import PRETRAININGS
from simmim_lib.lessons.masked_images.vanishing import seen_after_layers

MANY = 500
"""Masks over which a question asks for the average."""


@question(
    Choice(
        "08-hidden",
        "Our images have 4 x 4 patches, and the ratio is 0.6, which makes 9.6 patches. How many "
        "does the authors' code hide?",
        [
            Option(
                "9 or 10, by chance, so that it is 9.6 on average",
                "Then images would differ in how hard they are, and in how much they weigh in the "
                "loss.",
            ),
            Option("9 in every image", "That would round down, to a ratio below the one named."),
            Option("10 in every image", "That rounds up, to a ratio above the one named."),
        ],
    )
)
def _hidden() -> Answer:
    hidden = masking.number_hidden(16, 0.6)
    return Answer(
        letter(hidden == 9, hidden == 10),
        "The number is the same for every image and rounded up: `ceil(ratio * units)`. Move the "
        "ratio to 0.9: at which ratio could you still name the piece of clothing yourself? Then "
        "choose *square*: what lies in the middle of a large hole cannot be told from its edge.",
    )


@question(
    Choice(
        "08-guess-visible",
        "The network also returns pixels for the patches that it *sees*. The paper leaves these "
        "out of the loss. What happened when the authors counted them, too?",
        [
            Option(
                "the features became worse",
                "Strength spent on copying is not spent on understanding, and copying is most of "
                "what such a loss pays for.",
            ),
            Option(
                "nothing: visible pixels are trivial to copy, so they cost nothing",
                "They are easy to copy, but a network of narrow layers must keep them in its "
                "features to do so.",
            ),
            Option(
                "the features became better: a loss with more terms teaches more",
                "More terms teach more of the task that they belong to, and that need not be the "
                "task you want.",
            ),
        ],
    )
)
def _guess_visible() -> Answer:
    return Answer(
        "a",
        "Of Swin-B on ImageNet, the authors report 82.8 per cent when only hidden pixels are "
        "predicted, and 81.7 per cent for all of them. Exercise 4 shows what a network can win by "
        "copying, and section 6 what we measured.",
    )


@question(
    Choice(
        "08-pretexts",
        "Five labels per class, and the same small transformer each time. The two "
        "pre-trainings without labels took between twenty minutes and an hour or so. Which start "
        "makes it classify most test images after fine-tuning?",
        [
            Option(
                "masked pre-training and contrastive pre-training, so close that ten draws of "
                "labels cannot tell them apart",
                "They teach different things: which shapes and textures go together, and that two "
                "views of an image are the same thing. It would be by chance that these are worth "
                "the same.",
            ),
            Option(
                "masked pre-training, by more than chance",
                "It must know which shapes and textures go together, but nobody tells it which "
                "differences matter.",
            ),
            Option(
                "contrastive pre-training, by more than chance",
                "It is told that two views of an image are the same thing, which is already half "
                "of what a classifier must know.",
            ),
            Option(
                "random weights: none of the two is told what a trouser is",
                "A transformer does not even know at first which patches are neighbours; fifty "
                "images teach it little.",
            ),
        ],
    )
)
def _pretexts() -> Answer:
    names = ("masked", "contrastive", "labels")
    masked, contrastive, glyphs = (study_results.gain(name, 5) for name in names)
    between = study_results.between_pretexts(5)
    best = max(masked.mean, contrastive.mean)
    minutes = [study_results.timed(name)[0][-1] / 60 for name in names]
    return Answer(
        letter(between.verdict == "gain", between.verdict == "loss", best < 0),
        f"Against random weights, masked pre-training brings {masked}; contrastive pre-training "
        f"{contrastive}. Masked less contrastive is {between}. Without the second measurement we "
        "could not tell whether masking helps, or whether any pre-training on these images would. "
        f"(The first took {minutes[0]:.0f} minutes, the second {minutes[1]:.0f}: with as many, the "
        "second may come closer.) "
        f"Characters, which are no clothes but have labels, bring {glyphs}, after {minutes[2]:.0f} "
        "minutes at most. With 20 labels per "
        f"class, masked pre-training brings {study_results.gain('masked', 20)}, contrastive "
        f"{study_results.gain('contrastive', 20)}.",
    )


@question(
    Choice(
        "08-recipe",
        "The masked network has seen all ten thousand clothes, without their labels. Lesson 05's "
        "recipe shows it the same clothes again, in two views each, and wants predictions that "
        "are sure, that use all classes, and that agree. (The views are gentler here.) At five "
        "labels per class: what do these images add now, compared with the same steps and views on "
        "the labelled ones alone?",
        [
            Option(
                "more than chance: they teach something else this time",
                "The pretext taught what clothes look like; the recipe asks where one class ends.",
            ),
            Option(
                "nothing that ten draws of labels can tell from chance",
                "What a network could learn from these images was there already.",
            ),
            Option(
                "they cost accuracy",
                "Where fifty labels have named the classes wrongly, the recipe makes the network "
                "sure of its mistakes.",
            ),
        ],
    )
)
def _recipe() -> Answer:
    few, more = (study_results.informed_gain(labels) for labels in (5, 20))
    ours, others = (
        [
            mean_and_interval(100 * study_results.continued(way, labels), digits=1)
            for labels in (5, 20)
        ]
        for way in ("masked, SimMIM", "lesson 05's network, SimMIM")
    )
    return Answer(
        letter(few.verdict not in ("gain", "loss"), few.verdict == "loss"),
        f"They add {few}; with 20 labels per class {more}. The size of the steps and the strength "
        "of the views were chosen for the whole recipe, on validation images of two other draws: "
        f"there, views as strong as lesson 05's come to {_with_views(1.0)} per cent at best, on "
        f"average over both numbers of labels, and views half as strong to {_with_views(0.5)}; two "
        "draws can choose, but are too few for an interval. But "
        "the labelled images alone are no better off with what was chosen for them: that is the "
        f"first row. With 5 and 20 labels, {INFORMED_STEPS} steps of the recipe come to {ours[0]} "
        f"and {ours[1]} per cent; lesson 05, which began with convolutions and glyphs and took 500 "
        f"steps by a recipe that was fixed on digits, to {others[0]} and {others[1]}.",
    )


def _with_views(strength: float) -> str:
    return f"{100 * informed_validation(strength):.1f}"


@question(
    Estimate(
        "08-first-minute",
        "The figure you will see compares pre-trainings of several lengths. How many percentage "
        "points above training from scratch is the network after the *shortest* masked one, of 300 "
        "steps?",
        least=-10,
        most=20,
        within=2,
        unit="points",
        too_low="So short a pre-training can cost a little, but hardly more than that.",
        too_high="Filling in is learnt slowly: at first the network learns an average grey.",
        close="You saw that masked modelling starts slowly.",
    )
)
def _first_minute() -> Answer:
    seconds, accuracies = study_results.timed("masked")
    _, contrastive = study_results.timed("contrastive")
    scratch = study_results.accuracy("none", 5)
    first, second, last = (difference(accuracies[at], scratch) for at in (0, 1, -1))
    early, late = (difference(accuracies[at], contrastive[at]) for at in (0, -1))
    digits = study_results.short_on_digits()
    return Answer(
        round(first.mean, 1),
        f"After {seconds[0]:.0f} seconds it is {first}, after {seconds[1]:.0f} seconds {second}, "
        f"after {seconds[-1]:,.0f} seconds {last}. On MNIST, 300 steps bring {digits[0]}, 1,000 "
        f"steps {digits[1]}. Each length is fine-tuned in the way that was chosen for the longest. "
        "Published masked models are trained for hundreds of passes over their images: whoever "
        "judges by the first minute stops too early. Masked less contrastive is "
        f"{early} at the first points of both lines, after about as many seconds, and {late} at "
        "the last." + _crossed(study_results.crossing()),
    )


def _crossed(between: tuple[float, float] | None) -> str:
    if between is None:
        return ""
    return f" Their means cross between {between[0]:,.0f} and {between[1]:,.0f} seconds."


@question(
    Choice(
        "08-square",
        "The authors hid scattered units, one square, or blocks of several sizes, and scattered "
        "units were best. Will our measurement separate scattered units from one square?",
        [
            Option(
                "yes, scattered units come out ahead",
                "Large holes can only be guessed; scattered ones can be filled in by looking "
                "around them.",
            ),
            Option(
                "no, it cannot be decided here",
                "A short pre-training brings little, so that the difference between two of them "
                "is small, too.",
            ),
            Option(
                "yes, the square comes out ahead",
                "A large hole cannot be filled in by extending edges, which forces a network to "
                "know what it sees.",
            ),
        ],
    )
)
def _square() -> Answer:
    verdicts = study_results.verdicts()
    blocks, _ = verdicts["scattered units beat blocks of several sizes"]
    ahead, verdict = verdicts["scattered units beat one square"]
    first, _ = verdicts["with single patches, a ratio of 0.6 beats one of 0.2"]
    undecided = sum("decidable" in word for _, word in verdicts.values())
    blind = difference(study_results.ablated(ratio=0.8, unit=2), study_results.ablated())
    probe = study_results.probe_with_norm().mean()
    return Answer(
        letter("decidable" in verdict, "other way" in verdict),
        f"Scattered units against one square: {ahead}; against blocks: {blocks}. Of the "
        f"{len(verdicts)} claims on accuracy in the table, {undecided} cannot be decided here. A "
        "verdict needs an interval clear of zero, and a difference larger than what two "
        "pre-trainings may differ by that have nothing but other first weights, batches and masks: "
        f"by the spread of {2 + len(PRETRAININGS)} of them, up to {study_results.luck():.1f} "
        f"points. How easily one is deceived shows the ratio: 0.6 is ahead of 0.2 by {first.size} "
        "points, if you look at the draws of labels alone; over "
        f"{len(PRETRAININGS)} new pre-trainings of each, {study_results.ahead_again()}. That is no "
        "verdict on the paper, which trained on a million images for weeks; it says what *you* "
        "can expect of thousands, and a minute. One corner of the map is a control: at 0.8, all "
        "four units of "
        f"2 x 2 patches are hidden, and nothing is seen. Against the usual mask: {blind}. Of the "
        "authors' hint, that with a last normalisation a linear probe is at chance, nothing is to "
        f"be seen here: behind the last block it finds {100 * probe:.0f} per cent, and chance is "
        "10.",
    )


@question(
    Choice(
        "08-block",
        "After the embedding come four transformer blocks and the averaged features. Where does a "
        "linear probe of the *masked* network find most?",
        [
            Option(
                "in the embedding, before any block",
                "The embedding sees one patch at a time: it knows edges, but no shape.",
            ),
            Option(
                "in one of the first three blocks",
                "The last blocks turn back towards pixels, since pixels are what they are asked "
                "for.",
            ),
            Option(
                "in the last block or the features",
                "The last block has looked around most often, but it also stands right before the "
                "pixels.",
            ),
        ],
    )
)
def _block() -> Answer:
    masked, contrastive = (study_results.best_block(name) for name in ("masked", "contrastive"))
    return Answer(
        letter(1 < masked <= 4, masked > 4),
        f"The best probe of the masked network is at number {masked} of the table, that of the "
        f"contrastive one at number {contrastive}. From there to the last transformer block, "
        f"number 5, the masked one loses {_lost('masked')}, and the contrastive one "
        f"{_lost('contrastive')}. On ImageNet, "
        "[Park et al. (2023)](https://arxiv.org/abs/2305.00729) find masked models' knowledge in "
        "early layers and contrastive models' in late ones; the authors of SimMIM advise to probe "
        "the eighth of twelve blocks, averaged over the patches.",
    )


def _lost(pretext: str) -> str:
    """Return how many points the probe loses from the best block to the last."""
    lost = study_results.from_best_to_last_block(pretext)
    return f"{lost.mean:.1f} ± {lost.half_width:.1f} points"


@question(
    Choice(
        "08-frozen",
        "The same transformer is pre-trained three times: on clothes by masking, on clothes by "
        "contrast, and on *glyphs* with their labels. Its first three blocks of six are frozen, "
        "and 20 labelled clothes per class teach the rest. Which source is best?",
        [
            Option(
                "masked",
                "Its knowledge is said to sit in early blocks, and these are the ones that stay.",
            ),
            Option(
                "contrastive",
                "Its knowledge is said to sit in late blocks, but these are copied, too, and can "
                "be trained.",
            ),
            Option(
                "glyphs",
                "Labels teach what differs between classes; but these are characters, no clothes.",
            ),
        ],
    )
)
def _frozen() -> Answer:
    pretexts = ("masked", "contrastive", "labels")
    masked, contrastive, glyphs = (study_results.frozen(name, 3) for name in pretexts)
    means = [found.mean() for found in (masked, contrastive, glyphs)]
    free, of_glyphs = (study_results.frozen(name, 0) for name in ("masked", "labels"))
    nearly_all = study_results.frozen("masked", 5)
    probe = study_results.by_block("masked")[-2]
    minutes = {name: study_results.timed(name)[0][-1] / 60 for name in pretexts}
    return Answer(
        letter(means[1] == max(means), means[2] == max(means)),
        f"With three blocks frozen, masked against contrastive: {difference(masked, contrastive)}; "
        f"masked against glyphs: {difference(masked, glyphs)}. With nothing frozen, masked "
        f"against glyphs: {difference(free, of_glyphs)}. Frozen blocks can only pass on what they "
        "were taught: clothes without labels teach what clothes are made of, labelled characters "
        "how strokes differ. All sources had the same learning rate, 0.001, which was chosen for "
        f"none of them; but masking had {minutes['masked']:.0f} minutes, contrast "
        f"{minutes['contrastive']:.0f}, and the glyphs {minutes['labels']:.0f}. With five blocks "
        f"frozen, masked is at {mean_and_interval(100 * nearly_all, digits=1)} per cent, where the "
        "linear probe above, behind the same block, finds "
        f"{mean_and_interval(100 * probe, digits=1)}: the probe is fitted until it changes no "
        "more, while 120 steps of 0.001 are too few for a fresh head.",
    )


@question(
    Estimate(
        "08-vanishing",
        "A mask hides 10 of 16 patches, 62 per cent of the input. The network has three "
        "convolutions of 3 x 3 pixels, each of which takes every second place (stride 2). What "
        "percentage of the *last* one's places holds nothing but the mask, on average over many "
        "such masks?",
        least=0,
        most=100,
        within=4,
        unit="per cent",
        too_low="Windows overlap, but each layer fills only what lies next to something visible: "
        "three of them do not reach the middle of a large hole.",
        too_high="Each 3 x 3 window that touches one visible pixel is filled; three of them reach "
        "far.",
        close="You saw that windows overlap, so that holes close layer by layer.",
    )
)
def _vanishing() -> Answer:
    masks = masking.random_mask(MANY, 4, seed=1)
    left = 100 * np.mean([1 - np.mean(seen_after_layers(mask)["plain"][-1]) for mask in masks])
    scratch = study_results.convolutional(pretraining_steps=0)
    plain = study_results.convolutional(repaired=False)
    repaired = study_results.convolutional()
    return Answer(
        round(float(left), 1),
        "The figure shows one such mask. A plain convolution has no token to leave out: what "
        "is visible flows into the holes, and after a few layers the network no longer knows what "
        "was hidden ([Tian et al., 2023](https://arxiv.org/abs/2301.03580)). Their remedy is to "
        "mask again after each layer: "
        "the lower row of the figure. What it brings here, after 400 steps and with five labels "
        "per class: the convolutional network of the other lessons gets, against random weights, "
        f"{difference(plain, scratch)} without the remedy, {difference(repaired, scratch)} with "
        f"it; the remedy itself is {difference(repaired, plain)}.",
    )
