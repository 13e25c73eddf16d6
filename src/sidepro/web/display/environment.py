"""Jinja2's environment for pages that must be cheap."""

import re
from collections.abc import MutableMapping
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame, MacroRef, optimizeconst
from jinja2.runtime import markup_join
from markupsafe import Markup, escape

_find_special = re.compile("[&<>'\"]").search


def shown(value: object) -> str:
    """A value as HTML: `markupsafe.escape`, but quicker for what templates show most."""
    # Not a subclass, which may have another `__str__`.
    if type(value) is str:
        return value if _find_special(value) is None else escape(value)
    return value if isinstance(value, Markup) else escape(value)


def joined(*parts: object) -> str:
    """The parts as one text: markup if one of them is markup."""
    if Markup in map(type, parts):
        return markup_join(parts)
    return "".join(map(str, parts))


class Compiler(CodeGenerator):
    """Compiles templates to Python that takes half of the time.

    Jinja2 sends calls, macros and texts through functions that look for what no template here
    uses: functions that take the context, macros with any arguments, text without escaping, and
    undefined values of a condition without `else`.
    """

    # The names of these methods are Jinja2's.

    @optimizeconst
    def visit_Call(  # noqa: N802
        self, node: nodes.Call, frame: Frame, forward_caller: bool = False
    ) -> None:
        self.visit(node.node, frame)
        self.write("(")
        for argument in (*node.args, *node.kwargs):
            self.visit(argument, frame)
            self.write(", ")
        if forward_caller:
            self.write("caller=caller, ")
        if node.dyn_args:
            self.write("*")
            self.visit(node.dyn_args, frame)
            self.write(", ")
        if node.dyn_kwargs:
            self.write("**")
            self.visit(node.dyn_kwargs, frame)
        self.write(")")

    @optimizeconst
    def visit_CondExpr(self, node: nodes.CondExpr, frame: Frame) -> None:  # noqa: N802
        """A condition without `else` is an empty text instead of an undefined value."""
        self.write("(")
        self.visit(node.expr1, frame)
        self.write(" if ")
        self.visit(node.test, frame)
        self.write(" else ")
        self.visit(node.expr2 or nodes.Const(""), frame)
        self.write(")")

    @optimizeconst
    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.write("environment.joined(")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write(")")

    def macro_def(self, macro_ref: MacroRef, frame: Frame) -> None:  # noqa: ARG002
        """Makes a macro a function, which Python itself calls with names and defaults."""
        names = [argument.name for argument in macro_ref.node.args]
        if macro_ref.accesses_caller and "caller" not in names:
            names.append("caller")
        parameters = [*(f"{name}=missing" for name in names), "_macro=macro"]
        self.write(f"(lambda {', '.join(parameters)}: Markup(_macro({', '.join(names)})))")

    def _output_child_pre(self, *_: object) -> None:
        self.write("environment.shown(")


class Environment(jinja2.Environment):
    """Copies the globals into each template when it is loaded.

    Jinja2 layers them in a `ChainMap`, which every import of macros reads key by key.
    """

    code_generator_class: type[CodeGenerator] = Compiler
    shown = staticmethod(shown)
    joined = staticmethod(joined)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}
