"""Finds code that asks which protocol a campaign has, or what kind of answers it gives.

An expression is of a protocol if it is a name or attribute `protocol` or `measure`, a call of what finds one, or a
field that only some kinds of answers fill. Whatever is decided by such an expression is a branch: a condition, a
comparison, a place in a table. What a comparison says is carried on where it is given a name, returned or passed on.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

NAMES = {"protocol", "measure"}
FINDERS = {"protocol_named", "measure_of"}
TABLES = {"PROTOCOLS", "MEASURES"}
FIELDS = {"choices", "comparisons"}  # which only some protocols' answers fill
DECIDING = (ast.Compare, ast.BoolOp, ast.UnaryOp)
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Branches:
    """The branches of some files; `functions` and `parameters` are those that carry what was asked."""

    def __init__(self, files: Mapping[str, str]) -> None:
        trees = {file: ast.parse(text) for file, text in files.items()}
        self.scopes = [
            (file, getattr(scope, "name", ""), list(own_nodes(scope)))
            for file, tree in trees.items()
            for scope in [tree, *(node for node in ast.walk(tree) if isinstance(node, Function))]
        ]
        self.functions: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()  # with their file
        self.parameters: set[tuple[str, str]] = set()
        self.defined: dict[str, list[list[str]]] = defaultdict(list)
        for node in (node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, Function)):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            self.defined[node.name].append([each.arg for each in arguments])
        before = -1
        while before != (before := len(self.functions) + len(self.parameters) + len(self.attributes)):
            list(self)

    def __iter__(self) -> Iterator[str]:
        found = {(file, line) for file, name, nodes in self.scopes for line in self.of_scope(file, name, nodes)}
        yield from (f"{file}:{line}" for file, line in sorted(found))

    def of_scope(self, file: str, name: str, nodes: Sequence[ast.AST]) -> Iterator[int]:
        """Lines of a function, or of a module's own code, in which a protocol decides."""
        self.file = file
        protocols = {
            target.id
            for node in nodes
            if isinstance(node, ast.Assign) and (is_protocol(node.value) or is_part(node.value))
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        asked = {parameter for function, parameter in self.parameters if function == name}
        before = -1
        while before != (before := len(asked)):
            for node in nodes:
                for target, value in assigned(node):
                    if self.asks(value, protocols, asked):
                        if isinstance(target, ast.Name):
                            asked.add(target.id)
                        else:
                            self.attributes.add((self.file, named(target)))
        for node in nodes:
            if isinstance(node, ast.Return) and node.value and self.asks(node.value, protocols, asked):
                self.functions.add(name)
            if isinstance(node, ast.Call):
                self.passed_on(node, protocols, asked)
            for part in deciders(node):
                if self.asks(part, protocols, asked) or mentions(part, protocols):
                    yield node.lineno if hasattr(node, "lineno") else part.lineno

    def asks(self, node: ast.expr, protocols: set[str], asked: set[str]) -> bool:
        """Whether a value says which protocol there is: a comparison of it, or what carries one."""
        if isinstance(node, ast.Name):
            return node.id in asked
        if isinstance(node, ast.Attribute):
            return node.attr in self.functions or (self.file, node.attr) in self.attributes
        if isinstance(node, ast.IfExp):
            return self.asks(node.test, protocols, asked)
        if isinstance(node, DECIDING):
            return mentions(node, protocols) or any(self.asks(each, protocols, asked) for each in expressions(node))
        if isinstance(node, ast.Call):
            if called(node) in ("any", "all", "bool"):
                return any(mentions(each, protocols) for each in node.args)
            return called(node) in self.functions
        return False

    def passed_on(self, node: ast.Call, protocols: set[str], asked: set[str]) -> None:
        for parameters in self.defined.get(called(node), ()):
            given = [*zip(parameters, node.args, strict=False), *((each.arg, each.value) for each in node.keywords)]
            for parameter, value in given:
                if parameter in parameters and self.asks(value, protocols, asked):
                    self.parameters.add((called(node), parameter))


def own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """A scope's nodes without those of functions inside it."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, Function):
            yield child
            yield from own_nodes(child)


def assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Names and attributes with what they are set to."""
    if isinstance(node, ast.NamedExpr):
        yield node.target, node.value
    for target in node.targets if isinstance(node, ast.Assign) else ():
        pairs: Sequence[tuple[ast.expr, ast.expr]] = [(target, node.value)]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(target.elts, node.value.elts, strict=False))
        yield from ((one, value) for one, value in pairs if named(one))


def deciders(node: ast.AST) -> Iterator[ast.expr]:
    """What a node decides by."""
    if isinstance(node, ast.If | ast.IfExp | ast.While | ast.Assert):
        yield node.test
    elif isinstance(node, ast.comprehension):
        yield from node.ifs
    elif isinstance(node, ast.Match):
        yield node.subject
    elif isinstance(node, DECIDING):
        yield node
    elif isinstance(node, ast.Subscript):
        yield node.slice


def expressions(node: ast.AST) -> Iterator[ast.expr]:
    yield from (child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))


def called(node: ast.Call) -> str:
    return named(node.func)


def named(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def is_protocol(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return called(node) in FINDERS
    if isinstance(node, ast.Subscript):
        return named(node.value) in TABLES
    return named(node) in NAMES


def is_part(node: ast.AST) -> bool:
    """An attribute of a protocol, or a field that only some of them fill."""
    return isinstance(node, ast.Attribute) and (node.attr in FIELDS or is_protocol(node.value))


def mentions(node: ast.AST, protocols: set[str]) -> bool:
    """Whether a protocol decides what the expression is: not where it is only an argument, or calls a method."""
    if is_protocol(node) or is_part(node) or (isinstance(node, ast.Name) and node.id in protocols):
        return True
    if isinstance(node, ast.Call):
        return called(node) in ("any", "all", "bool") and any(mentions(each, protocols) for each in node.args)
    return any(mentions(child, protocols) for child in ast.iter_child_nodes(node))
