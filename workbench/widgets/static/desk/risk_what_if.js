// What if: a bot halved, or every market falling together. The figures answer beside the present ones; nothing is sent to a bot.
import { el, setAttr, setText } from "./dom.js";

export function whatIfBar(choose) {
  let chosen = "";
  const press = (kind) => {
    chosen = kind === chosen ? "" : kind;
    tell();
  };
  const tell = () => {
    choose(chosen === "halve" ? { what: "halve", bot: bots.value } : chosen ? { what: chosen } : { what: "" });
    mark();
  };
  const button = (kind, text) => el("button", { type: "button", "data-what": kind, "aria-pressed": "false", text, onclick: () => press(kind) });
  const [halve, one] = [button("halve", "Halve"), button("correlations", "Correlations to 1")];
  const bots = el("select", { "aria-label": "Bot to halve", onchange: () => (chosen = "halve") && tell() });
  const said = el("span", { class: "muted outside what-said", role: "status" });
  const node = el("div", { class: "what-if", role: "group", "aria-label": "What if" }, el("span", { class: "label", text: "What if" }), halve, bots, one, said);
  const mark = () => {
    for (const one_ of [halve, one]) setAttr(one_, "aria-pressed", String(one_.dataset.what === chosen));
  };
  let known = "";
  return {
    node,
    update(view) {
      const names = view.bots.map((bot) => bot.id);
      const fresh = JSON.stringify(names);
      if (fresh !== known) {
        const was = bots.value;
        bots.replaceChildren(...names.map((name) => el("option", { value: name, text: name })));
        if (names.includes(was)) bots.value = was;
        known = fresh;
      }
      halve.disabled = bots.disabled = !names.length;
      setText(said, view.what_if ? (view.what_if.trouble ? `Cannot be computed: ${view.what_if.trouble}` : `Shown after →: ${view.what_if.label}`) : "");
    },
  };
}
