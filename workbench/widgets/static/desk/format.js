// Figures and times as UI.md wants them: grouped thousands, signs on changes, currency after, "–" for the unknown.

export const UNKNOWN = "–";
const MINUS = "\u2212";
const grouped = new Map();

function group(places) {
  if (!grouped.has(places)) {
    grouped.set(places, new Intl.NumberFormat("en-US", { minimumFractionDigits: places, maximumFractionDigits: places }));
  }
  return grouped.get(places);
}

const known = (value) => typeof value === "number" && Number.isFinite(value);

/** 1234.5 → "1,234.50"; what rounds to zero has no sign. */
export function fixed(value, places = 2) {
  if (!known(value)) return UNKNOWN;
  const text = group(places).format(Math.abs(value));
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}

/** As `fixed`, with "+" on gains. */
export function signed(value, places = 2) {
  const text = fixed(value, places);
  return known(value) && value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

/** A price to about the market's tick, which follows its size. */
export function price(value) {
  if (!known(value)) return UNKNOWN;
  const size = Math.abs(value);
  return fixed(value, size >= 100 ? 2 : size >= 1 ? 4 : size >= 0.01 ? 5 : 8);
}

export function amount(value) {
  if (!known(value)) return UNKNOWN;
  const size = Math.abs(value);
  return fixed(value, size >= 1000 ? 1 : size >= 1 ? 4 : 6);
}

export const count = (value) => (known(value) ? group(0).format(value) : UNKNOWN);
export const percent = (value, places = 2) => (known(value) ? `${signed(value * 100, places)} %` : UNKNOWN);

export function money(value, withSign = false) {
  if (!value || !known(value.amount)) return UNKNOWN;
  return `${withSign ? signed(value.amount) : fixed(value.amount)} ${value.currency}`;
}

/** "up", "down" or "" for what is shown: a loss that reads 0.00 is not red. */
export function tone(value, places = 2) {
  if (!known(value) || !/[1-9]/.test(group(places).format(Math.abs(value)))) return "";
  return value > 0 ? "up" : "down";
}

const parts = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" };
const clockOf = (zone) => new Intl.DateTimeFormat("en-CA", { ...parts, hourCycle: "h23", timeZone: zone });

export const SYSTEM_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
export let ZONE = SYSTEM_ZONE;
let here = clockOf(ZONE);
const utc = clockOf("UTC");
const CHOSEN = "workbench-zone";

/** Show times in `zone` from now on, in every widget of this page; one that nobody knows is the system's. */
export function chooseZone(zone) {
  document.documentElement.dataset.wbZone = zone;
  document.dispatchEvent(new CustomEvent(CHOSEN));
}

function follow() {
  const wanted = document.documentElement.dataset.wbZone || SYSTEM_ZONE;
  try {
    here = clockOf(wanted);
    ZONE = wanted;
  } catch {
    here = clockOf(SYSTEM_ZONE);
    ZONE = SYSTEM_ZONE;
  }
}
document.addEventListener(CHOSEN, follow);
follow();

function stamp(clock, at, seconds) {
  const found = Object.fromEntries(clock.formatToParts(new Date(at)).map((part) => [part.type, part.value]));
  const minute = `${found.year}-${found.month}-${found.day} ${found.hour}:${found.minute}`;
  return seconds ? `${minute}:${found.second}` : minute;
}

/** In the viewer's zone: "2018-06-13 05:30". */
export const time = (at, seconds = false) => (known(at) ? stamp(here, at, seconds) : UNKNOWN);
export const timeUtc = (at) => (known(at) ? `${stamp(utc, at, true)} UTC` : "");

/** The date of a moment in the viewer's zone: "2018-06-13". */
export const date = (at) => time(at).slice(0, 10);

/** A moment as files carry it: "2018-06-13T03:30:00.000Z". */
export const iso = (at) => (known(at) ? new Date(at).toISOString() : "");

/** "12 s", "4 min", "3 h", "2 d": how long something took or is ago. */
export function span(ms) {
  if (!known(ms)) return UNKNOWN;
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  return s < 172800 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`;
}

/** Relative under an hour, a time after that. */
export function ago(at, now) {
  if (!known(at)) return UNKNOWN;
  return now - at < 3600000 ? `${span(now - at)} ago` : time(at);
}

/** "OrderFilled" → "Order filled". */
export function words(name) {
  const spaced = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/[._]/g, " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1).toLowerCase();
}
