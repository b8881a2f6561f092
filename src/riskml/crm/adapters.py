"""Adapters: the connector of a CRM system."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from riskml.crm.connector import Connector
from riskml.crm.csv_folder import CsvFolder
from riskml.crm.http import Clock
from riskml.crm.mapping import Mapping
from riskml.crm.settings import FxiaokeSettings, Settings, ZohoSettings


@contextmanager
def connected(
    mapping: Mapping, settings: Settings, *, clock: Clock | None = None, automations: bool = False
) -> Iterator[Connector]:
    """Yield the connector of a system, and close it afterwards.

    Parameters
    ----------
    automations : bool
        Whether writing triggers the CRM's own workflows and approvals.
    """
    if isinstance(settings, ZohoSettings):
        from riskml.crm.zoho.adapter import Zoho

        connector: Connector = Zoho(settings, mapping, clock or Clock(), automations=automations)
    elif isinstance(settings, FxiaokeSettings):
        from riskml.crm.fxiaoke.adapter import Fxiaoke

        connector = Fxiaoke(settings, mapping, clock or Clock(), automations=automations)
    else:
        connector = CsvFolder(settings, mapping)
    try:
        yield connector
    finally:
        connector.close()
