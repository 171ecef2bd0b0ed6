"""The later notebooks run, as stored and without a hidden error; see test_notebook_runs.py."""

import build
import notebook_runs
import pytest


@pytest.mark.colab
@pytest.mark.slow
@pytest.mark.parametrize(
    "source", build.lessons()[notebook_runs.FIRST_HALF :], ids=lambda source: source.stem
)
def test_papermill_runs_it_and_what_is_stored_comes_out_again(
    source, short_way_first, this_kernel, tmp_path
):
    place = build.notebook_path(source)
    assert notebook_runs.problems(place, tmp_path, short_way_first=short_way_first) == []
