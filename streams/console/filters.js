// Which decisions of the feed are wanted: pure functions. The same words as the parameters of GET /v1/feed.

export const FILTERS = ["kind", "action", "clause", "rule", "subject_kind", "since"];

/** The filters in a query such as "?kind=enforcement", and nothing else of it. */
export function filtersOf(query, names = FILTERS) {
  const found = {};
  for (const name of names) {
    const value = query.get(name);
    if (value) found[name] = value;
  }
  return found;
}

/** Whether an item of the feed is wanted. */
export function matches(item, filters) {
  const said = item.item;
  const tests = {
    kind: (value) => said.kind === value,
    action: (value) => said.action === value,
    clause: (value) => (said.clauses ?? []).includes(value),
    rule: (value) => said.rule === value || (said.rules ?? []).includes(value),
    subject_kind: (value) => said.subject.startsWith(`${value}:`),
    since: (value) => Date.parse(item.at) >= Date.parse(value),
  };
  return Object.entries(filters).every(([name, value]) => tests[name](value));
}

/** The first moment that counts of the last so many minutes count: whole minutes, with the one that runs. */
export function sinceMinutes(now, minutes) {
  return new Date((Math.floor(now / 60_000) - minutes + 1) * 60_000).toISOString();
}

/** The newest items, each once, newest first, at most `most`. */
export function newest(items, more, most) {
  const found = new Map();
  for (const item of [...more, ...items]) if (!found.has(item.seq)) found.set(item.seq, item);
  return [...found.values()].sort((a, b) => b.seq - a.seq).slice(0, most);
}
