# %% [markdown]
# # 07 Language
#
# <!-- badge -->
#
# About 100 minutes; 70 without what goes deeper. Afterwards you will be able to
#
# - turn sentences into tokens, and tokens into vectors that a linear head can read,
# - say what a pre-trained language model is worth, in labels,
# - let several domains teach one head, and tell when that pays,
# - classify sentences of a domain that has no label at all,
# - open a decision down to the words that made it.
#
# You need to have read lesson 01; lesson 05 helps. Run cell by cell (Shift+Enter), and answer each
# question before you go on: what comes out is shown after your click.

# %% tags=["setup"]
# The builder writes the setup cell.

# %% tags=["imports", "folded"]
# @title Imports
import numpy as np

import simmim_lib
from simmim_lib import datasets, exercises, language
from simmim_lib.lessons.language import live, panels, study_results

# %% [markdown]
# ## 1. Three domains, one question
#
# People write what they think of things. Here are a thousand sentences each about products
# (Amazon), films (IMDb) and restaurants (Yelp). Each sentence is labelled: its writer is pleased, or
# is not. We learn from seven hundred of each domain, and test on three hundred. The question is the same in all three **domains**; the words are not.

# %% tags=["nbval-check-output"]
for name in ("amazon", "imdb", "yelp"):
    data = datasets.load(name)
    words = np.mean([len(sentence.split()) for sentence in data.train.images])
    print(f"{data.title}: {len(data.train)} + {len(data.test)} sentences of {words:.0f} words")
    for sentence, label in zip(data.train.images[:2], data.train.labels[:2], strict=True):
        print(f"  {data.class_names[label]}: {sentence}")

# %% [markdown]
# Before anything learns, here is a list of words with moods. Every word of a sentence adds its
# number; a *not* before it turns it around.

# %% tags=["nbval-check-output"]
for sentence in ("The food was superb.", "Not good.", "It broke after one day."):
    added = [f"{word} {mood:+}" for word, mood in language.moods_of_words(sentence) if mood]
    print(f"{language.mood(sentence):+}  {sentence}  ({', '.join(added) or 'no word is listed'})")

# %%
exercises.predict("07-word-list", study_results.word_list_table())

# %% [markdown]
# ## 2. Count words
#
# The oldest way to learn from texts: count how often each word occurs in a sentence, give words that
# are rare elsewhere more weight (**TF-IDF**), and let logistic regression learn what each word adds:
#
# $$ P(\text{positive} \mid x) = \sigma\Big(b + \sum_j w_j \, v_j(x)\Big) $$
#
# where $v_j(x)$ is the weighted count of word $j$, $w_j$ what it is worth, and $\sigma$ turns the
# sum, the **logit**, into a probability.

# %%
exercises.predict("07-counted-words", study_results.words_figure())

# %% [markdown]
# Such a model hides nothing. The panel takes any sentence, and shows what each word adds to the
# logit, in a model for each domain (all labels). Try *pretty*: what does it add in a sentence about a
# phone, and what about a film? Then try the word list, and what *not bad* is to each of them.

# %%
panels.words_behind()

# %% [markdown]
# ### Exercise 1: Find the words behind a decision (easy, 5 minutes)


# %% tags=["nbval-check-output"]
def words_behind(values, weights, bias):
    """Return what each word adds to the logit, and the probability of "positive".

    `values` are the weighted counts of a sentence's words and `weights` what each is worth, both of
    shape (words,); `bias` is a number. Return two things: an array (words,), and a number.
    """
    ...  # your code


exercises.check("07-words-behind", words_behind)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The formula above is a sum: one term of it for each word. The sigmoid is
# `1 / (1 + np.exp(-logit))`.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def words_behind(values, weights, bias):
#     parts = values * weights
#     logit = bias + parts.sum()
#     return parts, 1 / (1 + np.exp(-logit))
# ```
#
# </details>

# %% [markdown]
# ## 3. Sentences as vectors
#
# A pre-trained network brings what counting lacks: it knows English before the first label.
# **MiniLM** is a small **transformer** with six layers. It takes a sentence in four steps:
#
# 1. **Tokens.** The text is cut into pieces from a list of 30,522; a rare word becomes several.
# 2. **Embeddings.** Each token is looked up in a table and becomes a vector of 384 numbers.
# 3. **Layers.** In each, every token looks at all others and changes its own vector accordingly:
#    *bank* beside *river* is not *bank* beside *money*.
# 4. **Mean.** The average of all tokens' vectors, scaled to length 1, stands for the sentence.
#
# It was trained on more than a billion pairs of sentences that belong together, such as questions
# and their answers, until such pairs had vectors that point the same way.

# %%
print(live.pieces("The waitstaff was unbelievably slow."))
live.similarities(
    [
        "The battery died after two days.",
        "It stopped charging within a week.",
        "The battery lasts for days.",
        "The actors are wonderful.",
    ]
)

