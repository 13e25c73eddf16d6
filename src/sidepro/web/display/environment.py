"""Jinja2's environment for pages that must be cheap."""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any, cast

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame, MacroRef, has_safe_repr
from jinja2.idtracking import VAR_LOAD_ALIAS, VAR_LOAD_RESOLVE
from jinja2.runtime import markup_join
from markupsafe import Markup, escape

from sidepro.web.display.constants import evaluate_constants

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
    """Compiles templates to Python that takes a third of the time.

    Jinja2 sends calls, macros, attributes and texts through functions that look for what no
    template here uses: functions that take the context, macros with any arguments, items of a
    dictionary after a dot, text without escaping, undefined values of a condition without `else`,
    and values of a page that hide a global.
    """

    # The names of these methods are Jinja2's.

    def write_commons(self) -> None:
        super().write_commons()
        self.writeline("shown = environment.shown")

    def enter_frame(self, frame: Frame) -> None:
        """Reads globals from where they are; Jinja2 asks the page for each first."""
        for target, (action, name) in frame.symbols.loads.items():
            if action == VAR_LOAD_RESOLVE and name in self.environment.globals:
                frame.symbols.loads[target] = VAR_LOAD_ALIAS, f"environment.globals[{name!r}]"
        super().enter_frame(frame)

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802
        self.visit(node.node, frame)
        self.write(f".{node.attr}")

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

    def visit_CondExpr(self, node: nodes.CondExpr, frame: Frame) -> None:  # noqa: N802
        """A condition without `else` is an empty text instead of an undefined value."""
        self.write("(")
        self.visit(node.expr1, frame)
        self.write(" if ")
        self.visit(node.test, frame)
        self.write(" else ")
        self.visit(node.expr2 or nodes.Const(""), frame)
        self.write(")")

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
        # `str.__new__` makes the markup of a text; that of `Markup` looks at what it is given.
        parameters = [*(f"{name}=missing" for name in names), "_macro=macro", "_new=str.__new__"]
        self.write(f"(lambda {', '.join(parameters)}: _new(Markup, _macro({', '.join(names)})))")

    def visit_Const(self, node: nodes.Const, frame: Frame) -> None:  # noqa: N802
        """Only the simplest values have a literal that Python does not evaluate each time."""
        if isinstance(node.value, str | int | float | None) and has_safe_repr(node.value):
            super().visit_Const(node, frame)
        else:
            self.write(cast("Environment", self.environment).reference(node.value))

    def _output_child_pre(self, *_: object) -> None:
        self.write("shown(")


class Environment(jinja2.Environment):
    """Copies the globals into each template when it is loaded.

    Jinja2 layers them in a `ChainMap`, which every import of macros reads key by key.
    """

    code_generator_class: type[CodeGenerator] = Compiler
    shown = staticmethod(shown)
    joined = staticmethod(joined)

    def __init__(self, constants: Mapping[str, object] | None = None, **options: Any) -> None:
        """`constants` are globals that no template changes; functions among them are pure."""
        super().__init__(optimized=False, **options)  # `evaluate_constants` does more
        self._constants = dict(constants or {})
        self.globals.update(self._constants)
        self.values: list[object] = []
        """Values that compiled templates refer to by their place."""

    def reference(self, value: object) -> str:
        """The Python expression of a value in a compiled template."""
        self.values.append(value)
        return f"environment.values[{len(self.values) - 1}]"

    def _generate(
        self,
        source: nodes.Template,
        name: str | None,
        filename: str | None,
        defer_init: bool = False,
    ) -> str:
        evaluate_constants(source, self, self._constants)
        return super()._generate(source, name, filename, defer_init)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}
