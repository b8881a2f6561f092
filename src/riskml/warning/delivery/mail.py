"""Alerts by mail: what is new, in one message per role and recipient, with the list as a CSV file.

SMTP has no way to tell a message that comes again. Each has a ``Message-ID`` that follows from its parcel: where the
process dies between the handing over and the note of it, a second message may come, and it has the same one.
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
from riskml.warning.delivery.channel import DeliveryError, Notice, Parcel, secret
from riskml.warning.delivery.table import alerts_table, csv_text
from riskml.warning.format import in_words, signs_words

_TOLD = ("opened", "raised", "escalated")  # who acknowledges or closes an alert knows of it
_SHOWN = 50


class Mail:
    """A `Channel` by SMTP."""

    name = "mail"

    def __init__(self, said: MailDelivery, rules: WarningRules) -> None:
        self._said, self._rules = said, rules
        self._password: SecretStr | None = None
        if said.user is not None:
            self._password = secret(said.password_env, "delivery.mail.password_env")
        try:
            self._trusted = ssl.create_default_context(cafile=said.ca_file) if said.security != "none" else None
        except (OSError, ssl.SSLError) as error:
            raise InputError(
                f"the certificates cannot be read: {error}", where=f"delivery.mail.ca_file: {said.ca_file}"
            ) from None

    def parcels(self, notices: Sequence[Notice]) -> list[Parcel]:
        """Return one parcel for each role and address: what is new for it."""
        by_reader: dict[str, list[Notice]] = {}
        for notice in notices:
            if notice.what in _TOLD:
                reader = notice.note if notice.what == "escalated" else str(notice.alert["role"])
                by_reader.setdefault(reader, []).append(notice)
        strange = [reader for reader in by_reader if not self._said.to.get(reader)]
        if strange:
            raise ConfigError(
                f"there are alerts for {', '.join(strange)}, whom no address is given of",
                where="delivery.mail.to",
                fix="add one: what is not told to anybody would be lost",
            )
        return [
            Parcel.of(self.name, f"{reader} {address}", some)
            for reader, some in by_reader.items()
            for address in self._said.to[reader]
        ]

    def deliver(self, parcel: Parcel, at: float) -> None:
        """Send one message to one address."""
        message = self.message(parcel, at)
        where = f"{self._said.host}:{self._said.port}"
        kept = "the mail is kept, and sent with the next `riskml alerts send`"
        try:
            server = self._connected()
            try:
                server.send_message(message)
            finally:
                # The mail is taken, or refused, by now: a farewell that fails must not send it again.
                with suppress(smtplib.SMTPException, OSError):
                    server.quit()
                server.close()
        except smtplib.SMTPRecipientsRefused as error:
            code, answer = next(iter(error.recipients.values()))
            raise DeliveryError(
                f"the mail server refused the recipient {parcel.recipient}: {code} {_text(answer)}",
                where=where,
                fix=f"check the address beneath delivery.mail.to; {kept}",
            ) from None
        except smtplib.SMTPAuthenticationError as error:
            raise DeliveryError(
                f"the mail server refused the login of {self._said.user!r}: {error.smtp_code}",
                where=where,
                fix=f"check the user and {self._said.password_env}; {kept}",
                all_of_them=True,
            ) from None
        except smtplib.SMTPResponseException as error:
            raise DeliveryError(
                f"the mail server refused the mail: {error.smtp_code} {_text(error.smtp_error)}",
                where=where,
                fix=kept,
                all_of_them=isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPConnectError),
            ) from None
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(
                f"the mail server cannot be used: {type(error).__name__}: {error}",
                where=where,
                fix=f"check delivery.mail: host, port, security; {kept}",
                all_of_them=True,
            ) from None

    def message(self, parcel: Parcel, at: float) -> EmailMessage:
        """Return a parcel as a message."""
        reader, _, address = parcel.recipient.partition(" ")
        rows = alerts_table([notice.alert for notice in parcel.notices])
        rows.insert(0, "what", [notice.what for notice in parcel.notices])
        red = sum(notice.alert["level"] == "red" for notice in parcel.notices)
        language = self._rules.language
        message = EmailMessage()
        message["Subject"] = text(
            "alert_mail.subject", language, reader=label("role", reader, language), count=len(rows), red=red
        )
        message["From"], message["To"] = self._said.sender, address
        message["Date"] = format_datetime(dt.datetime.fromtimestamp(at, dt.UTC))
        message["Message-ID"] = f"<{parcel.key}@{self._said.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self._body(parcel.notices), cte="quoted-printable")
        listed = csv_text(in_words(rows, self._rules, language)).encode("utf-8-sig")
        message.add_attachment(listed, "text", "csv", filename=f"alerts_{reader}.csv", params={"charset": "utf-8"})
        return message

    def _body(self, notices: Sequence[Notice]) -> str:
        rules, language, told = self._rules, self._rules.language, []
        for notice in notices[:_SHOWN]:
            alert = notice.alert
            one = rules.indicators.get(alert["cause"])
            said = {
                "level": label("alert", alert["level"], language).upper(),
                "customer": alert["customer"],
                "what": label("alert", notice.what, language),
                "on": notice.on,
                "due": alert["due"],
                "signs": signs_words(rules, alert["signs"], language),
                "plan": in_language(one.plan, language) if one else alert["plan"],
                "key": alert["key"],
            }
            told.append(text("alert_mail.alert", language, **{name: _line(value) for name, value in said.items()}))
        if len(notices) > _SHOWN:
            told.append(text("alert_mail.more", language, count=len(notices) - _SHOWN))
        return "\n".join(told)

    def _connected(self) -> smtplib.SMTP:
        said = self._said
        if said.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                said.host, said.port, timeout=said.timeout_seconds, context=self._trusted
            )
        else:
            server = smtplib.SMTP(said.host, said.port, timeout=said.timeout_seconds)
        try:
            if said.security == "starttls":
                server.starttls(context=self._trusted)
            if said.user is not None and self._password is not None:
                server.login(said.user, self._password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server


def _line(value: object) -> str:
    """Return text on one line: what stands in data cannot pass for a line of ours."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(value)).split())


def _text(answer: bytes | str) -> str:
    return _line(answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer)[:200]