# %% [markdown]
# The numbers are cosines: 1 for the same direction, 0 for nothing in common. Sentences of a batch are
# filled up to one length with **padding**, token 0. Padding must not count in the mean.
#
# ### Exercise 2: Mask the padding in a mean (medium, 10 minutes)


# %% tags=["nbval-check-output"]
def masked_mean(ids, vectors):
    """Return the mean vector of each sentence's tokens, without the padding.

    `ids` are the tokens' numbers, shape (sentences, length), 0 for padding; `vectors` are the
    tokens' vectors, shape (sentences, length, units). Return an array (sentences, units).
    """
    ...  # your code


exercises.check("07-masked-mean", masked_mean)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `mask = (ids > 0)[..., np.newaxis]` has shape (sentences, length, 1): multiply by it, add up along
# axis 1, and divide by the number of tokens that are there.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def masked_mean(ids, vectors):
#     mask = (ids > 0)[..., np.newaxis]
#     return (vectors * mask).sum(axis=1) / mask.sum(axis=1)
# ```
#
# </details>

# %% [markdown]
# ## 4. What is transfer worth, in labels?
#
# Freeze MiniLM, compute each sentence's vector once, and train a linear head on the labelled ones:
# the linear probe of lesson 01.

# %%
exercises.predict("07-vectors", study_results.vectors_figure())

# %% [markdown]
# ## 5. Several targets at once
#
# The article's promise is transfer to *several* target tasks. Lesson 03 could not confirm it where
# tasks had little in common. Here they have much. Let $\theta$ be the frozen trunk; domain $t$ has
# the sentences $B_t$ and a head $h_t$. The objective is the sum of the domains' losses:
#
# $$ L = \sum_t \frac{1}{|B_t|} \sum_{(x, y) \in B_t} -\log p_{\theta, h_t}(y \mid x) $$

# %%
exercises.predict("07-own-heads", study_results.own_heads_table())

# %%
exercises.predict("07-shared-head", study_results.shared_head_table())

# %% [markdown]
# ### Exercise 3: Write the loss of a shared head (medium, 10 minutes)


# %% tags=["nbval-check-output"]
def shared_head_loss(domains, kernel, bias):
    """Return the sum of the domains' losses, with one head for all.

    `domains` holds a pair for each name: features (n, units) and labels (n,). The head is `kernel`
    (units, 2) and `bias` (2,). A domain's loss is the mean cross-entropy of its sentences, in nats.
    """
    ...  # your code


exercises.check("07-shared-head", shared_head_loss)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Logits are `features @ kernel + bias`. Of each row, cross-entropy is the logarithm of the sum of
# `np.exp(logits)`, minus the logit of the true class: `logits[np.arange(len(labels)), labels]`.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def shared_head_loss(domains, kernel, bias):
#     total = 0.0
#     for features, labels in domains.values():
#         logits = features @ kernel + bias
#         true = logits[np.arange(len(labels)), labels]
#         total += np.mean(np.log(np.exp(logits).sum(axis=1)) - true)
#     return total
# ```
#
# </details>

# %% [markdown]
# ## 6. Sentences without labels
#
# Of seven hundred training sentences in each domain only a few are labelled. The others can teach,
# too: information maximisation, as in lesson 05, on the shared head. How much it counts was chosen on
# validation sentences, for one head (`simmim study text-recipes`).

# %%
settings = simmim_lib.Settings(
    trunk="minilm-l6",
    source="sentence-pairs",
    targets=("amazon", "imdb", "yelp"),
    shared_heads=True,
    labels_per_class=8,
    recipe="simmim",
    information=3,
    spread=2,
    steps=200,
    seeds=3,
    budget="quick",
)
live.accuracies(live.shared_head(settings))

# %%
exercises.predict("07-information", study_results.information_table())

# %% [markdown]
# Here is everything on one page: own heads, a shared head, and a shared head with information. The
# table takes the ways apart: in each part one thing is changed, and the last part has all together.

# %%
study_results.heads_figure()

# %%
study_results.verdict_table()

# %% [markdown]
# The panel has every way of learning, and what each reaches. Where there are enough labels, does it
# still matter how you learn?

# %%
panels.ways_to_learn()

# %% [markdown]
# ## 7. A domain without a label
#
# Tomorrow there is a fourth domain, with sentences, but without labels. Which of the domains you
# have could teach it?

# %%
exercises.predict("07-domain-shift", study_results.shift_figure())

# %%
exercises.predict("07-no-label", study_results.without_labels_figure())

# %% [markdown]
# ## 8. Going deeper: what is not understood
#
# Test accuracy counts sentences as they come, and most come plain. Probes ask for one difficulty at a
# time.

# %%
exercises.predict("07-probes", study_results.probes_table())

# %% [markdown]
# The probes are in `simmim_lib.lessons.language.probes.PROBES`. Add your own, with 1 for a sentence that
# is pleased and 0 for one that is not. Which kind do all methods get wrong that you would not?

