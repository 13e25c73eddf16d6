"""Evaluates what is the same on every page when a template is compiled, not for each page.

That is each expression made of literals, the renderer's texts and functions, names that are set to
such an expression, and macros that take no more than those. A button with an icon and a text
becomes a piece of HTML.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, nodes
from jinja2.runtime import markup_join
from jinja2.visitor import NodeTransformer

_KEPT = (nodes.Const, nodes.TemplateData, nodes.Slice, nodes.List, nodes.Dict)
"""Expressions that are evaluated already, that the compiler treats by their type, or that a page
may change.
"""


def evaluate_constants(
    template: nodes.Template, environment: Environment, constants: Mapping[str, Any]
) -> None:
    """Replaces parts of a template. `constants` are globals; functions among them must be pure."""
    assigned = Counter(name.name for name in template.find_all(nodes.Name) if name.ctx != "load")
    _Evaluation(environment, constants, assigned).visit(template)


class _Evaluation(NodeTransformer):
    def __init__(
        self, environment: Environment, constants: Mapping[str, Any], assigned: Counter[str]
    ) -> None:
        self._environment = environment
        self._known = {name: value for name, value in constants.items() if name not in assigned}
        """What names in the template always mean: constants and imported macros."""
        self._assigned = assigned
        """How often the template assigns each name."""
        self._context = nodes.EvalContext(environment)

    # The names of these methods are Jinja2's.

    def generic_visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> nodes.Node:
        super().generic_visit(node, *args, **kwargs)
        if isinstance(node, nodes.Expr) and not isinstance(node, _KEPT):
            try:
                return self._constant(node, node.as_const(self._context))
            except nodes.Impossible:
                pass
        return node

    def visit_Name(self, node: nodes.Name) -> nodes.Node:  # noqa: N802
        if node.ctx == "load" and node.name in self._known:
            return self._constant(node, self._known[node.name])
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802
        super().generic_visit(node)
        try:
            function = node.node.as_const(self._context)
            values, named = nodes.args_as_const(node, self._context)
        except nodes.Impossible:
            return node
        return self._constant(node, function(*values, **named))

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        """As `markup_join` does on a page; `as_const` does not know markup."""
        super().generic_visit(node)
        try:
            parts = [part.as_const(self._context) for part in node.nodes]
        except nodes.Impossible:
            return node
        return self._constant(node, markup_join(parts))

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:  # noqa: N802
        """The call stays, since it takes the block."""
        super().generic_visit(node.call)
        node.body = [self.visit(each) for each in node.body]
        return node

    def visit_Assign(self, node: nodes.Assign) -> nodes.Node:  # noqa: N802
        super().generic_visit(node)
        name = node.target.name if isinstance(node.target, nodes.Name) else ""
        if self._assigned[name] == 1 and isinstance(node.node, nodes.Const):
            self._known[name] = node.node.value
        return node

    def visit_Import(self, node: nodes.Import) -> nodes.Node:  # noqa: N802
        if not node.with_context and node.target not in self._assigned:
            self._known[node.target] = self._module(node.template)
        return node

    def visit_FromImport(self, node: nodes.FromImport) -> nodes.Node:  # noqa: N802
        if not node.with_context:
            module = self._module(node.template)
            for each in node.names:
                name, alias = each if isinstance(each, tuple) else (each, each)
                if alias not in self._assigned:
                    self._known[alias] = getattr(module, name)
        return node

    def _module(self, template: nodes.Expr) -> object:
        """The macros of a file, which has no values of a page."""
        return self._environment.get_template(template.as_const(self._context)).module

    def _constant(self, node: nodes.Node, value: object) -> nodes.Const:
        return nodes.Const(value, lineno=node.lineno, environment=self._environment)
