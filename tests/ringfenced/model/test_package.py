"""The package: what it exports, and what is said of it."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import pkgutil
from importlib import import_module

import pytest

from ringfenced import model

MODULES = [import_module(f"ringfenced.model.{found.name}") for found in pkgutil.iter_modules(model.__path__)]
CLASSES = [kind for one in MODULES for kind in vars(one).values() if inspect.isclass(kind)]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_public_name_of_a_module_is_exported(module):
    """So that nobody needs to know which module a value stands in."""
    tree = ast.parse(inspect.getsource(module))
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assigned = {node.targets[0].id for node in tree.body if isinstance(node, ast.Assign)}
    names = {name for name in classes | assigned if not name.startswith("_")}
    assert names
    assert names <= set(model.__all__)
    assert all(getattr(model, name) is getattr(module, name) for name in names)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_sentence_stands_under_every_field(module):
    for kind in ast.parse(inspect.getsource(module)).body:
        if not isinstance(kind, ast.ClassDef):
            continue
        for field, after in zip(kind.body, [*kind.body[1:], None], strict=True):
            if isinstance(field, ast.AnnAssign):
                told = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and after.value.value
                assert told, f"{kind.name}.{ast.unparse(field.target)}"
                assert told.endswith((".", "``."))


def test_every_value_is_frozen_and_has_slots():
    values = [kind for kind in CLASSES if dataclasses.is_dataclass(kind) and kind.__module__.startswith(model.__name__)]
    assert len(values) > 40
    assert all(kind.__dataclass_params__.frozen and "__slots__" in vars(kind) for kind in values)
