"""Fxiaoke (纷享销客)."""
