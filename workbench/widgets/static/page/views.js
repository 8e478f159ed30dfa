// A widget on the page: its module loaded, its sheet put in the head, its parts drawn.
const OURS = /^workbench\./;
const modules = new Map(); // text of a module → what it exports

export class View {
  constructor(model, manager) {
    const el = document.createElement("div");
    Object.assign(this, { model, manager, el, cleanup: null, gone: false });
    model.on("destroy", () => this.remove());
  }

  /** Raises where it is no widget of ours, or its module does not load. */
  async draw() {
    const { model, el } = this;
    const id = model.get("_anywidget_id");
    if (!OURS.test(id ?? "")) throw new Error(`${id ?? model.get("_model_name")} is no widget of this package`);
    dress(id, model.get("_css"));
    const { render } = (await loaded(model.get("_esm"))).default;
    this.cleanup = await render({ model: this.given(), el });
    if (this.gone) this.cleanup?.();
    return this;
  }

  /** What a widget's module may use of its model. */
  given() {
    const { model, manager } = this;
    const bound = Object.fromEntries(["get", "set", "save_changes", "send", "on", "off"].map((name) => [name, model[name].bind(model)]));
    return { ...bound, widget_manager: manager };
  }

  /** Other front ends tell a view that it stands in the page; ours looks for itself. */
  trigger() {}

  remove() {
    if (this.gone) return;
    this.gone = true;
    this.cleanup?.();
    this.el.remove();
  }
}

/** Views of `models`; also what a widget's module gets as its manager. */
export class Manager {
  constructor(models) {
    this.models = models;
  }

  get_model(id) {
    return this.models.get(id);
  }

  create_view(model) {
    return new View(model, this).draw();
  }
}

function loaded(text) {
  if (!modules.has(text)) {
    const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    modules.set(text, import(address).finally(() => URL.revokeObjectURL(address)));
  }
  return modules.get(text);
}

/** One sheet for each kind of widget. */
function dress(id, css) {
  let sheet = document.getElementById(id);
  if (!sheet) {
    sheet = document.createElement("style");
    sheet.id = id;
    document.head.append(sheet);
  }
  if (sheet.textContent !== css) sheet.textContent = css;
}
