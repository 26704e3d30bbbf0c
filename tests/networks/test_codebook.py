"""Codebook: online k-means that finds the groups there are."""

import torch

from mimikit_nb.networks.layers.codebook import Codebook

CENTRES = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]])


def points(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Points near one of the four centres, and which."""
    which = torch.randint(4, (n,))
    return CENTRES[which] + 0.2 * torch.randn(n, 2), which


def learned(codebook_size: int = 4, n_batches: int = 200) -> Codebook:
    torch.manual_seed(0)
    codebook = Codebook(codebook_size, torch.ones(2))
    for _ in range(n_batches):
        codebook.learn(points(64)[0].view(4, 16, 2))
    return codebook


def test_means_move_to_the_middle_of_the_groups():
    codebook = learned()
    nearest = torch.cdist(CENTRES, codebook.means).amin(1)
    assert nearest.max() < 0.15
    torch.testing.assert_close(codebook.shares, torch.full((4,), 16.0), rtol=0.4, atol=0)


def test_nearest_is_the_nearest_by_scaled_distance():
    codebook = learned(12)
    x = points(200)[0]
    assert torch.equal(codebook.nearest(x), torch.cdist(x, codebook.means).argmin(1))
    codebook.scale.copy_(torch.tensor([1.0, 0.0]))
    expected = (x[:, :1] - codebook.means[:, 0]).abs().argmin(1)
    found = codebook.nearest(x)
    torch.testing.assert_close(codebook.means[found, 0], codebook.means[expected, 0])


def test_entries_never_used_are_never_nearest():
    codebook = Codebook(8, torch.ones(2))
    codebook.learn(CENTRES[:2])  # fewer vectors than entries
    assert int((codebook.shares > 0).sum()) >= 2
    used = codebook.shares > 0
    assert used[codebook.nearest(points(100)[0])].all()


def test_unused_entries_begin_anew_where_vectors_are_represented_worst():
    codebook = learned()
    left = codebook.means[0].clone()
    codebook.means[0] = torch.tensor([100.0, 100.0])  # far from everything
    codebook.shares[0] = 0.01
    x = points(64)[0]
    codebook.learn(x)
    assert (codebook.means[0] == x).all(1).any()
    assert (codebook.means[0] - left).norm() < 1


def test_learning_repeats_itself_exactly_from_the_same_random_numbers():
    first, second = learned(12, 20), learned(12, 20)
    assert torch.equal(first.means, second.means)
    assert torch.equal(first.shares, second.shares)
