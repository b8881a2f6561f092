"""The adapter that a mapping asks for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from riskml.crm.connector import Connector
from riskml.crm.csv_folder import CsvFolder
from riskml.crm.http import Clock
from riskml.crm.mapping import Mapping
from riskml.crm.settings import CsvSettings, FxiaokeSettings, Settings, ZohoSettings


@contextmanager
def connected(
    mapping: Mapping, settings: Settings, *, clock: Clock | None = None, automations: bool = False
) -> Iterator[Connector]:
    """Yield the connector of a system, and let go of it afterwards.

    Parameters
    ----------
    settings : Settings
        Of the same system.
    automations : bool
        Whether what is written sets off the CRM's own workflows and approvals.
    """
    clock = clock or Clock()
    made: Connector
    if isinstance(settings, ZohoSettings):
        from riskml.crm.zoho.adapter import Zoho

        made = Zoho(settings, mapping, clock, automations=automations)
    elif isinstance(settings, FxiaokeSettings):
        from riskml.crm.fxiaoke.adapter import Fxiaoke

        made = Fxiaoke(settings, mapping, clock, automations=automations)
    else:
        assert isinstance(settings, CsvSettings)
        made = CsvFolder(settings, mapping)
    try:
        yield made
    finally:
        made.close()
