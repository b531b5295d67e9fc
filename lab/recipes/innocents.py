"""The texts that the shipped pack lists under `passes`, as benign rows for its learned lexicons.

What passes one rule as innocent must not be convicted by a lexicon learned for another clause: a repairman who comes to
the house is listed beside the rule for paid sex, and is no fraud and no advertising either. So all of them learn from
all of these texts.

Left out is what does not pass by its text: cases of several events or for crowds, which are below a number; links to
hosts that the pack lists, which speak for their texts; and cases whose `also` names a rule that they do break.
"""

from collections.abc import Iterator, Mapping

from lab.corpus import Row, Task
from rules.links import host_name, in_list
from rules.packs import SHIPPED, load_pack
from rules.packs.model import Case, Pack
from rules.pages import read_html

_TASKS: Mapping[str, Task] = {"post": "post", "mass_send": "message", "share": "page"}
_PARTS = ("desc", "text")


def innocent_rows() -> Iterator[Row]:
    """One benign row for each text that passes a rule of the shipped pack, in the pack's order."""
    pack = load_pack(SHIPPED)
    taken: set[tuple[str, str]] = set()
    for rule in pack.rules.values():
        if rule.mode == "off" or rule.crowd is not None:
            continue
        for number, case in enumerate(rule.passes, 1):
            if case.also or case.before or case.repeat > 1 or _speaks_by_its_host(pack, case):
                continue
            title, text = _shown(case.fields)
            if text and (title, text) not in taken:
                taken.add((title, text))
                task = _TASKS[str(case.fields["type"])]
                yield Row(f"{rule.name}-{number}", task, f"passes/{rule.clause}", [], text, title)


def _speaks_by_its_host(pack: Pack, case: Case) -> bool:
    links = case.fields.get("links", [])
    urls = [case.fields.get("url", ""), *(links if isinstance(links, list) else [])]
    names = [name for url in urls if (name := host_name(str(url)))]
    return any(in_list(name, hosts.hosts) for name in names for hosts in pack.lists.values())


def _shown(fields: Mapping[str, object]) -> tuple[str, str]:
    """Title and text; of a share, of its card and its page."""
    page = fields.get("page", {})
    parts = [str(fields[name]) for name in _PARTS if name in fields]
    title = str(fields.get("title", ""))
    if isinstance(page, Mapping):
        html = read_html(str(page.get("html", "")))
        title = title or str(page.get("title", "")) or html.title
        parts += [str(page.get("text", "")), html.text]
    parts = [part for part in parts if part]
    return (title, "\n".join(parts)) if parts else ("", title)
