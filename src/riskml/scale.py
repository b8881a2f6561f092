"""Alias of `riskml.spark`."""

from riskml.spark import *  # noqa: F403
