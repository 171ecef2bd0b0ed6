"""Questions of lesson 07."""

import numpy as np

from simmim_lib.exercises.questions import (
    Answer,
    Choice,
    Estimate,
    Option,
    letter,
    question,
)
from simmim_lib.foundation.intervals import difference, plus_minus
from simmim_lib.lessons.language import study_results
from simmim_lib.lessons.language.plain_methods import DOMAINS
from simmim_lib.lessons.language.probes import PROBES
from simmim_lib.lessons.language.study_results import ALONE, SHARED, TOGETHER
from simmim_lib.studies import stored


@question(
    Estimate(
        "07-word-list",
        "Somebody has given each of some three thousand English words a number for its mood, from "
        "-5 (awful) to +5 (superb). We add up the numbers of a sentence's words, and call it "
        "positive unless the sum is below zero. No label is needed. What percentage of the test "
        "sentences does this name correctly, as the mean of the three domains? (Guessing: 50.)",
        least=50,
        most=100,
        within=6,
        unit="per cent",
        too_low="Praise and complaint use few words, and the list has most of them.",
        too_high="Many complaints are bare facts, as in: the battery lasts an hour. No word of "
        "that is on the list.",
        close="You weighed how often a mood is told by a word, and how often by a fact.",
    )
)
def _word_list() -> Answer:
    accuracies = [study_results.by_words("word-list", name).mean() for name in DOMAINS]
    return Answer(
        100 * float(np.mean(accuracies)),
        "That is the baseline to beat: whatever learns from labels must earn them. The list has no "
        "idea of what it reads. It takes *not bad* for praise, because it knows that *not* turns "
        "the next word around, and knows nothing to say about *it lasts an hour*.",
    )


@question(
    Choice(
        "07-counted-words",
        "Logistic regression on counted words learns the mood of each word from the labels. From "
        "how many labels of each class on is it better than the word list, in the mean of the "
        "three domains?",
        [
            Option(
                "from 4 on",
                "With four sentences of each class, most words of a new sentence were in none of "
                "them.",
            ),
            Option(
                "from 25 on",
                "Fifty sentences have a few hundred different words, most of which occur once.",
            ),
            Option(
                "from 64 on, or even later",
                "The list holds the work of somebody who judged thousands of words; labels of "
                "sentences tell about their words only indirectly.",
            ),
        ],
    )
)
def _counted_words() -> Answer:
    lists = np.mean([study_results.by_words("word-list", name).mean() for name in DOMAINS])
    means = {
        count: np.mean([study_results.by_words("tf-idf", name, count).mean() for name in DOMAINS])
        for count in (4, 25)
    }
    right = "a" if means[4] > lists else letter(means[25] > lists, means[25] <= lists)
    return Answer(
        right,
        "Counting begins at zero: to such a model *superb* and *excellent* have nothing in common, "
        "and what it has learnt of one says nothing about the other. What is missing is knowledge "
        "of the language, and that needs no labels. It is a matter of transfer.",
    )


@question(
    Choice(
        "07-vectors",
        "A linear head on MiniLM's vectors learns from 8 labels of each class. Counting words gets "
        "more labels until it is as good, in the mean of the three domains. How many of each class "
        "does it need?",
        [
            Option(
                "more than 64",
                "The vectors carry what a billion pairs of sentences have taught; a count of words "
                "has to find it out again.",
            ),
            Option(
                "25",
                "That would be three times as many labels for a model that knew nothing of English "
                "before.",
            ),
            Option(
                "64",
                "That would be eight times as many labels. Look at where the two curves have the "
                "same height.",
            ),
        ],
    )
)
def _vectors() -> Answer:
    wanted = np.mean([study_results.by_words("linear", name, 8).mean() for name in DOMAINS])
    enough = {
        count: np.mean([study_results.by_words("tf-idf", name, count).mean() for name in DOMAINS])
        >= wanted
        for count in (25, 64)
    }
    return Answer(
        "b" if enough[25] else letter(False, enough[64]),
        "Read the figure from left to right, at one height: the distance between the curves is "
        "what transfer is worth, in labels. Both are linear classifiers; only what they look at "
        "differs.",
    )


