"""Changes that cosmic-ray does not make: a statement, an argument or a call at the end of an expression is left out."""

from __future__ import annotations

from collections.abc import Iterator

from cosmic_ray.operators.operator import Example, Operator
from parso.python.tree import Keyword, PythonNode
from parso.tree import NodeOrLeaf

Place = tuple[tuple[int, int], tuple[int, int]]


class LeftOutStatement(Operator):
    """A call whose result nobody takes: `sync(path)` becomes `pass`."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Place]:
        if node.type == "atom_expr" and node.parent.type == "simple_stmt" and _is_call(node.children[-1]):
            yield node.start_pos, node.end_pos

    def mutate(self, node: PythonNode, index: int) -> NodeOrLeaf:
        return Keyword("pass", node.start_pos, node.get_first_leaf().prefix)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example("sync(path)\n", "pass\n"),)


class LeftOutArgument(Operator):
    """The last argument of several: `f(a, b)` becomes `f(a)`. Arguments that change nothing if all is well stay."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Place]:
        if node.type == "arglist" and (last := node.children[-1]).type != "operator" and not _guards(last):
            yield last.start_pos, last.end_pos

    def mutate(self, node: PythonNode, index: int) -> NodeOrLeaf:
        del node.children[-2:]
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example("f(a, b)", "f(a)"), Example("f(a, b=1)", "f(a)"))


class LeftOutCall(Operator):
    """A method without arguments at the end of an expression: `name.strip()` becomes `name`."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Place]:
        if node.type == "atom_expr" and node.parent.type != "simple_stmt" and _is_method_call(node):
            yield node.children[-2].start_pos, node.end_pos

    def mutate(self, node: PythonNode, index: int) -> NodeOrLeaf:
        del node.children[-2:]
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example("a = b.strip()", "a = b"),)


def _guards(argument: NodeOrLeaf) -> bool:
    """A check (`strict`), what this system does anyway (`encoding`), and numpy's own type."""
    code = argument.get_code(include_prefix=False)
    return code == "np.float64" or code.startswith(("strict=", "encoding="))


def _is_call(node: NodeOrLeaf) -> bool:
    return node.type == "trailer" and node.children[0].value == "("


def _is_method_call(node: NodeOrLeaf) -> bool:
    *_, method, call = node.children
    return _is_call(call) and len(call.children) == 2 and method.type == "trailer" and method.children[0].value == "."
