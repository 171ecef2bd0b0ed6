"""Language: sentences as vectors, and a list of words with their moods."""

from simmim_lib.language.sentences import sentence_features
from simmim_lib.language.word_list import mood, moods_of_words

__all__ = ["mood", "moods_of_words", "sentence_features"]
