// How the lab says things: windows, outcomes, likeness. Pure.
import * as show from "../desk/format.js";

const PLACES = { target: "target", stop: "stop", horizon: "end of the horizon" };

export const share = (value, places = 0) => (value === null || value === undefined ? show.UNKNOWN : `${show.fixed(value * 100, places)} %`);
export const when = (one) => show.time(one.first);
export const where = (one) => `${one.symbol} ${one.timeframe}`;
export const bars = (count) => `${show.count(count)} bars`;

export const OUTCOMES = { success: "Success", failure: "Failure", open: "Open" };

/** "Success: target after 7 bars, +2.80 % after costs". */
export function ended(ending) {
  if (!ending) return "";
  if (ending.outcome === "open") return `Open: ${bars(ending.bars)} seen since, neither target nor stop reached`;
  return `${OUTCOMES[ending.outcome]}: ${PLACES[ending.by]} after ${bars(ending.bars)}, ${show.percent(ending.gain)} after costs`;
}

/** "long, +3 % before −1.5 % within 24 bars". */
export function ruleWords(rule) {
  if (!rule) return "said by hand";
  const side = rule.side === "buy" ? "long" : "short";
  return `${side}, ${show.fixed(rule.target * 100, 1)} % before ${show.fixed(rule.stop * 100, 1)} % against, within ${bars(rule.horizon)}`;
}

/** "LTC/USD 1h, 24 bars from 2018-06-13 05:30 to 2018-06-14 04:30". */
export function windowWords(one, count) {
  return `${where(one)}, ${bars(count)}, ${show.time(one.first)} to ${show.time(one.last)}`;
}

/** With a capital to begin with. */
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
