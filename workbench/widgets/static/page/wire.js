// Kernel messages as bytes: Jupyter's v1.kernel.websocket.jupyter.org. Pure.
export const PROTOCOL = "v1.kernel.websocket.jupyter.org";
const WORD = 8; // an offset is 64 bits, the lowest first
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** One frame: {channel, header, parent, metadata, content}, and buffers as Uint8Arrays. */
export function packed({ channel, header, parent = {}, metadata = {}, content, buffers = [] }) {
  const texts = [channel, ...[header, parent, metadata, content].map((part) => JSON.stringify(part))];
  const parts = [...texts.map((text) => encoder.encode(text)), ...buffers];
  const offsets = [WORD * (parts.length + 2)];
  for (const part of parts) offsets.push(offsets.at(-1) + part.byteLength);
  const frame = new Uint8Array(offsets.at(-1));
  const view = new DataView(frame.buffer);
  [offsets.length, ...offsets].forEach((value, nth) => view.setBigUint64(WORD * nth, BigInt(value), true));
  parts.forEach((part, nth) => frame.set(part, offsets[nth]));
  return frame;
}

/** What such a frame says; buffers are views on it. */
export function unpacked(frame) {
  const view = new DataView(frame);
  const word = (nth) => Number(view.getBigUint64(WORD * nth, true));
  const offsets = Array.from({ length: word(0) }, (_, nth) => word(nth + 1));
  const bytes = (nth) => new DataView(frame, offsets[nth], offsets[nth + 1] - offsets[nth]);
  const json = (nth) => JSON.parse(decoder.decode(bytes(nth)));
  const buffers = offsets.slice(5, -1).map((_, nth) => bytes(nth + 5));
  return { channel: decoder.decode(bytes(0)), header: json(1), parent: json(2), metadata: json(3), content: json(4), buffers };
}
