"""Pulls as a user knows them: full and of changes, deletions, one copy of each record, and a table that panels read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.contract.serving import HTML

from riskml.crm.connector import LimitReached, Passing
from riskml.crm.csv_folder import CsvFolder
from riskml.crm.mapping import Mapping, read_mapping
from riskml.crm.pull import pull
from riskml.crm.pull_state import SCHEMA
from riskml.crm.settings import CsvSettings
from riskml.crm.sqlite import database
from riskml.data.sources.tables import stored
from riskml.errors import DataError, InputError

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=8)))


def only(mapping: Mapping, *tables: str) -> Mapping:
    return mapping.model_copy(update={"tables": {name: mapping.tables[name] for name in tables}})


def kept(folder: Path, name: str = "customers") -> dict[str, dict]:
    rows = pq.read_table(folder / f"{name}.parquet").to_pylist()
    key = next(iter(rows[0])) if rows else ""
    found = {row[key]: row for row in rows}
    assert len(found) == len(rows)  # one copy of each
    return found


@pytest.fixture(params=["zoho", "fxiaoke"])
def system(request, zoho, zoho_server, zoho_mapping, fxiaoke, fxiaoke_server, fxiaoke_mapping):
    """Return a system's connector, its server, its mapping of customers, the object, and the field of names."""
    if request.param == "zoho":
        return zoho(), zoho_server, only(zoho_mapping, "customers"), "Accounts", "Account_Name"
    return fxiaoke(), fxiaoke_server, only(fxiaoke_mapping, "customers"), "AccountObj", "name"


def hours(number: float) -> dt.datetime:
    return NOW + dt.timedelta(hours=number)


def test_the_first_pull_reads_everything_and_the_next_what_changed(system, tmp_path, clock):
    connector, server, mapping, object, name = system
    ids = [server.put(object, **{name: f"客户{number}"}) for number in range(350)]
    (first,) = pull(connector, mapping, tmp_path, started=hours(0))
    assert (first.full, first.records, first.changed, first.gone) == (True, 350, 350, 0)
    clock.moment += 5 * 3600
    server.change(object, ids[3], **{name: "改名"})
    ids.append(server.put(object, **{name: "新客户"}))
    (second,) = pull(connector, mapping, tmp_path, started=hours(5))
    assert (second.full, second.records, second.changed, second.gone) == (False, 351, 2, 0)
    found = kept(tmp_path)
    assert list(found) == ids
    assert (found[ids[3]]["name"], found[ids[350]]["name"]) == ("改名", "新客户")


def test_records_that_were_deleted_are_gone_after_a_pull_of_changes(system, tmp_path, clock):
    connector, server, mapping, object, name = system
    ids = [server.put(object, **{name: f"客户{number}"}) for number in range(250)]
    pull(connector, mapping, tmp_path, started=hours(0))
    clock.moment += 5 * 3600
    server.delete(object, ids[0])
    server.delete(object, ids[249])
    (pulled,) = pull(connector, mapping, tmp_path, started=hours(5))
    assert (pulled.full, pulled.gone) == (False, 2)
    assert list(kept(tmp_path)) == ids[1:249]


def test_records_that_were_deleted_are_gone_after_a_full_pull(system, tmp_path, clock):
    connector, server, mapping, object, name = system
    ids = [server.put(object, **{name: f"客户{number}"}) for number in range(5)]
    pull(connector, mapping, tmp_path, started=hours(0))
    server.delete(object, ids[0])
    (pulled,) = pull(connector, mapping, tmp_path, started=hours(5), full=True)
    assert (pulled.full, pulled.gone, pulled.changed) == (True, 1, 0)


def test_a_change_made_while_a_pull_was_under_way_is_in_the_next(system, tmp_path, clock):
    connector, server, mapping, object, name = system
    ids = [server.put(object, **{name: f"客户{number}"}) for number in range(250)]

    def meanwhile(*_: object) -> None:  # after the first page, which holds the record
        clock.moment += 1
        server.change(object, ids[0], **{name: "改名"})

    pull(connector, mapping, tmp_path, started=hours(0), progress=meanwhile)
    clock.moment += 5 * 3600
    pull(connector, mapping, tmp_path, started=hours(5))
    assert kept(tmp_path)[ids[0]]["name"] == "改名"


