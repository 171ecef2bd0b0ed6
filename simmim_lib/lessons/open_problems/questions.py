"""Questions of lesson 09."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from simmim_lib import privacy
from simmim_lib.exercises.questions import (
    Answer,
    Choice,
    Estimate,
    Option,
    Ordering,
    letter,
    question,
)
from simmim_lib.foundation.intervals import difference, interval, mean_and_interval
from simmim_lib.lessons.open_problems import study_results
from simmim_lib.lessons.open_problems.federation import HOSPITALS, ROUNDS
from simmim_lib.lessons.open_problems.figures import pareto_front
from simmim_lib.lessons.open_problems.maps import METHODS, NOT_ASKING
from simmim_lib.lessons.open_problems.membership import TRAININGS
from simmim_lib.lessons.open_problems.private_heads import DELTA
from simmim_lib.studies import stored


@question(
    Estimate(
        "09-arithmetic",
        "Both train the small network on clothes with ten labels per class. The *probe* trains a "
        "head on frozen features; *SimMIM*, with the recipe of lesson 05, trains everything, on "
        "views of images without labels as well. How many times as much arithmetic does SimMIM do?",
        least=1,
        most=1_000_000,
        within=5,
        unit="times",
        too_low="Frozen layers are computed once for each labelled image; trained ones at every "
        "step, there and back, and for every view.",
        too_high="The probe is not free: its frozen layers must look at every labelled image.",
        close="You have counted the steps, the views, and both passes.",
        logarithmic=True,
    )
)
def _arithmetic() -> Answer:
    costs = study_results.arithmetic()
    return Answer(
        costs["SimMIM"] / costs["probe"],
        f"The probe takes {costs['probe']:,.1f} billion floating-point operations, most of "
        f"them to compute the features once; fine-tuning takes {costs['fine-tune']:,.1f}, and "
        f"SimMIM {costs['SimMIM']:,.1f}. Yet all of that is done in seconds: what is expensive is "
        "what we did not do here, the pre-training of large networks. Somebody else has paid for "
        "EfficientNet.",
    )


@question(
    Choice(
        "09-front",
        "A way to learn is *beaten* if another is cheaper and at least as accurate. Clothes, "
        "twenty labels per class: the small network from scratch and from glyphs, and "
        "EfficientNet, whose frozen layers have seen a million photographs. Is training from "
        "scratch beaten?",
        [
            Option(
                "no: it is the cheapest of all",
                "It has no features to compute, but it trains every layer at every step.",
            ),
            Option(
                "yes, by something with transferred layers",
                "Frozen layers make training cheap, and they may know more than two hundred "
                "labels can teach.",
            ),
            Option(
                "no: it is dear, but the most accurate",
                "With two hundred labels, a network that starts from nothing has little to go by.",
            ),
        ],
    )
)
def _front() -> Answer:
    ways = study_results.clothes()
    front = pareto_front(ways)
    scratch = next(way for way in ways if way.name.startswith("from scratch"))
    best = max(ways, key=lambda way: way.accuracy.mean())
    names = "; then ".join(f"{way.name} ({way.group})" for way in front)
    return Answer(
        "b" if scratch not in front else letter(False, scratch is best),
        f"From the cheapest to the most accurate, no other way beats these: {names}. Read the "
        "figure from left to right: along the grey line each step up costs something, and whatever "
        "lies below the line is a bad bargain. A logarithmic axis hides how bad: the distance "
        "between two marks is a factor.",
    )


@question(
    Choice(
        "09-cheaper",
        "From glyphs to MNIST, twenty labels per class: which of these falls furthest behind plain "
        "fine-tuning, in its mean accuracy over the seeds?",
        [
            Option(
                "LoRA: each layer learns a correction of rank 4",
                "LoRA trains few weights, but each of them changes a whole layer.",
            ),
            Option(
                "8 bits: the trained network is rounded afterwards",
                "Eight bits are 256 steps: finer than the noise that a trained network bears "
                "anyway.",
            ),
            Option(
                "the probe: only the head learns",
                "Nothing that the trunk has learned about glyphs can be put right for digits.",
            ),
        ],
    )
)
def _cheaper() -> Answer:
    accuracy = study_results.cheaper_ways()
    losses = [
        accuracy[way].mean() - accuracy["fine-tune"].mean()
        for way in ("LoRA", "8 bits afterwards", "probe")
    ]
    verdicts = "; ".join(
        f"{way}: {difference(values, accuracy['fine-tune'])}"
        for way, values in accuracy.items()
        if way != "fine-tune"
    )
    return Answer(
        "abc"[int(np.argmin(losses))],
        f"Against fine-tuning, in points of accuracy, {verdicts}. Mind the other columns, too: "
        "each way saves something else. LoRA saves memory, not arithmetic, since the way back "
        "still leads through every layer. Early stopping makes fewer passes, but looks at all "
        "validation images after each. Half precision saves neither here: it makes each operation "
        "cheaper, on processors that have circuits for it. Eight bits shrink what is kept, and "
        "only where layers are dense: Keras leaves convolutions as they are. (The probe is dearer "
        "here than in section 1: Keras's `fit`, which trains all of these, computes frozen layers "
        "anew in each pass.)",
    )


@question(
    Estimate(
        "09-odds",
        "Somebody has no idea whether your image was among the training images: fifty-fifty. Then "
        "they see a network that was trained with epsilon 1 (and a delta too small to matter). How "
        "sure can they become that yours was there, at most?",
        least=50,
        most=100,
        within=5,
        unit="per cent",
        too_low="Epsilon 1 lets odds grow by a factor of e, which is nearly three.",
        too_high="Odds of e to 1 are far from certainty.",
        close="Odds of 1 to 1 become e to 1 at most.",
    )
)
def _odds() -> Answer:
    return Answer(
        100 / (1 + math.exp(-1)),
        "Odds of 1 to 1 become $e^\\varepsilon$ to 1 at most. So epsilon 0.1 is hardly noticeable, "
        "1 is a strong promise, 8 allows odds of thousands to one, which is no promise to an "
        "individual any more. Papers with an epsilon of 50 promise nothing at all.",
    )


@question(
    Estimate(
        "09-pixels",
        "The head on glyphs' features reads MNIST well at epsilon 1, as you have just seen. "
        "Another head is trained in the same way, with the same promise, on the *raw pixels*. What "
        "share of the test digits does it read?",
        least=0,
        most=100,
        within=4,
        unit="per cent",
        too_low="A linear head on pixels reads digits quite well, and the noise does not drown "
        "everything.",
        too_high="Noise goes into every number of the head, and a head on pixels has six times as "
        "many.",
        close="You have seen that more numbers take more noise.",
    )
)
def _pixels() -> Answer:
    found = {name: study_results.by_epsilon("mnist", name)[1.0] for name in ("glyphs", "pixels")}
    lost = {
        name: 100 * (study_results.without_privacy("mnist", name).mean() - values.mean())
        for name, values in found.items()
    }
    return Answer(
        100 * float(found["pixels"].mean()),
        f"{mean_and_interval(found['glyphs'])} with features, {mean_and_interval(found['pixels'])} "
        f"with pixels. Epsilon 1 costs {lost['glyphs']:.1f} points with features and "
        f"{lost['pixels']:.1f} with pixels: **transfer makes privacy cheap**. Features bring what "
        "public images have taught, which costs no privacy, and they are few, so that there is "
        "less to add noise to. The article names privacy as a problem of transfer learning; it "
        "does not say that transfer is also the best known remedy. (The heads that promise nothing "
        "take steps of the size that was chosen for private ones. With steps of their own they may "
        "get further: where a private head lies above them, it is for that reason.)",
    )


@question(
    Choice(
        "09-canaries",
        "We train heads in the right way, at a claimed epsilon of 1 and of 3, and let canaries "
        "tell how much can be proved. What will twenty runs of each find?",
        [
            Option(
                "as much as is claimed: the accountant is exact",
                "An attack that uses all there is would come near; guesses from one run cannot.",
            ),
            Option(
                "now and then more than is claimed",
                "The claim is a theorem. Whoever finds more has found a bug, or the one run in "
                "twenty in which the bound fails.",
            ),
            Option(
                "less than is claimed, each time",
                "What an attack finds is a lower bound; the accountant's is an upper one.",
            ),
        ],
    )
)
def _canaries() -> Answer:
    audits = study_results.canary_audits()
    right = {name: audit for name, audit in audits.items() if name.startswith("right")}
    over = sum(int((found > claimed).sum()) for claimed, found in right.values())
    exact = all(found.mean() > 0.9 * claimed for claimed, found in right.values())
    found = "; ".join(
        f"{name}: {(of > claimed).sum()} of {len(of)} runs above the claim"
        for name, (claimed, of) in audits.items()
        if not name.startswith("right")
    )
    return Answer(
        "a" if exact else "b" if over else "c",
        "In right training every bound stays below its claim. That is no proof of privacy: a "
        "better attack might find more. The other rows have mistakes that we planted: "
        f"{found}. An audit finds what is broken badly; what is broken a little may pass. So do "
        "both: the accountant for the promise, an audit for the code.",
    )


@question(
    Choice(
        "09-shuffled",
        "Nearly everybody shuffles a list and cuts it into batches, and then asks an accountant "
        "who believes that each image was drawn by a coin of its own. Take the same noise and as "
        "many steps, and examples made as bad as they can be, of which one, the victim, is there "
        "or not. What do twenty audits of such worst cases find?",
        [
            Option(
                "more than is claimed, in most audits",
                "Everybody is in exactly one batch of a pass: that is more certain than a coin, "
                "and the accountant has counted on the coin.",
            ),
            Option(
                "less than is claimed: shuffling is random enough",
                "Shuffling is random, but not in the way that the theorem needs.",
            ),
            Option(
                "nothing: nobody knows in which batch the victim is",
                "Nobody needs to know. If the other images can be chosen, the batch tells.",
            ),
        ],
    )
)
def _shuffled() -> Answer:
    audits = study_results.batch_audits()
    (claimed, poisson), (_, shuffled) = (
        audits[f"{kind} batches"] for kind in ("Poisson", "shuffled")
    )
    over = int((shuffled > claimed).sum())
    return Answer(
        "a" if over > len(shuffled) / 2 else letter(shuffled.max() > 0, shuffled.max() == 0),
        f"The accountant claims {claimed:.2f}. Audits of Poisson batches find "
        f"{poisson.min():.2f} to {poisson.max():.2f}; audits of shuffled ones "
        f"{shuffled.min():.2f} to {shuffled.max():.2f}, above the claim in {over} of "
        f"{len(shuffled)}. These are made-up examples that are as bad as can be, since a promise "
        "must hold for them, too. With much noise the difference is small; with little noise and "
        "small batches, as here, it is not.",
    )


@question(
    Estimate(
        "09-membership",
        "A network is trained from scratch on a thousand digits. An attack with shadows names "
        "those of whom it is sure that they were there, and may be wrong about one in a thousand "
        "of the others. How many of the thousand members does it name?",
        least=1,
        most=1_000,
        within=2,
        unit="members",
        too_low="That is hardly more than by guessing, which finds one. But some images are odd, "
        "and a network that has learned them by heart says so.",
        too_high="Most digits are like others: a network reads them as well if it has not seen "
        "them.",
        close="A few odd images betray themselves, the many usual ones do not.",
        logarithmic=True,
    )
)
def _membership() -> Answer:
    found = {name: study_results.found_members(name)[study_results.MARKED] for name in TRAININGS}
    plain = [name for name, epsilon in TRAININGS.items() if epsilon is None]
    by_loss = study_results.found_members(plain[0], "loss")[study_results.MARKED]
    told = ", ".join(f"{name} {mean_and_interval(found[name], 4)}" for name in plain)
    return Answer(
        1000 * float(found["from scratch"].mean()),
        f"The attack with shadows finds these shares of the members: {told}. Guessing finds one in "
        f"a thousand, and the loss alone finds {mean_and_interval(by_loss, 4)} of those who "
        "were learned from scratch. On average all attacks look harmless: the areas under their "
        "curves are not far from one half. But whoever is found at the left edge of the figure is "
        f"found almost surely, and it is their privacy that is lost. {_claims(found)}",
    )


def _claims(found: Mapping[str, np.ndarray]) -> str:
    """Say what attacks on private heads have found, beside claims and canaries."""
    told, above = [], []
    for name, epsilon in TRAININGS.items():
        if epsilon is None:
            continue
        claimed, proved = (
            float(study_results.most_found_of(each)[study_results.MARKED])
            for each in (epsilon, study_results.proved(epsilon))
        )
        told.append(
            f"at epsilon {epsilon:g} it is {mean_and_interval(found[name], 4)}, where the claim "
            f"allows {claimed:.4f}, and canaries (in heads on pixels) prove {proved:.4f} possible"
        )
        mean, half = interval(found[name])
        above += [name] if mean - half > claimed else []
    verdict = (
        f"Above the claim: {', '.join(above)}. There must be a bug."
        if above
        else "No attack comes out above a claim. Which of the two attacks comes nearer to it says "
        "how good they are, not how private the head is."
    )
    return f"Of private heads: {'; '.join(told)}. {verdict}"


@question(
    Choice(
        "09-hospitals",
        "Five hospitals have two hundred digits each, mostly of two kinds that are their own. Who "
        "reads new digits best after ten rounds?",
        [
            Option(
                "federated averaging, as the mean of five is steadier than any one",
                "A mean is steady, but each hospital pulls towards its own digits.",
            ),
            Option(
                "all images together in one place",
                "Every batch has all digits: no training that keeps them apart can see more.",
            ),
            Option(
                "each hospital alone, on images that it knows",
                "It knows two kinds of digits well, and is asked about ten.",
            ),
        ],
    )
)
def _hospitals() -> Answer:
    study = stored.load("hospitals")

    def last(**fields: Any) -> np.ndarray:
        return study.values(**fields)[-1]

    federated = last(way="federated", noise=0.0)
    together, alone = last(way="together in one place"), last(way="each alone")
    order = [federated.mean(), together.mean(), alone.mean()]
    noisy = ", ".join(
        f"{noise:g}: {mean_and_interval(last(way='federated', noise=noise))}"
        for noise in (0.03, 0.1, 0.3, 1.0)
    )
    promise = privacy.epsilon(HOSPITALS, HOSPITALS, 1.0, ROUNDS, DELTA)
    return Answer(
        "abc"[int(np.argmax(order))],
        f"Together {mean_and_interval(together)}, federated {mean_and_interval(federated)}, alone "
        f"{mean_and_interval(alone)}. Federated against together: "
        f"{difference(federated, together)}. But keeping images at home promises nothing by "
        "itself: what is sent tells of them. Noise that hides a whole *hospital* among five (by "
        f"its multiplier, {noisy}) costs much, because a mean of five averages little of it away; "
        f"and even a multiplier of 1 promises a hospital only an epsilon of {promise:.0f} after "
        f"{ROUNDS} rounds. With thousands of telephones in place of five hospitals the same noise "
        "costs little.",
    )


@question(
    Choice(
        "09-heads",
        "Each picture shows a digit in one quarter and a garment in another. One trunk, two heads, "
        "one map for each head by integrated gradients. Where is a map largest?",
        [
            Option(
                "on whichever thing is brighter, for both heads",
                "The trunk is shared, and so are its features; but each head weighs them in its "
                "own way.",
            ),
            Option(
                "mostly on the head's own thing",
                "A head that looked at the other thing would learn nothing from it: labels are "
                "drawn independently.",
            ),
            Option(
                "anywhere: a quarter of the maps hits each quarter",
                "That is what a map would do that knew nothing.",
            ),
        ],
    )
)
def _heads(hits: Mapping[str, np.ndarray]) -> Answer:
    shares = {task: float(np.mean(each)) for task, each in hits.items()}
    told = " and ".join(f"{share:.0%} of the {task} head's" for task, share in shares.items())
    return Answer(
        "b" if min(shares.values()) > 0.5 else letter(False, min(shares.values()) < 0.3),
        f"{told} maps are largest on their own thing, of {len(hits['digit'])} pictures; by chance "
        "it would be a quarter. This is the *pointing game*: it needs pictures of which one knows "
        "where to look.",
    )


@question(
    Ordering(
        "09-forgetting",
        "A network has learned to find opacities in chest phantoms. Now it forgets layer by layer: "
        "from the head down, its weights are replaced by fresh random ones. At the end it knows "
        "nothing. How like its old maps are the new ones? Order the methods, the *least* like "
        "first.",
        [
            Option(
                "integrated gradients",
                "They are multiplied by the image, and the image has not forgotten anything.",
            ),
            Option(
                "SmoothGrad: the mean gradient under noise",
                "It is made of nothing but gradients, and these are the network's.",
            ),
            Option(
                "occlusion: how the answer falls when a square is covered",
                "It asks the network alone: a covered square changes the answer by what the "
                "network has made of it, and one that knows nothing makes something else of it.",
            ),
        ],
    )
)
def _forgetting() -> Answer:
    methods = ("integrated gradients", "SmoothGrad", "occlusion")
    last = {
        letter: study_results.of_maps("similarity", method)[-1].mean()
        for letter, method in zip("abc", methods, strict=True)
    }
    return Answer(
        "".join(sorted(last, key=lambda each: last[each])),
        f"{_alike()} *Edges* ask no network at all, and look like a map: beauty is no evidence. "
        "The test has been criticised in turn, because similarity measures what all maps of an "
        "image share. Its repaired form, eMPRT ([Hedström et al. "
        "2023](https://arxiv.org/abs/2401.06465)), asks whether a map becomes more *complex* when "
        "the network forgets: whether the values of its pixels are spread more evenly, as measured "
        f"by the entropy of their histogram. {_risen()}",
    )


def _alike() -> str:
    asking = [method for method in METHODS if method != NOT_ASKING]
    alike = sum(map(study_results.stays, asking))
    return (
        f"Of the {len(asking)} methods that ask a network, {alike} keep maps more than a quarter "
        "like they were, though the network knows nothing any more."
    )


def _risen() -> str:
    named: dict[str, list[str]] = {"yes": [], "undecided": [], "no": []}
    for method in METHODS:
        named[study_results.rises(method)].append(method)
    words = {"yes": "It does for", "undecided": "undecided", "no": "it does not for"}
    return (
        "; ".join(f"{words[each]}: {', '.join(named[each])}" for each in named if named[each]) + "."
    )


@question(
    Choice(
        "09-letters",
        "One network has learned chest phantoms where device and illness are independent. The "
        "other has learned where device B took all images of the ill; B prints letters into the "
        "upper left corner. New images, all of ill patients and all with letters: where are the "
        "*second* network's maps largest, by integrated gradients?",
        [
            Option(
                "on the opacity: both were told to find the ill",
                "It was told to be right, and there was an easier way to be right.",
            ),
            Option(
                "on the letters: that is what it has learned",
                "Letters are easier to read than an opacity, and were always right.",
            ),
            Option(
                "mostly elsewhere",
                "B has other tones and more noise as well, and these are everywhere in an image.",
            ),
        ],
    )
)
def _letters() -> Answer:
    method = "integrated gradients"
    finding, letters, accuracy, device = (
        study_results.of_maps(name, method, "device")
        for name in ("on finding", "on letters", "accuracy", "says the device")
    )
    first = study_results.of_maps("on finding", method)
    chance = study_results.of_maps("chance", method)
    elsewhere = 1 - finding.mean() - letters.mean()
    best = max(METHODS, key=lambda each: study_results.of_maps("on finding", each).mean())
    as_good = [
        each
        for each in METHODS
        if each != best
        and not difference(
            study_results.of_maps("on finding", best), study_results.of_maps("on finding", each)
        ).is_clear
    ]
    told = f"{best}, from which {' and '.join(as_good)} cannot be told" if as_good else best
    return Answer(
        "abc"[int(np.argmax([finding.mean(), letters.mean(), elsewhere]))],
        f"{mean_and_interval(letters, 2)} on the letters, which are a hundredth of the image, and "
        f"{mean_and_interval(finding, 2)} on the opacity. On new patients this network is right in "
        f"{mean_and_interval(accuracy, 2)} of the cases: in {mean_and_interval(device, 2)} it says "
        "who took the image. Maps of the network that has learned the finding hit it in "
        f"{mean_and_interval(first, 2)}; by chance it would be {mean_and_interval(chance, 2)}. The "
        f"method that hits most often is {told}. In a hospital nobody knows the truth: training "
        "and test images have the same letters, so that no accuracy tells. A map can, but not "
        "every map does: compare the rows of the table. (A hit asks for the single largest pixel. "
        "Occlusion covers squares of five by five and Grad-CAM enlarges small maps: both may point "
        "right beside what they mean.)",
    )
