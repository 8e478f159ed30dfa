// The page's line to its kernel: one WebSocket, taken up again where it breaks.
import { PROTOCOL, packed, unpacked } from "./wire.js";

const WAITS_MS = [250, 500, 1000, 2000, 4000, 8000, 16000, 30000]; // then nobody tries until the page is looked at again
const MOST_WAITING = 1000;
const LEFT = 1008; // the server has ended the session: somebody logged out

export class Line {
  /** `hear` is given every message from the kernel, `ended` is called once the session is over. */
  constructor(base, kernelId, hear, ended) {
    this.session = name();
    this.url = `${base.replace(/^http/, "ws")}api/kernels/${kernelId}/channels?session_id=${this.session}`;
    Object.assign(this, { hear, ended, waiting: [], failures: 0, count: 0 });
    this.open();
    const again = () => document.visibilityState === "visible" && this.again();
    document.addEventListener("visibilitychange", again);
    window.addEventListener("online", again);
  }

  open() {
    const socket = new WebSocket(this.url, [PROTOCOL]);
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.failures = 0;
      for (const frame of this.waiting.splice(0)) socket.send(frame);
    };
    socket.onmessage = ({ data }) => this.hear(unpacked(data));
    socket.onclose = ({ code }) => (code === LEFT ? this.ended() : this.lost());
  }

  lost() {
    const wait = WAITS_MS[this.failures];
    this.failures += 1;
    if (wait) this.timer = setTimeout(() => this.open(), wait);
  }

  /** Somebody looks at the page, or the network is back: try at once. */
  again() {
    if (this.socket.readyState !== WebSocket.CLOSED) return;
    clearTimeout(this.timer);
    this.failures = 0;
    this.open();
  }

  /** Send on the shell channel; while the line is broken it waits its turn. Returns the message's id. */
  say(type, content, metadata = {}, buffers = []) {
    const id = `${this.session}-${++this.count}`;
    const header = { msg_id: id, msg_type: type, session: this.session, username: "", version: "5.3", date: new Date().toISOString() };
    const frame = packed({ channel: "shell", header, metadata, content, buffers });
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(frame);
    else if (this.waiting.length < MOST_WAITING) this.waiting.push(frame);
    return id;
  }
}

/** 32 hexadecimal digits by chance. (crypto.randomUUID is for https only.) */
export function name() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
