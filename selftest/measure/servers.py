"""Simulated servers: latencies (ms) in the order asked for, of which the limit is exactly a given percentile."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

Server = Callable[[np.random.Generator, int, int, float], np.ndarray]
"""rng, runs, n, share over the limit → runs x n latencies; the limit is always 100 ms."""

LIMIT = 100.0


def lognormal(rng: np.random.Generator, runs: int, n: int, over: float) -> np.ndarray:
    """The usual right-skewed latency, sigma 0.6."""
    mu = np.log(LIMIT) - 0.6 * special.ndtri(1 - over)
    return rng.lognormal(mu, 0.6, (runs, n))


def bimodal(rng: np.random.Generator, runs: int, n: int, over: float) -> np.ndarray:
    """A cache: hits around 20 ms, misses around 300 ms, and the share of misses is the share over."""
    miss = rng.random((runs, n)) < over
    return np.where(miss, rng.normal(300, 10, (runs, n)), np.minimum(rng.normal(20, 3, (runs, n)), 90))


def clustered(rng: np.random.Generator, runs: int, n: int, over: float, mean_length: float = 4.0) -> np.ndarray:
    """Hitches that delay several requests: episodes of geometric length, `over` of all requests (two-state chain)."""
    leave = 1 / mean_length
    enter = leave * over / (1 - over)
    state = rng.random(runs) < over
    marks = np.empty((runs, n), dtype=bool)
    for i in range(n):
        marks[:, i] = state
        dice = rng.random(runs)
        state = np.where(state, dice >= leave, dice < enter)
    return np.where(marks, rng.normal(300, 10, (runs, n)), np.minimum(rng.normal(20, 3, (runs, n)), 90))


def quantised(rng: np.random.Generator, runs: int, n: int, over: float) -> np.ndarray:
    """A game that answers once a frame (11.1 ms): nine frames or fewer keep the limit of 100 ms exactly."""
    frames = np.where(rng.random((runs, n)) < over, rng.integers(10, 14, (runs, n)), rng.integers(1, 10, (runs, n)))
    return frames * (LIMIT / 9)


SERVERS: dict[str, Server] = {"lognormal": lognormal, "bimodal": bimodal, "clustered": clustered, "frame-quantised": quantised}
