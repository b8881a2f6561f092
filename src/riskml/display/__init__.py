"""Numbers, tables and colours as HTML and text."""

from riskml.display.colours import tier_colours
from riskml.display.format import count, markdown, number, percent, signed
from riskml.display.table import Cell, Head, Table

__all__ = ["Cell", "Head", "Table", "count", "markdown", "number", "percent", "signed", "tier_colours"]
