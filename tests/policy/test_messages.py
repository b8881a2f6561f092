"""Messages: what they say, what they escape, and what a template cannot do."""

from __future__ import annotations

import datetime as dt
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.config.policy import policy_of
from riskml.errors import ConfigError, DataError
from riskml.policy.actions import assign
from riskml.policy.messages import Writer, cell_text, messages, plain, plain_text, preview
from riskml.policy.template_sandbox import bundled

TODAY = dt.date(2026, 1, 31)
FIELDS = {
    "customer": "ann",
    "action": "instalments",
    "reason": "tight finances",
    "due": "2026-02-14",
    "company": "A & B <Ltd>",
    "sender": "Eve",
    "contact": "0800",
}


def with_template(said, text, name="email/liquidity", fields=()):
    """Return the policy with a template of its own."""
    return policy_of(said | {"messages": {"templates": {name: text}, "fields": list(fields)}})


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_template_of_the_kit_can_be_filled_in(said, language):
    writer = Writer(policy_of(said), language)
    names = [name for name in bundled(language) if not name.endswith("/base")]
    assert len(names) >= 30
    for name in names:
        channel, _, template = name.partition("/")
        found = writer.write(channel, template, FIELDS)
        assert found.template == name
        assert len(found.body) > 20
        assert bool(found.subject) == (channel == "email")
        assert "{{" not in found.body + found.subject


def test_both_languages_have_the_same_templates():
    assert bundled("en") == bundled("zh")


def test_a_reason_without_a_template_takes_the_general_one(said):
    said["reasons"]["weather"] = {"columns": ["rain"]}
    assert Writer(policy_of(said), "en").write("email", "weather", FIELDS).template == "email/other"


def test_fields_are_escaped_in_an_email_and_plain_in_a_script(said):
    writer = Writer(policy_of(said), "en")
    assert "A &amp; B &lt;Ltd&gt;" in writer.write("email", "liquidity", FIELDS).body
    assert "A & B <Ltd>" in writer.write("phone", "liquidity", FIELDS).body


def test_a_subject_is_one_line_of_plain_text_whatever_a_field_holds(said):
    policy = with_template(said, "Subject: For {{ name }}\n\n<p>{{ name }}</p>", fields=["name"])
    found = Writer(policy, "en").write("email", "liquidity", FIELDS | {"name": "Ann\r\nBcc: x@y.z\u2028<b>"})
    assert found.subject == "For Ann Bcc: x@y.z <b>"
    assert found.body == "<p>Ann Bcc: x@y.z &lt;b&gt;</p>"


@given(st.text(max_size=400))
def test_no_field_brings_a_line_a_control_character_or_an_invisible_mark(text):
    found = plain(text)
    assert found == " ".join(found.split(" "))
    assert not any(ord(one) < 32 or one in "\x7f\x85\u2028\u2029\u202e\u2066\u200b" for one in found)
    assert len(found) <= 300


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)


@given(st.text(max_size=60))
def test_no_field_adds_a_tag_to_an_email(small_policy, text):
    policy = policy_of(small_policy | {"messages": {"company": text.strip() or "x"}})
    parser = _Tags()
    parser.feed(Writer(policy, "en").write("email", "liquidity", FIELDS | {"company": text}).body)
    assert set(parser.tags) <= {"p", "br"}


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ customer.__class__ }}",
        "{{ customer['__class__'] }}",
        "{{ customer|attr('__class__') }}",
        "{{ self.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ lipsum.__globals__ }}",
        "{{ request }}",
        "{{ range(10) }}",
        "{% for x in customer %}{{ x }}{% endfor %}",
        "{% set x = customer %}{{ x }}",
        "{% import 'os' as os %}",
        "{% include 'email/other' %}",
        "{% include '/etc/passwd' %}",
        "{% extends '../../secret' %}",
        "{% extends customer %}",
        "{% extends 'email/liquidity' %}",
        "{% autoescape false %}{{ customer }}{% endautoescape %}",
        "{% filter upper %}x{% endfilter %}",
        "{% macro m() %}{% endmacro %}",
        "{{ customer|safe }}",
        "{{ customer|map('upper') }}",
        "{{ 'a' * 1000000000 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ customer is callable }}",
        "{{ customer.format(x=1) }}",
        "{{ 2 ** 99999999 }}",
        "{{ customer",
        "{% if customer %}",
        "x" * 20_001,
    ],
)
def test_a_template_that_tries_more_than_it_may_is_refused_by_name_and_line(said, text):
    policy = with_template(said, f"Subject: x\n\n{text}")
    with pytest.raises(ConfigError, match=r"(email/liquidity|secret|/etc/passwd)"):
        Writer(policy, "en").write("email", "liquidity", FIELDS)


