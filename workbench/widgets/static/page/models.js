// The kernel's widgets as a page sees them: their state, kept up to date by the comm messages of Jupyter's widgets.
const TARGET = "jupyter.widget";
const VERSION = { version: "2.1.0" };
const FIRST_MS = 500;
const LAST_MS = 64000;

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
    Object.assign(this, { line, known: new Map(), wanted: new Map() });
  }

  hear({ header, content, buffers }) {
    const { comm_id: id, data } = content;
    if (header.msg_type === "comm_open" && content.target_name === TARGET) this.add(id, whole(data, buffers));
    else if (header.msg_type === "comm_close") this.drop(id);
    else if (header.msg_type !== "comm_msg") return;
    else if (data.method === "update") this.update(id, whole(data, buffers));
    else if (data.method === "custom") this.known.get(id)?.trigger("msg:custom", data.content, buffers);
  }

  /** The widget of that id, asked for where the page has not heard of it. Rejects where the kernel does not tell. */
  get(id) {
    if (this.known.has(id)) return Promise.resolve(this.known.get(id));
    return new Promise((resolve, reject) => {
      const waiting = this.wanted.get(id) ?? [];
      this.wanted.set(id, [...waiting, { resolve, reject }]);
      if (!waiting.length) this.ask(id, FIRST_MS);
    });
  }

  /** Asks for the state of what was made before this page could hear; again where the answer came too early for it. */
  ask(id, patience) {
    if (!this.wanted.has(id)) return;
    if (patience > LAST_MS) {
      for (const { reject } of this.wanted.get(id)) reject(new Error(`The kernel does not tell of its widget ${id}; reload the page`));
      this.wanted.delete(id);
      return;
    }
    this.line.say("comm_msg", { comm_id: id, data: { method: "request_state" } }, VERSION);
    setTimeout(() => this.ask(id, 2 * patience), patience);
  }

  /** A state that was asked for is all of it, what comes unasked a part. */
  update(id, state) {
    if (this.known.has(id)) this.known.get(id).change(state);
    else if (this.wanted.has(id) && "_model_name" in state) this.add(id, state);
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
