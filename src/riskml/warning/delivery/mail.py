"""E-mail: new alerts in one message per role and recipient, with the list as a CSV file.

SMTP cannot recognise a repeated message; its ``Message-ID``, made from the parcel, is the same each time.
"""

from __future__ import annotations

import datetime as dt
import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from email.message import EmailMessage
from email.utils import format_datetime

from pydantic import SecretStr

from riskml.config.warning import MailDelivery, WarningRules
from riskml.errors import ConfigError, InputError
from riskml.i18n import in_language, label, text
from riskml.io import environment_variable
from riskml.warning.delivery.channel import DeliveryError, Notice, Parcel
from riskml.warning.delivery.table import alerts_table, csv_text, localised, signs_text

_ANNOUNCED = ("opened", "raised", "escalated")  # whoever acknowledges or closes an alert knows it
_MOST_ALERTS = 50


class Mail:
    """A `Channel` by SMTP."""

    name = "mail"

    def __init__(self, delivery: MailDelivery, rules: WarningRules) -> None:
        self._delivery, self._rules = delivery, rules
        self._password: SecretStr | None = None
        if delivery.user is not None:
            self._password = SecretStr(environment_variable(delivery.password_env, "delivery.mail.password_env"))
        try:
            self._trusted = ssl.create_default_context(cafile=delivery.ca_file) if delivery.security != "none" else None
        except (OSError, ssl.SSLError) as error:
            raise InputError(
                f"the certificates cannot be read: {error}", where=f"delivery.mail.ca_file: {delivery.ca_file}"
            ) from None

    def parcels(self, notices: Sequence[Notice]) -> list[Parcel]:
        """Return one parcel with the new events for each role and address."""
        by_role: dict[str, list[Notice]] = {}
        for notice in notices:
            if notice.what in _ANNOUNCED:
                role = notice.note if notice.what == "escalated" else str(notice.alert["role"])
                by_role.setdefault(role, []).append(notice)
        lacking = [role for role in by_role if not self._delivery.to.get(role)]
        if lacking:
            raise ConfigError(
                f"no e-mail address configured for {', '.join(map(repr, lacking))}, which has alerts",
                where="delivery.mail.to",
                fix="add an address for each role",
            )
        return [
            Parcel.of(self.name, f"{role} {address}", some)
            for role, some in by_role.items()
            for address in self._delivery.to[role]
        ]

    def deliver(self, parcel: Parcel, at: float) -> None:
        """Send one message to one address."""
        message = self.message(parcel, at)
        try:
            server = self._connected()
            try:
                server.send_message(message)
            finally:
                # The message is accepted or refused by now: a failing QUIT must not send it again.
                with suppress(smtplib.SMTPException, OSError):
                    server.quit()
                server.close()
        except smtplib.SMTPRecipientsRefused as error:
            code, answer = next(iter(error.recipients.values()))
            what = f"the mail server refused the recipient {parcel.recipient}: {code} {_text(answer)}"
            raise self._error(what, "check the address below delivery.mail.to", all_of_them=False) from None
        except smtplib.SMTPAuthenticationError as error:
            what = f"the mail server refused the login of {self._delivery.user!r}: {error.smtp_code}"
            raise self._error(what, f"check the user and {self._delivery.password_env}") from None
        except smtplib.SMTPResponseException as error:
            what = f"the mail server refused the mail: {error.smtp_code} {_text(error.smtp_error)}"
            always = isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPConnectError)
            raise self._error(what, "check the sender", all_of_them=always) from None
        except (smtplib.SMTPException, OSError) as error:
            what = f"the mail server cannot be used: {type(error).__name__}: {error}"
            raise self._error(what, "check delivery.mail: host, port, security") from None

    def _error(self, what: str, fix: str, *, all_of_them: bool = True) -> DeliveryError:
        where, kept = f"{self._delivery.host}:{self._delivery.port}", "the next `riskml alerts send` sends it again"
        return DeliveryError(what, where=where, fix=f"{fix}; {kept}", all_of_them=all_of_them)

    def message(self, parcel: Parcel, at: float) -> EmailMessage:
        """Return a parcel as a message."""
        role, _, address = parcel.recipient.partition(" ")
        rows = alerts_table([notice.alert for notice in parcel.notices])
        rows.insert(0, "what", [notice.what for notice in parcel.notices])
        red = sum(notice.alert["level"] == "red" for notice in parcel.notices)
        language = self._rules.language
        message = EmailMessage()
        message["Subject"] = text(
            "alert_mail.subject", language, reader=label("role", role, language), count=len(rows), red=red
        )
        message["From"], message["To"] = self._delivery.sender, address
        message["Date"] = format_datetime(dt.datetime.fromtimestamp(at, dt.UTC))
        message["Message-ID"] = f"<{parcel.key}@{self._delivery.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self._body(parcel.notices), cte="quoted-printable")
        listed = csv_text(localised(rows, self._rules, language)).encode("utf-8-sig")
        message.add_attachment(listed, "text", "csv", filename=f"alerts_{role}.csv", params={"charset": "utf-8"})
        return message

    def _body(self, notices: Sequence[Notice]) -> str:
        rules, language, blocks = self._rules, self._rules.language, []
        for notice in notices[:_MOST_ALERTS]:
            alert = notice.alert
            indicator = rules.indicators.get(alert["cause"])
            fields = {
                "level": label("alert", alert["level"], language).upper(),
                "customer": alert["customer"],
                "what": label("alert", notice.what, language),
                "on": notice.on,
                "due": alert["due"],
                "signs": signs_text(rules, alert["signs"], language),
                "plan": in_language(indicator.plan, language) if indicator else alert["plan"],
                "key": alert["key"],
            }
            blocks.append(text("alert_mail.alert", language, **{name: _line(value) for name, value in fields.items()}))
        if len(notices) > _MOST_ALERTS:
            blocks.append(text("alert_mail.more", language, count=len(notices) - _MOST_ALERTS))
        return "\n".join(blocks)

    def _connected(self) -> smtplib.SMTP:
        delivery = self._delivery
        if delivery.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                delivery.host, delivery.port, timeout=delivery.timeout_seconds, context=self._trusted
            )
        else:
            server = smtplib.SMTP(delivery.host, delivery.port, timeout=delivery.timeout_seconds)
        try:
            if delivery.security == "starttls":
                server.starttls(context=self._trusted)
            if delivery.user is not None and self._password is not None:
                server.login(delivery.user, self._password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server


def _line(value: object) -> str:
    """Return text on one line, so that data cannot add lines to the message."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(value)).split())


def _text(answer: bytes | str) -> str:
    return _line(answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer)[:200]
