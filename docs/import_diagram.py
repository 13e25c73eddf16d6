"""Draws the imports of `sidepro` into docs/architecture.md, as two Mermaid diagrams.

python docs/import_diagram.py            writes the diagrams
python docs/import_diagram.py --check    exits with 1 when the document's diagrams are stale

An arrow is an import. An import that other arrows imply is left out (transitive reduction).
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import grimp

DOCUMENT = Path(__file__).with_name("architecture.md")
PACKAGE = "sidepro"

Edge = tuple[str, str]


def package_imports(graph: grimp.ImportGraph, parent: str, children: Iterable[str]) -> set[Edge]:
    """The imports between child packages of a package, by their names without the parent."""
    nodes = {f"{parent}.{child}" for child in children}
    return {
        (importer.rpartition(".")[2], imported.rpartition(".")[2])
        for importer in nodes
        for imported in nodes - {importer}
        if graph.direct_import_exists(importer=importer, imported=imported, as_packages=True)
    }


def reduced(edges: set[Edge]) -> list[Edge]:
    """The edges that no path of other edges replaces (transitive reduction)."""
    remaining = set(edges)
    for edge in sorted(edges):
        if edge[1] in reachable(edge[0], remaining - {edge}):
            remaining.remove(edge)
    return sorted(remaining)


def reachable(start: str, edges: set[Edge]) -> set[str]:
    """The nodes that a path from `start` reaches."""
    found: set[str] = set()
    pending = [start]
    while pending:
        node = pending.pop()
        successors = {target for source, target in edges if source == node} - found
        found |= successors
        pending.extend(successors)
    return found


def flowchart(nodes: Iterable[str], edges: Iterable[Edge]) -> str:
    """A Mermaid flowchart in a fenced block."""
    lines = ["```mermaid", "flowchart TB"]
    lines += [f"  {node}" for node in sorted(nodes)]
    lines += [f"  {source} --> {target}" for source, target in edges]
    return "\n".join([*lines, "```"])


def diagrams() -> Iterator[tuple[str, str]]:
    """The diagrams, each with the name of its place in the document."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    layers = {name.rpartition(".")[2] for name in graph.find_children(PACKAGE)}
    yield "layers", flowchart(layers, reduced(package_imports(graph, PACKAGE, layers)))
    domain = f"{PACKAGE}.domain"
    topics = {
        name.rpartition(".")[2]
        for name in graph.find_children(domain)
        if graph.find_children(name)  # a topic is a package; the other modules are shared
    }
    yield "topics", flowchart(topics, reduced(package_imports(graph, domain, topics)))


def with_diagrams(text: str) -> str:
    """The document with new diagrams between its `<!-- diagram: … -->` marks."""
    for name, diagram in diagrams():
        begin, end = f"<!-- diagram: {name} -->", "<!-- end -->"
        block = re.compile(f"{begin}.*?{end}", re.DOTALL)
        text, count = block.subn(f"{begin}\n{diagram}\n{end}", text)
        if count != 1:
            sys.exit(f"{DOCUMENT.name} must have one {begin}, but has {count}")
    return text


def main(arguments: list[str]) -> None:
    old = DOCUMENT.read_text(encoding="utf-8")
    new = with_diagrams(old)
    if "--check" in arguments and new != old:
        sys.exit("docs/architecture.md: the diagrams are stale, run `./just diagram`")
    DOCUMENT.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