@question(
    Choice(
        "07-own-heads",
        "Now all three domains at once: one frozen trunk, MiniLM, and a head for each domain. All "
        "are trained together, on the sum of the three losses, with 8 labels of each class in each "
        "domain. What does it change against three separate trainings?",
        [
            Option(
                "a gain in all three domains",
                "Each head would have to be taught by another domain's sentences. Which weights "
                "could carry what is learnt from one to the other?",
            ),
            Option(
                "a clear loss in one domain at least",
                "Domains get into each other's way where they pull at the same weights. Which "
                "weights are the same here?",
            ),
            Option(
                "no clear difference",
                "The trunk is frozen, and no head is shared: no weight has two teachers.",
            ),
        ],
    )
)
def _own_heads() -> Answer:
    gains = [study_results.gain(name, 8, TOGETHER) for name in DOMAINS]
    lost = any(each.verdict == "loss" for each in gains)
    gained = all(each.verdict == "gain" for each in gains)
    return Answer(
        "a" if gained else letter(lost, not lost),
        "The gradient of a sum is a sum, and each head's gradient comes from its own term only. "
        "*Trained together* is a word for the program; for the weights nothing is together until "
        "something is **shared**. (The first head starts from the same random weights in both "
        "trainings, so that its difference is exactly 0; the others start from different ones, "
        "which is all that the table shows. The intervals of a column share their draws of labels "
        "and their heads' first weights: if one misses zero by chance, its neighbours may, too.)",
    )


@question(
    Estimate(
        "07-shared-head",
        "All three domains ask the same: negative or positive. So let them have **one head in "
        "common**, `shared_heads=True`. With 4 labels of each class in each domain, by how many "
        "percentage points does the accuracy rise against each domain alone, in the mean of the "
        "three?",
        least=-10,
        most=30,
        within=3,
        unit="points",
        too_low="The head gets three times as many labels, and with four of each class every "
        "label counts.",
        too_high="Three times the labels cannot do more than three times the labels of the same "
        "domain would.",
        close="You saw that a head in common has three times as many labels to learn from.",
    )
)
def _shared_head() -> Answer:
    gains = [study_results.gain(name, 4, SHARED).mean for name in DOMAINS]
    return Answer(
        float(np.mean(gains)),
        "This is the article's claim at its best: **transfer to several target tasks at once "
        "pays**. Lesson 03 could not confirm it for digits and clothes with heads of their own. "
        "Here the tasks are the same question in three domains, the trunk makes their sentences "
        "comparable, and the head is shared. It gives most where labels are few: with 25 or more "
        "of each class, less is left to gain.",
    )


@question(
    Choice(
        "07-information",
        "Lesson 05's information term lets sentences *without* labels teach the shared head: it "
        "asks for sure and balanced predictions. What does it add at 8 labels of each class?",
        [
            Option(
                "nothing clear: the shared head has all there is to know",
                "Twenty-four labels of each class leave the head unsure where to cut; the "
                "unlabelled sentences show where there are gaps.",
            ),
            Option(
                "a gain in all three domains",
                "In MiniLM's space, praise and complaint lie in two clouds, so that a cut between "
                "them is easy to see without labels.",
            ),
            Option(
                "a loss in one domain at least",
                "It can hurt where clouds are no classes, as lesson 05 showed. Is that so here?",
            ),
        ],
    )
)
def _information() -> Answer:
    gains = [study_results.informed_gain(name, 8) for name in DOMAINS]
    return Answer(
        letter(
            all(each.verdict == "gain" for each in gains),
            any(each.verdict == "loss" for each in gains),
        ),
        "Both trainings take the same steps; only the term differs. Both classes have the same "
        "share in these data, which is what it expects. Had they not, it would have to be told so "
        "(`class_prior`).",
    )


def _taught(method: str) -> str:
    return "; ".join(study_results.better_teachers(method)) or "it cannot be told from ten draws"