# %%
live.probed(
    [
        ("I have had worse meals, though not many.", 0),
        ("Nothing about this film could be better.", 1),
    ]
)

# %% [markdown]
# ## 9. Going deeper: the next word
#
# How does a network learn English without labels? By guessing what comes next. A **language model**
# gives each possible next token a probability. It is trained to give much to the one that really
# comes, which needs no labels: text is enough. How good it is, is said in **perplexity**, $e$ to the
# power of the mean cross-entropy of the tokens:
#
# $$ \text{perplexity} = \exp\Big( \frac{1}{n} \sum_{i=1}^{n} -\log p(x_i \mid x_1, \dots, x_{i-1}) \Big) $$
#
# ### Exercise 4: Perplexity from probabilities (easy, 5 minutes)


# %% tags=["nbval-check-output"]
def perplexity(probabilities):
    """Return the perplexity of a text.

    `probabilities`, shape (tokens,), are what a model gave each token that really came.
    """
    ...  # your code


exercises.check("07-perplexity", perplexity)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Take logarithms, then the mean, then the sign, then `np.exp`: in this order.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def perplexity(probabilities):
#     return np.exp(np.mean(-np.log(probabilities)))
# ```
#
# </details>

# %% [markdown]
# The workbook has a small language model, `trunk="words"`: two transformer layers that look to the
# left only, and 96 numbers for each token. It has read 96 articles of Wikipedia several times, which
# takes a few minutes.

# %%
exercises.predict("07-perplexity-guess", study_results.perplexity_table())

# %% [markdown]
# To write a text, draw the next token by its probability, append it, and go on. Dividing the logits
# by a **temperature** below 1 makes likely tokens likelier, and texts dull; above 1 it lets unlikely
# ones in, and texts fall apart. Try 0.2 and 2.

# %%
live.temperature_panel()

# %%
exercises.predict("07-small-model", study_results.small_model_table())

# %% [markdown]
# **ULMFiT** ([Howard and Ruder, 2018](https://arxiv.org/abs/1801.06146)) made this kind of transfer
# known. Between the encyclopedia and the labels it puts a stage that costs no label: go on with the
# next word on the domain's own texts. And it learns the labels gently.

# %%
exercises.predict("07-stages", study_results.stages_table())

# %% [markdown]
# A hundred articles give grammar for a few words, and no sense. MiniLM has the same kind of layers,
# more of them, and has seen many thousand times as much text. This is what scale buys, and what it
# costs; accuracies are the mean of the three domains.

# %%
study_results.scale_table()

# %% [markdown]
# ## 10. Going deeper: pairs
#
# A head on a frozen encoder moves nothing but a cut. **SetFit** (Tunstall et al., 2022) moves the
# encoder, too, though there are few labels: it makes *pairs* of labelled sentences, and trains the
# encoder until pairs with the same label have vectors that point the same way, and others do not. Few
# labels make many pairs.
#
# ### Exercise 5: Pairs from labels (medium, 10 minutes)


# %% tags=["nbval-check-output"]
def pairs(labels):
    """Return each pair of sentences once, as rows (first, second, same).

    `labels`, shape (sentences,), are the sentences' labels. `first` and `second` are positions, and
    `same` is 1 if both have the same label, else 0. No sentence is a pair with itself.
    """
    ...  # your code


exercises.check("07-pairs", pairs)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `itertools.combinations(range(len(labels)), 2)` gives each pair of positions once.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# import itertools
#
# def pairs(labels):
#     places = itertools.combinations(range(len(labels)), 2)
#     return [(one, other, int(labels[one] == labels[other])) for one, other in places]
# ```
#
# </details>

# %% [markdown]
# ## Recap

# %%
exercises.score("07")

# %% [markdown]
# - A list of words with moods needs no label, and is hard to beat by counting words in a few labelled
#   sentences. Put such a baseline on every curve.
# - A pre-trained sentence encoder is worth many labels, with nothing but a linear head on it.
# - Training tasks *together* does nothing by itself. **Sharing** does: one head for three domains
#   that ask the same question is the article's claim at its best.
# - Where labels are few, sentences without labels sharpen the shared head, and carry it to a domain
#   that has no label.
#
# ## Where next
#
# - [08 Masked image modelling](08_masked_images.ipynb): the other SimMIM, which learns from images
#   as a language model does from texts: by filling in what was hidden.
# - [10 Reports](10_report.ipynb): what a result has to say so that others can rely on it.
# - Sources: Kotzias et al. 2015 (the sentences); Nielsen 2011 (the word list); Reimers and Gurevych
#   2019, *Sentence-BERT*; Howard and Ruder 2018, *Universal Language Model Fine-tuning*; Tunstall et
#   al. 2022, *SetFit*, for fine-tuning such an encoder with pairs.
