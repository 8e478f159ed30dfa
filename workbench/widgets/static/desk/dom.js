// Building blocks for the page. Whatever comes from outside becomes a text node: nothing here parses markup.

/** An element: `attrs` are attributes, `on…` listeners, `text` its text; children are nodes or strings. */
export function el(tag, attrs = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attrs)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Set text only where it differs, so that an unchanged page costs no layout. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setClass(node, name, on) {
  if (node.classList.contains(name) !== Boolean(on)) node.classList.toggle(name, Boolean(on));
}

export function setAttr(node, name, value) {
  if (value === null || value === undefined || value === "") node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/** A panel of the page: heading, optional tools at its right, and a body. */
export function panel(title, id, tools = []) {
  const heading = el("h2", { text: title });
  const chip = el("span", { class: "chip", hidden: true });
  const head = el("header", { class: "panel-head" }, heading, chip, el("span", { class: "spring" }), ...tools);
  const body = el("div", { class: "panel-body" });
  return { node: el("section", { class: `panel ${id}`, "aria-label": title }, head, body), body, chip, heading };
}

/** Facts in a grid: [[term, value] …]. */
export function facts(pairs) {
  return el("dl", { class: "facts" }, ...pairs.map(([term, value]) => el("div", {}, el("dt", { text: term }), el("dd", { text: value }))));
}

/** Buttons of which one is chosen; `onPick(value)` hears of a change. */
export function segmented(label, choices, chosen, onPick) {
  const group = el("span", { class: "segmented", role: "group", "aria-label": label });
  const buttons = choices.map(([value, words]) => {
    const press = () => {
      for (const other of buttons) setAttr(other, "aria-pressed", String(other === button));
      onPick(value);
    };
    const button = el("button", { type: "button", "aria-pressed": String(value === chosen), text: words, onclick: press });
    return button;
  });
  group.append(...buttons);
  return group;
}

/** What is remembered of how the page looks: by the ledger for its user where `keep` was called, else by this browser.
 *  A browser that refuses remembers nothing. */
export const memory = {
  kept: {},
  tell: null,
  /** `kept`: what the ledger knows. `tell(key, value)` has a choice kept there. */
  keep(kept, tell) {
    Object.assign(this, { kept: { ...kept }, tell });
  },
  get(key, otherwise) {
    if (Object.hasOwn(this.kept, key)) return this.kept[key];
    try {
      return JSON.parse(localStorage.getItem(`workbench.${key}`)) ?? otherwise;
    } catch {
      return otherwise;
    }
  },
  set(key, value) {
    if (this.tell) {
      this.kept[key] = value;
      this.tell(key, value);
    }
    try {
      localStorage.setItem(`workbench.${key}`, JSON.stringify(value));
    } catch {
      // private windows may refuse; the choice then lasts as long as the page
    }
  },
};