@question(
    Estimate(
        "07-domain-shift",
        "A head on MiniLM learns from one domain only, 25 labels of each class. It reads its own "
        "domain, and the two others. By how many percentage points is it worse in the others, in "
        "the mean of all pairs?",
        least=-5,
        most=35,
        within=3,
        unit="points",
        too_low="Praise of a phone and praise of a film share words, but not all of them.",
        too_high="The question is the same in all domains, and MiniLM has seen English of every "
        "kind: much of what one domain teaches holds in the others.",
        close="You saw that most of what is learnt goes along, but not all of it.",
    )
)
def _domain_shift() -> Answer:
    lost = {method: study_results.lost_by_shift(method) for method in ("linear", "tf-idf")}
    own = {
        method: 100 * np.mean([study_results.shifted(method, (name,), name) for name in DOMAINS])
        for method in lost
    }
    shares = {method: each.mean / (own[method] - 50) for method, each in lost.items()}
    points = {
        method: plus_minus(each.mean, each.half_width, digits=1) for method, each in lost.items()
    }
    return Answer(
        lost["linear"].mean,
        "The diagonal shows a domain's own labels. Beside it stands what is left on the way to "
        f"another one, after the **domain shift**. MiniLM loses {points['linear']} points; counted "
        f"words lose {points['tf-idf']}, but of far less: {shares['tf-idf']:.0%} of what they know "
        f"above guessing, where MiniLM loses {shares['linear']:.0%}. Each domain praises in its "
        "own words. Does one domain teach better than another? By MiniLM, "
        f"{_taught('linear')}; by counted words, {_taught('tf-idf')}.",
    )


@question(
    Choice(
        "07-no-label",
        "The head has seen *no* label of a domain, but 25 of each class in both others, and the "
        "domain's sentences without labels. How good is it there, in the mean of the three?",
        [
            Option(
                "worse than a head with 8 own labels of each class",
                "A head with eight labels has seen its own domain, but so little of it that chance "
                "decides where it cuts.",
            ),
            Option(
                "between a head with 8 and one with 25 own labels",
                "That would be a fair price for another domain. Remember how much a shared head "
                "gained.",
            ),
            Option(
                "better than a head with 25 own labels of each class",
                "Twice as many labels from elsewhere, and the domain's own sentences to adjust "
                "them: this can outweigh the shift.",
            ),
        ],
    )
)
def _no_label() -> Answer:
    without = np.mean([study_results.without_labels(name).mean() for name in DOMAINS])
    own = {
        count: np.mean([study_results.of_heads(name, count, ALONE).mean() for name in DOMAINS])
        for count in (8, 25)
    }
    return Answer(
        letter(without > own[8], without > own[25]),
        "This is what practitioners want most: a model for something new, today, without a label. "
        "The test labels, which nothing has learnt from, say whether it can be trusted: so collect "
        "some of your own before you rely on it.",
    )


@question(
    Estimate(
        "07-probes",
        "Forty sentences were written for this lesson: eight plain ones, and 32 with negation, "
        "comparison, sarcasm or mixed feelings. The head on MiniLM, taught by all labels, "
        "understands every plain one. How many of the 32 others? (Guessing: 16.)",
        least=0,
        most=32,
        within=3,
        unit="sentences",
        too_low="So few would be worse than a coin: a model that is always fooled knows something, "
        "too.",
        too_high="On the test sentences it is right nearly nine times in ten, but these were "
        "chosen so that their words say one thing and the sentence another.",
        close="You saw that a high accuracy is an accuracy on plain sentences.",
    )
)
def _probes() -> Answer:
    study = stored.load("text-probes")
    hard = [kind for kind in PROBES if kind != "plain"]
    found = sum(study_results.found(study, "linear", kind) for kind in hard)
    count = sum(len(PROBES[kind]) for kind in hard)
    return Answer(
        found,
        ("That is no better than a coin. " if found <= 0.6 * count else "")
        + "Eight sentences of a kind are a probe and no measurement: one more or less is twelve "
        "percentage points. But they show where to look. A test set of real sentences, most of "
        "them plain, hides it.",
    )


@question(
    Estimate(
        "07-perplexity-guess",
        "A small transformer has read a hundred articles of Wikipedia, each about four times, and "
        "knows 4,096 tokens. Guessing blindly has a perplexity of 4,096. What is its perplexity on "
        "articles that it has not read?",
        least=2,
        most=4096,
        within=1.6,
        unit="tokens",
        logarithmic=True,
        too_low="Large models that have read a library get there. This one has read what a person "
        "reads in two days.",
        too_high="Even counting how often each token occurs does better than that.",
        close="You saw that grammar is learnt quickly, and facts are not.",
    )
)
def _perplexity_guess() -> Answer:
    others = [study_results.perplexity(name) for name in DOMAINS]
    here = study_results.perplexity("wikipedia")
    worse = min(others) > here
    return Answer(
        here,
        "It knows which tokens are frequent, and which follow each other. "
        + (
            "Sentences of reviews surprise it more: a language model, too, feels the **domain "
            "shift**. The remedy that comes below is made for that: go on with the next word on "
            "the target's own texts, which needs no labels."
            if worse
            else "Sentences of reviews surprise it no more than articles do."
        ),
    )


