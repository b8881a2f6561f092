"""Fxiaoke (纷享销客) adapter: pages by the last id, one update per call, alerts as records with a message."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from riskml.crm.connector import Alert, FieldState, Outcome, Page, Passing, Raised, Record, Refused, Row, Value, waves
from riskml.crm.fxiaoke.fields import field_states
from riskml.crm.fxiaoke.http import FxiaokeCalls
from riskml.crm.http import Clock
from riskml.crm.mapping import AlertsMap, clipped
from riskml.crm.mapping import Mapping as CrmMapping
from riskml.crm.settings import FxiaokeSettings

_PAGE = 100
_NAME, _TEXT = 100, 2_000
ALERT_FIELDS = {
    "key": "risk_key__c",
    "customer": "account_id__c",
    "cause": "cause__c",
    "owner": "owner",
    "due": "due_date__c",
    "text": "description__c",
    "notified": "notified__c",
}
# State of the message in the alert's record. "sending" is written first, so that no message is sent twice.
_NOT_YET, _SENDING, _SENT = "no", "sending", "yes"
_UNSURE = "the message may not have arrived: it was being sent when the run ended"


class Fxiaoke:
    """The adapter of Fxiaoke."""

    name, tells_gone = "fxiaoke", False

    def __init__(
        self,
        settings: FxiaokeSettings,
        mapping: CrmMapping,
        clock: Clock,
        *,
        automations: bool = False,
        calls: FxiaokeCalls | None = None,
    ) -> None:
        self._mapping = mapping
        self.calls = calls or FxiaokeCalls(settings, clock)
        self.batch = settings.workers
        # Both are true by default.
        self._triggers = {"triggerApprovalFlow": automations, "triggerWorkFlow": automations}
        self._pool = ThreadPoolExecutor(settings.workers, thread_name_prefix="fxiaoke")

    @property
    def account(self) -> str:
        """The account, with the enterprise because many may install an application; requires a login."""
        self.calls.token()
        return f"{self.calls.settings.account}, enterprise {self.calls.enterprise}"

    def check_schema(self, *, create: bool = False) -> list[FieldState]:
        """Return the state of the mapping's fields, which only Fxiaoke's administration creates."""
        return field_states(self.calls, self._mapping, ALERT_FIELDS)

    def iter_records(
        self, object: str, fields: Sequence[str], since: dt.datetime | None = None, cursor: str = ""
    ) -> Iterator[Page]:
        """Yield the records of an object by id, because offsets are limited to 10,000."""
        names = list(dict.fromkeys(["_id", *fields, *(["last_modified_time"] if fields else [])]))
        filters = []
        if since is not None:
            filters.append(_filter("last_modified_time", "GT", str(_milliseconds(since) - 1)))
        while True:
            after = [_filter("_id", "GT", cursor)] if cursor else []
            answers = self._query(object, names, [*filters, *after])
            records = [Record(str(row["_id"]), int(row.get("last_modified_time") or 0) * 1000, row) for row in answers]
            if records:
                cursor = records[-1].id
                yield Page(records, cursor)
            if len(answers) < _PAGE:
                return

    def write_scores(self, rows: Sequence[Row]) -> list[Outcome]:
        """Update records by id with one call each; a refusal does not stop the others."""
        assert self._mapping.scores is not None
        object = self._mapping.scores.object
        outcomes: dict[int, Outcome] = {}
        for wave in waves(rows, self.batch):
            results = self._pool.map(lambda item: self._update(object, item[1]), wave)
            outcomes |= {number: outcome for (number, _), outcome in zip(wave, results, strict=True)}
        return [outcomes[number] for number in range(len(rows))]

    def raise_alert(self, alert: Alert) -> Raised:
        """Create an alert's record unless its key exists, and send its message once."""
        alerts = self._mapping.alerts
        assert alerts is not None
        fields = alerts.named(ALERT_FIELDS)
        record, created = self._alert_record(alerts.object, fields, alert, alerts)
        owner = alerts.owners.get(alert.owner, alert.owner) or alerts.default_owner
        remark = self._notify(alerts, fields, record, alert, owner)
        return Raised("created" if created else "exists", str(record["_id"]), remark)

    def close(self) -> None:
        """Close the connections."""
        self._pool.shutdown(cancel_futures=True)
        self.calls.caller.close()

    # -- calls

    def _query(self, object: str, fields: list[str], filters: list[dict[str, Any]]) -> list[dict[str, Any]]:
        search = {
            "limit": _PAGE,
            "offset": 0,
            "filters": filters,
            "orders": [{"fieldName": "_id", "isAsc": True}],
            "fieldProjection": fields,
        }
        data = {"dataObjectApiName": object, "find_explicit_total_num": False, "search_query_info": search}
        return list(self.calls.call(_path(object, "query"), {"data": data})["data"]["dataList"])

    def _update(self, object: str, row: Row) -> Outcome:
        try:
            self._write(object, "update", {"_id": row.customer, **self._encoded(row.values)})
        except Refused as error:
            return Outcome(row.customer, "failed", str(error.code), error.what)
        return Outcome(row.customer, "written")

    def _write(self, object: str, verb: str, values: dict[str, Any], *, again: bool = True) -> dict[str, Any]:
        data = {"object_data": {"dataObjectApiName": object, **values}}
        return self.calls.call(_path(object, verb), {**self._triggers, "data": data}, again=again)

    def _encoded(self, values: Any) -> dict[str, Any]:
        return {name: self._value(value) for name, value in values.items()}

    def _value(self, value: Value) -> Any:
        """Return a value in Fxiaoke's form: numbers as text, dates as milliseconds."""
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, dt.date):
            midnight = dt.datetime.combine(value, dt.time(), zoneinfo.ZoneInfo(self._mapping.timezone))
            return _milliseconds(midnight)
        return str(value)

    # -- alerts

    def _alert_record(
        self, object: str, fields: dict[str, str], alert: Alert, alerts: AlertsMap
    ) -> tuple[dict[str, Any], bool]:
        """Return the record of an alert's key, and whether it was created now."""
        owner = alerts.owners.get(alert.owner, alert.owner) or alerts.default_owner
        values = {
            fields["key"]: alert.key,
            fields["customer"]: alert.customer,
            fields["cause"]: clipped(alert.cause, _NAME),
            fields["due"]: self._value(alert.due),
            fields["text"]: clipped(alert.text, _TEXT),
            fields["notified"]: _NOT_YET,
        } | ({fields["owner"]: [owner]} if owner else {})

        def find(attempted: bool) -> tuple[dict[str, Any], bool] | None:
            records = self._query(object, ["_id", fields["notified"]], [_filter(fields["key"], "EQ", alert.key)])
            return (records[0], attempted) if records else None

        def create() -> tuple[dict[str, Any], bool]:
            answer = self._write(object, "create", values, again=False)
            return {"_id": answer["dataId"], fields["notified"]: _NOT_YET}, True

        return self.calls.create_once(find, create)

    def _notify(
        self, alerts: AlertsMap, fields: dict[str, str], record: dict[str, Any], alert: Alert, owner: str
    ) -> str:
        """Send the message of an alert unless it was sent, and return a remark for the user."""
        state = record.get(fields["notified"])
        if state == _SENT:
            return ""
        if state == _SENDING:
            return _UNSURE
        if not owner:
            return "the message has no recipient: set an owner, or default_owner in the mapping"
        self._mark(alerts.object, fields, record, _SENDING)
        form = [{"label": "到期", "value": alert.due.isoformat()}, {"label": "客户", "value": alert.customer}]
        message = {
            "toUser": [owner],
            "msgType": "composite",
            "composite": {
                "head": {"title": alerts.title},
                "first": {"content": alert.cause},
                "form": form,
                "remark": {"content": clipped(alert.text, _TEXT)},
            },
        }
        try:
            self.calls.call("/cgi/message/send", message, again=False)
        except Refused as error:
            self._mark(alerts.object, fields, record, _NOT_YET)
            return f"the message is refused: {error.what}"
        except Passing:
            return _UNSURE
        self._mark(alerts.object, fields, record, _SENT)
        return ""

    def _mark(self, object: str, fields: dict[str, str], record: dict[str, Any], state: str) -> None:
        self._write(object, "update", {"_id": record["_id"], fields["notified"]: state})


def _path(object: str, verb: str) -> str:
    """Return the path of a custom or a standard object."""
    return f"/cgi/crm/custom/v2/data/{verb}" if object.endswith("__c") else f"/cgi/crm/v2/data/{verb}"


def _filter(field: str, operator: str, value: str) -> dict[str, Any]:
    return {"field_name": field, "operator": operator, "field_values": [value]}


def _milliseconds(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1000)
