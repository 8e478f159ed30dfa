// Calendar days, weeks and months as ISO dates; the weeks begin on Monday. Pure.

const DAY_MS = 86400000;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const iso = (ms) => new Date(ms).toISOString().slice(0, 10);

/** The day on which the period of `day` begins. */
export function firstDay(day, unit) {
  if (unit === "month") return `${day.slice(0, 8)}01`;
  const ms = Date.parse(day);
  return unit === "week" ? iso(ms - ((new Date(ms).getUTCDay() + 6) % 7) * DAY_MS) : day;
}

/** The period before it. */
export function previous(day, unit) {
  return firstDay(iso(Date.parse(day) - DAY_MS), unit);
}

/** The last `most` periods up to the one of `last`, those without a trade included, oldest first. */
export function filled(periods, unit, last, most) {
  if (!periods.length) return [];
  const known = new Map(periods.map((period) => [period.day, period]));
  const newest = periods.at(-1).day;
  const found = [];
  let day = last && firstDay(last, unit) > newest ? firstDay(last, unit) : newest;
  while (day >= periods[0].day && found.length < most) {
    found.push(known.get(day) ?? { day, profit: 0, trades: 0, wins: 0 });
    day = previous(day, unit);
  }
  return found.reverse();
}

/** "13 Jun 2018", "week of 11 Jun 2018", "Jun 2018". */
export function label(day, unit) {
  const [year, month, number] = day.split("-").map(Number);
  if (unit === "month") return `${MONTHS[month - 1]} ${year}`;
  return `${unit === "week" ? "week of " : ""}${number} ${MONTHS[month - 1]} ${year}`;
}
