"""Change points: where the distribution of sounds changes.

Every partition of a sequence into sections is more or less probable: it explains the sounds well
if they scatter little around the mean of their section, and every boundary has its price. Summed
over *all* partitions, exactly and by dynamic programming, that gives the probability of a boundary
at each place; what is near each other may be one boundary whose place isn't certain. The
salience of a boundary is the price up to which it is more likely than not: an order of all
boundaries from the most to the least important, from which any number can be picked. Time and
memory grow with N·K, K being the longest section considered.

References
----------
.. [1] Arlot, Celisse and Harchaoui, "A kernel multiple change-point algorithm", 2019.
.. [2] Fearnhead, "Exact and efficient Bayesian inference for multiple changepoint problems", 2006.
"""

from __future__ import annotations

import numpy as np

from ..progress import Progress, Watch
from .spacing import Spaced

PRICES = np.geomspace(3.0, 0.02, 24)
"Prices per boundary, in units of the scatter of one sound times log n."
DEFAULT_PRICE = 0.3
"At this price a boundary costs log n nats, as in the Bayesian information criterion."
SAME_SECONDS = 1.0
"Places nearer than this may be one boundary whose place isn't certain; the nearer the rather."
LONGEST = 400
"Sounds per section; where a longer one had to be cut, that isn't worth more than it saves."


class Costs:
    """Scatter of any stretch of a sequence of vectors, in constant time.

    Parameters
    ----------
    phi : np.ndarray [shape=(n, r)]
        Rows of a kernel map.
    """

    def __init__(self, phi: np.ndarray) -> None:
        self.n = len(phi)
        self._sums = np.concatenate([np.zeros((1, phi.shape[1])), np.cumsum(phi, axis=0)])
        missing = 1 - np.minimum((phi**2).sum(axis=1), 1)  # what the approximation leaves out
        self._missing = np.concatenate([[0.0], np.cumsum(missing)])
        total = (self._sums[-1] @ self._sums[-1] + self._missing[-1]) / self.n**2
        self.scatter = max(1e-6, 1 - float(total))

    def __call__(self, start: np.ndarray | int, stop: np.ndarray | int) -> np.ndarray:
        """Scatter around the mean of the rows ``start`` to ``stop`` (arrays broadcast)."""
        length = np.asarray(stop) - np.asarray(start)
        difference = self._sums[stop] - self._sums[start]
        alike = np.einsum("...r,...r->...", difference, difference)
        alike = alike + self._missing[stop] - self._missing[start]
        cost: np.ndarray = length - alike / np.maximum(length, 1)
        return cost


def boundary_salience(
    phi: np.ndarray,
    times: np.ndarray,
    min_seconds: float,
    prices: np.ndarray = PRICES,
    progress: Watch | None = None,
) -> np.ndarray:
    """Salience of every place between two sounds.

    Parameters
    ----------
    phi : np.ndarray [shape=(n, r)]
        Vectors of the sounds, see :func:`~mimikit_nb.analysis.kernels.kernel_map`.
    times : np.ndarray [shape=(n + 1,)]
        Where the sounds begin and the last one ends, in seconds.
    min_seconds : float >= 0
        Shortest section to be proposed of its own accord.
    prices : np.ndarray [shape=(p,)], optional
        Prices to try, from the highest to the lowest.
    progress : Progress or callable, optional
        Told how far it is.

    Returns
    -------
    np.ndarray [shape=(n - 1,)]
        Price up to which there is rather a boundary before sound ``1 ... n - 1`` than not. Places
        of which that can't be said at any price come last, in the order of their probability.
    """
    if len(phi) < 2:
        return np.zeros(max(0, len(phi) - 1))
    probability = boundary_probability(phi, times, min_seconds, prices, progress)
    places = times[1:-1]
    around = _around(probability, places)
    worth, mean = _crossing(around, prices), around.mean(axis=0)
    salience = 0.5 * prices[-1] * np.maximum(mean / max(float(mean.max()), 1e-12), 1e-12)
    spaced = Spaced(min_seconds)
    for i in np.lexsort((-mean, -worth)):
        if worth[i] > 0 and spaced.add(float(places[i])):
            salience[i] = worth[i]
    chosen = np.flatnonzero(salience >= prices[-1])
    salience[chosen] = _without_forced(Costs(phi), chosen + 1, salience[chosen])
    return salience


