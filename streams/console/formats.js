// Times, lengths and numbers as people read them: pure functions of their arguments.

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const SHORT = {
  en: { day: "d", hour: "h", minute: "min", second: "s" },
  zh: { day: "天", hour: "小时", minute: "分", second: "秒" },
};

/** A number with separators: 12,345. */
export function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return Number(value).toLocaleString("en-US", { maximumFractionDigits: Math.abs(value) < 10 ? 2 : 0 });
}

/** A length of seconds, in its two largest units: "7 d", "1 h 30 min". */
export function length(seconds, language = "en") {
  let left = Math.max(0, Math.round(seconds));
  const gap = language === "zh" ? "" : "\u00a0";
  const found = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size);
    if (count) found.push(`${count}${gap}${SHORT[language][unit]}`);
    else if (found.length) break;
    left -= count * size;
    if (found.length === 2) break;
  }
  return found.join(" ") || `0${gap}${SHORT[language].second}`;
}

/** How long ago or how soon, by its largest unit: "3 min ago", "in 2 d". */
export function ago(time, now, language = "en") {
  const past = (now - Date.parse(time)) / 1000;
  if (Math.abs(past) < 5) return language === "zh" ? "刚刚" : "just now";
  const [unit, size] = UNITS.find((each) => Math.abs(past) >= each[1]);
  const gap = language === "zh" ? "" : "\u00a0";
  const text = `${Math.floor(Math.abs(past) / size)}${gap}${SHORT[language][unit]}`;
  if (language === "zh") return past >= 0 ? `${text}前` : `${text}后`;
  return past >= 0 ? `${text} ago` : `in ${text}`;
}

const two = (value) => String(value).padStart(2, "0");

/** A moment in the reader's time zone: time of day today, else with the date; to the second unless `brief`. */
export function moment(time, now, { brief = false } = {}) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return String(time ?? "–");
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}${brief ? "" : `:${two(date.getSeconds())}`}`;
  const today = new Date(now);
  if (date.toDateString() === today.toDateString()) return clock;
  const day = `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return date.getFullYear() === today.getFullYear() ? `${day} ${clock}` : `${date.getFullYear()}-${day} ${clock}`;
}

/** The parts of a subject: ["domain", "quiz.example"]. */
export function subjectParts(subject) {
  const at = subject.indexOf(":");
  return at < 0 ? ["", subject] : [subject.slice(0, at), subject.slice(at + 1)];
}
