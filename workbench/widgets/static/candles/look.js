// The page's tokens as options of the chart library, read anew when the theme changes.
import * as show from "../desk/format.js";

const DAYS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export function tokens(node) {
  const style = getComputedStyle(node);
  const token = (name) => style.getPropertyValue(`--wb-${name}`).trim();
  const names = ["ground", "panel", "raised", "line", "text", "muted", "accent", "up", "down", "warning", "sans"];
  const found = Object.fromEntries(names.map((name) => [name, token(name)]));
  [found.upText, found.downText] = [token("up-text"), token("down-text")];
  found.dark = style.colorScheme !== "light";
  return found;
}

/** '#rrggbb' with an opacity. */
export function faded(colour, opacity) {
  const byte = (at) => parseInt(colour.slice(at, at + 2), 16);
  return `rgba(${byte(1)}, ${byte(3)}, ${byte(5)}, ${opacity})`;
}

export function chartOptions(look, narrow, places) {
  return {
    layout: {
      background: { type: "solid", color: look.panel },
      textColor: look.muted,
      fontFamily: look.sans,
      fontSize: narrow ? 11 : 12,
      attributionLogo: true,
    },
    grid: { vertLines: { color: faded(look.line, 0.45) }, horzLines: { color: faded(look.line, 0.45) } },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.2 }, minimumWidth: narrow ? 60 : 76 },
    timeScale: {
      borderVisible: true, borderColor: look.line, timeVisible: true, secondsVisible: false, tickMarkFormatter: tick,
      minBarSpacing: 0.2, enableConflation: true, // bars thinner than a pixel are drawn as one, highs and lows kept
    },
    crosshair: {
      mode: 0,
      vertLine: { color: faded(look.muted, 0.6), width: 1, style: 3, labelBackgroundColor: look.raised },
      horzLine: { color: faded(look.muted, 0.6), width: 1, style: 3, labelBackgroundColor: look.raised },
    },
    localization: {
      locale: "en-US",
      priceFormatter: (price) => show.fixed(price, places),
      timeFormatter: (s) => show.time(s * 1000),
    },
    kineticScroll: { touch: !still(), mouse: false },
  };
}

export function candleOptions(look, places) {
  return {
    upColor: look.up, downColor: look.down, wickUpColor: look.up, wickDownColor: look.down, borderVisible: true,
    borderUpColor: look.up, borderDownColor: look.down, priceLineStyle: 2, priceLineWidth: 1,
    priceFormat: { type: "custom", minMove: 10 ** -places, formatter: (price) => show.fixed(price, places) },
  };
}

/** Labels of the time axis in the viewer's zone. */
function tick(seconds, kind) {
  const [date, clock] = show.time(seconds * 1000).split(" ");
  const [year, month, day] = date.split("-").map(Number);
  if (kind === 0) return String(year);
  if (kind === 1) return DAYS[month - 1];
  return kind === 2 ? `${day} ${DAYS[month - 1]}` : clock;
}

function still() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
