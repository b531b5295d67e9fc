"""What the tests of the lab are made of: a pack of made-up words, rows and events with everything else filled in."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

from lab.corpus import Row
from rules.packs import Pack, load_pack

DATA = Path(__file__).parents[1] / "data"
TINY = DATA / "tiny"
CORPORA = Path(__file__).parents[3] / "shared" / "corpora"

PACK = """
pack: {name: made, version: "1", description: for tests}
clauses:
  links.4.1: {title: {zh: 欺诈, en: fraud}, first: [ban_account]}
  links.4.2: {title: {zh: 欺诈, en: fraud}, first: [ban_account]}
  links.4.3: {title: {zh: 仿冒, en: imitation}, first: [ban_account, ban_domain]}
  links.6: {title: {zh: 骚扰, en: spam}, first: [stop_spread, suspend_account], egregious: [ban_account]}
  links.7.2: {title: {zh: 低俗, en: vulgar}, first: [suspend_account]}
  links.9.8: {title: {zh: 侮辱, en: insult}, first: [suspend_account]}
ladders:
  fraud: {clauses: [links.4], window: 180d, grace: 1h, rungs: [{apply: first}]}
  others:
    clauses: [links.6, links.7, links.9]
    window: 180d
    grace: 1h
    rungs: [{apply: first, for: 12h}, {apply: first, for: 7d}, {apply: egregious}]
lists:
  own: {hosts: [qq.com], brands: [weixin], protected: true}
lexicons:
  packet: {words: [假红包]}
  scam: {words: [安全账户]}
  advert: {words: [特价促销]}
  vulgar: {words: [低俗词]}
  insult: {words: [侮辱词]}
  doubtful: {words: [可疑词]}
signals:
  packet: {lexicon: packet}
  scam: {lexicon: scam}
  advert: {lexicon: advert}
  vulgar: {lexicon: vulgar}
  insult: {lexicon: insult}
  doubtful: {lexicon: doubtful}
  look_alike: {link: look_alike}
  layout: {page: wechat_layout}
  foreign: {link: foreign, list: own}
rules:
  fraud.packet: {clause: links.4.1, when: packet, hits: [假红包], passes: [真红包]}
  fraud.scam: {clause: links.4.2, when: scam, hits: [安全账户], passes: [安全]}
  fraud.look_alike:
    clause: links.4.3
    when: look_alike
    hits: [{type: share, url: "http://weixin-pay.example.com/"}]
    passes: [你好]
  fraud.layout:
    clause: links.4.3
    when: layout and foreign
    hits:
      - type: share
        page:
          html: >-
            <div id="js_article" class="rich_media_area_primary"><h1 id="activity-name" class="rich_media_title">x</h1>
            <a id="js_name">x</a><div id="js_content" class="rich_media_content">x</div></div>
    passes: [你好]
  spam.advert: {clause: links.6, when: advert, hits: [特价促销], passes: [特价]}
  vulgar: {clause: links.7.2, when: vulgar, hits: [低俗词], passes: [你好]}
  insult: {clause: links.9.8, when: insult, hits: [侮辱词], passes: [你好]}
  doubtful: {clause: links.6, when: doubtful, mode: shadow, hits: [可疑词], passes: [你好]}
"""


def made_pack(folder: Path, *changes: tuple[str, str]) -> Pack:
    """The made-up pack, written to `folder`, with texts replaced."""
    text = PACK
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pack.yaml").write_text(text, "utf-8")
    return load_pack(folder)


def row(text: str, *clauses: str, id: str = "", task: str = "post", source: str = "made", title: str = "") -> Row:  # noqa: A002
    return Row(id or f"row {text}", task, source, list(clauses), text, title)  # type: ignore[arg-type]


def write_jsonl(path: Path, items: Iterable[object]) -> Path:
    """One JSON object a line; gzipped if the name ends so."""
    data = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def row_of(text: str, *clauses: str, **fields: object) -> dict[str, object]:
    """A line of a corpus."""
    return {"id": f"row {text}", "task": "post", "source": "made", "clauses": list(clauses), "text": text, **fields}
