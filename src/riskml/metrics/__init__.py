"""Measures of risk models as plain functions of arrays and frames: higher is riskier, 1 is the event.

Every measure raises `riskml.errors.DataError` for an outcome other than 0 or 1, a probability outside 0…1, a missing
value, no rows or rows of different lengths, and, where it ranks, for outcomes of one class; it raises
`riskml.errors.ConfigError` for an option out of range.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
