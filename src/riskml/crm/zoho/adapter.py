"""Zoho adapter: Bulk Read for full pulls, pages for changes, updates by id, and alerts as tasks."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from riskml.crm.connector import Alert, CrmError, FieldState, Outcome, Page, Raised, Record, Refused, Row, waves
from riskml.crm.http import Clock, parsed
from riskml.crm.mapping import AlertsMap, clipped, microseconds
from riskml.crm.mapping import Mapping as CrmMapping
from riskml.crm.settings import ZohoSettings
from riskml.crm.zoho.bulk import bulk_pages
from riskml.crm.zoho.fields import field_states
from riskml.crm.zoho.http import ZohoCalls
from riskml.errors import ConfigError

_TRANSIENT = frozenset({"RECORD_LOCKED", "INTERNAL_ERROR", "TOO_MANY_REQUESTS"})
_ROUNDS = 4  # attempts for a locked row before it is left to the next run
_SUBJECT, _DESCRIPTION = 255, 32_000
KEY_FIELD = "Risk_Key"


class Zoho:
    """The adapter of Zoho CRM, REST v8."""

    name, batch, tells_gone = "zoho", 100, True

    def __init__(
        self,
        settings: ZohoSettings,
        mapping: CrmMapping,
        clock: Clock,
        *,
        automations: bool = False,
        calls: ZohoCalls | None = None,
    ) -> None:
        self._mapping = mapping
        self.calls = calls or ZohoCalls(settings, clock)
        # An empty list suppresses all automations; without it all of them run.
        self._trigger: dict[str, Any] = {} if automations else {"trigger": []}

    @property
    def account(self) -> str:
        """The account, with the host because a client may also belong to a sandbox; requires a login."""
        self.calls.token()
        return f"{self.calls.settings.account}, {self.calls.host}"

    def check_schema(self, *, create: bool = False) -> list[FieldState]:
        """Return the state of the mapping's fields, after creating missing ones to write to if requested."""
        return field_states(self.calls, self._mapping, KEY_FIELD, create=create)

    def iter_records(
        self, object: str, fields: Sequence[str], since: dt.datetime | None = None, cursor: str = ""
    ) -> Iterator[Page]:
        """Yield the records of a module."""
        names = list(dict.fromkeys(["id", *fields, "Modified_Time"]))
        state = json.loads(cursor) if cursor else {}
        zone = self._mapping.timezone
        if "bulk" in state or (not state and since is None and self._mapping.bulk):
            yield from bulk_pages(self.calls, object, names, zone, state)
            return
        yield from self._changes(object, names, since, state)

    def write_scores(self, rows: Sequence[Row]) -> list[Outcome]:
        """Update records by id."""
        assert self._mapping.scores is not None
        outcomes: dict[int, Outcome] = {}
        for wave in waves(rows, self.batch):
            rest = wave
            for attempt in range(1, _ROUNDS + 1):
                results = self._update(self._mapping.scores.object, [row for _, row in rest])
                outcomes |= {number: outcome for (number, _), outcome in zip(rest, results, strict=True)}
                rest = [item for item in rest if outcomes[item[0]].status == "later"]
                if not rest or attempt == _ROUNDS:
                    break
                self.calls.clock.sleep(self.calls.wait.seconds(attempt))
        return [outcomes[number] for number in range(len(rows))]

    def raise_alert(self, alert: Alert) -> Raised:
        """Create a task unless one has its key."""
        alerts = self._mapping.alerts
        assert alerts is not None
        key_field = alerts.fields.get("key", KEY_FIELD)
        task = {**_task(alert, alerts, self._mapping.customers), key_field: alert.key}

        def find(attempted: bool) -> Raised | None:
            task_id = self._task_of(alerts.object, key_field, alert.key)
            return Raised("created" if attempted else "exists", task_id) if task_id else None

        return self.calls.create_once(find, lambda: self._created(alerts.object, task, key_field, alert.key))

    def close(self) -> None:
        """Close the connections."""
        self.calls.caller.close()

    # -- changes

    def _changes(
        self, object: str, names: list[str], since: dt.datetime | None, state: dict[str, Any]
    ) -> Iterator[Page]:
        """Yield pages in the order of change."""
        if len(names) > 50:
            what = f"Zoho gives at most 50 fields; the mapping has {len(names)}"
            raise ConfigError(what, where=object, fix="map fewer fields")
        begin = state.get("since", since.isoformat(timespec="seconds") if since else "")
        gone = state.get("gone", begin)
        mark, token, refused = begin, "", 0
        while True:
            try:
                records, info = self._page(object, names, mark, token)
            except Refused as error:
                if error.code == "PAGINATION_LIMIT_EXCEEDED":  # 100,000 records of the same second, as after an import
                    yield from bulk_pages(self.calls, object, names, self._mapping.timezone, {"since": mark})
                    break
                if not token or error.code not in ("EXPIRED_VALUE", "TOKEN_BOUND_DATA_MISMATCH") or refused:
                    raise
                token, refused = "", 1  # the token has expired: continue by time
                continue
            more = bool(info.get("more_records")) and bool(records)
            last = str(records[-1]["Modified_Time"]) if records else mark
            if records:
                yield Page(
                    [_record(row, self._mapping.timezone) for row in records], json.dumps({"since": last, "gone": gone})
                )
            if not more:
                break
            zone = self._mapping.timezone
            stands = bool(mark) and microseconds(last, zone) <= microseconds(mark, zone)
            token = str(info.get("next_page_token") or "") if stands or token else ""
            if not stands:
                mark, token, refused = last, "", 0
        if gone:
            yield from self._deleted(object, gone, json.dumps({"since": mark, "gone": gone}))

    def _page(
        self, object: str, names: list[str], mark: str, token: str
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        params = {
            "fields": ",".join(name for name in names if name != "id"),
            "per_page": "200",
            "sort_by": "Modified_Time",
            "sort_order": "asc",
        } | ({"page_token": token} if token else {})
        # One second less, because it is not documented whether "since" includes its own second.
        headers = {"If-Modified-Since": _earlier(mark)} if mark else {}
        answer = self.calls.request("GET", f"/crm/v8/{object}", params=params, headers=headers)
        if answer.status_code in (204, 304):
            return [], {}
        payload = parsed(answer)
        return payload["data"], payload.get("info", {})

    def _deleted(self, object: str, since: str, cursor: str) -> Iterator[Page]:
        page = 1
        while True:
            answer = self.calls.request(
                "GET",
                f"/crm/v8/{object}/deleted",
                params={"type": "all", "per_page": "200", "page": str(page)},
                headers={"If-Modified-Since": _earlier(since)},
            )
            payload = parsed(answer) if answer.status_code == 200 else {}
            ids = [str(row["id"]) for row in payload.get("data", ())]
            if ids:
                yield Page([], cursor, ids)
            if not payload.get("info", {}).get("more_records"):
                return
            page += 1

    # -- writing

    def _update(self, object: str, rows: list[Row]) -> list[Outcome]:
        data = [{"id": row.customer, **{name: _json(value) for name, value in row.values.items()}} for row in rows]
        answer = self.calls.request("PUT", f"/crm/v8/{object}", json={"data": data, **self._trigger})
        payload = parsed(answer) or {}
        verdicts = payload.get("data", [])
        if len(verdicts) != len(rows):
            return [Outcome(row.customer, "later", "NO_VERDICT", "Zoho did not answer for this row") for row in rows]
        return [self._outcome(row.customer, verdict) for row, verdict in zip(rows, verdicts, strict=True)]

    def _outcome(self, customer: str, verdict: Mapping[str, Any]) -> Outcome:
        code = str(verdict.get("code", ""))
        if verdict.get("status") == "success":
            return Outcome(customer, "written", code)
        about = verdict.get("details") or {}
        field = about.get("api_name") if isinstance(about, Mapping) else None
        message = self.calls.caller.clean(": ".join(filter(None, [field, str(verdict.get("message", ""))])))
        status: Literal["later", "failed"] = "later" if code in _TRANSIENT else "failed"
        return Outcome(customer, status, code, message)

    def _task_of(self, object: str, key_field: str, key: str) -> str:
        """Return the id of the task with a key, or an empty text."""
        quoted = key.replace("\\", "\\\\").replace("'", "\\'")
        query = f"select id from {object} where {key_field} = '{quoted}' limit 1"
        answer = self.calls.request("POST", "/crm/v8/coql", json={"select_query": query})
        payload = parsed(answer) if answer.status_code == 200 else None
        return str(payload["data"][0]["id"]) if payload and payload.get("data") else ""

    def _created(self, object: str, task: dict[str, Any], key_field: str, key: str) -> Raised:
        body = {"data": [task], **self._trigger}
        answer = self.calls.request("POST", f"/crm/v8/{object}", json=body, again=False)
        verdicts = (parsed(answer) or {}).get("data") or [{}]
        verdict, about = verdicts[0], verdicts[0].get("details") or {}
        if verdict.get("status") == "success":
            return Raised("created", str(about.get("id", "")))
        if verdict.get("code") == "DUPLICATE_DATA" and about.get("api_name") == key_field:
            return Raised("exists", str(about.get("id", "")))
        outcome = self._outcome(key, verdict)
        if outcome.status == "later":
            raise self.calls.caller.trouble(f"the task is refused temporarily: {outcome.code}", object)
        raise CrmError(f"the task is refused: {outcome.code} {outcome.message}", where=f"alert {key}")


def _task(alert: Alert, alerts: AlertsMap, module: str) -> dict[str, Any]:
    owner = alerts.owners.get(alert.owner, alert.owner) or alerts.default_owner
    customer = {"id": alert.customer}
    task: dict[str, Any] = {
        "Subject": clipped(f"{alerts.title}: {alert.cause}", _SUBJECT),
        **({"Who_Id": customer} if module == "Contacts" else {"What_Id": customer, "$se_module": module}),
        "Due_Date": alert.due.isoformat(),
        "Status": "Not Started",
        "Priority": alerts.priority,
        "Description": clipped(alert.text, _DESCRIPTION),
    }
    return task | ({"Owner": {"id": owner}} if owner else {})


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value


def _earlier(moment: str) -> str:
    return (dt.datetime.fromisoformat(moment) - dt.timedelta(seconds=1)).isoformat(timespec="seconds")


def _record(row: Mapping[str, Any], zone: str) -> Record:
    modified = row.get("Modified_Time")
    return Record(str(row["id"]), microseconds(modified, zone) if modified else 0, row)
