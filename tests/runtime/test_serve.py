"""The HTTP service, on a real socket: answers, and what it refuses."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from riskml.export.wheel import write_package
from riskml.runtime.command import main
from riskml.runtime.hosts import Hosts
from riskml.runtime.package import Artifact
from riskml.runtime.serve import Limits, Service, listening

RECORD = {"Age": 25, "Income": 55.5, "Home": "rent"}
OPTIONS = (
    "--max-bytes",
    "5000",
    "--max-rows",
    "10",
    "--timeout",
    "1",
    "--max-connections",
    "60",
    "--allow-host",
    "Risk.example.com",
)


@pytest.fixture(scope="module")
def artifact(artifacts):
    return Artifact.load(artifacts["scorecard"])


@pytest.fixture(scope="module")
def server(artifacts, tmp_path_factory):
    """Yield a served package, started by its own command, and stopped in every outcome."""
    folder = tmp_path_factory.mktemp("served")
    write_package(artifacts["scorecard"], folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "riskml_hand_made", "serve", "--port", str(port), *OPTIONS]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log, env=os.environ | {"PYTHONPATH": ""})
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield SimpleNamespace(port=port, log=folder / "log", process=process)
    finally:
        process.terminate()
        process.wait(timeout=30)


def ask(server, path, body=None, method=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        content = body if isinstance(body, (bytes, str, type(None))) else json.dumps(body)
        connection.request(method or ("GET" if body is None else "POST"), path, content, headers or {})
        answer = connection.getresponse()
        said = answer.read()
        return answer.status, json.loads(said) if "json" in answer.headers["content-type"] else said.decode()
    finally:
        connection.close()


def test_a_record_is_scored_as_the_package_scores_it(server, artifact):
    assert ask(server, "/score", RECORD) == (200, artifact.score_record(RECORD))


def test_a_batch_is_scored_in_its_order(server, artifact, loans):
    records = json.loads(loans.head(10).to_json(orient="records"))
    status, scores = ask(server, "/score/batch", records)
    assert status == 200
    expected = artifact.score(loans.head(10)).reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.DataFrame(scores), expected, check_dtype=False)


def test_reasons_come_in_the_language_asked_for(server, artifact):
    status, reasons = ask(server, "/explain?n=2&language=zh", RECORD)
    assert (status, reasons) == (200, artifact.explain_record(RECORD, 2, "zh"))


def test_health_schema_card_and_the_openapi_page_are_there(server, artifact):
    assert ask(server, "/health") == (200, {"status": "ok", "model": "hand_made", "version": "1.2.3"})
    assert [column["name"] for column in ask(server, "/schema")[1]] == ["Age", "Income", "Home"]
    assert ask(server, "/card")[1].startswith("# Which customers")
    status, said = ask(server, "/openapi.json")
    assert status == 200
    assert said["paths"].keys() >= {"/score", "/score/batch", "/explain", "/health"}
    assert said["components"]["schemas"]["Record"]["required"] == ["Age", "Income", "Home"]


def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing_of_the_model_s_texts(server):
    status, page = ask(server, "/docs")
    assert status == 200
    assert 'href="openapi.json"' in page
    assert "POST /score/batch" in page
    assert "Which customers | will &lt;default&gt;?" in page
    assert "=cmd|&#x27;x&#x27;!A1" in page
    assert not [word for word in ("http:", "https:", "//", "<default>") if word in page]


@pytest.mark.parametrize(
    ("body", "status", "what"),
    [
        (b"{", 400, "not JSON"),
        (b"\xff\xfe", 400, "not JSON"),
        (b"[" * 4000, 400, "not JSON"),
        (b'{"Age": NaN, "Income": 1, "Home": "rent"}', 400, "use null for missing values"),
        (b'{"Age": 1' + b"0" * 4400 + b"}", 400, "not JSON"),
        (b'{"Age": 1e400, "Income": 1, "Home": "rent"}', 422, "is not finite"),
        (b'{"Age": "old", "Income": 1, "Home": "rent"}', 422, "column 'Age': 'old' is not a number"),
        (b'{"Age": 1, "Income": 1, "Home": ["rent"]}', 422, "neither a number nor text"),
        (b'{"Age": 1, "Income": 1e309, "Home": 1e309}', 422, "is not finite"),
        (b'{"Age": 1}', 422, "columns missing from the record: 'Income', 'Home'"),
        (b"[]", 422, "an object of columns and values; got a list"),
        (b"null", 422, "got null"),
        (b"", 400, "not JSON"),
        (b'{"Age": "' + b"x" * 4000 + b'", "Income": 1, "Home": 1}', 422, "x…"),
    ],
)
def test_what_is_no_record_is_refused_and_the_service_lives_on(body, status, what, server, artifact):
    found = ask(server, "/score", body)
    assert found[0] == status
    assert what in found[1]["detail"]
    assert ask(server, "/score", RECORD)[0] == 200


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(record=st.fixed_dictionaries({"Age": values, "Income": values, "Home": values}) | values)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(record=RECORD | {"Home": "\ud800"})
@example(record=RECORD | {"Age": 10**400})
@example(record=RECORD | {"Age": -1e308, "Income": 1e308})
def test_whatever_json_says_the_answer_is_a_score_or_a_refusal(server, record):
    for path in ("/score", "/score/batch", "/explain?n=1"):
        assert ask(server, path, json.dumps(record))[0] in (200, 422)


def test_what_is_too_large_is_refused(server):
    assert ask(server, "/score", b" " * 5001)[0] == 413
    # Its length not announced: in chunks.
    chunks = iter([b" " * 3000] * 4)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", "/score", chunks, encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    assert connection.getresponse().status == 413
    connection.close()
    status, said = ask(server, "/score/batch", [{}] * 11)
    assert (status, said["detail"]) == (413, "a request must not exceed 10 records; got 11")


def test_other_paths_methods_and_numbers_of_reasons_are_refused(server):
    assert ask(server, "/nothing")[0] == 404
    assert ask(server, "/score", method="GET")[0] == 405
    assert ask(server, "/health", {"a": 1})[0] == 405
    assert ask(server, "/explain?n=x", RECORD)[0] == 422
    assert ask(server, "/explain?n=0", RECORD)[0] == 422
    assert ask(server, "/explain?language=fr", RECORD)[0] == 422


def raw(server, *parts, pause=0.0):
    """Return the status line and the last line that a connection gets for bytes that come slowly."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        lines = b"".join(iter(lambda: connection.recv(4096), b"")).split(b"\r\n")
        return lines[0], lines[-1]


