"""Change points: where the distribution of sounds changes.

The best partition of a sequence for a given price per boundary is found exactly, by dynamic
programming, for many prices at once. The price at which a boundary appears is its
salience: an order of all boundaries from the most to the least important, from which any number
can be picked. Time and memory grow with N·K, K being the longest section considered.

References
----------
.. [1] Arlot, Celisse and Harchaoui, "A kernel multiple change-point algorithm", 2019.
.. [2] Jackson et al., "An algorithm for optimal partitioning of data on an interval", 2005.
"""

from __future__ import annotations

import numpy as np

from .frames import Progress
from .spacing import Spaced

PRICES = np.geomspace(3.0, 0.02, 48)
"Prices per boundary, in units of the scatter of one sound times log n."
LONGEST = 400
"Sounds per section; longer ones are pieced together afterwards."


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

    def gains(self, bounds: np.ndarray) -> np.ndarray:
        """What each boundary saves against joining its neighbours [shape=(len(bounds),)]."""
        edges = np.concatenate([[0], bounds, [self.n]]).astype(int)
        apart = self(edges[:-1], edges[1:])
        return self(edges[:-2], edges[2:]) - apart[:-1] - apart[1:]


def boundary_salience(
    phi: np.ndarray,
    times: np.ndarray,
    min_seconds: float,
    prices: np.ndarray = PRICES,
    progress: Progress | None = None,
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
    progress : callable, optional
        Called with the share that is done.

    Returns
    -------
    np.ndarray [shape=(n - 1,)]
        Highest price at which the boundary before sound ``1 ... n - 1`` is worth it. Boundaries
        that never are come last, below the lowest price, in the order of what they would save.
    """
    n = len(phi)
    salience = np.zeros(max(0, n - 1))
    if n < 2:
        return salience
    costs = Costs(phi)
    unit = costs.scatter * np.log(max(n, 3))
    spaced = Spaced(min_seconds)
    solutions = _optimal_partitions(costs, times, min_seconds, prices * unit, progress)
    for price, bounds in zip(prices, solutions, strict=True):
        for bound in _pruned(costs, bounds, price * unit):
            if salience[bound - 1] == 0 and spaced.add(float(times[bound])):
                salience[bound - 1] = price
    rest = np.flatnonzero(salience == 0)
    if len(rest):
        gains = _local_gains(costs, rest + 1)
        salience[rest] = 0.5 * prices[-1] * gains / max(gains.max(), 1e-12)
    return salience


def _local_gains(costs: Costs, bounds: np.ndarray, reach: int = 4) -> np.ndarray:
    """What a boundary would save among its nearest neighbours."""
    low, high = np.maximum(0, bounds - reach), np.minimum(costs.n, bounds + reach)
    return np.maximum(costs(low, high) - costs(low, bounds) - costs(bounds, high), 1e-12)


def _optimal_partitions(
    costs: Costs,
    times: np.ndarray,
    min_seconds: float,
    prices: np.ndarray,
    progress: Progress | None = None,
) -> list[np.ndarray]:
    """Best boundaries for every price, each an ascending array of row numbers."""
    n, rows = costs.n, np.arange(len(prices))
    best = np.full((len(prices), n + 1), np.inf)
    best[:, 0] = -prices
    before = np.zeros((len(prices), n + 1), np.int32)
    for stop in range(1, n + 1):
        if progress is not None and stop % 100 == 0:
            progress(stop / n)
        low = max(0, stop - LONGEST)
        starts = np.arange(low, stop)
        # the recording may begin or end within a section: half of the least length will do
        least = np.where((starts == 0) | (stop == n), min_seconds / 2, min_seconds)
        whole = (starts == 0) & (stop == n)
        starts = starts[whole | (times[stop] - times[starts] >= least)]
        if len(starts) == 0:
            continue
        total = best[:, starts] + costs(starts, stop) + prices[:, None]
        choice = np.argmin(total, axis=1)
        best[:, stop] = total[rows, choice]
        before[:, stop] = starts[choice]
    return [_trace(before[row]) for row in rows]


def _trace(before: np.ndarray) -> np.ndarray:
    """Boundaries along the best path from the end to the beginning."""
    bounds, place = [], int(before[-1])
    while place > 0:
        bounds.append(place)
        place = int(before[place])
    return np.array(bounds[::-1], np.int64)


def _pruned(costs: Costs, bounds: np.ndarray, price: float) -> np.ndarray:
    """Boundaries without those that aren't worth their price (where a section hit the limit)."""
    while len(bounds):
        gains = costs.gains(bounds)
        weakest = int(np.argmin(gains))
        if gains[weakest] >= price * (1 - 1e-9):
            break
        bounds = np.delete(bounds, weakest)
    return bounds
