"""Alias of `riskml.config.policy`."""

from riskml.config.policy import *  # noqa: F403