def test_who_is_slow_with_the_head_or_the_body_is_told_to_go(server):
    late = b"HTTP/1.1 408 Request Timeout"
    head = raw(server, b"POST /score HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    assert head == (late, b'{"detail": "the head of the request took longer than 1 seconds"}')
    start = b"POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
    status, said = raw(server, start, b"{")
    assert status.startswith(b"HTTP/1.1 408")
    assert b"the body took longer than 1 seconds" in said


def test_an_idle_connection_is_closed_and_so_is_one_that_trickles_its_second_request(server):
    head = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    start = time.monotonic()
    assert raw(server)[0] == b"HTTP/1.1 408 Request Timeout"  # nothing was sent at all
    lines = raw(server, head, b"GET /health HT", pause=0.1)
    assert lines[0] == b"HTTP/1.1 200 OK"
    assert lines[1] == b'{"detail": "the head of the request took longer than 1 seconds"}'
    assert time.monotonic() - start < 5, "well before uvicorn's own timeout of idle connections"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01 hello\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 70_000,
        b"POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST /score HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    ],
)
def test_what_is_no_http_is_refused(sent, server):
    assert raw(server, sent)[0] == b"HTTP/1.1 400 Bad Request"
    assert ask(server, "/health")[0] == 200


@pytest.mark.parametrize("path", ["/schema", "/health", "/docs", "/nothing", "/score"])
@pytest.mark.parametrize("host", ["evil.example.com", "evil.example.com:8000", "localhost.evil.example.com", ""])
def test_requests_by_the_name_of_another_site_are_refused(path, host, server):
    status, message = ask(server, path, RECORD if path == "/score" else None, headers={"Host": host})
    assert status == 421
    assert message["detail"].startswith(f"the host {host!r} is not served here; to allow a name, start the service")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.:80", "127.0.0.1:8000", "[::1]:9", "10.1.2.3", "risk.example.com"]
)
def test_addresses_localhost_and_allowed_names_are_served(host, server):
    assert ask(server, "/health", headers={"Host": host})[0] == 200


