"""CRM systems as a source of records and a sink of risk, behind one interface.

- ``connector``: the interface, and what passes through it
- ``mapping``, ``settings``: which field is what, and how to log in
- ``zoho``, ``fxiaoke``, ``csv_folder``: the adapters; ``systems`` opens one
- ``pull``, ``store``: records as Parquet tables, one copy each, resumable
- ``push``, ``audit``: scores and alerts written back, and what became of each
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