def test_a_table_that_did_not_change_is_not_written_again(system, tmp_path, clock):
    connector, server, mapping, object, name = system
    server.put(object, **{name: "客户"})
    pull(connector, mapping, tmp_path, started=hours(0))
    before = (tmp_path / "customers.parquet").stat().st_mtime_ns
    clock.moment += 5 * 3600
    pull(connector, mapping, tmp_path, started=hours(5))
    assert (tmp_path / "customers.parquet").stat().st_mtime_ns == before


def test_a_pull_that_was_refused_halfway_goes_on_where_it_was(zoho, zoho_server, zoho_mapping, accounts, tmp_path):
    ids = accounts(90)
    zoho_server.switches.bulk_rows = 20
    zoho_server.switches.credits = 160
    mapping = only(zoho_mapping, "customers")
    with pytest.raises(LimitReached):
        pull(zoho(), mapping, tmp_path, started=hours(0))
    zoho_server.switches.credits = None
    jobs = zoho_server.counted["POST /crm/bulk/v8/read"]
    pull(zoho(), mapping, tmp_path, started=hours(1))
    assert list(kept(tmp_path)) == ids
    assert len(zoho_server.jobs) == 5  # none was asked for twice, and each costs 50 credits
    assert jobs > 1


def test_a_mapping_with_another_column_reads_everything_again(system, tmp_path, clock):
    connector, server, mapping, object, name = system
    server.put(object, **{name: "客户"})
    table = mapping.tables["customers"]
    fewer = table.model_copy(update={"columns": {"customer": table.columns["customer"]}})
    pull(connector, mapping.model_copy(update={"tables": {"customers": fewer}}), tmp_path, started=hours(0))
    clock.moment += 5 * 3600
    (pulled,) = pull(connector, mapping, tmp_path, started=hours(5))
    assert pulled.full
    assert next(iter(kept(tmp_path).values()))["name"] == "客户"


def test_values_of_another_type_are_empty_and_counted(zoho, zoho_server, zoho_mapping, tmp_path):
    zoho_server.put("Accounts", Account_Name="客户", Annual_Revenue="viel")
    (pulled,) = pull(zoho(), only(zoho_mapping, "customers"), tmp_path, started=hours(0))
    assert pulled.unreadable == {"yearly_income": 1}
    assert next(iter(kept(tmp_path).values()))["yearly_income"] is None


def test_a_trouble_that_lasts_is_told_and_nothing_is_lost(system, tmp_path):
    connector, server, mapping, object, name = system
    ids = [server.put(object, **{name: f"客户{number}"}) for number in range(150)]
    for nth in range(3, 30):
        server.fault("", nth, HTML)
    with pytest.raises(Passing, match="resumes where it stopped"):
        pull(connector, mapping, tmp_path, started=hours(0))
    server.faults.clear()
    pull(connector, mapping, tmp_path, started=hours(1))
    assert list(kept(tmp_path)) == ids


def test_a_second_pull_at_the_same_time_is_refused(system, tmp_path):
    connector, _, mapping, _, _ = system
    with (
        database(tmp_path / ".crm" / "records.db", SCHEMA),
        pytest.raises(InputError, match="another pull or push is running"),
    ):
        pull(connector, mapping, tmp_path, started=hours(0))


def test_what_is_pulled_is_read_by_nobody_else(system, tmp_path):
    connector, server, mapping, object, name = system
    server.put(object, **{name: "客户"})
    pull(connector, mapping, tmp_path, started=hours(0))
    for file in (tmp_path / "customers.parquet", tmp_path / ".crm" / "records.db"):
        assert file.stat().st_mode & 0o077 == 0


