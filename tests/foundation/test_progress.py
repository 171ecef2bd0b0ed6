"""Progress: bars, lines for other processes, and who else hears of them."""

import pytest

from simmim_lib.foundation import progress


@pytest.mark.parametrize("lines", ["", "1"])
def test_a_listener_hears_of_every_bar_within_and_can_end_it(lines, monkeypatch, capsys):
    monkeypatch.setenv(progress.PROGRESS_LINES, lines)
    heard = []
    with progress.heard_by(lambda *now: heard.append(now)), progress.progress_bar("Work") as tell:
        tell(1, 3)
        tell(2, 3)
    assert heard == [(1, 3), (2, 3)]
    with progress.progress_bar("Work") as tell:
        tell(3, 3)
    assert len(heard) == 2
    assert capsys.readouterr().err.count("simmim progress") == (3 if lines else 0)

    def stop(done, total):
        raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        progress.heard_by(stop),
        progress.progress_bar("Work") as tell,
    ):
        tell(1, 3)
