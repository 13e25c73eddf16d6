"""How templates are compiled: as Jinja2 means them, with all that is constant evaluated once."""

import gc
import traceback
import weakref
from pathlib import Path

import jinja2
import pytest
from markupsafe import Markup

from sidepro.domain.language import Language
from sidepro.web.display.environment import Environment
from sidepro.web.display.renderer import Renderer

MACROS = """
{%- macro one(a, b="2", more={}) %}[{{ a }}|{{ b }}|{{ more["x"] }}]{% endmacro %}
{%- macro around(title, caller=none) %}<b>{{ title }}</b>{{ caller() if caller }}{% endmacro %}
{%- macro each(items) %}{% for item in items %}{{ caller() }}{% endfor %}{% endmacro %}
"""

TEMPLATES = {"macros.html": MACROS, "base.html": "<{% block a %}{{ site }}{% endblock %}>"}

CONSTANTS = {
    "site": "A & B",
    "plain": Markup("<i>&amp;</i>"),
    "words": {"en": "English", "ko": "<한국어>"},
    "shout": str.upper,
    "tongue": Language.KOREAN,
}

VALUES = {
    "text": "<a href='x'>\"&amp;</a>",
    "markup": Markup("<i>&amp;</i>"),
    "number": 12_345,
    "nothing": None,
    "language": Language.KOREAN,
    "quiet": "가나다",
}


@pytest.mark.parametrize(
    "source",
    [
        "{{ text }} {{ markup }} {{ number }} {{ nothing }} {{ language }} {{ quiet }}",
        "{{ text ~ number }} {{ text ~ markup }} {{ markup ~ text }}",
        "{{ 'on' if number }}{{ text if not number }}!",
        "{{ {'id': text, 'class': none}|xmlattr }}",
        "{{ one(text) }} {{ one(markup, b=3) }} {{ one(*[text, 4], **{'more': {'x': text}}) }}",
        "{% call around(text) %}{{ markup }}{{ text }}{% endcall %}{{ around('alone') }}",
        "{% call each([1, 2]) %}{% call around(number) %}{{ text }}{% endcall %}{% endcall %}",
        "{% for a in [1, 2] %}{{ loop.index }}{{ loop.cycle('<', text) }}{% endfor %}",
        "{{ text.upper() }} {{ text[:3] }} {{ {'a': text}['a'] }}",
        "{% set kept %}{{ text }}{% endset %}{{ kept }}{{ one(kept) }}",
        "{{ site }} {{ plain }} {{ tongue }} {{ site ~ plain }} {{ shout(site)|lower }}",
        "{{ words.en }} {{ words['ko'] }} {{ words[language] }} {{ words|length }}",
        "{{ one(site, more={'x': plain}) }}{{ one(site, shout(text)) }}",
        "{% call around(site) %}{{ plain }}{{ text }}{% endcall %}",
        "{% for key, word in words.items() %}{{ key }}{{ word }}{% else %}none{% endfor %}",
        "{% set name = site %}{{ name }}{% set word = words %}{{ word.en }}{{ word[language] }}",
        "{% set name = site %}{{ name }}{% set name = text %}{{ name }}",
        "{% set site = text %}{{ site }}",
        "{% macro say(site) %}{{ site }}{% endmacro %}{{ say(text) }}",
        "{% for site in [text, 'b'] %}{{ site }}{% endfor %}",
        "{{ site if number else plain }}{{ 'yes' if site == 'A & B' and not nothing }}",
        "{{ (words, 2)[1] }} {{ site[2:] }} {{ '%s!'|format(site) }}",
        "{% import 'macros.html' as m %}{{ m.one(site) }}{{ m.one(text) }}",
        "{% import 'macros.html' as m %}{% call m.around(site) %}{{ text }}{% endcall %}",
        "{% from 'macros.html' import one as only, around %}{{ only(2) }}{{ around(text) }}",
        "{% extends 'base.html' %}{% block a %}{{ super() }}{{ text }}{{ site }}{% endblock %}",
    ],
)
def test_templates_mean_what_they_mean_to_jinja2(source: str) -> None:
    loader = jinja2.DictLoader(TEMPLATES)
    ours = Environment(CONSTANTS, autoescape=True, loader=loader)
    theirs = jinja2.Environment(autoescape=True, loader=loader)
    theirs.globals.update(CONSTANTS)
    start = "" if source.startswith("{% extends") else MACROS
    assert ours.from_string(start + source).render(VALUES) == theirs.from_string(
        start + source
    ).render(VALUES)


@pytest.mark.parametrize(
    "source",
    [
        "{{ call(1) }}",
        "{{ 'x' ~ call(1)|upper }}",
        "{% for n in numbers %}{{ call('b') }}{% endfor %}",
        "{% import 'calling.html' as m %}{{ m.calling('c') }}",
        "{% set once = call('d') %}{% for n in numbers %}{{ once }}{% endfor %}",
    ],
)
def test_what_is_constant_is_evaluated_when_a_template_is_compiled(source: str) -> None:
    calls: list[object] = []

    def call(value: object) -> str:
        calls.append(value)
        return "called"

    loader = jinja2.DictLoader(
        {"calling.html": "{% macro calling(a) %}{{ call(a) }}{% endmacro %}"}
    )
    template = Environment({"call": call}, loader=loader).from_string(source)
    compiled = len(calls)
    template.render(numbers=[1, 2])
    template.render(numbers=[1, 2])
    assert (compiled, len(calls)) == (1, 1)


def test_a_list_that_a_page_fills_is_empty_on_the_next_page() -> None:
    source = "{% set ways = [] %}{% set _ = ways.append(number) %}{{ ways }}"
    template = Environment().from_string(source)
    assert [template.render(number=1), template.render(number=2)] == ["[1]", "[2]"]


def test_a_macro_takes_no_unknown_argument() -> None:
    template = Environment(autoescape=True).from_string(MACROS + "{{ one(1, colour=2) }}")
    with pytest.raises(TypeError, match="colour"):
        template.render()


def test_an_attribute_that_is_missing_is_an_error() -> None:
    template = Environment(autoescape=True).from_string("{{ number.colour }}")
    with pytest.raises(AttributeError, match="colour"):
        template.render(number=1)


class Shown:
    """A value of a page that can be watched."""


def test_a_page_keeps_nothing_of_what_it_showed(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{% macro own() %}{{ value }}{% endmacro %}{{ own() }}")
    value = Shown()
    reference = weakref.ref(value)
    gc.disable()
    try:
        Renderer(Language.KOREAN, [tmp_path]).render("page.html", {"value": value})
        del value
        assert reference() is None
    finally:
        gc.enable()


def test_an_error_names_the_line_of_the_template(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("one\n{{ missing }}")
    with pytest.raises(jinja2.UndefinedError) as raised:
        Renderer(Language.KOREAN, [tmp_path]).render("page.html", {})
    frames = traceback.extract_tb(raised.tb)
    assert ("page.html", 2) in {(Path(each.filename).name, each.lineno) for each in frames}
