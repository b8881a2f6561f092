"""Fxiaoke's (纷享销客) open API as its documentation has it, on loopback; what it leaves open are switches.

By hand: ``python -m tests.contract.fxiaoke_server --customers 500`` prints what ``riskml crm`` needs to know.
"""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_right
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from tests.contract.serving import ContractServer, Reply, Request, reply

LOGIN = {"app_id": "FSAID_1", "app_secret": "s3cret-of-fxiaoke", "permanent_code": "p3rmanent-of-fxiaoke"}
USER, MOBILE, EA, CORPORATION = "FSUID_1", "13800000001", "fx1", "FSCID_x"
BEIJING = ZoneInfo("Asia/Shanghai")
START = dt.datetime(2026, 1, 1, tzinfo=BEIJING)
_OPERATORS = {"EQ", "GT", "LT", "IN", "LIKE"}
LOCKED = 201112103  # (M) of a record that is locked


@dataclass
class Scenario:
    """What the documentation leaves open, and limits that tests make small."""

    token_seconds: int = 7200
    calls: int = 100
    seconds: float = 20.0
    daily: int | None = None
    not_bought: bool = False
    strict: bool = True  # numbers must come as text
    describe_shape: str = "describe"  # or fields, or list
    length_unit: str = "utf-16"


@dataclass
class Field:
    label: str
    type: str = "text"
    length: int = 255
    options: tuple[str, ...] = ()


def _fields(**fields: Field) -> dict[str, Field]:
    return fields | {
        "create_time": Field("创建时间", "date_time"),
        "last_modified_time": Field("修改时间", "date_time"),
    }


OBJECTS: dict[str, dict[str, Field]] = {
    "AccountObj": _fields(
        name=Field("客户名称"), industry=Field("行业"), city=Field("城市"), segment__c=Field("分层"),
        yearly_income__c=Field("年收入", "currency"), owner=Field("负责人", "employee"),
        risk_score__c=Field("风险评分", "number"),
        risk_tier__c=Field("风险等级", "select_one", 255, ("low", "medium", "high")),
        risk_reasons__c=Field("风险原因", "long_text", 2_000), risk_action__c=Field("建议措施", "text", 255),
        risk_model__c=Field("模型版本", "text", 50), risk_as_of__c=Field("评分日期", "date"),
    ),
    "SalesOrderObj": _fields(
        account_id=Field("客户", "object_reference"), order_amount=Field("金额", "currency"),
        order_time=Field("下单时间", "date_time"), category__c=Field("类别"),
    ),
    "InvoiceObj__c": _fields(
        account_id__c=Field("客户", "object_reference"), number__c=Field("编号"), amount__c=Field("金额", "currency"),
        issued__c=Field("开票日期", "date"), due__c=Field("到期日", "date"),
    ),
    "PaymentObj": _fields(
        account_id=Field("客户", "object_reference"), invoice_number__c=Field("发票"),
        order_id=Field("订单", "object_reference"), payment_amount=Field("金额", "currency"),
        payment_time=Field("付款日期", "date"),
    ),
    "CasesObj": _fields(
        account_id=Field("客户", "object_reference"), closed_time__c=Field("关闭", "date_time"), type__c=Field("类型"),
        escalated__c=Field("升级", "true_or_false"),
    ),
    "RiskAlert__c": _fields(
        risk_key__c=Field("键", "text", 200), account_id__c=Field("客户", "object_reference"), cause__c=Field("原因"),
        owner=Field("负责人", "employee"), due_date__c=Field("到期", "date"),
        description__c=Field("说明", "long_text", 2_000), notified__c=Field("已通知"),
    ),
}  # fmt: skip
_NUMBERS = {"number", "currency"}
_DATES = {"date", "date_time"}


