"""Messages to customers, from sandboxed Jinja templates whose fields are escaped.

Templates have text, fields, conditions, blocks and a base; they cannot call, loop, read attributes or disable escaping.
In e-mails fields are escaped as HTML; everywhere control characters and line ends are removed from fields, so that data
cannot add a header, a line or a second message.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape, unescape
from typing import Any

import pandas as pd
from jinja2 import FunctionLoader, StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from riskml.config.policy import OTHER, OWN_FIELDS, Policy
from riskml.errors import ConfigError, DataError, did_you_mean
from riskml.i18n import Language, in_language
from riskml.policy.template_sandbox import FILTERS, TESTS, bundled, check_source, line_of, source_of

_LONGEST = 300  # characters of a field
_SUBJECT = "Subject:"
_BREAK = re.compile(r"</?(?:p|br|div|li|tr|h[1-6])\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")  # fields are escaped


@dataclass(frozen=True)
class Message:
    """A message to one customer, or the script of a call or a visit."""

    channel: str
    template: str
    subject: str  # of an e-mail, one line of plain text; "" elsewhere
    body: str  # HTML of an e-mail, plain text elsewhere


@dataclass(frozen=True)
class Writer:
    """The messages of a policy in one language."""

    policy: Policy
    language: Language

    def write(self, channel: str, template: str, fields: Mapping[str, str]) -> Message:
        """Return one message."""
        name = self.name_of(channel, template)
        clean = {key: plain(value) for key, value in fields.items()}
        if channel != "email":
            return Message(channel, name, "", self._rendered(name, clean, html=False).strip())
        head = self._rendered(name, clean, html=False).lstrip().split("\n", 1)[0]
        if not head.startswith(_SUBJECT):
            raise ConfigError(
                "the template of an e-mail must start with its subject", where=self._where(name), fix="Subject: …"
            )
        body = self._rendered(name, clean, html=True).lstrip().partition("\n")[2]
        return Message(channel, name, plain(head.removeprefix(_SUBJECT)), body.strip())

    def name_of(self, channel: str, template: str) -> str:
        """Return the full name of a template: ``email/liquidity``."""
        name = f"{channel}/{template}"
        known = [*self.policy.messages.templates, *bundled(self.language)]
        if name in known:
            return name
        if template in {*self.policy.reasons, OTHER}:
            return f"{channel}/{OTHER}"
        raise ConfigError(
            f"no template {name!r} in language {self.language!r}",
            where="treatments",
            fix=did_you_mean(name, known) or "add it to messages.templates",
        )

    def check(self) -> None:
        """Refuse a policy with a message that cannot be written."""
        fields = {*OWN_FIELDS, *self.policy.messages.fields}
        for name in sorted({self.name_of(channel, template) for channel, template in _needed(self.policy)}):
            check_source(name, self.language, self.policy.messages.templates, fields)

    def _rendered(self, name: str, fields: Mapping[str, str], *, html: bool) -> str:
        template = self._template(name, html)
        try:
            return template.render(fields)
        except (TemplateError, TypeError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise ConfigError(
                f"the template cannot be rendered for customer {fields.get('customer', '')!r}: {reason}",
                where=f"{self._where(name)}, line {line_of(error)}",
                fix="remove the field, or put it within `{% if field is defined %}`",
            ) from None

    def _template(self, name: str, html: bool) -> Template:
        known = self._compiled
        if (name, html) not in known:
            fields = {*OWN_FIELDS, *self.policy.messages.fields}
            check_source(name, self.language, self.policy.messages.templates, fields)
            known[name, html] = self._environments[html].get_template(name)
        return known[name, html]

    @cached_property
    def _compiled(self) -> dict[tuple[str, bool], Template]:
        return {}

    @cached_property
    def _environments(self) -> dict[bool, ImmutableSandboxedEnvironment]:
        return {html: self._environment(html) for html in (False, True)}

    def _environment(self, html: bool) -> ImmutableSandboxedEnvironment:
        def load(name: str) -> tuple[str, str, None]:
            return source_of(name, self.language, self.policy.messages.templates), name, None

        sandbox = ImmutableSandboxedEnvironment(
            loader=FunctionLoader(load), undefined=StrictUndefined, autoescape=html, cache_size=-1
        )
        sandbox.globals.clear()
        sandbox.filters = {name: sandbox.filters[name] for name in FILTERS}
        sandbox.tests = {name: sandbox.tests[name] for name in TESTS}
        return sandbox

    def _where(self, name: str) -> str:
        return f"template {name} ({self.language})"


def messages(
    policy: Policy, actions: pd.DataFrame, portfolio: pd.DataFrame, *, language: Language | None = None
) -> pd.DataFrame:
    """Return the messages and scripts of actions."""
    writer = Writer(policy, language or policy.messages.language)
    writer.check()
    rows = actions[actions["channel"] != ""]
    written = [
        writer.write(channel, template, fields)
        for channel, template, fields in zip(
            rows["channel"], rows["template"], _fields(policy, rows, portfolio, writer.language), strict=True
        )
    ]
    frame = rows[["customer", "action", "owner", "due", "channel"]].reset_index(drop=True)
    for name in ("template", "subject", "body"):
        frame[name] = pd.Series([getattr(one, name) for one in written], dtype=object)
    return frame


def preview(
    policy: Policy, actions: pd.DataFrame, portfolio: pd.DataFrame, n: int = 1, *, language: Language | None = None
) -> Preview:
    """Return the first messages of each channel and template, for review."""
    rows = actions[actions["channel"] != ""].groupby(["channel", "template"], sort=False).head(n)
    return Preview(messages(policy, rows, portfolio, language=language))


@dataclass(frozen=True)
class Preview:
    """Messages that a notebook displays, e-mails in a sandboxed iframe without scripts."""

    frame: pd.DataFrame  # as of `messages`

    def _repr_html_(self) -> str:
        parts = []
        for row in self.frame.to_dict(orient="records"):
            head = escape(f"{row['channel']} · {row['action']} · {row['customer']} · {row['template']}")
            if row["channel"] == "email":
                page = escape(row["body"])
                body = (
                    f"<div>{escape(row['subject'])}</div>"
                    f'<iframe sandbox title="e-mail" style="width:100%;height:14em;border:0;background:#fff" '
                    f'srcdoc="{page}"></iframe>'
                )
            else:
                body = f'<pre style="white-space:pre-wrap">{escape(row["body"])}</pre>'
            parts.append(
                f'<figure style="margin:0 0 1em;border:1px solid #8886;border-radius:4px;padding:.5em 1em">'
                f'<figcaption style="opacity:.7">{head}</figcaption>{body}</figure>'
            )
        return "".join(parts) or "<p>No message.</p>"


def plain(value: str) -> str:
    """Return text on one line, shortened, without control and invisible characters."""
    printable = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in str(value))
    text = " ".join(printable.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def plain_text(page: str) -> str:
    """Return the text of an e-mail's HTML, one line per paragraph."""
    lines = (" ".join(unescape(_TAG.sub("", line)).split()) for line in _BREAK.split(page))
    return "\n".join(filter(None, lines))


