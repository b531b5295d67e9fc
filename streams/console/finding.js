// What a person who looks for a subject may mean: pure functions.

import { subjectParts } from "./formats.js";

export const KINDS = ["account", "link", "domain", "ip", "app"];

/** Whether a text says the kind of a subject, and some of its name. */
export const isSubject = (text) => KINDS.includes(subjectParts(text)[0]) && subjectParts(text)[1] !== "";

const links = (rest) => [`link:https://${rest}`, `link:http://${rest}`];

/** How the names of subjects begin that a text may mean, the likeliest first. `domain:quiz` is meant as it stands, and
 * so is how a kind begins; a web address is a link's, or its domain's; a name without its kind may be of any. */
export function beginnings(text) {
  const named = text.trim();
  if (named === "") return ["account:"];
  if (KINDS.includes(subjectParts(named)[0])) return [named];
  const [, scheme, host, rest] = /^(https?:\/\/)?([^/?#:]*)(.*)$/i.exec(named);
  const domain = `domain:${host.toLowerCase()}`;
  if (scheme) return host ? [`link:${named}`, domain] : [`link:${named}`];
  if (host && /^(:\d+)?[/?#]/.test(rest)) return [...links(named), domain];
  const plain = (kinds) => kinds.map((kind) => `${kind}:${named}`);
  const found = named.includes(".") ? [domain, ...plain(["ip"]), ...links(named), ...plain(["account", "app"])]
    : [...plain(["account"]), domain, ...plain(["app", "ip"]), ...links(named)];
  return KINDS.some((kind) => kind.startsWith(named)) ? [named, ...found] : found;
}
