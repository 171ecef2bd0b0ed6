"""The plane along paths: how it is laid, what of the paths it shows, and the loss on it."""

import numpy as np
import pytest

from simmim_lib.lessons.simmim_model import loss_slice


def test_paths_that_lie_in_a_plane_are_shown_whole():
    """Two spirals in a known plane of a space with 50 dimensions."""
    random = np.random.default_rng(0)
    plane = np.linalg.qr(random.normal(size=(50, 2)))[0].T
    turn = np.linspace(0, 4, 30)
    spiral = np.stack([turn * np.cos(turn), turn * np.sin(turn)], axis=1)
    moves = np.stack([spiral @ plane, 300 * spiral[:, ::-1] @ plane]).astype(np.float32)
    directions = loss_slice.principal_directions(moves)
    places = moves @ directions.T
    np.testing.assert_allclose(places @ directions, moves, atol=1e-3)
    np.testing.assert_allclose(loss_slice.share_of_length(moves, places), 1, atol=1e-4)
    sizes = np.linalg.norm(moves, axis=(1, 2))
    assert np.all((places[:, -1] / sizes[:, None]).sum(axis=0) > 0)


def test_a_path_at_right_angles_to_the_others_is_told_to_be_hidden():
    """Three axes, walked along by paths with equal weight twice, twice and once."""
    steps = np.arange(4.0)[:, None]
    moves = np.stack([steps * np.eye(5)[axis] for axis in (0, 0, 1, 1, 2)]).astype(np.float32)
    moves[4] *= 300  # however far it leads
    places = moves @ loss_slice.principal_directions(moves).T
    np.testing.assert_allclose(
        loss_slice.share_of_length(moves, places), [1, 1, 1, 1, 0], atol=1e-6
    )


def test_a_single_straight_path_gets_a_plane():
    moves = np.linspace(0, 1, 4)[None, :, None] * np.ones((1, 4, 9), np.float32)
    directions = loss_slice.principal_directions(moves.astype(np.float32))
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-6)
    assert directions[0] @ np.ones(9) == pytest.approx(3)


def test_the_loss_is_measured_on_the_plane_and_a_path_that_is_thrown_out_does_not_widen_it():
    """Three paths in a bowl; the last is thrown out, and then NaN."""
    ways = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]], np.float32)
    lengths = np.array([[0, 1, 2], [0, 1, 2], [0, 1e6, np.nan]], np.float32)
    paths = 5 + lengths[:, :, None] * ways[:, None, :]
    told = []

    def bowl(rows):
        return np.sum((rows - 7) ** 2, axis=1)

    loss = np.array([bowl(path) for path in paths])
    plane = loss_slice.slice_along(paths, loss, bowl, lambda *now: told.append(now))
    assert plane.origin.tolist() == [5, 5, 5, 5]
    assert np.isnan(plane.paths[2, 2]).all() and not np.isnan(plane.paths[:2]).any()
    assert 2 < np.ptp(plane.horizontal) < 5
    for row, column in ((0, 0), (4, 17), (20, 20)):
        point = np.array([plane.horizontal[column], plane.vertical[row]])
        expected = bowl((plane.origin + point @ plane.directions)[None])[0]
        assert plane.losses[row, column] == pytest.approx(expected, rel=1e-4)
    assert told == [(done, loss_slice.GRID) for done in range(1, loss_slice.GRID + 1)]
