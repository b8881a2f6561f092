"""Alias of `riskml.features.window`."""

from riskml.features.window import *  # noqa: F403
from riskml.features.window import Window as Records  # noqa: F401
