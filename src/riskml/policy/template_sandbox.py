"""What a template may say, checked before it is used, and where its text comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import TracebackType

from jinja2 import Environment, TemplateSyntaxError, nodes

from riskml.errors import ConfigError, did_you_mean, preview
from riskml.i18n import Language

FILTERS = ("capitalize", "default", "escape", "lower", "title", "trim", "truncate", "upper")
TESTS = ("defined", "undefined")
_FOLDER = Path(__file__).with_name("templates")
_MOST_CHARACTERS = 20_000
_MAY = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
    nodes.Concat,
    nodes.Test,
    nodes.Filter,
    nodes.If,
    nodes.Block,
    nodes.Extends,
)
_LANGUAGE = "a template may hold text, {{ field }}, {% if %}, {% block %}, {% extends %} and simple filters"


def source_of(name: str, language: Language, own: Mapping[str, str]) -> str:
    """Return the text of a template: the policy's own, or else the kit's."""
    if name in own:
        return own[name]
    if name in bundled(language):
        return (_FOLDER / language / f"{name}.j2").read_text(encoding="utf-8")
    raise ConfigError(
        f"there is no template {name!r} in language {language!r}",
        where="messages.templates",
        fix=did_you_mean(name, [*own, *bundled(language)]) or "add it to messages.templates",
    )


@cache
def bundled(language: Language) -> tuple[str, ...]:
    """Return the names of the kit's own templates."""
    folder = _FOLDER / language
    return tuple(sorted(file.relative_to(folder).with_suffix("").as_posix() for file in folder.rglob("*.j2")))


def check_source(name: str, language: Language, own: Mapping[str, str], fields: set[str]) -> None:
    """Raise a ConfigError, with the line, when a template or its base does what it must not, or asks for no field."""
    seen: list[str] = []
    following: str | None = name
    while following is not None:
        if following in seen:
            raise _refused(following, language, 1, f"extends itself, by way of {preview(seen)}")
        seen.append(following)
        following = _checked(following, source_of(following, language, own), language, fields)


def _checked(name: str, text: str, language: Language, fields: set[str]) -> str | None:
    """Check one template, and return the name of the one that it extends."""
    if len(text) > _MOST_CHARACTERS:
        raise _refused(name, language, 1, f"has {len(text)} characters, at most {_MOST_CHARACTERS} are allowed")
    try:
        tree = Environment(autoescape=True).parse(text)
    except TemplateSyntaxError as error:
        raise _refused(name, language, error.lineno, f"cannot be read: {error.message}") from None
    except RecursionError:
        raise _refused(name, language, 1, "cannot be read: it is nested too deeply") from None
    extended: str | None = None
    for node in _all(tree):
        if not isinstance(node, _MAY):
            what = type(node).__name__.lower()
            raise _refused(name, language, node.lineno, f"tries to leave what a template may do ({what})")
        if isinstance(node, nodes.Name) and node.name not in fields:
            hint = did_you_mean(node.name, fields) or f"there are {preview(sorted(fields))}"
            raise _refused(
                name,
                language,
                node.lineno,
                f"asks for the field {node.name!r}, which messages do not have",
                f"{hint}; messages.fields names the columns of the book that templates may show",
            )
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            raise _refused(name, language, node.lineno, f"uses the filter {node.name!r}; there are {preview(FILTERS)}")
        if isinstance(node, nodes.Test) and node.name not in TESTS:
            raise _refused(name, language, node.lineno, f"uses the test {node.name!r}; there are {preview(TESTS)}")
        if isinstance(node, nodes.Extends):
            if extended is not None or not isinstance(node.template, nodes.Const):
                raise _refused(name, language, node.lineno, "extends something else than one template by its name")
            extended = str(node.template.value)
    return extended


def _all(tree: nodes.Node) -> Iterator[nodes.Node]:
    yield tree
    for child in tree.iter_child_nodes():
        yield from _all(child)


def _refused(name: str, language: Language, line: int, what: str, fix: str = _LANGUAGE) -> ConfigError:
    return ConfigError(f"the template {what}", where=f"template {name} ({language}), line {line}", fix=fix)


def line_of(error: BaseException) -> str:
    """Return the line of a template in which an error came up, as "7", or "?" where it is not known."""
    line, trace = "?", error.__traceback__
    while trace is not None:
        line, trace = _line(trace) or line, trace.tb_next
    return line


def _line(trace: TracebackType) -> str | None:
    # Jinja gives its frames the template's own name and lines.
    return None if trace.tb_frame.f_code.co_filename.endswith(".py") else str(trace.tb_lineno)
