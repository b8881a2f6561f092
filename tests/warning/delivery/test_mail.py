"""Mail by a real SMTP server: in clear, with TLS and a login, and one that refuses."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from riskml.config.warning import MailDelivery, WarningRules
from riskml.errors import ConfigError, InputError
from riskml.warning.daily import update
from riskml.warning.delivery.mail import Mail
from riskml.warning.outbox import Sent, send
from riskml.warning.store import Store

from ..conftest import FEBRUARY, JANUARY, TODAY, MailServer, book_of, free_port, rules_of

NOW = 1_700_000_000.0
TO = {"finance": ["ar@example.com", "cfo@example.com"], "risk": ["risk@example.com"]}
Start = Callable[..., MailServer]


@pytest.fixture
def filled(store: Store, rules: WarningRules) -> Store:
    update(store, rules, book_of(a=(12, 0.1), b=(0, 0.1)), JANUARY, TODAY)
    update(store, rules, book_of(a=(12, 0.1), b=(0, 0.4)), dt.date(2024, 1, 8), TODAY)
    return store


def mail(port: int, language: str = "en", **said: object) -> Mail:
    told = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "riskml@example.com", "to": TO, **said}
    return Mail(MailDelivery.model_validate(told), rules_of(language=language))


def sent(store: Store, port: int, **said: object) -> Sent:
    return send(store, "small", mail(port, **said), lambda: NOW)


def test_each_role_gets_one_mail_per_address_with_its_own_alerts(filled: Store, mail_server: Start) -> None:
    server = mail_server()
    assert sent(filled, server.port).parcels == 3
    by_address = {message["To"]: message for message in server.box.taken}
    assert set(by_address) == {"ar@example.com", "cfo@example.com", "risk@example.com"}
    body = by_address["ar@example.com"].get_body()
    assert body is not None
    assert "customer a" in body.get_content()
    assert "customer b" not in body.get_content()
    assert by_address["risk@example.com"]["Subject"] == "Early warning, risk: 1 alerts, 1 red"
    (attached,) = by_address["risk@example.com"].iter_attachments()
    assert attached.get_filename() == "alerts_risk.csv"
    assert "what,key,customer" in attached.get_content()


def test_a_mail_tells_in_words_what_warned_in_the_language_of_the_rules(filled: Store, mail_server: Start) -> None:
    server = mail_server()
    send(filled, "small", mail(server.port, "zh"), lambda: NOW)
    message = next(one for one in server.box.taken if one["To"] == "risk@example.com")
    assert message["Subject"] == "客户预警（风险管理）：1 条，其中红色 1 条"
    body = message.get_body()
    assert body is not None
    assert "征兆：score（红色）" in body.get_content()
    (attached,) = message.iter_attachments()
    assert "客户,级别" in attached.get_content()


def test_a_second_send_sends_nothing(filled: Store, mail_server: Start) -> None:
    server = mail_server()
    sent(filled, server.port)
    assert sent(filled, server.port).parcels == 0
    assert len(server.box.taken) == 3


def test_a_refused_recipient_is_told_and_the_others_get_their_mail_once(filled: Store, mail_server: Start) -> None:
    server = mail_server()
    server.box.refuses = {"cfo@example.com"}
    first = sent(filled, server.port)
    assert (first.parcels, first.waiting) == (2, 1)
    assert "refused the recipient finance cfo@example.com: 550" in first.troubles[0]
    server.box.refuses = set()
    assert sent(filled, server.port).waiting == 0
    assert sorted(message["To"] for message in server.box.taken) == [
        "ar@example.com",
        "cfo@example.com",
        "risk@example.com",
    ]


def test_a_server_that_refuses_the_mail_itself(filled: Store, mail_server: Start) -> None:
    server = mail_server()
    server.box.refuses_content = True
    found = sent(filled, server.port)
    assert (found.parcels, found.waiting) == (0, 3)
    assert "the mail server refused the mail: 554 5.7.1 refused by policy" in found.troubles[0]


def test_a_farewell_that_fails_does_not_send_a_mail_again(filled: Store, mail_server: Start) -> None:
    server = mail_server()
    server.box.farewell = "421 4.4.2 too busy to say goodbye"
    assert sent(filled, server.port).waiting == 0
    assert sent(filled, server.port).parcels == 0
    assert len(server.box.taken) == 3


def test_a_server_that_is_away_is_asked_once(filled: Store) -> None:
    found = sent(filled, free_port())
    assert (found.waiting, len(found.troubles)) == (3, 1)
    assert "the mail server cannot be used: ConnectionRefusedError" in found.troubles[0]


def test_a_mail_that_is_tried_again_has_the_same_message_id(filled: Store, mail_server: Start) -> None:
    server = mail_server()
    channel = mail(server.port)
    send(filled, "small", channel, lambda: NOW)
    row = filled.execute("SELECT key FROM parcels ORDER BY number LIMIT 1").fetchone()
    assert server.box.taken[0]["Message-ID"] == f"<{row[0]}@example.com>"


def test_starttls_and_a_login_with_a_password_from_the_environment(
    filled: Store, mail_server: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, context = _certificate(tmp_path)
    server = mail_server(context, ("riskml", "pass word"))
    monkeypatch.setenv("RISKML_SMTP_PASSWORD", "pass word")
    said = {"security": "starttls", "user": "riskml", "ca_file": str(certificate)}
    assert sent(filled, server.port, **said).waiting == 0
    assert "pass word" not in repr(vars(mail(server.port, **said)))


def test_a_wrong_password_is_told_without_showing_it(
    filled: Store, mail_server: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, context = _certificate(tmp_path)
    server = mail_server(context, ("riskml", "pass word"))
    monkeypatch.setenv("RISKML_SMTP_PASSWORD", "wrong one")
    found = sent(filled, server.port, security="starttls", user="riskml", ca_file=str(certificate))
    assert found.waiting == 3
    assert "refused the login of 'riskml': 535" in found.troubles[0]
    assert "wrong one" not in found.troubles[0]


def test_a_server_whose_certificate_nobody_knows_gets_nothing(
    filled: Store, mail_server: Start, tmp_path: Path
) -> None:
    _, context = _certificate(tmp_path)
    server = mail_server(context)
    found = sent(filled, server.port, security="starttls")
    assert "CERTIFICATE_VERIFY_FAILED" in found.troubles[0]
    assert not server.box.taken


def test_a_server_without_tls_gets_nothing_where_tls_is_asked_for(filled: Store, mail_server: Start) -> None:
    server = mail_server()
    assert "cannot be used" in sent(filled, server.port, security="starttls").troubles[0]
    assert not server.box.taken


def test_a_password_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RISKML_SMTP_PASSWORD", raising=False)
    with pytest.raises(InputError, match="no variable 'RISKML_SMTP_PASSWORD'"):
        mail(25, user="riskml")


def test_text_from_the_data_cannot_write_a_header_or_a_line_of_ours(
    store: Store, rules: WarningRules, mail_server: Start
) -> None:
    server = mail_server()
    name = "x\r\nBcc: all@example.com\r\n\r\nRED  customer y"
    update(store, rules, book_of(a=(12, 0.1)).assign(customer=name), JANUARY, TODAY)
    sent(store, server.port)
    message = server.box.taken[0]
    body = message.get_body()
    assert body is not None
    assert message["Bcc"] is None
    assert sum(line.startswith(("RED", "AMBER")) for line in body.get_content().splitlines()) == 1


def test_an_escalation_goes_to_whom_the_rules_say(store: Store, rules: WarningRules, mail_server: Start) -> None:
    server = mail_server()
    update(store, rules, book_of(a=(12, 0.1)), JANUARY, TODAY)
    sent(store, server.port)
    update(store, rules, book_of(a=(0, 0.1)), FEBRUARY, TODAY)
    sent(store, server.port)
    assert [message["To"] for message in server.box.taken] == ["ar@example.com", "cfo@example.com", "risk@example.com"]


def test_an_alert_of_rules_that_are_gone_is_not_lost_for_want_of_an_address(store: Store) -> None:
    update(store, rules_of(), book_of(a=(12, 0.1)), JANUARY, TODAY)
    with pytest.raises(ConfigError, match="no e-mail address configured for 'finance'"):
        sent(store, 25, to={"risk": ["risk@example.com"]})
    assert not store.execute("SELECT 1 FROM posted").fetchall()


def _certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Return a certificate for this machine that signs itself, and a server's context that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=3))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "server.pem", folder / "server.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return certificate, context
