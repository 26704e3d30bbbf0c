from __future__ import annotations

import numpy as np
import pytest
import torch

from mimikit_nb.analysis import GMeans
from mimikit_nb.errors import ParameterError
from mimikit_nb.networks.layers.gmeans import GMeansLayer

METRICS = ["angular", "euclidean"]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 5, 4)])
def test_shapes(metric: str, shape: tuple[int, ...]) -> None:
    found = GMeansLayer(6, 4, metric)(torch.randn(shape))
    assert found.shares.shape == found.one_hot.shape == (*shape[:-1], 6)
    assert found.codes.shape == shape[:-1]
    assert found.quantized.shape == shape
    assert found.loss.shape == ()
    assert torch.allclose(found.shares.sum(-1), torch.ones(shape[:-1]))


@pytest.mark.parametrize("metric", METRICS)
def test_codes_are_the_nearest_centroids(metric: str) -> None:
    layer, x = GMeansLayer(5, 3, metric), torch.randn(40, 3)
    found = layer(x)
    c = layer.centroids
    if metric == "angular":
        expected = torch.cosine_similarity(x[:, None], c[None], dim=-1).argmax(-1)
    else:
        expected = torch.cdist(x, c).argmin(-1)
    assert torch.equal(found.codes, expected)
    assert torch.allclose(found.quantized, c[expected], atol=1e-6)
    assert torch.allclose(
        found.one_hot, torch.nn.functional.one_hot(expected, 5).float(), atol=1e-6
    )


def test_gradients_pass_straight_through() -> None:
    layer, x = GMeansLayer(5, 3), torch.randn(40, 3, requires_grad=True)
    weight = torch.randn(40, 3)
    (layer(x).quantized * weight).sum().backward()
    assert layer.centroids.grad.abs().sum() > 0
    assert not torch.allclose(x.grad, torch.zeros(()))
    torch.manual_seed(0)
    layer.zero_grad()
    (layer(x.detach()).one_hot * torch.randn(40, 5)).sum().backward()
    assert layer.centroids.grad.abs().sum() > 0


@pytest.mark.parametrize("metric", METRICS)
def test_the_loss_alone_clusters(metric: str) -> None:
    rng = np.random.default_rng(0)
    means = np.array([[5, 0, 0], [0, 5, 0], [0, 0, 5]])
    truth = np.repeat(np.arange(3), 60)
    x = torch.tensor(means[truth] + rng.standard_normal((180, 3)) * 0.5, dtype=torch.float32)
    layer = GMeansLayer.from_centroids(x[[0, 60, 61]], metric=metric, scale=3.0)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
    before = float(layer(x).loss.detach())
    for _ in range(150):
        optimizer.zero_grad()
        layer(x).loss.backward()
        optimizer.step()
    assert float(layer(x).loss.detach()) < before


def test_a_fitted_estimator_becomes_a_layer() -> None:
    x = np.random.default_rng(0).standard_normal((200, 4)).astype(np.float32)
    model = GMeans(4).fit(x)
    layer = GMeansLayer.from_centroids(torch.from_numpy(model.cluster_centers_))
    assert np.array_equal(layer(torch.from_numpy(x)).codes.numpy(), model.labels_)


def test_state_is_saved_and_loaded() -> None:
    a, b = GMeansLayer(3, 2), GMeansLayer(3, 2)
    b.load_state_dict(a.state_dict())
    x = torch.randn(10, 2)
    assert torch.equal(a(x).shares, b(x).shares)


@pytest.mark.parametrize(
    "options", [{"n_clusters": 0}, {"temperature": 0.0}, {"metric": "cosine"}, {"redundancy": -1.0}]
)
def test_bad_parameters_are_refused(options: dict) -> None:
    with pytest.raises(ParameterError, match=next(iter(options))):
        GMeansLayer(**{"n_clusters": 3, "dim": 2, **options})


def test_vectors_of_another_size_are_refused() -> None:
    with pytest.raises(ParameterError, match="have 5 numbers, the centroids 2"):
        GMeansLayer(3, 2)(torch.zeros(4, 5))
