"""Bin editor for JupyterLab: merge and split bins interactively, and copy the result as code."""

from riskml.scorecard.editor.widget import BinEditor

__all__ = ["BinEditor"]
