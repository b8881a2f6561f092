"""Zoho's Bulk Read: create a job, wait for it, download the ZIP, and read its rows."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from typing import Any

from riskml.crm.connector import CrmError, Page, Record, Refused
from riskml.crm.http import Window, parsed
from riskml.crm.mapping import microseconds
from riskml.crm.zoho.http import ZohoCalls

_ROWS = 2_000  # of a page of ours
_WAITS = (1.0, 2.0, 4.0, 8.0, 15.0)  # seconds between looks at a job; the last goes on
_PATIENCE = 4 * 3600.0
_DOWNLOADS, _DOWNLOAD_SECONDS = 10, 60.0


def bulk_pages(calls: ZohoCalls, object: str, fields: list[str], zone: str, state: dict[str, Any]) -> Iterator[Page]:
    """Yield the records of a module, job after job of 200,000."""
    fresh: dict[str, Any] = {"bulk": 1, "job": "", "row": 0, "token": "", "since": ""}
    state = fresh | state
    window = Window(_DOWNLOADS, _DOWNLOAD_SECONDS, calls.clock)
    while True:
        if not state["job"]:
            state = state | {"job": _query(calls, object, fields, state), "row": 0}
            yield Page([], json.dumps(state))  # a job costs 50 credits: its id is stored before the wait
        try:
            result = _waited(calls, state["job"])
        except Refused as error:
            if error.code in ("RESOURCE_NOT_FOUND", "INVALID_URL_PATTERN", "NOT_FOUND") and not state.get("anew"):
                state = state | {"job": "", "anew": 1}  # Zoho keeps results for one day
                continue
            raise
        if int(result.get("count", 0) or 0) and result.get("download_url"):
            yield from _downloaded(calls, window, str(result["download_url"]), zone, state)
        token = str(result.get("next_page_token") or "")
        if not result.get("more_records"):
            return
        if not token:
            raise CrmError("Zoho has more records, but gave no page token for them", where=object)
        state = {key: value for key, value in state.items() if key != "anew"} | {"job": "", "row": 0, "token": token}


def _query(calls: ZohoCalls, object: str, fields: list[str], state: dict[str, Any]) -> str:
    query: dict[str, Any] = {"module": {"api_name": object}, "fields": fields, "page": 1}
    if state["since"]:
        query["criteria"] = {
            "field": {"api_name": "Modified_Time"},
            "comparator": "greater_equal",
            "value": state["since"],
        }
    if state["token"]:
        query = {"page_token": state["token"]}
    answer = parsed(calls.request("POST", "/crm/bulk/v8/read", json={"query": query}))
    first = answer["data"][0]
    if first.get("status") != "success":
        raise CrmError(f"the bulk read is refused: {first.get('code')} {first.get('message', '')}", where=object)
    return str(first["details"]["id"])


def _waited(calls: ZohoCalls, job: str) -> dict[str, Any]:
    """Return the result of a job when its state is COMPLETED."""
    began, looks = calls.clock.now(), 0
    while True:
        (job_state,) = parsed(calls.request("GET", f"/crm/bulk/v8/read/{job}"))["data"]
        if job_state["state"] == "COMPLETED":
            return dict(job_state.get("result") or {})
        if job_state["state"] == "FAILURE":
            why = (job_state.get("result") or {}).get("error_message", "unknown")
            raise CrmError(f"the bulk read failed: {calls.caller.clean(str(why))}", where=f"job {job}")
        if calls.clock.now() - began > _PATIENCE:
            raise calls.caller.trouble("the bulk read is not done after four hours", f"job {job}")
        calls.clock.sleep(_WAITS[min(looks, len(_WAITS) - 1)])
        looks += 1


def _downloaded(calls: ZohoCalls, window: Window, url: str, zone: str, state: dict[str, Any]) -> Iterator[Page]:
    with tempfile.TemporaryFile() as file:
        window(lambda: calls.download(url, file))
        file.seek(0)
        try:
            with zipfile.ZipFile(file) as archive:
                (name,) = [name for name in archive.namelist() if name.lower().endswith(".csv")]
                with archive.open(name) as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as lines:
                    yield from _pages(csv.reader(lines), zone, state)
        except (zipfile.BadZipFile, UnicodeDecodeError, csv.Error) as error:
            raise calls.caller.trouble(f"the download is damaged: {error}", url) from None


def _pages(lines: Iterator[list[str]], zone: str, state: dict[str, Any]) -> Iterator[Page]:
    header = ["id" if name.lower() == "id" else name for name in next(lines, [])]
    at = header.index("id")
    when = header.index("Modified_Time") if "Modified_Time" in header else None
    records: list[Record] = []
    number = 0
    for number, line in enumerate(lines, 1):
        if number <= state["row"]:
            continue
        modified = microseconds(line[when], zone) if when is not None and line[when] else 0
        records.append(Record(line[at], modified, dict(zip(header, line, strict=False))))
        if len(records) == _ROWS:
            yield Page(records, json.dumps(state | {"row": number}))
            records = []
    yield Page(records, json.dumps(state | {"row": number}))
