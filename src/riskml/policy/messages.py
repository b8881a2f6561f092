"""What customers are written, and what is said to them: templates in a sandbox, every field of them escaped.

A template is Jinja, and very little of it: text, fields, conditions, blocks and a base to extend. It cannot call, loop,
reach into a value or switch the escaping off; whoever tries is told so, with the template's name and line, before
anything is written. In an e-mail every field is escaped as HTML; everywhere control characters and line ends are taken
out of the fields, so that no customer's name can add a header, a line or a second message.
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
_TAG = re.compile(r"<[^>]*>")  # a field has none: it is escaped


@dataclass(frozen=True)
class Message:
    """A message to one customer, or the script of a call or a visit.

    Parameters
    ----------
    subject : str
        Of an e-mail, one line of plain text; "" elsewhere.
    body : str
        HTML of an e-mail, plain text elsewhere.
    """

    channel: str
    template: str
    subject: str
    body: str


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
                "the template of an e-mail starts with its subject", where=self._place(name), fix="Subject: …"
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
            f"there is no template {name!r} in language {self.language!r}",
            where="treatments",
            fix=did_you_mean(name, known) or "add it to messages.templates",
        )

    def check(self) -> None:
        """Raise a ConfigError when a message that the policy can need could not be written."""
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
                f"the template cannot be filled in for customer {fields.get('customer', '')!r}: {reason}",
                where=f"{self._place(name)}, line {line_of(error)}",
                fix="leave the field out, or ask `{% if field is defined %}` first",
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

    def _place(self, name: str) -> str:
        return f"template {name} ({self.language})"


def messages(
    policy: Policy, actions: pd.DataFrame, book: pd.DataFrame, *, language: Language | None = None
) -> pd.DataFrame:
    """Return the messages and scripts that a list of actions needs."""
    writer = Writer(policy, language or policy.messages.language)
    writer.check()
    rows = actions[actions["channel"] != ""]
    written = [
        writer.write(channel, template, fields)
        for channel, template, fields in zip(
            rows["channel"], rows["template"], _fields(policy, rows, book, writer.language), strict=True
        )
    ]
    frame = rows[["customer", "action", "owner", "due", "channel"]].reset_index(drop=True)
    for name in ("template", "subject", "body"):
        frame[name] = pd.Series([getattr(one, name) for one in written], dtype=object)
    return frame


def preview(
    policy: Policy, actions: pd.DataFrame, book: pd.DataFrame, n: int = 1, *, language: Language | None = None
) -> Preview:
    """Return the first messages of each channel and template, for the eyes of those who answer for them."""
    rows = actions[actions["channel"] != ""].groupby(["channel", "template"], sort=False).head(n)
    return Preview(messages(policy, rows, book, language=language))


@dataclass(frozen=True)
class Preview:
    """Messages that show themselves in a notebook: e-mails in a frame of their own, in which nothing runs.

    Parameters
    ----------
    frame : DataFrame
        As `messages` returns it.
    """

    frame: pd.DataFrame

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
    r"""Return text in one line, without control characters and invisible marks, and not longer than it may be.

    >>> plain("Ann\r\nBcc: all@example.org \u202e")
    'Ann Bcc: all@example.org'
    """
    printable = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in str(value))
    text = " ".join(printable.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def plain_text(page: str) -> str:
    r"""Return the text of an e-mail's HTML, a line for each paragraph and break.

    >>> plain_text("<p>Dear customer,</p>\n<p>5 &lt; 6<br>Ann</p>")
    'Dear customer,\n5 < 6\nAnn'
    """
    lines = (" ".join(unescape(_TAG.sub("", line)).split()) for line in _BREAK.split(page))
    return "\n".join(filter(None, lines))


def _fields(policy: Policy, rows: pd.DataFrame, book: pd.DataFrame, language: Language) -> Iterator[dict[str, str]]:
    messages = policy.messages
    absent = [name for name in messages.fields if name not in book]
    if absent:
        raise DataError(
            f"messages show the column {absent[0]!r}, which the book does not have",
            where="messages.fields",
            fix=did_you_mean(absent[0], book.columns) or "add the column to the book",
        )
    own = {name: in_language(getattr(messages, name), language) for name in ("company", "sender", "contact")}
    reasons = {name: policy.reason_title(name, language) for name in policy.reasons}
    columns = {name: book[name].reindex(rows["customer"]).tolist() for name in messages.fields}
    for place, row in enumerate(rows[["customer", "title", "reason", "due"]].itertuples(index=False)):
        fields = own | {
            "customer": str(row.customer),
            "action": str(row.title),
            "reason": reasons.get(str(row.reason), ""),
            "due": _day(row.due, language),
        }
        # What is missing stays undefined, so that a template cannot show an empty place for it.
        yield fields | {
            name: cell_text(values[place]) for name, values in columns.items() if not pd.isna(values[place])
        }


def cell_text(value: Any) -> str:
    """Return a value of the book as a message shows it.

    >>> cell_text(1234.5), cell_text(3.0), cell_text("Ann")
    ('1,234.50', '3', 'Ann')
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def _day(value: Any, language: Language) -> str:
    day: dt.date = pd.Timestamp(value).date()
    return f"{day.year}年{day.month}月{day.day}日" if language == "zh" else f"{day:%Y-%m-%d}"


def _needed(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield channel and template of every message that the policy can need."""
    for one in policy.treatments.values():
        if one.channel:
            yield from ((one.channel, name) for name in ([one.template] if one.template else [*policy.reasons, OTHER]))