class FxiaokeServer(ContractServer):
    """The server: ``objects`` holds the records, by object and id."""

    def __init__(self, *, switches: Scenario | None = None, **rest: Any) -> None:
        super().__init__(**rest)
        self.switches = switches or Scenario()
        self.objects: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in OBJECTS}
        self.fields = {name: dict(fields) for name, fields in OBJECTS.items()}
        self.tokens: dict[str, float] = {}
        self.token_calls: deque[float] = deque()
        self.windows: defaultdict[str, deque[float]] = defaultdict(deque)
        self.refused_for_rate = 0
        self.messages: list[dict[str, Any]] = []
        self.triggered: list[tuple[bool, bool]] = []
        self.writes: list[str] = []
        self.locked: set[str] = set()
        self.at = START
        self._next = 0x60F000000000000000000000
        self._born = self.now()
        self._order: dict[str, list[str]] = {}

    # -- the world

    def moment(self) -> int:
        return int((self.at.timestamp() + self.now() - self._born) * 1000)

    def put(self, object: str, **values: Any) -> str:
        id = f"{self._next:x}"
        self._next += 1
        moment = self.moment()
        self.objects[object][id] = {"_id": id, "create_time": moment, "last_modified_time": moment} | values
        self._order.pop(object, None)
        return id

    def change(self, object: str, id: str, **values: Any) -> None:
        self.objects[object][id] |= {"last_modified_time": self.moment()} | values

    def delete(self, object: str, id: str) -> None:
        del self.objects[object][id]
        self._order.pop(object, None)

    def end_tokens(self) -> None:
        self.tokens.clear()

    # -- the contract

    def answer(self, request: Request) -> Reply:
        body, path = request.json, request.path
        if request.method != "POST":
            return wrong(10004, "POST only")
        if path in ("/oauth2.0/token", "/cgi/corpAccessToken/get/V2"):
            return self._token(request, body)
        if not self._authorized(request, body):
            return wrong(20016, "the cropId,cropAccessToken or authorization is error")
        limited = self._limited(path)
        if limited:
            return limited
        if path == "/cgi/crm/v2/object/describe":
            return self._describe(body)
        if path == "/cgi/user/getByMobile":
            known = [{"openUserId": USER, "name": "示例"}] if body.get("mobile") == MOBILE else []
            return right(empList=known)
        if path == "/cgi/message/send":
            return self._send(body)
        found = re.fullmatch(r"/cgi/crm(/custom)?/v2/data/(query|create|update)", path)
        if not found:
            return wrong(10004, "no such interface")
        data = body.get("data", {})
        object = data.get("dataObjectApiName") or data.get("object_data", {}).get("dataObjectApiName", "")
        if object not in self.objects or object.endswith("__c") != bool(found[1]):
            return wrong(10010, f"{object} is not an object of this interface")
        return {"query": self._query, "create": self._create, "update": self._update}[found[2]](object, body)

    def _token(self, request: Request, body: dict[str, Any]) -> Reply:
        while self.token_calls and self.now() - self.token_calls[0] >= 60:
            self.token_calls.popleft()
        self.token_calls.append(self.now())
        if len(self.token_calls) > 10:
            return wrong(30004, "too many token calls")
        if body.get("appSecret") != LOGIN["app_secret"]:
            return wrong(10006, "the appSecret is error")
        if body.get("appId") != LOGIN["app_id"] or body.get("permanentCode") != LOGIN["permanent_code"]:
            return wrong(20017, "no authorization")
        token = f"t0ken-{len(self.calls)}-of-fxiaoke"
        self.tokens[token] = self.now() + self.switches.token_seconds
        if request.path == "/oauth2.0/token":
            if body.get("grantType") != "app_secret" or "thirdTraceId" not in request.query:
                return wrong(10004, "grantType or thirdTraceId is missing")
            return right(accessToken=token, ea=EA, expiresIn=self.switches.token_seconds)
        return right(corpAccessToken=token, corpId=CORPORATION, expiresIn=self.switches.token_seconds)

    def _authorized(self, request: Request, body: dict[str, Any]) -> bool:
        said = request.headers.get("authorization", "")
        if said:
            token, user = said.removeprefix("Bearer "), request.headers.get("x-fs-userid")
            known = request.headers.get("x-fs-ea") == EA
        else:
            token, user = body.get("corpAccessToken", ""), body.get("currentOpenUserId")
            known = body.get("corpId") == CORPORATION
        known = known and (user == USER or request.path == "/cgi/user/getByMobile")
        return known and self.tokens.get(token, 0.0) > self.now()

    def _limited(self, path: str) -> Reply | None:
        if self.switches.not_bought:
            return wrong(30003, "the quota is not bought")
        if self.switches.daily is not None:
            self.switches.daily -= 1
            if self.switches.daily < 0:
                return wrong(30002, "the limit of the day")
        times, now = self.windows[path], self.now()
        while times and now - times[0] >= self.switches.seconds:
            times.popleft()
        if len(times) >= self.switches.calls:
            self.refused_for_rate += 1
            return wrong(30004, "rate limit")
        times.append(now)
        return None

    # -- records

    def _query(self, object: str, body: dict[str, Any]) -> Reply:
        search = body["data"]["search_query_info"]
        limit, offset = search["limit"], search["offset"]
        if limit > 100 or offset % limit or offset > 10_000:
            return wrong(10013, "limit or offset")
        unknown = [one["operator"] for one in search["filters"] if one["operator"] not in _OPERATORS]
        if unknown:
            return wrong(10013, f"operator {unknown[0]}")
        ids = self._order.setdefault(object, sorted(self.objects[object]))
        after = next(
            (
                one["field_values"][0]
                for one in search["filters"]
                if (one["field_name"], one["operator"]) == ("_id", "GT")
            ),
            "",
        )
        rest = [one for one in search["filters"] if (one["field_name"], one["operator"]) != ("_id", "GT")]
        assert search["orders"] == [{"fieldName": "_id", "isAsc": True}]
        some, skipped = [], 0
        for id in ids[bisect_right(ids, after) :]:
            row = self.objects[object][id]
            if all(_meets(row, one) for one in rest):
                skipped += 1
                if skipped > offset:
                    some.append(self._shown(object, row, search.get("fieldProjection") or list(row)))
            if len(some) == limit:
                break
        total = len(ids) if body["data"].get("find_explicit_total_num", True) else 0
        return right(data={"dataList": some, "offset": offset, "limit": limit, "total": total})

    def _shown(self, object: str, row: dict[str, Any], wanted: list[str]) -> dict[str, Any]:
        shown = {name: row[name] for name in wanted if row.get(name) is not None}  # what is empty is left out
        for name in list(shown):
            if name in self.fields[object] and self.fields[object][name].type == "object_reference":
                shown[f"{name}__r"] = f"客户 {shown[name]}"
        return shown

    def _create(self, object: str, body: dict[str, Any]) -> Reply:
        values = body["data"]["object_data"]
        refused = self._wrong(object, body, values)
        if refused:
            return refused
        id = self.put(object, **{name: value for name, value in values.items() if name != "dataObjectApiName"})
        return right(dataId=id)

    def _update(self, object: str, body: dict[str, Any]) -> Reply:
        values = body["data"]["object_data"]
        id = values.get("_id", "")
        if id not in self.objects[object]:
            return wrong(320001404, "the record does not exist")
        refused = self._wrong(object, body, values)
        if refused:
            return refused
        if id in self.locked:
            return wrong(LOCKED, "数据已锁定")
        self.writes.append(id)
        self.change(
            object, id, **{name: value for name, value in values.items() if name not in ("_id", "dataObjectApiName")}
        )
        return right()

    def _wrong(self, object: str, body: dict[str, Any], values: dict[str, Any]) -> Reply | None:
        self.triggered.append((body.get("triggerApprovalFlow", True), body.get("triggerWorkFlow", True)))
        for name, value in values.items():
            known = self.fields[object].get(name)
            if name in ("_id", "dataObjectApiName") or (known and known.type == "employee"):
                continue
            if known is None:
                return wrong(320001400, f"field {name} does not exist")
            if self.switches.strict and known.type in _NUMBERS and not isinstance(value, str):
                return wrong(320001400, f"field {name} must be text")
            if known.type in _DATES and not (isinstance(value, int) and value > 10**11):
                return wrong(320001400, f"field {name} must be milliseconds")
            if known.type == "select_one" and value not in known.options:
                return wrong(320001400, f"field {name} has no option {value}")
            if known.type in ("text", "long_text"):
                units = len(value.encode("utf-16-le")) // 2 if self.switches.length_unit == "utf-16" else len(value)
                if units > known.length:
                    return wrong(320001400, f"field {name} is too long")
        return None

    def _send(self, body: dict[str, Any]) -> Reply:
        if body.get("msgType") != "composite" or not body.get("toUser") or len(body["toUser"]) > 500:
            return wrong(10004, "msgType or toUser")
        if not body["composite"]["head"]["title"]:
            return wrong(10004, "head.title")
        self.messages.append({name: body[name] for name in ("toUser", "msgType", "composite")})
        return right()

    def _describe(self, body: dict[str, Any]) -> Reply:
        name = (body.get("data") or {}).get("apiName") or body.get("apiName")
        if name not in self.fields:
            return wrong(10010, "no such object")
        told = {
            key: {
                "api_name": key,
                "label": one.label,
                "type": one.type,
                "options": [{"label": option, "value": option} for option in one.options],
            }
            for key, one in self.fields[name].items()
        }
        shape = self.switches.describe_shape
        if shape == "list":
            return right(data={"fields": list(told.values())})
        return right(data={"describe": {"fields": told}} if shape == "describe" else {"fields": told})


