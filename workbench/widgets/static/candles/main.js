// One live chart on a page. Python side: workbench/widgets/candle_panel.py.
import { el, setText } from "../desk/dom.js";
import * as show from "../desk/format.js";
import { Board } from "./board.js";
import { CandleChart } from "./chart.js";
import { ChartFeed } from "./feed.js";
import { renderHistory } from "./history.js";
import { Hands } from "./hands.js";
import { heading } from "./head.js";
import { DrawingLayer } from "./layer.js";
import { noteWriter, toolbar } from "./tools.js";
import { TradeBar } from "./trade_bar.js";
import { TradeLayer } from "./trades.js";

const BEAT_MS = 10000;
const TICK_MS = 500;

function render({ model, el: host }) {
  if (model.get("history")) return renderHistory({ model, host });
  const root = el("div", { class: "wb candles", tabindex: "0", role: "group", "aria-label": "Live chart" });
  const theme = model.get("theme");
  if (theme) root.dataset.theme = theme;
  if (model.get("pair")) root.dataset.pair = model.get("pair");
  const frame = el("div", { class: "frame" });
  const pane = el("div", { class: "pane", style: `height: ${model.get("height")}px` });
  const notice = el("p", { class: "notice", role: "alert", hidden: true });
  const ask = (message) => model.send(message);
  host.style.cssText += "display: block; width: 100%; margin: 0;";
  host.append(root);
  root.append(frame); // the library measures what it is given

  const feed = new ChartFeed(ask, (changed) => draw(changed));
  frame.append(pane);
  const chart = new CandleChart(pane, feed, model.get("tints"));
  chart.price = (value) => show.fixed(value, chart.places);
  const board = new Board(ask, model.get("user"), () => paint());
  const trades = new TradeLayer(chart);
  const layer = new DrawingLayer(chart, board);
  const tools = toolbar((what, tool) => act(what, tool));
  const head = heading(chart, feed);
  const hands = new Hands(root, chart, board, layer, tools, noteWriter(frame));
  const bar = new TradeBar(root, frame, trades, () => Boolean(hands.tool || hands.drag));
  Object.assign(root, { chart, board, trades }); // for whoever measures the page
  root.prepend(head.node, bar.node);
  tools.node.hidden = !model.get("draws");
  frame.prepend(tools.node);
  root.append(notice);

  function act(what, tool) {
    if (what === "tool") hands.choose(tool);
    else if (what === "magnet") hands.magnet = !hands.magnet;
    else if (what === "remove") hands.remove();
    else board.turnBack(what);
    root.focus({ preventScroll: true });
    tools.update(hands);
  }

  function draw(changed) {
    if (changed.has("all")) {
      chart.restore();
      trades.news();
    } else {
      const fresh = feed.take();
      if (fresh.length) {
        chart.close(fresh);
        trades.line(); // a target may have been reached
      }
      if (changed.has("forming")) chart.form();
      if (changed.has("overlay") || changed.has("ribbon")) chart.outlook();
      if (changed.has("trades") || changed.has("trading")) trades.news();
    }
    drew();
  }

  let framed = false; // an acknowledgement waits for the next frame, which a hidden tab does not have
  function drew() {
    if (framed) return;
    framed = true;
    requestAnimationFrame(() => {
      framed = false;
      update();
      root.dataset.rev = feed.rev;
      ask({ kind: "drew", rev: feed.rev });
    });
  }

  function paint() {
    layer.update();
    tools.update(hands);
    root.dataset.drawings = board.items.size;
    root.toggleAttribute("data-lm-suppress-shortcuts", Boolean(hands.tool || board.selected));
    update();
  }

  function update() {
    const { state } = feed.health();
    root.dataset.state = state;
    chart.mute(state === "stale" || state === "down");
    head.update();
    bar.update();
    notice.hidden = !board.trouble;
    setText(notice, board.trouble);
  }

  const hear = (message) => {
    feed.hear(message);
    board.hear(message);
  };
  const light = matchMedia("(prefers-color-scheme: light)");
  const repaint = () => {
    chart.repaint();
    trades.line();
    layer.update();
  };
  const placed = new ResizeObserver(() => { // made for a tab it is not in yet: its colours and width are known only there
    if (!root.clientWidth) return;
    placed.disconnect();
    repaint();
    chart.seat();
  });
  placed.observe(root);
  const seen = () => document.visibilityState === "visible" && feed.catchUp();
  const left = () => ask({ kind: "bye" });
  const beat = setInterval(() => ask({ kind: "beat", rev: feed.rev }), BEAT_MS);
  const tick = setInterval(() => {
    if (document.visibilityState === "visible") update(); // ages grow by themselves
  }, TICK_MS);
  model.on("msg:custom", hear);
  document.addEventListener("visibilitychange", seen);
  window.addEventListener("pagehide", left);
  light.addEventListener("change", repaint);
  board.hear({ kind: "drawings", items: model.get("shown") ?? [] });
  feed.hear(model.get("snapshot") ?? {});
  ask({ kind: "hello", rev: feed.rev });
  hands.show();
  update();

  return () => {
    clearInterval(beat);
    clearInterval(tick);
    model.off("msg:custom", hear);
    document.removeEventListener("visibilitychange", seen);
    window.removeEventListener("pagehide", left);
    placed.disconnect();
    light.removeEventListener("change", repaint);
    hands.destroy();
    chart.destroy();
    ask({ kind: "bye" });
  };
}

export default { render };