def boundary_probability(
    phi: np.ndarray,
    times: np.ndarray,
    min_seconds: float,
    prices: np.ndarray,
    progress: Watch | None = None,
) -> np.ndarray:
    """Probability of a boundary before each sound but the first, for each price.

    Parameters
    ----------
    phi, times, min_seconds, prices, progress
        As in :func:`boundary_salience`.

    Returns
    -------
    np.ndarray [shape=(p, n - 1)]
        Between 0 and 1.
    """
    progress, scatter = Progress.of(progress), Costs(phi).scatter
    nats = np.log(max(len(phi), 3)) * prices / DEFAULT_PRICE
    heat = DEFAULT_PRICE * scatter
    past = _evidence(phi, times, min_seconds, nats, heat, progress.part(0.0, 0.5))
    turned = times[-1] - times[::-1]
    future = _evidence(phi[::-1], turned, min_seconds, nats, heat, progress.part(0.5, 1.0))
    share: np.ndarray = np.exp(past + future[:, ::-1] - past[:, -1:])[:, 1:-1]
    return np.minimum(share, 1)


def _evidence(
    phi: np.ndarray,
    times: np.ndarray,
    min_seconds: float,
    nats: np.ndarray,
    heat: float,
    progress: Progress,
) -> np.ndarray:
    """Logarithm of the summed weights of all partitions up to each place [shape=(p, n + 1)]."""
    costs, n = Costs(phi), len(phi)
    evidence = np.full((len(nats), n + 1), -np.inf)
    evidence[:, 0] = 0
    for stop in range(1, n + 1):
        if stop % 100 == 0:
            progress.tell(stop, n)
        starts = np.arange(max(0, stop - LONGEST), stop)
        # the recording may begin or end within a section: half of the least length will do
        least = np.where((starts == 0) | (stop == n), min_seconds / 2, min_seconds)
        whole = (starts == 0) & (stop == n)
        is_long = (times[stop] - times[starts] >= least) & (evidence[0, starts] > -np.inf)
        starts = starts[whole | is_long]
        if len(starts) == 0:
            continue
        weights = evidence[:, starts] - costs(starts, stop) / heat
        best = weights.max(axis=1, keepdims=True)
        evidence[:, stop] = best[:, 0] + np.log(np.exp(weights - best).sum(axis=1)) - nats
    return evidence


def _around(probability: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Probability of a boundary about each place, what is further away counting less.

    The sum over a triangle from -SAME_SECONDS to SAME_SECONDS, by running sums [shape=(p, n)].
    """
    moments = np.stack([probability, probability * places])
    sums = np.pad(np.cumsum(moments, axis=-1), ((0, 0), (0, 0), (1, 0)))
    here = np.arange(len(places))
    low = np.searchsorted(places, places - SAME_SECONDS)
    high = np.searchsorted(places, places + SAME_SECONDS, side="right")
    before, first = sums[..., here] - sums[..., low]
    after, second = sums[..., high] - sums[..., here]
    nearness = (before - after) * places - first + second  # distances, weighted and summed
    total: np.ndarray = before + after - nearness / SAME_SECONDS
    return total


def _without_forced(costs: Costs, bounds: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """Worth of boundaries, no more than what they save where the longest section made them."""
    honest = worth.copy()
    unit = costs.scatter * np.log(max(costs.n, 3))
    for i, bound in enumerate(bounds):
        edges = np.concatenate([[0], bounds[worth >= worth[i]], [costs.n]])
        place = int(np.searchsorted(edges, bound))
        before, after = int(edges[place - 1]), int(edges[place + 1])
        if max(bound - before, after - bound) > 0.75 * LONGEST:
            saved = costs(before, after) - costs(before, bound) - costs(bound, after)
            honest[i] = min(worth[i], float(saved) / unit)
    return honest


def _crossing(probability: np.ndarray, prices: np.ndarray) -> np.ndarray:
    """Highest price at which a probability reaches one half, 0 if none [shape=(n,)]."""
    reached = probability >= 0.5
    first = reached.argmax(axis=0)
    before = np.maximum(first - 1, 0)
    columns = np.arange(probability.shape[1])
    low, high = probability[before, columns], probability[first, columns]
    part = np.where(first > 0, (0.5 - low) / np.maximum(high - low, 1e-12), 1.0)
    log_price = np.log(prices[before]) + part * (np.log(prices[first]) - np.log(prices[before]))
    crossing: np.ndarray = np.where(reached.any(axis=0), np.exp(log_price), 0.0)
    return crossing
