"""Weighted logistic regression by Newton's method. Few features, many samples: the exact answer, in a dozen steps."""

from __future__ import annotations

import numpy as np

STEPS = 50
CONVERGED = 1e-8


def fit(samples: np.ndarray, positive: np.ndarray, weight: np.ndarray, penalty: float) -> np.ndarray:
    """Minimise the weighted mean of the cross-entropy plus `penalty` times the squared length of the slopes.

    Args:
        samples: float64 (n, features), best of a mean near 0 and a spread near 1.
        positive: bool (n,).
        weight: (n,), not negative; only their ratios count.
        penalty: 0 for none.

    Returns:
        float64 (features + 1,): the slopes, then the bias.
    """
    design = np.column_stack([samples, np.ones(len(samples))])
    weight = weight / weight.sum()
    ridge = np.append(np.full(samples.shape[1], 2 * penalty), 0.0)
    answer = np.zeros(design.shape[1])

    def loss(candidate: np.ndarray) -> float:
        odds = design @ candidate
        return float(weight @ np.logaddexp(0, np.where(positive, -odds, odds)) + ridge @ candidate**2 / 2)

    current = loss(answer)
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(design @ answer, -500, 500)))
        gradient = design.T @ (weight * (p - positive)) + ridge * answer
        curvature = (design * (weight * p * (1 - p))[:, None]).T @ design + np.diag(ridge + 1e-12)
        step = np.linalg.solve(curvature, gradient)
        # A full step can lead too far where the odds are large.
        size = 1.0
        while (found := loss(answer - size * step)) > current and size > 1e-6:
            size /= 2
        answer = answer - size * step
        if current - found < CONVERGED:
            break
        current = found
    return answer
