"""Zoho CRM's REST API v8 as its documentation has it, on loopback; what it leaves open are switches.

By hand: ``python -m tests.contract.zoho_server --customers 5000`` prints what ``riskml crm`` needs to know.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

from tests.contract.serving import ContractServer, Reply, Request, reply

CLIENT = {"client_id": "1000.CLIENT", "client_secret": "s3cret-of-zoho", "refresh_token": "1000.r3fresh-of-zoho"}
ZONE = dt.timezone(dt.timedelta(hours=8))
START = dt.datetime(2026, 1, 1, tzinfo=ZONE)
FIRST_ID = 3652397000000000001
_CHINESE = "您已多次发出请求。请稍后再试。"


@dataclass
class Scenario:
    """What the documentation leaves open, and limits that tests make small."""

    token_seconds: int = 3600
    tokens: int = 10  # in ten minutes
    bulk_rows: int = 200_000
    bulk_states: tuple[str, ...] = ("ADDED", "QUEUED", "IN PROGRESS", "COMPLETED")
    bulk_failure: str = ""
    bulk_id_column: str = "Id"
    early_result: bool = True  # a job that is not done names a result already
    partial_status: int = 200  # or 207
    since_includes: bool = True  # If-Modified-Since: records of that second too
    length_unit: str = "utf-16"  # or characters
    page_limit: int = 2_000
    token_limit: int = 100_000
    token_expires: bool = False  # every page token has ended already
    credits: int | None = None
    unknown_fields: str = "refused"  # or ignored
    label_makes_name: str = "label"  # or number: a Chinese label gives field1
    throttled_in_chinese: bool = True
    search_lag: int = 0  # look-ups for which a new record is not found yet


@dataclass
class Field:
    label: str
    type: str = "text"
    length: int = 255
    options: tuple[str, ...] = ()
    unique: bool = False


@dataclass
class Job:
    module: str
    rows: list[dict[str, Any]]
    fields: list[str]
    page: int
    looks: int = 0
    downloads: int = 0


FIELDS: dict[str, dict[str, Field]] = {
    "Accounts": {
        "Account_Name": Field("客户名称"), "Industry": Field("行业"), "Billing_City": Field("城市"),
        "Annual_Revenue": Field("年收入", "currency"), "Segment": Field("分层"),
        "Owner": Field("负责人", "ownerlookup"),
    },
    "Sales_Orders": {
        "Account_Name": Field("客户", "lookup"), "Grand_Total": Field("总计", "currency"),
        "Order_Time": Field("下单时间", "datetime"), "Category": Field("类别"),
    },
    "Invoices": {
        "Account_Name": Field("客户", "lookup"), "Grand_Total": Field("总计", "currency"),
        "Invoice_Date": Field("开票日期", "date"), "Due_Date": Field("到期日", "date"), "Invoice_Number": Field("编号"),
    },
    "Payments": {
        "Account": Field("客户", "lookup"), "Invoice_Number": Field("发票编号"), "Amount": Field("金额", "currency"),
        "Paid_On": Field("付款日期", "date"),
    },
    "Cases": {
        "Account_Name": Field("客户", "lookup"), "Opened": Field("打开时间", "datetime"),
        "Closed": Field("关闭时间", "datetime"), "Type": Field("类型"), "Escalated": Field("升级", "boolean"),
    },
    "Tasks": {
        "Subject": Field("主题"), "What_Id": Field("相关", "lookup"), "Due_Date": Field("到期日", "date"),
        "Status": Field("状态"), "Priority": Field("优先级"), "Description": Field("描述", "textarea", 32_000),
        "Owner": Field("负责人", "ownerlookup"),
    },
}  # fmt: skip
_ALWAYS = {"Created_Time": Field("创建时间", "datetime"), "Modified_Time": Field("修改时间", "datetime")}
RISK_FIELDS = {
    "Risk_Score": Field("Risk Score", "integer"),
    "Risk_Tier": Field("Risk Tier", "picklist", 255, ("低", "中", "高")),
    "Risk_Reasons": Field("Risk Reasons", "textarea", 2_000),
    "Risk_Action": Field("Risk Action", "text", 255),
    "Risk_Model": Field("Risk Model", "text", 50),
    "Risk_As_Of": Field("Risk As Of", "date"),
}


class ZohoServer(ContractServer):
    """The server: ``modules`` holds the records, by module and id."""

    def __init__(self, *, switches: Scenario | None = None, risk_fields: bool = True, **rest: Any) -> None:
        super().__init__(**rest)
        self.switches = switches or Scenario()
        self.modules: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in FIELDS}
        self.fields = {name: dict(fields) | _ALWAYS for name, fields in FIELDS.items()}
        if risk_fields:
            self.fields["Accounts"] |= RISK_FIELDS
            self.fields["Tasks"]["Risk_Key"] = Field("Risk Key", unique=True)
        self.deleted: dict[str, list[tuple[str, str]]] = {name: [] for name in FIELDS}
        self.locked: dict[str, int] = {}
        self.triggered: list[Any] = []
        self.writes: list[str] = []  # ids, each time they were written
        self.tokens: dict[str, float] = {}
        self.issued: list[float] = []
        self.downloads: list[float] = []
        self.jobs: dict[str, Job] = {}
        self.page_tokens: dict[str, tuple[dict[str, str], int]] = {}
        self.hidden: dict[str, int] = {}
        self.at = START
        self._next = FIRST_ID
        self._born = self.now()

    # -- the world

    def moment(self) -> str:
        passed = dt.timedelta(seconds=int(self.now() - self._born))
        return (self.at + passed).isoformat(timespec="seconds")

    def put(self, module: str, **values: Any) -> str:
        """Add a record and return its id."""
        id = str(self._next)
        self._next += 1
        moment = self.moment()
        self.modules[module][id] = {"id": id, "Created_Time": moment, "Modified_Time": moment} | values
        return id

    def change(self, module: str, id: str, **values: Any) -> None:
        self.modules[module][id] |= {"Modified_Time": self.moment()} | values

    def delete(self, module: str, id: str) -> None:
        del self.modules[module][id]
        self.deleted[module].append((id, self.moment()))

    def end_tokens(self) -> None:
        self.tokens.clear()

    # -- the contract

    def answer(self, request: Request) -> Reply:
        if request.path == "/oauth/v2/token":
            return self._oauth(dict(parse_qsl(request.body.decode())))
        refused = self._unauthorized(request)
        if refused:
            return refused
        if self.switches.credits is not None:
            self.switches.credits -= self._cost(request)
            if self.switches.credits < 0:
                return reply(429, {"code": "TOO_MANY_REQUESTS", "details": {}, "message": "", "status": "error"})
        method, parts = request.method, request.path.strip("/").split("/")
        if parts[:3] == ["crm", "bulk", "v8"] and parts[3:4] == ["read"]:
            return self._bulk(request, parts[4:])
        if parts[:2] != ["crm", "v8"] or len(parts) < 3:
            return error(404, "INVALID_URL_PATTERN")
        if parts[2] == "coql":
            return self._coql(request)
        if parts[2] == "settings":
            return self._settings(request)
        if parts[2] not in self.modules:
            return error(400, "INVALID_MODULE")
        if parts[3:] == ["deleted"]:
            return self._get_deleted(parts[2], request)
        return {"GET": self._get, "PUT": self._put, "POST": self._post}[method](parts[2], request)

    def _cost(self, request: Request) -> int:
        if "/bulk/" in request.path and request.method == "POST":
            return 50
        if request.method in ("PUT", "POST") and "data" in request.json:
            return -(-len(request.json["data"]) // 10)
        return 1

    def _oauth(self, form: dict[str, str]) -> Reply:
        if {name: form.get(name) for name in CLIENT} != CLIENT:
            wrong = "invalid_client_secret" if form.get("client_secret") != CLIENT["client_secret"] else "invalid_code"
            return reply(200, {"error": wrong})
        self.issued = [at for at in self.issued if self.now() - at < 600]
        self.issued.append(self.now())
        if len(self.issued) > self.switches.tokens:
            text = _CHINESE if self.switches.throttled_in_chinese else "too many requests continuously"
            return reply(400, {"error_description": text, "error": "拒绝访问", "status": "failure"})
        token = f"1000.t0ken-{len(self.calls)}-of-zoho"
        self.tokens[token] = self.now() + self.switches.token_seconds
        return reply(
            200,
            {
                "access_token": token,
                "scope": "ZohoCRM.modules.ALL",
                "api_domain": self.url,
                "token_type": "Bearer",
                "expires_in": self.switches.token_seconds,
            },
        )

    def _unauthorized(self, request: Request) -> Reply | None:
        said = request.headers.get("Authorization")
        if not said:
            return error(401, "AUTHENTICATION_FAILURE")
        prefix, _, token = said.partition(" ")
        if prefix != "Zoho-oauthtoken" or self.tokens.get(token, 0.0) <= self.now():
            return error(401, "INVALID_TOKEN", "invalid oauth token")
        return None

    # -- records

    def _get(self, module: str, request: Request) -> Reply:
        query, limits = request.query, self.switches
        fields = [name for name in query.get("fields", "").split(",") if name]
        per_page = int(query.get("per_page", 200))
        if not fields:
            return error(400, "REQUIRED_PARAM_MISSING", param="fields")
        if len(fields) > 50 or per_page > 200:
            return error(400, "LIMIT_EXCEEDED")
        unknown = [name for name in fields if name not in self.fields[module] and name != "id"]
        if unknown:
            return error(400, "INVALID_DATA", param=unknown[0])
        start = 0
        if "page_token" in query:
            if "page" in query:
                return error(400, "AMBIGUITY_DURING_PROCESSING")
            bound, start = self.page_tokens.get(query["page_token"], ({}, -1))
            given = {name: value for name, value in query.items() if name != "page_token"}
            if start < 0 or limits.token_expires:
                return error(400, "EXPIRED_VALUE", param="page_token")
            if bound != given | {"since": request.headers.get("If-Modified-Since") or ""}:
                return error(400, "TOKEN_BOUND_DATA_MISMATCH")
            if start >= limits.token_limit:
                return error(400, "PAGINATION_LIMIT_EXCEEDED")
        else:
            start = (int(query.get("page", 1)) - 1) * per_page
            if start >= limits.page_limit:
                return error(400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED")
        since = request.headers.get("If-Modified-Since")
        rows = list(self.modules[module].values())
        if since:
            rows = [row for row in rows if self._after(row["Modified_Time"], since)]
            if not rows:
                return Reply(304)
        by = query.get("sort_by", "id")
        rows.sort(key=lambda row: (row[by], row["id"]), reverse=query.get("sort_order", "desc") == "desc")
        some = rows[start : start + per_page]
        if not some:
            return Reply(204)
        more = start + per_page < len(rows)
        token = f"c{len(self.page_tokens)}" if more else None
        if token:
            bound = {name: value for name, value in query.items() if name not in ("page_token", "page")}
            self.page_tokens[token] = (bound | {"since": since or ""}, start + per_page)
        info = {
            "per_page": per_page, "count": len(some), "page": start // per_page + 1, "more_records": more,
            "next_page_token": token, "previous_page_token": None,
        }  # fmt: skip
        data = [{name: row.get(name) for name in ["id", *fields]} for row in some]
        return reply(200, {"data": data, "info": info})

    def _after(self, moment: str, since: str) -> bool:
        one, other = dt.datetime.fromisoformat(moment), dt.datetime.fromisoformat(since)
        return one >= other if self.switches.since_includes else one > other

    def _get_deleted(self, module: str, request: Request) -> Reply:
        since, page = request.headers.get("If-Modified-Since"), int(request.query.get("page", 1))
        gone = [(id, at) for id, at in self.deleted[module] if not since or self._after(at, since)]
        if not gone:
            return Reply(304 if since else 204)
        some = gone[(page - 1) * 200 : page * 200]
        data = [{"id": id, "deleted_time": at, "type": "recycle"} for id, at in some]
        return reply(200, {"data": data, "info": {"more_records": page * 200 < len(gone), "page": page}})

    def _put(self, module: str, request: Request) -> Reply:
        said = request.json
        rows = said["data"]
        if len(rows) > 100:
            return error(400, "LIMIT_EXCEEDED", limit=100)
        self.triggered.append(said.get("trigger", "all"))
        seen: set[str] = set()
        verdicts = []
        for number, row in enumerate(rows):
            id = str(row.get("id", ""))
            verdict = self._wrong(module, row, number, new=False)
            if verdict is None and id in seen:
                verdict = wrong("DUPLICATE_DATA", {"api_name": "id"}, "duplicate data")
            if verdict is None and self.locked.get(id, 0) > 0:
                self.locked[id] -= 1
                verdict = wrong("RECORD_LOCKED", {"id": id}, "record is locked")
            if verdict is None:
                seen.add(id)
                self.writes.append(id)
                self.change(module, id, **{name: value for name, value in row.items() if name != "id"})
                verdict = {
                    "code": "SUCCESS",
                    "details": {"id": id, "Modified_Time": self.moment()},
                    "message": "record updated",
                    "status": "success",
                }
            verdicts.append(verdict)
        failed = sum(verdict["status"] == "error" for verdict in verdicts)
        status = 200 if not failed else 400 if failed == len(rows) else self.switches.partial_status
        return reply(status, {"data": verdicts})

    def _post(self, module: str, request: Request) -> Reply:
        said = request.json
        self.triggered.append(said.get("trigger", "all"))
        verdicts = []
        for number, row in enumerate(said["data"]):
            verdict = self._wrong(module, row, number, new=True)
            if verdict is None:
                id = self.put(module, **row)
                self.hidden[id] = self.switches.search_lag
                details = {"id": id, "Created_Time": self.moment()}
                verdict = {"code": "SUCCESS", "details": details, "message": "record added", "status": "success"}
            verdicts.append(verdict)
        return reply(201 if verdicts[0]["status"] == "success" else 400, {"data": verdicts})

    def _wrong(self, module: str, row: dict[str, Any], number: int, *, new: bool) -> dict[str, Any] | None:
        if not new and row.get("id") not in self.modules[module]:
            return wrong("INVALID_DATA", {"api_name": "id", "json_path": f"$.data[{number}].id"}, "the id is invalid")
        if new and not row.get("Subject"):
            return wrong("MANDATORY_NOT_FOUND", {"api_name": "Subject"}, "required field not found")
        for name, value in row.items():
            known = self.fields[module].get(name)
            if name in ("id", "$se_module") or (known is None and self.switches.unknown_fields == "ignored"):
                continue
            about = {"api_name": name, "json_path": f"$.data[{number}].{name}"}
            if known is None:
                return wrong("INVALID_DATA", about, "the field is unknown")
            if known.type == "integer" and (not isinstance(value, int) or isinstance(value, bool)):
                return wrong("INVALID_DATA", about | {"expected_data_type": "integer"}, "invalid data")
            if known.type in ("text", "textarea"):
                if not isinstance(value, str):
                    return wrong("INVALID_DATA", about | {"expected_data_type": "text"}, "invalid data")
                if self._length(value) > known.length:
                    return wrong("INVALID_DATA", about | {"maximum_length": known.length}, "invalid data")
            if known.unique and any(other.get(name) == value for other in self.modules[module].values()):
                return wrong("DUPLICATE_DATA", {"api_name": name}, "duplicate data")
            if known.type == "picklist" and value not in known.options:
                return wrong("INVALID_DATA", about, "not an option")
            if known.type == "date" and not re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)):
                return wrong("INVALID_DATA", about | {"expected_data_type": "date"}, "invalid data")
        return None

    def _length(self, text: str) -> int:
        return len(text.encode("utf-16-le")) // 2 if self.switches.length_unit == "utf-16" else len(text)

    # -- COQL, as far as it is needed: one condition

    def _coql(self, request: Request) -> Reply:
        query = request.json["select_query"]
        found = re.fullmatch(
            r"select ([\w., ]+) from (\w+) where (\w+) (=|>) (?:'((?:[^'\\]|\\.)*)'|(\d+))"
            r"(?: order by (\w+))?(?: limit (\d+))?",
            query,
        )
        if not found:
            return error(400, "SYNTAX_ERROR")
        names, module, field_name, sign, text, number, _, limit = found.groups()
        if int(limit or 200) > 2_000:
            return error(400, "LIMIT_EXCEEDED")
        if module not in self.modules or (field_name not in self.fields[module] and field_name != "id"):
            return error(400, "INVALID_QUERY")
        value = re.sub(r"\\(.)", r"\1", text) if text is not None else number
        rows = []
        for row in self.modules[module].values():
            if self.hidden.get(row["id"], 0) > 0:
                self.hidden[row["id"]] -= 1
            elif row.get(field_name) == value if sign == "=" else int(row["id"]) > int(value):
                rows.append(row)
        some = list(islice(rows, int(limit or 200)))
        if not some:
            return Reply(204)
        wanted = ["id", *(name.strip() for name in names.split(","))]
        info = {"count": len(some), "more_records": len(rows) > len(some)}
        return reply(200, {"data": [{name: row.get(name) for name in wanted} for row in some], "info": info})

    # -- bulk read

    def _bulk(self, request: Request, rest: list[str]) -> Reply:
        if request.method == "POST":
            return self._new_job(request.json["query"])
        job = self.jobs.get(rest[0])
        if job is None:
            return error(404, "RESOURCE_NOT_FOUND")
        if rest[1:] == ["result"]:
            return self._result(rest[0], job)
        states = self.switches.bulk_states
        state = states[min(job.looks, len(states) - 1)]
        job.looks += 1
        about: dict[str, Any] = {"id": rest[0], "operation": "read", "state": state}
        if self.switches.bulk_failure and state == "COMPLETED":
            about |= {"state": "FAILURE", "result": {"error_message": self.switches.bulk_failure}}
        elif state == "COMPLETED" or self.switches.early_result:
            about["result"] = self._result_of(rest[0], job)
        return reply(200, {"data": [about]})

    def _new_job(self, query: dict[str, Any]) -> Reply:
        id = f"5545974000000{len(self.jobs):06d}"
        if "page_token" in query:
            before = self.jobs[query["page_token"].removeprefix("next-of-")]
            self.jobs[id] = Job(before.module, before.rows, before.fields, before.page + 1)
        else:
            module, rows = query["module"]["api_name"], []
            if module not in self.modules:
                return error(400, "INVALID_MODULE")
            unknown = [name for name in query["fields"] if name not in self.fields[module] and name != "id"]
            if unknown:
                return error(400, "INVALID_DATA", param=unknown[0])
            rows = [dict(row) for row in self.modules[module].values()]
            if "criteria" in query:
                asked = query["criteria"]
                assert (asked["field"]["api_name"], asked["comparator"]) == ("Modified_Time", "greater_equal")
                since = dt.datetime.fromisoformat(asked["value"])
                rows = [row for row in rows if dt.datetime.fromisoformat(row["Modified_Time"]) >= since]
            self.jobs[id] = Job(module, rows, query["fields"], 1)
        verdict = {"status": "success", "code": "ADDED_SUCCESSFULLY", "message": "", "details": {"id": id}}
        return reply(201, {"data": [verdict], "info": {}})

    def _result_of(self, id: str, job: Job) -> dict[str, Any]:
        size = self.switches.bulk_rows
        left = len(job.rows) - (job.page - 1) * size
        more = left > size
        return {
            "page": job.page, "per_page": size, "count": max(0, min(left, size)), "more_records": more,
            "download_url": f"/crm/bulk/v8/read/{id}/result", "next_page_token": f"next-of-{id}" if more else None,
        }  # fmt: skip

    def _result(self, id: str, job: Job) -> Reply:
        self.downloads = [at for at in self.downloads if self.now() - at < 60]
        self.downloads.append(self.now())
        if len(self.downloads) > 10:
            return reply(429, {"code": "TOO_MANY_REQUESTS", "details": {}, "message": "", "status": "error"})
        size = self.switches.bulk_rows
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([self.switches.bulk_id_column if name == "id" else name for name in job.fields])
        for row in job.rows[(job.page - 1) * size : job.page * size]:
            writer.writerow([_flat(row.get(name)) for name in job.fields])
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(f"{id}.csv", text.getvalue())
        return Reply(200, packed.getvalue(), "application/x-download")

    # -- fields

    def _settings(self, request: Request) -> Reply:
        module = request.query.get("module", "")
        if not request.path.endswith("/fields") or module not in self.fields:
            return error(400, "INVALID_MODULE")
        if request.method == "GET":
            return reply(200, {"fields": [_told(name, one) for name, one in self.fields[module].items()]})
        asked = request.json["fields"]
        if len(asked) > 5:
            return error(400, "LIMIT_EXCEEDED", limit=5)
        verdicts = []
        for one in asked:
            label = one["field_label"]
            if len(label) > 25:
                verdicts.append(wrong("INVALID_DATA", {"api_name": "field_label", "maximum_length": 25}, "too long"))
                continue
            plain = label.isascii() and self.switches.label_makes_name == "label"
            name = label.replace(" ", "_") if plain else f"field{len(self.fields[module])}"
            options = tuple(option["actual_value"] for option in one.get("pick_list_values", ()))
            length = {"textarea": 32_000}.get(one["data_type"], one.get("length", 255))
            self.fields[module][name] = Field(label, one["data_type"], length, options, "unique" in one)
            done = {"id": name, "api_name": name}
            verdicts.append({"code": "SUCCESS", "details": done, "message": "field created", "status": "success"})
        return reply(200, {"fields": verdicts})


def error(status: int, code: str, message: str = "", **details: Any) -> Reply:
    return reply(status, {"code": code, "details": details, "message": message or code.lower(), "status": "error"})


def wrong(code: str, details: dict[str, Any], message: str) -> dict[str, Any]:
    return {"code": code, "details": details, "message": message, "status": "error"}


def _told(name: str, one: Field) -> dict[str, Any]:
    told: dict[str, Any] = {"api_name": name, "field_label": one.label, "data_type": one.type, "length": one.length}
    return told | {"pick_list_values": [{"actual_value": option, "display_value": option} for option in one.options]}


def _flat(value: Any) -> Any:
    if isinstance(value, dict):
        return value["id"]
    return "" if value is None else str(value).lower() if isinstance(value, bool) else value


def main() -> None:
    """Serve a simulated book until stopped."""
    from tests.contract.book import options, serve

    asked = options("zoho_server", __doc__ or "")
    server = ZohoServer(port=asked.port, risk_fields=not asked.bare)
    # Who tries it does not wait ten minutes for the token of another command, nor half a minute for small jobs.
    server.switches.tokens, server.switches.bulk_states = 1_000_000, ("QUEUED", "COMPLETED")
    fill(server, asked.customers, asked.months, asked.seed)
    serve(
        "zoho",
        server,
        {
            "RISKML_ZOHO_ACCOUNTS_URL": server.url,
            **{f"RISKML_ZOHO_{name.upper()}": value for name, value in CLIENT.items()},
        },
        list(server.modules["Accounts"]),
        asked.folder,
    )


def fill(server: ZohoServer, customers: int, months: int, seed: int) -> None:
    """Put a simulated book into a server."""
    from tests.contract.book import book

    tables = book(customers, months, seed)
    ids: dict[str, str] = {}
    for row in tables["customers"]:
        ids[row["customer"]] = server.put(
            "Accounts", Account_Name=row["name"], Industry=row["industry"], Billing_City=row["region"],
            Annual_Revenue=row["yearly_income"], Segment=row["segment"],
            Created_Time=f"{row['valid_from']}T00:00:00+08:00",
        )  # fmt: skip
    for row in tables["orders"]:
        server.put(
            "Sales_Orders", Account_Name=_lookup(ids, row), Grand_Total=row["amount"], Order_Time=_stamp(row["time"]),
            Category=row["category"],
        )  # fmt: skip
    for row in tables["invoices"]:
        server.put(
            "Invoices", Account_Name=_lookup(ids, row), Grand_Total=row["amount"], Invoice_Date=str(row["issued"]),
            Due_Date=str(row["due"]), Invoice_Number=f"INV-{row['invoice']}",
        )  # fmt: skip
    for row in tables["payments"]:
        server.put(
            "Payments", Account=_lookup(ids, row), Invoice_Number=f"INV-{row['invoice']}", Amount=row["amount"],
            Paid_On=str(row["paid"]),
        )  # fmt: skip
    for row in tables["tickets"]:
        server.put(
            "Cases", Account_Name=_lookup(ids, row), Opened=_stamp(row["opened"]), Closed=_stamp(row["closed"]),
            Type=row["kind"], Escalated=row["escalated"],
        )  # fmt: skip


def _lookup(ids: dict[str, str], row: dict[str, Any]) -> dict[str, str]:
    return {"id": ids[row["customer"]], "name": row["customer"]}


def _stamp(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.replace(tzinfo=ZONE).isoformat(timespec="seconds")


if __name__ == "__main__":
    main()