def test_a_template_that_asks_for_a_missing_field_is_told_with_its_line(said):
    policy = with_template(said, "Subject: x\n\nDear\n{{ nmae }}", fields=["name"])
    with pytest.raises(ConfigError, match=r"(?s)'nmae'.*email/liquidity \(en\), line 4.*did you mean 'name'"):
        Writer(policy, "en").write("email", "liquidity", FIELDS)


def test_a_field_that_one_customer_lacks_is_told_with_customer_and_line(said):
    policy = with_template(said, "Subject: x\n\nDear {{ name }}", fields=["name"])
    with pytest.raises(ConfigError, match=r"(?s)customer 'ann'.*'name' is undefined.*line 3"):
        Writer(policy, "en").write("email", "liquidity", FIELDS)


def test_a_template_may_ask_whether_a_field_is_there(said):
    policy = with_template(said, "Subject: x\n\nDear {{ name if name is defined else 'customer' }}", fields=["name"])
    assert Writer(policy, "en").write("email", "liquidity", FIELDS).body == "Dear customer"


def test_an_email_without_a_subject_is_refused(said):
    with pytest.raises(ConfigError, match="must start with its subject"):
        Writer(with_template(said, "Hello"), "en").write("email", "liquidity", FIELDS)


def test_a_template_of_the_policy_can_build_on_one_of_the_kit(said):
    text = '{% extends "email/base" %}\n{% block subject %}Ours{% endblock %}\n{% block text %}Own words.{% endblock %}'
    found = Writer(with_template(said, text), "en").write("email", "liquidity", FIELDS)
    assert found.subject == "Ours"
    assert "Own words." in found.body


def test_an_unknown_template_of_a_treatment_is_told(said):
    said["treatments"]["plan"]["template"] = "liquidty"
    with pytest.raises(ConfigError, match="did you mean 'phone/liquidity'"):
        Writer(policy_of(said), "en").check()


def test_each_action_with_a_channel_has_its_message(said, book):
    said["messages"] = {"fields": ["debt"], "templates": {"phone/liquidity": "You owe {{ debt }}, {{ customer }}."}}
    policy = policy_of(said)
    found = messages(policy, assign(policy, book, TODAY), book)
    assert found[["customer", "channel"]].to_numpy().tolist() == [["ann", "phone"], ["bob", "email"]]
    assert found["body"][0] == "You owe 1,000, ann."
    assert "2026-02-02" in found["body"][1]


def test_dates_are_written_as_the_language_has_them(said, book):
    policy = policy_of(said)
    assert "2026年2月2日" in messages(policy, assign(policy, book, TODAY), book, language="zh")["body"][1]


def test_a_column_that_the_book_lacks_is_told(said, book):
    said["messages"] = {"fields": ["nickname"]}
    policy = policy_of(said)
    with pytest.raises(DataError, match="nickname"):
        messages(policy, assign(policy, book, TODAY), book)


def test_the_preview_runs_nothing_and_escapes_all(said, book):
    policy = policy_of(said | {"messages": {"company": "<script>alert(1)</script>"}})
    renamed = book.rename(index={"bob": "<img src=x onerror=alert(1)>"})
    page = preview(policy, assign(policy, renamed, TODAY), renamed)._repr_html_()
    assert "<script" not in page
    assert "<img" not in page
    assert "<iframe sandbox " in page


def test_a_preview_of_nothing_says_so(said, book):
    policy = policy_of(said)
    assert "No message" in preview(policy, assign(policy, book.iloc[:0], TODAY), book)._repr_html_()


def test_a_field_is_one_line_without_invisible_signs():
    assert plain("Ann\r\nBcc: all@example.org \u202e") == "Ann Bcc: all@example.org"


def test_the_text_of_an_email_has_a_line_for_each_paragraph():
    assert plain_text("<p>Dear customer,</p>\n<p>5 &lt; 6<br>Ann</p>") == "Dear customer,\n5 < 6\nAnn"


def test_numbers_have_separators_and_cents():
    assert [cell_text(value) for value in (1234.5, 3.0, "Ann")] == ["1,234.50", "3", "Ann"]
