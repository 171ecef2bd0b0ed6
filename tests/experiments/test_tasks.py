"""What a network cannot learn from is refused, with a network that could."""

import pytest

from simmim_lib import experiments
from simmim_lib.errors import WorkbookError
from simmim_lib.settings import Settings


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"targets": ("amazon",)},
            "'amazon' holds texts, but the trunk 'small-cnn' takes images: .* such as 'words'",
        ),
        (
            {"trunk": "words", "source": None, "targets": ("mnist",)},
            "'mnist' holds images, but the trunk 'words' takes texts: .* such as 'small-cnn'",
        ),
    ],
)
def test_content_that_the_trunk_does_not_take_gets_one_that_does(given, words):
    with pytest.raises(WorkbookError, match=words):
        experiments.choose_tasks(Settings(**given))