def _fields(
    policy: Policy, rows: pd.DataFrame, portfolio: pd.DataFrame, language: Language
) -> Iterator[dict[str, str]]:
    messages = policy.messages
    absent = [name for name in messages.fields if name not in portfolio]
    if absent:
        raise DataError(
            f"messages show the column {absent[0]!r}, which the portfolio does not have",
            where="messages.fields",
            fix=did_you_mean(absent[0], portfolio.columns) or "add the column",
        )
    own = {name: in_language(getattr(messages, name), language) for name in ("company", "sender", "contact")}
    reasons = {name: policy.reason_title(name, language) for name in policy.reasons}
    columns = {name: portfolio[name].reindex(rows["customer"]).tolist() for name in messages.fields}
    for number, row in enumerate(rows[["customer", "title", "reason", "due"]].itertuples(index=False)):
        fields = own | {
            "customer": str(row.customer),
            "action": str(row.title),
            "reason": reasons.get(str(row.reason), ""),
            "due": _day(row.due, language),
        }
        # Missing values stay undefined, so that a template cannot show an empty field.
        yield fields | {
            name: cell_text(values[number]) for name, values in columns.items() if not pd.isna(values[number])
        }


def cell_text(value: Any) -> str:
    """Return a value as text of a message."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def _day(value: Any, language: Language) -> str:
    day: dt.date = pd.Timestamp(value).date()
    return f"{day.year}年{day.month}月{day.day}日" if language == "zh" else f"{day:%Y-%m-%d}"


def _needed(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield channel and template of every message of the policy."""
    for one in policy.treatments.values():
        if one.channel:
            yield from ((one.channel, name) for name in ([one.template] if one.template else [*policy.reasons, OTHER]))