def test_tables_have_the_types_that_panels_read(zoho, zoho_server, zoho_mapping, tmp_path):
    id = zoho_server.put("Accounts", Account_Name="客户", Annual_Revenue=12.5)
    lookup = {"id": id, "name": "客户"}
    zoho_server.put("Sales_Orders", Account_Name=lookup, Grand_Total=9.5, Order_Time="2026-01-01T01:00:00+08:00")
    zoho_server.put("Invoices", Account_Name=lookup, Grand_Total=9.5, Invoice_Date="2026-01-01", Due_Date="2026-02-01")
    zoho_server.put("Payments", Account=lookup, Amount=9.5, Paid_On="2026-02-03")
    zoho_server.put("Cases", Account_Name=lookup, Opened="2026-01-01T01:00:00+08:00", Escalated=True)
    pull(zoho(), zoho_mapping, tmp_path, started=hours(0))
    kinds = {name: dict(stored(str(tmp_path / f"{name}.parquet"), tmp_path).columns) for name in zoho_mapping.tables}
    assert kinds["invoices"] == {
        "invoice": "text", "customer": "text", "amount": "number", "issued": "date", "due": "date",
    }  # fmt: skip
    assert kinds["orders"]["time"] == "timestamp with zone"
    assert kinds["cases"]["escalated"] == "boolean"
    (order,) = pq.read_table(tmp_path / "orders.parquet").to_pylist()
    assert order["time"] == dt.datetime(2025, 12, 31, 17, tzinfo=dt.UTC)
    assert order["customer"] == id


# -- a folder of files


@pytest.fixture
def files(tmp_path) -> Path:
    folder = tmp_path / "crm"
    folder.mkdir()
    (folder / "客户.csv").write_text(
        '客户编号,客户名称,行业,建档日期\n007,"上海, 示例",零售,2024/01/31\n008,𠮷野家,,\n', "utf-8-sig"
    )
    (folder / "订单.csv").write_text(
        "订单编号,客户编号,金额,下单时间,修改时间\n"
        '1,007,"1,234.50",2025-12-01 10:00:00,2025-12-01 10:00:00\n'
        "2,008,5,2025-12-02 10:00:00,2025-12-02 10:00:00\n",
        "utf-8-sig",
    )
    return folder


@pytest.fixture
def csv_mapping() -> Mapping:
    return read_mapping(Path(__file__).parents[2] / "experiments" / "crm" / "csv.yaml")


def test_files_of_a_folder_are_pulled_like_any_other_crm(files, csv_mapping, tmp_path):
    connector = CsvFolder(CsvSettings(folder=files), csv_mapping)
    pulled = pull(connector, csv_mapping, tmp_path / "out", started=hours(0))
    assert [one.records for one in pulled] == [2, 2]
    customers = kept(tmp_path / "out")
    assert (customers["007"]["name"], customers["007"]["since"]) == ("上海, 示例", dt.date(2024, 1, 31))
    orders = kept(tmp_path / "out", "orders")
    assert orders["1"]["amount"] == 1234.5
    assert orders["1"]["time"] == dt.datetime(2025, 12, 1, 2, tzinfo=dt.UTC)


def test_rows_that_changed_or_went_are_seen_by_the_next_pull_of_files(files, csv_mapping, tmp_path):
    connector = CsvFolder(CsvSettings(folder=files), csv_mapping)
    pull(connector, csv_mapping, tmp_path / "out", started=hours(0))
    (files / "订单.csv").write_text(
        "订单编号,客户编号,金额,下单时间,修改时间\n2,008,6,2025-12-02 10:00:00,2026-01-01 10:00:00\n", "utf-8-sig"
    )
    pulled = pull(connector, csv_mapping, tmp_path / "out", started=hours(20))
    assert [(one.changed, one.gone) for one in pulled] == [(0, 0), (1, 1)]
    assert kept(tmp_path / "out", "orders")["2"]["amount"] == 6.0


def test_files_in_another_encoding_are_read_where_the_mapping_says_so(files, csv_mapping, tmp_path):
    text = (files / "客户.csv").read_text("utf-8-sig")
    (files / "客户.csv").write_text(text, "gb18030")
    connector = CsvFolder(CsvSettings(folder=files), csv_mapping)
    with pytest.raises(DataError, match="not in utf-8-sig"):
        pull(connector, csv_mapping, tmp_path / "out", started=hours(0))
    mapping = only(csv_mapping, "customers").model_copy(update={"encoding": "gb18030"})
    pull(CsvFolder(CsvSettings(folder=files), mapping), mapping, tmp_path / "out", started=hours(0))
    assert kept(tmp_path / "out")["008"]["name"] == "𠮷野家"


def test_check_says_which_columns_the_files_lack(files, csv_mapping):
    (files / "订单.csv").write_text("订单编号,金额\n1,2\n", "utf-8-sig")
    states = CsvFolder(CsvSettings(folder=files), csv_mapping).check_schema()
    assert [state.field for state in states if state.state == "missing"] == ["客户编号", "下单时间", "修改时间"]
