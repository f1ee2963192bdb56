"""No module of the engine stands in a circle of imports. That they run downwards only, `lint-imports` holds."""

from __future__ import annotations

from graphlib import TopologicalSorter

import grimp


def test_no_module_stands_in_a_circle() -> None:
    graph = grimp.build_graph("engine")
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(tuple(TopologicalSorter(imports).static_order())) >= 200  # raises for a circle
