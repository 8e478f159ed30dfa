// Small signs. Each differs in shape as well as colour, and stands beside its word.
import { el, setText } from "./dom.js";

/** A bot's colour; set --shade on it. */
export const swatch = () => el("i", { class: "swatch", "aria-hidden": "true" });

/** A bot's name in a cell, beside its colour. */
export function named(td, name, colour, paper) {
  if (!td.firstChild) td.append(swatch(), el("span", { class: "outside" }));
  td.firstChild.style.setProperty("--shade", colour?.[paper()] ?? "var(--wb-muted)");
  setText(td.lastChild, name);
}

/** Health: set data-health to healthy, stale, not ready or down. */
export const mark = () => el("i", { class: "mark", "aria-hidden": "true" });

/** Where the money moves, as on every figure that sums money. */
export function moneyChip(view) {
  const { market } = view;
  if (market) return { mode: market.mode, text: market.mode === "replay" ? `REPLAY ×${speed(market.speed)}` : market.mode.toUpperCase() };
  const modes = [...new Set([...view.bots.values()].map((row) => row.status?.mode).filter(Boolean))].sort();
  if (!modes.length) return null;
  return { mode: modes.length > 1 ? "mixed" : modes[0], text: modes.join(" + ").toUpperCase() };
}

const speed = (value) => (value === null ? "?" : value.toLocaleString("en-US", { maximumFractionDigits: 1 }));

export function showChip(node, view) {
  const chip = moneyChip(view);
  node.hidden = !chip;
  if (!chip) return;
  if (node.textContent !== chip.text) node.textContent = chip.text;
  node.dataset.mode = chip.mode;
}
