// A window as a small picture: a few candles on a canvas, its colours read from the page.
import { tokens } from "../candles/look.js";
import { el } from "../desk/dom.js";

export function mini(bars, width = 132, height = 64) {
  const canvas = el("canvas", { class: "mini", role: "img", "aria-label": `${bars.length} bars` });
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const scale = Math.min(devicePixelRatio || 1, 3);
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.paint = () => paint(canvas, bars, width, height, scale);
  requestAnimationFrame(canvas.paint);
  return canvas;
}

/** Draw all small pictures below a node anew, for another theme. */
export function repaint(root) {
  for (const canvas of root.querySelectorAll("canvas.mini")) canvas.paint();
}

function paint(canvas, bars, width, height, scale) {
  if (!canvas.isConnected) return;
  const look = tokens(canvas);
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  const high = Math.max(...bars.map((bar) => bar[1]));
  const low = Math.min(...bars.map((bar) => bar[2]));
  const y = (price) => 3 + ((high - price) / (high - low || 1)) * (height - 6);
  const step = width / bars.length;
  const body = Math.max(1, Math.min(step * 0.68, 7));
  bars.forEach(([open, top, bottom, close], at) => {
    const x = (at + 0.5) * step;
    context.fillStyle = close >= open ? look.up : look.down;
    context.fillRect(x - 0.5, y(top), 1, Math.max(y(bottom) - y(top), 1));
    const upper = y(Math.max(open, close));
    context.fillRect(x - body / 2, upper, body, Math.max(y(Math.min(open, close)) - upper, 1));
  });
}
