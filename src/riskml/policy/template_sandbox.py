"""Template sandbox: the source of a template, and the check of its syntax and fields."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, TemplateSyntaxError, nodes

from riskml.errors import ConfigError, did_you_mean, preview
from riskml.i18n import Language

FILTERS = ("capitalize", "default", "escape", "lower", "title", "trim", "truncate", "upper")
TESTS = ("defined", "undefined")
_FOLDER = Path(__file__).with_name("templates")
_MOST_CHARACTERS = 20_000
_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Compare, nodes.Operand),
    *(nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Concat, nodes.Test, nodes.Filter, nodes.If, nodes.Block),
    nodes.Extends,
)
_LANGUAGE = "templates may have text, {{ field }}, {% if %}, {% block %}, {% extends %} and simple filters"


def source_of(name: str, language: Language, own: Mapping[str, str]) -> str:
    """Return the source of a template: the policy's, or else the bundled one."""
    if name in own:
        return own[name]
    if name in bundled(language):
        return (_FOLDER / language / f"{name}.j2").read_text(encoding="utf-8")
    raise ConfigError(
        f"no template {name!r} in language {language!r}",
        where="messages.templates",
        fix=did_you_mean(name, [*own, *bundled(language)]) or "add it to messages.templates",
    )


@cache
def bundled(language: Language) -> tuple[str, ...]:
    """Return the names of the bundled templates."""
    folder = _FOLDER / language
    return tuple(sorted(file.relative_to(folder).with_suffix("").as_posix() for file in folder.rglob("*.j2")))


def check_source(name: str, language: Language, own: Mapping[str, str], fields: set[str]) -> None:
    """Refuse a template, or a base of it, with forbidden syntax or unknown fields; the error names the line."""
    chain: list[str] = []
    current: str | None = name
    while current is not None:
        if current in chain:
            raise _refused(current, language, 1, f"extends itself through {preview(chain)}")
        chain.append(current)
        current = _checked(current, source_of(current, language, own), language, fields)


def _checked(name: str, text: str, language: Language, fields: set[str]) -> str | None:
    """Check one template, and return the name of the one that it extends."""
    if len(text) > _MOST_CHARACTERS:
        raise _refused(name, language, 1, f"has {len(text)} characters, more than {_MOST_CHARACTERS}")
    try:
        tree = Environment(autoescape=True).parse(text)
    except TemplateSyntaxError as error:
        raise _refused(name, language, error.lineno, f"cannot be parsed: {error.message}") from None
    except RecursionError:
        raise _refused(name, language, 1, "cannot be parsed: it is nested too deeply") from None
    extended: str | None = None
    for node in [tree, *tree.find_all(nodes.Node)]:
        if not isinstance(node, _ALLOWED):
            what = type(node).__name__.lower()
            raise _refused(name, language, node.lineno, f"uses forbidden syntax ({what})")
        if isinstance(node, nodes.Name) and node.name not in fields:
            hint = did_you_mean(node.name, fields) or f"use {preview(sorted(fields))}"
            fix = f"{hint}; messages.fields lists the portfolio's columns for templates"
            raise _refused(name, language, node.lineno, f"reads the unknown field {node.name!r}", fix)
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            raise _refused(name, language, node.lineno, f"uses the filter {node.name!r}; use {preview(FILTERS)}")
        if isinstance(node, nodes.Test) and node.name not in TESTS:
            raise _refused(name, language, node.lineno, f"uses the test {node.name!r}; use {preview(TESTS)}")
        if isinstance(node, nodes.Extends):
            if extended is not None or not isinstance(node.template, nodes.Const):
                raise _refused(name, language, node.lineno, "must extend one template by name")
            extended = str(node.template.value)
    return extended


def _refused(name: str, language: Language, line: int, what: str, fix: str = _LANGUAGE) -> ConfigError:
    return ConfigError(f"the template {what}", where=f"template {name} ({language}), line {line}", fix=fix)


def line_of(error: BaseException) -> str:
    """Return the line of a template at which an error occurred, such as "7", or "?" if unknown."""
    line, trace = "?", error.__traceback__
    while trace is not None:
        # Frames of Jinja have the template's name and lines.
        if not trace.tb_frame.f_code.co_filename.endswith(".py"):
            line = str(trace.tb_lineno)
        trace = trace.tb_next
    return line
