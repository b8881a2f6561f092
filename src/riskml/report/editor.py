"""Alias of `riskml.scorecard.editor`."""

from riskml.scorecard.editor import BinEditor as BinEditor
