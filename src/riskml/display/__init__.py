"""Numbers, tables and colours as HTML and text."""
