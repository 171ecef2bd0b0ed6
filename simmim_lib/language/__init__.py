"""Language: sentences as vectors, a list of words with their moods, and the next word."""

from simmim_lib.language.next_word import next_tokens, perplexity, sample
from simmim_lib.language.sentences import sentence_features
from simmim_lib.language.word_list import mood, moods_of_words

__all__ = [
    "mood",
    "moods_of_words",
    "next_tokens",
    "perplexity",
    "sample",
    "sentence_features",
]