def _meets(row: dict[str, Any], one: dict[str, Any]) -> bool:
    value, given = row.get(one["field_name"]), one["field_values"]
    if value is None:
        return False
    if isinstance(value, int | float):
        given = [float(other) for other in given]
    return {
        "EQ": lambda: value == given[0],
        "GT": lambda: value > given[0],
        "LT": lambda: value < given[0],
        "IN": lambda: value in given,
        "LIKE": lambda: str(given[0]) in str(value),
    }[one["operator"]]()


def right(**content: Any) -> Reply:
    return reply(200, {"traceId": "E-O.1", "errorMessage": "OK", "errorCode": 0} | content)


def wrong(code: int, message: str) -> Reply:
    return reply(200, {"traceId": "E-O.1", "errorMessage": message, "errorCode": code})


MOVED = Reply(302, b"<html>moved</html>", "text/html", "https://www.fxiaoke.com/index.html")


def main() -> None:
    """Serve a simulated book until stopped."""
    from tests.contract.book import options, serve

    asked = options("fxiaoke_server", __doc__ or "")
    server = FxiaokeServer(port=asked.port)
    fill(server, asked.customers, asked.months, asked.seed)
    serve(
        "fxiaoke",
        server,
        {
            "RISKML_FXIAOKE_URL": server.url,
            "RISKML_FXIAOKE_USER": USER,
            **{f"RISKML_FXIAOKE_{name.upper()}": value for name, value in LOGIN.items()},
        },
        list(server.objects["AccountObj"]),
        asked.folder,
    )


