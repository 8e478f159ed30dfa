// Labels as a file to keep or to give away, windows included, and such a file taken in.
import { el } from "../desk/dom.js";

const KINDS = { csv: "text/csv", parquet: "application/vnd.apache.parquet", json: "application/json" };
const LARGEST = 6 * 1024 * 1024;

export class Parcels {
  constructor(lab) {
    this.lab = lab;
    const button = (ending) => el("button", { type: "button", class: "quiet", title: `Download all labels, with their bars, as ${ending}`, text: ending === "parquet" ? "Parquet" : ending.toUpperCase(), onclick: () => lab.ask("take", { ending }) });
    this.pick = el("input", { type: "file", accept: Object.keys(KINDS).map((ending) => `.${ending}`).join(","), "aria-label": "A file of labels to take in", hidden: true });
    this.pick.addEventListener("change", () => this.bring(this.pick.files[0]));
    const bring = el("button", { type: "button", class: "quiet", text: "Import", title: "Take in labels from a file", onclick: () => this.pick.click() });
    this.node = el("div", { class: "parcels" }, el("span", { class: "muted", text: "All labels with their bars" }), ...Object.keys(KINDS).map(button), bring, this.pick);
    lab.hears.take = (told) => this.save(told);
    lab.hears.bring = ({ words }) => lab.say(words);
  }

  save({ name, data }) {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const address = URL.createObjectURL(new Blob([bytes], { type: KINDS[name.split(".").pop()] }));
    el("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  async bring(file) {
    this.pick.value = "";
    if (!file) return;
    if (file.size > LARGEST) return this.lab.say("That file is larger than 6 MB: take it in with desk.ledger.annotations.import_file.", "warning");
    const bytes = new Uint8Array(await file.arrayBuffer());
    let text = "";
    for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    this.lab.ask("bring", { name: file.name, data: btoa(text) });
  }
}
