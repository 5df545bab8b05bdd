"""Weighted logistic regression by Newton's method, for `train` and `evaluate`.

At most a thousand features and many more samples: Newton's method converges in about a dozen iterations.
"""

from __future__ import annotations

import numpy as np

MAX_ITERATIONS = 50
LOSS_TOLERANCE = 1e-8
"""Iteration ends when a step lowers the loss by less."""


def fit(samples: np.ndarray, positive: np.ndarray, weight: np.ndarray, penalty: float) -> np.ndarray:
    """Minimise the weighted mean of the cross-entropy plus `penalty` times the squared L2 norm of the slopes.

    Args:
        samples: float64 (n, features), best standardised.
        positive: bool (n,), the labels.
        weight: float64 (n,), of the samples, not negative; only their ratios count.
        penalty: of the slopes; the bias has none.

    Returns:
        float64 (features + 1,): the slopes, then the bias, in natural log-odds.
    """
    design = np.column_stack([samples, np.ones(len(samples))])
    weight = weight / weight.sum()
    ridge = np.append(np.full(samples.shape[1], 2 * penalty), 0.0)
    coefficients = np.zeros(design.shape[1])

    def loss(candidate: np.ndarray) -> float:
        logits = design @ candidate
        return float(weight @ np.logaddexp(0, np.where(positive, -logits, logits)) + ridge @ candidate**2 / 2)

    current = loss(coefficients)
    for _ in range(MAX_ITERATIONS):
        p = 1 / (1 + np.exp(-np.clip(design @ coefficients, -500, 500)))
        gradient = design.T @ (weight * (p - positive)) + ridge * coefficients
        hessian = (design * (weight * p * (1 - p))[:, None]).T @ design + np.diag(ridge + 1e-12)
        direction = np.linalg.solve(hessian, gradient)
        # A full step can overshoot where samples are almost separable.
        step = 1.0
        while (lowered := loss(coefficients - step * direction)) > current and step > 1e-6:
            step /= 2
        coefficients = coefficients - step * direction
        if current - lowered < LOSS_TOLERANCE:
            break
        current = lowered
    return coefficients