def fill(server: FxiaokeServer, customers: int, months: int, seed: int) -> None:
    """Put a simulated book into a server."""
    from tests.contract.book import book

    tables = book(customers, months, seed)
    ids: dict[str, str] = {}
    for row in tables["customers"]:
        ids[row["customer"]] = server.put(
            "AccountObj", name=row["name"], industry=row["industry"], city=row["region"], segment__c=row["segment"],
            yearly_income__c=str(row["yearly_income"]), create_time=_milliseconds(row["valid_from"]),
        )  # fmt: skip
    for row in tables["orders"]:
        server.put(
            "SalesOrderObj", account_id=ids[row["customer"]], order_amount=str(row["amount"]),
            order_time=_milliseconds(row["time"]), category__c=row["category"],
        )  # fmt: skip
    for row in tables["invoices"]:
        server.put(
            "InvoiceObj__c", account_id__c=ids[row["customer"]], amount__c=str(row["amount"]),
            number__c=f"INV-{row['invoice']}", issued__c=_milliseconds(row["issued"]), due__c=_milliseconds(row["due"]),
        )  # fmt: skip
    for row in tables["payments"]:
        server.put(
            "PaymentObj", account_id=ids[row["customer"]], payment_amount=str(row["amount"]),
            invoice_number__c=f"INV-{row['invoice']}", payment_time=_milliseconds(row["paid"]),
        )  # fmt: skip
    for row in tables["tickets"]:
        server.put(
            "CasesObj", account_id=ids[row["customer"]], create_time=_milliseconds(row["opened"]),
            closed_time__c=_milliseconds(row["closed"]), type__c=row["kind"], escalated__c=row["escalated"],
        )  # fmt: skip


def _milliseconds(value: dt.date | dt.datetime | None) -> int | None:
    if value is None:
        return None
    if not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    return int(value.replace(tzinfo=BEIJING).timestamp() * 1000)


if __name__ == "__main__":
    main()
