// The drawing tools at the chart's edge, and the line in which a note is written.
import { el, setAttr } from "../desk/dom.js";

const TOOLS = [
  ["level", "H", "Level", [[[1, 8], [15, 8]]]],
  ["line", "T", "Trend line", [[[2, 13], [14, 3]]]],
  ["zone", "Z", "Zone", [[[2, 4], [14, 4], [14, 12], [2, 12], [2, 4]]]],
  ["note", "A", "Note", [[[2, 3], [14, 3], [14, 11], [8, 11], [5, 14], [5, 11], [2, 11], [2, 3]]]],
];

export function toolbar(act) {
  const buttons = new Map();
  const bar = el("div", { class: "tools", role: "toolbar", "aria-label": "Drawing tools", "aria-orientation": "vertical" });
  for (const [tool, key, words, strokes] of TOOLS) {
    const button = press(words, key, strokes, () => act("tool", tool));
    buttons.set(tool, button);
    bar.append(button);
  }
  const magnet = press("Snap to open, high, low, close (Alt: not this time)", "", MAGNET, () => act("magnet"));
  const undo = press("Undo", "Ctrl+Z", UNDO, () => act("undo"));
  const redo = press("Redo", "Ctrl+Shift+Z", REDO, () => act("redo"));
  const remove = press("Delete what is selected", "Del", REMOVE, () => act("remove"));
  bar.append(el("span", { class: "gap" }), magnet, undo, redo, remove);

  function update({ tool, magnet: on, board }) {
    for (const [name, button] of buttons) setAttr(button, "aria-pressed", String(name === tool));
    setAttr(magnet, "aria-pressed", String(on));
    remove.disabled = !board.current || !board.own(board.current);
  }
  return { node: bar, update };
}

const MAGNET = [[[3, 3], [3, 8], [5, 12], [8, 13], [11, 12], [13, 8], [13, 3], [10, 3], [10, 8], [8, 10], [6, 8], [6, 3], [3, 3]]];
const UNDO = [[[6, 3], [2, 7], [6, 11]], [[2, 7], [10, 7], [13, 9], [13, 13]]];
const REDO = [[[10, 3], [14, 7], [10, 11]], [[14, 7], [6, 7], [3, 9], [3, 13]]];
const REMOVE = [[[3, 4], [13, 4]], [[6, 4], [6, 2], [10, 2], [10, 4]], [[4, 4], [5, 14], [11, 14], [12, 4]]];
const SVG = "http" + "://www.w3.org/2000/svg"; // a name, not an address

function press(words, key, strokes, onclick) {
  const label = key ? `${words} (${key})` : words;
  const button = el("button", { type: "button", title: label, "aria-label": label, onclick });
  const icon = document.createElementNS(SVG, "svg");
  icon.setAttribute("viewBox", "0 0 16 16");
  icon.setAttribute("aria-hidden", "true");
  for (const points of strokes) {
    const line = document.createElementNS(SVG, "polyline");
    line.setAttribute("points", points.map((point) => point.join(",")).join(" "));
    icon.append(line);
  }
  button.append(icon);
  return button;
}

/** One line of text over the chart: Enter keeps it, Escape gives it up. */
export function noteWriter(frame) {
  const input = el("input", { class: "writer", maxlength: "280", placeholder: "Note, then Enter", "aria-label": "Text of the drawing", hidden: true });
  let done = null;
  const end = (text) => {
    const tell = done;
    done = null;
    input.hidden = true;
    writer.open = false;
    tell?.(text);
  };
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key !== "Enter" && event.key !== "Escape") return;
    end(event.key === "Enter" ? input.value.trim() : null);
    frame.closest(".wb").focus({ preventScroll: true }); // the chart's keys work on
  });
  input.addEventListener("blur", () => done && end(input.value.trim() || null));
  frame.append(input);
  const writer = {
    open: false,
    ask(x, y, text, tell) {
      done = tell;
      writer.open = true;
      input.hidden = false;
      input.value = text ?? "";
      input.style.left = `${Math.min(Math.max(x, 4), Math.max(frame.clientWidth - 230, 4))}px`;
      input.style.top = `${Math.min(Math.max(y - 14, 4), frame.clientHeight - 34)}px`;
      requestAnimationFrame(() => input.focus());
    },
  };
  return writer;
}