def test_this_machine_is_served_by_its_name_and_a_long_name_is_cut():
    hosts = Hosts(["svc"])
    for host in (socket.gethostname(), "svc:80", "[fe80::1]", "1.2.3.4"):
        assert hosts.refused([(b"host", host.encode())]) is None
    for host in (
        b"x" * 60_000,
        b"svc:a",
        b"[svc]",
        b"[::1]x",
        b"[::1",
        b"1.2.3",
        b"\xff\x00",
        b"svc@x",
        b"localhost/x",
        b"svc:80:1",
    ):
        assert len(hosts.refused([(b"host", host)])) < 300
    assert hosts.refused([]) is None


def test_many_at_once_all_get_their_own_answer(server, artifact):
    found = {}

    def one(number):
        record = RECORD | {"Age": 20 + number}
        found[number] = ask(server, "/score", record) == (200, artifact.score_record(record))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(found.values()) == [True] * 40
    # What is no HTTP is complained of; no customer is written to a log.
    first, *others = server.log.read_text().splitlines()
    assert first == f"listening on http://127.0.0.1:{server.port} (try it: /docs); press Ctrl+C to stop"
    assert set(others) <= {"WARNING:  Invalid HTTP request received."}


def test_who_is_one_too_many_is_told_so_and_others_go_on(server):
    with ExitStack() as stack:
        here = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10)) for _ in range(60)
        ]
        status, said = raw(server, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        here[0].sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert here[0].recv(100).startswith(b"HTTP/1.1 200")
    assert status == b"HTTP/1.1 429 Too Many Requests"
    assert json.loads(said) == {"detail": "more than 60 connections at a time"}


def test_a_connection_that_ends_early_costs_nothing(artifact):
    service = Service(artifact, Limits(bytes=100))
    sent, parts = [], iter([{"type": "http.request", "body": b"{", "more_body": True}])

    async def send(message):
        sent.append(message)

    async def receive():
        return next(parts, {"type": "http.disconnect"})

    scope = {"type": "http", "path": "/score", "method": "POST", "headers": [], "query_string": b""}
    asyncio.run(service(scope, receive, send))
    assert sent[0]["status"] == 400


def test_an_address_that_cannot_be_had_is_one_message(server, artifact, capsys):
    for words, what in (
        (
            ["--port", str(server.port)],
            f"host '127.0.0.1', port {server.port}: cannot listen: Address already",
        ),
        (["--port", "70000"], "port 70000: a port is a number"),
        (["--host", "nowhere.invalid"], "host 'nowhere.invalid'"),
    ):
        assert main(["serve", *words], artifact) == 2
        said = capsys.readouterr().err
        assert what in said
        assert said.count("\n") == 1


def test_answers_are_not_held_back_until_the_client_acknowledges():
    # asyncio sets TCP_NODELAY for what it knows to be TCP; without it an answer waits 40 ms.
    with listening("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP
        assert listener.getsockname()[1] > 0


@pytest.mark.parametrize(
    "words", [("--max-bytes", "0"), ("--max-rows", "-1"), ("--timeout", "nan"), ("--timeout", "x")]
)
def test_a_limit_that_lets_nothing_through_is_refused(words, artifact, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["serve", *words], artifact)
    assert ended.value.code == 2
    assert f"argument {words[0]}: invalid positive number value" in capsys.readouterr().err


def test_the_missing_extra_is_named(artifact, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "starlette.applications", None)
    monkeypatch.delitem(sys.modules, "riskml.runtime.serve")
    assert main(["serve"], artifact) == 2
    assert "serving requires starlette" in capsys.readouterr().err
