"""Cuts between neighbouring observed values, as short decimals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def decimals_between(low: Floats, high: Floats) -> Floats:
    """Return the number of fewest decimals near the middle of each interval (low, high), shape (n,).

    It is at least a quarter of the interval away from both ends, so that a value that is rounded (float32, SQL's REAL)
    stays on its side. Where no float lies between two values it is the higher one.

    Examples
    --------
    >>> decimals_between(np.array([1.0, 0.05, 31.0]), np.array([2.0, 0.1, 40.0])).tolist()
    [1.5, 0.08, 36.0]
    """
    middle, quarter = low / 2 + high / 2, high / 4 - low / 4
    cuts = np.where((middle > low) & (middle < high), middle, high)
    open_ = np.ones(len(high), dtype=bool)
    largest = max(float(np.abs(high).max(initial=0.0)), float(np.abs(low).max(initial=0.0)), 1e-300)
    # From the order of magnitude of the largest number to the last digit that a float64 of such a size can hold; a
    # power of ten beyond 308 is no float.
    first = -min(int(np.ceil(np.log10(largest))), 308)
    for digits in range(first, min(first + 17, 309)):
        with np.errstate(over="ignore", invalid="ignore"):
            # Division by a power of ten that is whole keeps the result the float that the decimal text reads as.
            power = 10.0 ** abs(digits)
            guess = np.round(middle * power) / power if digits > 0 else np.round(middle / power) * power
            fits = open_ & (np.abs(guess - middle) <= quarter) & (guess > low) & (guess < high)
        cuts[fits] = guess[fits]
        open_ &= ~fits
        if not open_.any():
            break
    return cuts