@question(
    Choice(
        "07-small-model",
        "Now transfer: the small language model gets a head and is fine-tuned on 25 labels of each "
        "class. Does it beat the same network from scratch?",
        [
            Option(
                "by an interval above zero in at least one domain, but not in all",
                "Reviews differ in how far their words are from an encyclopedia's.",
            ),
            Option(
                "by an interval above zero in every domain",
                "It knows which words occur in similar places, and that is a start for their mood.",
            ),
            Option(
                "in no domain",
                "An encyclopedia neither praises nor complains, and a hundred articles are little.",
            ),
        ],
    )
)
def _small_model() -> Answer:
    gains = [
        difference(
            study_results.small_model(name, 25, "wikipedia"),
            study_results.small_model(name, 25, None),
        )
        for name in DOMAINS
    ]
    clear = sum(each.verdict == "gain" for each in gains)
    sizes = "; ".join(
        f"{study_results.TITLES[name]} {each}" for name, each in zip(DOMAINS, gains, strict=True)
    )
    matched = sum(
        study_results.small_model(name, "all", "wikipedia").mean()
        >= study_results.by_words("tf-idf", name, "all").mean()
        for name in DOMAINS
    )
    return Answer(
        letter(clear == len(gains), clear == 0),
        f"Against scratch: {sizes}. "
        f"With all labels it matches counted words in {matched} of {len(DOMAINS)} domains. "
        "Transfer is worth what the source has taught, and a hundred articles teach grammar and "
        "few moods. MiniLM, by the same principle, was worth many labels.",
    )


@question(
    Choice(
        "07-stages",
        "ULMFiT reads an encyclopedia, then the domain's own texts without labels, and then learns "
        "the labels: with smaller steps for earlier layers, and one more layer after the other. "
        "Each is left out once. What does the small model miss most?",
        [
            Option(
                "the articles of Wikipedia",
                "They have far more words than the domain's own texts, but other words.",
            ),
            Option(
                "the domain's own texts",
                "They are about the right things, but some hundred sentences are soon read.",
            ),
            Option(
                "smaller steps for earlier layers",
                "They keep what was read from being forgotten; what is worth keeping?",
            ),
            Option(
                "unfreezing one layer after the other",
                "It gives the head time to find its place before the rest moves.",
            ),
        ],
    )
)
def _stages() -> Answer:
    missed = {name: study_results.missed(name) for name in study_results.STAGES}
    worst = max(missed, key=missed.__getitem__)
    clear = [
        f"{title} without {study_results.STAGES[name]} ({ahead})"
        for name in study_results.STAGES
        for domain, title in study_results.TITLES.items()
        if (
            ahead := difference(
                study_results.in_stages(domain, name), study_results.in_stages(domain)
            )
        ).is_clear
    ]
    losses = [
        title
        for name, title in study_results.TITLES.items()
        if study_results.staged_over_plain(name).verdict == "loss"
    ]
    whole = "; ".join(
        f"{title} {study_results.staged_over_plain(name)}"
        for name, title in study_results.TITLES.items()
    )
    return Answer(
        letter(*(worst == name for name in [*missed][1:])),
        "Left out, on average over the three domains: "
        + "; ".join(
            f"{study_results.STAGES[name]} {-points:+.1f}" for name, points in missed.items()
        )
        + " points. "
        + ("Clear of zero: " + "; ".join(clear) + ". " if clear else "None is clear of zero. ")
        + f"All together, against the plain fine-tuning above: {whole}. "
        + (f"So here the whole recipe costs accuracy on {' and '.join(losses)}. " if losses else "")
        + "The authors found every one of them useful, with a model and texts a hundred times as "
        "large; here some hundred sentences and 25 labels cannot show small effects.",
    )
