// The keys, and how the page looks: theme, the pair of colours for gains and losses, the zone of its times, its panels.
import { el, memory, segmented } from "./dom.js";
import { chooseZone, SYSTEM_ZONE } from "./format.js";

const KEYS = [
  ["?", "this list"],
  ["T", "dark, light, or as your system"],
  ["↑ ↓ Home End", "move in a table"],
  ["Enter", "open or close a row"],
  ["Esc", "close what is open"],
  ["wheel, + −", "zoom the chart"],
  ["drag, ← →", "pan the chart"],
  ["double click, 0", "the whole run again"],
  ["B, Shift+B", "on the live chart: the bots' trades, one bot after the other"],
  [", .", "on the live chart: from trade to trade"],
];
const THEMES = [["auto", "System"], ["dark", "Dark"], ["light", "Light"]];
const PAIRS = [["green-red", "Green, red"], ["blue-orange", "Blue, orange"]];

/** `repaint` is called when colours have changed, `rezone` when times read otherwise; `panels` is a node to arrange. */
export function viewDialog(root, { repaint, rezone, panels }) {
  const chosen = { theme: memory.get("theme", "auto"), pair: memory.get("pair", PAIRS[0][0]) };
  const set = (name) => (value) => {
    chosen[name] = value;
    memory.set(name, value);
    apply();
  };
  const apply = () => {
    const alone = document.body.classList.contains("wb-page"); // our own page, not a cell in somebody's notebook
    for (const node of alone ? [root, document.documentElement] : [root]) {
      if (chosen.theme === "auto") delete node.dataset.theme;
      else node.dataset.theme = chosen.theme;
    }
    root.dataset.pair = chosen.pair;
    repaint();
  };
  const themes = segmented("Theme", THEMES, chosen.theme, set("theme"));
  const node = el(
    "dialog", { class: "view-dialog", "aria-label": "View and keys" },
    el("h2", { text: "View" }),
    row("Theme", themes),
    row("Times in", zoneSelect(rezone)),
    row("Gains, losses", segmented("Gains and losses", PAIRS, chosen.pair, set("pair"))),
    el("details", { class: "arrange" }, el("summary", { text: "Panels of the overview" }), panels),
    el("h2", { text: "Keys" }),
    el("dl", { class: "keys" }, ...KEYS.map(([keys, words]) => el("div", {}, el("dt", {}, el("kbd", { text: keys })), el("dd", { text: words })))),
    el("p", { class: "credits muted", text: "Chart: uPlot, MIT licence" }),
    el("form", { method: "dialog" }, el("button", { class: "quiet", text: "Close" })),
  );
  node.addEventListener("click", (event) => event.target === node && node.close());
  node.addEventListener("keydown", (event) => event.stopPropagation());
  const next = () => {
    const at = THEMES.findIndex(([name]) => name === chosen.theme);
    themes.children[(at + 1) % THEMES.length].click();
  };
  apply();
  return { node, open: () => !node.open && node.showModal(), close: () => node.close(), nextTheme: next };
}

/** Every zone that the browser knows; the choice is remembered. */
function zoneSelect(rezone) {
  const chosen = memory.get("zone", "");
  chooseZone(chosen);
  const names = ["UTC", ...Intl.supportedValuesOf("timeZone")];
  const options = [["", `This device: ${SYSTEM_ZONE}`], ...names.map((name) => [name, name])];
  const pick = (event) => {
    memory.set("zone", event.target.value);
    chooseZone(event.target.value);
    rezone();
  };
  return el("select", { "aria-label": "Time zone", onchange: pick }, ...options.map(([value, text]) => el("option", { value, text, selected: value === chosen })));
}

const row = (words, control) => el("div", { class: "choice" }, el("span", { text: words }), control);

/** Which of the two grounds is showing. */
export function paperOf(root) {
  if (root.dataset.theme) return root.dataset.theme;
  return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}
