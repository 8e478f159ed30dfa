// The kernel's widgets as a page sees them: their state, kept up to date by the comm messages of Jupyter's widgets.
import { name } from "./line.js";

const TARGET = "jupyter.widget";
const CONTROL = "jupyter.widget.control";
const VERSION = { version: "2.1.0" };
const PATIENCE_MS = 1000; // what the kernel said before it knew of this page's line is lost

/** One widget of the kernel, as anywidget's front-end modules expect it. */
export class Model {
  constructor(id, state, say) {
    Object.assign(this, { id, state, say, listeners: [], unsaved: {} });
  }

  get(key) {
    return this.state[key];
  }

  set(key, value) {
    this.unsaved[key] = value;
    this.change({ [key]: value });
  }

  /** JSON values only. */
  save_changes() {
    this.say({ method: "update", state: this.unsaved, buffer_paths: [] });
    this.unsaved = {};
  }

  send(content, _callbacks, buffers = []) {
    this.say({ method: "custom", content }, buffers.map((buffer) => new Uint8Array(buffer.buffer ?? buffer)));
  }

  /** `names`: "change:theme change:pair", "change" or "msg:custom". */
  on(names, listener) {
    for (const event of names.split(" ")) this.listeners.push({ event, listener });
  }

  off(names, listener) {
    const events = names?.split(" ");
    this.listeners = this.listeners.filter((one) => !((events?.includes(one.event) ?? true) && (!listener || one.listener === listener)));
  }

  trigger(event, ...told) {
    for (const one of [...this.listeners]) if (one.event === event) one.listener(...told);
  }

  change(state) {
    const changed = Object.keys(state).filter((key) => this.state[key] !== state[key]);
    Object.assign(this.state, state);
    for (const key of changed) this.trigger(`change:${key}`, this, state[key]);
    if (changed.length) this.trigger("change", this);
  }
}

/** All of them, by id. `line` is where the kernel hears us. */
export class Models {
  constructor(line) {
    Object.assign(this, { line, known: new Map(), wanted: new Map(), patience: PATIENCE_MS });
  }

  hear({ header, content, buffers }) {
    const { comm_id: id, data } = content;
    if (header.msg_type === "comm_open" && content.target_name === TARGET) this.add(id, whole(data, buffers));
    else if (header.msg_type === "comm_close") this.drop(id);
    else if (header.msg_type !== "comm_msg") return;
    else if (data.method === "update_states") this.restore(data, buffers);
    else if (data.method === "update") this.known.get(id)?.change(whole(data, buffers));
    else if (data.method === "custom") this.known.get(id)?.trigger("msg:custom", data.content, buffers);
  }

  /** The widget of that id, asked for where the page has not heard of it. Rejects where the kernel knows none. */
  get(id) {
    if (this.known.has(id)) return Promise.resolve(this.known.get(id));
    const found = new Promise((resolve, reject) => this.wanted.set(id, [...(this.wanted.get(id) ?? []), { resolve, reject }]));
    this.ask();
    return found;
  }

  /** Asks the kernel for every widget's state: of what was made before this page could hear. */
  ask() {
    const id = name();
    this.line.say("comm_open", { comm_id: id, target_name: CONTROL, data: {} }, { version: "1.0.0" });
    this.line.say("comm_msg", { comm_id: id, data: { method: "request_states" } });
    clearTimeout(this.again);
    this.again = setTimeout(() => this.wanted.size && this.ask(), this.patience);
    this.patience *= 2;
  }

  restore({ states, buffer_paths: paths }, buffers) {
    whole({ state: states, buffer_paths: paths }, buffers);
    for (const [id, { state }] of Object.entries(states)) this.add(id, state);
    for (const [id, waiting] of this.wanted) for (const { reject } of waiting) reject(new Error(`The kernel has no widget ${id}`));
    this.wanted.clear();
    this.patience = PATIENCE_MS;
  }

  add(id, state) {
    if (this.known.has(id)) return;
    const say = (data, buffers) => this.line.say("comm_msg", { comm_id: id, data }, VERSION, buffers);
    const model = new Model(id, state, say);
    this.known.set(id, model);
    for (const { resolve } of this.wanted.get(id) ?? []) resolve(model);
    this.wanted.delete(id);
  }

  drop(id) {
    this.known.get(id)?.trigger("destroy");
    this.known.delete(id);
  }
}

/** The state that a message carries, with the buffers that were taken out of it put back. */
function whole({ state, buffer_paths: paths = [] }, buffers) {
  paths.forEach((path, nth) => {
    const holder = path.slice(0, -1).reduce((inner, key) => inner[key], state);
    holder[path.at(-1)] = buffers[nth];
  });
  return state;
}
