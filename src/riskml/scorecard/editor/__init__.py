"""The bin editor for JupyterLab: merge and split bins by hand, and take the result away as code."""

from riskml.scorecard.editor.widget import BinEditor

__all__ = ["BinEditor"]
