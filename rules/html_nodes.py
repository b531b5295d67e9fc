"""Elements of a parsed page, each once however many of a selector's alternatives it meets."""

from selectolax.lexbor import LexborHTMLParser, LexborNode


def select(tree: LexborHTMLParser, selector: str, most: int) -> list[LexborNode]:
    """The first `most` elements that `selector` finds."""
    found: dict[int, LexborNode] = {}
    for node in tree.css(selector):
        found.setdefault(node.mem_id, node)
        if len(found) >= most:
            break
    return list(found.values())
