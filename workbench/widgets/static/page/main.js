// The page around this package's own widgets: no JupyterLab. Runs while the kernel still works, as the first script.
// Server side: workbench/dashboard/share/voila/templates/workbench/index.html.j2.
import { Line } from "./line.js";
import { Models } from "./models.js";
import { Manager } from "./views.js";

const WIDGET = "application/vnd.jupyter.widget-view+json";
const OUTPUTS = 'script[type="application/vnd.voila.cell-output+json"]';
const { baseUrl, kernelId } = JSON.parse(document.getElementById("jupyter-config-data").textContent);
const base = new URL(baseUrl, location.href).href;

const line = new Line(base, kernelId, (message) => models.hear(message), leave);
const models = new Models(line);
const manager = new Manager(models);
let freed = false;

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(OUTPUTS).forEach(show));
for (const event of ["beforeunload", "pagehide"]) window.addEventListener(event, free); // the first comes in time, the second always
window.addEventListener("pageshow", ({ persisted }) => persisted && location.reload()); // its kernel has been ended

/** The session is over: to the login, unless the page is on its way there. */
function leave() {
  freed = true; // the server ends the kernel, and hears no more from us
  setTimeout(() => location.reload(), 500);
}

document.addEventListener("submit", ({ target }) => (freed ||= target.matches(".logout")));

/** The kernel has no page any more: its seat is free for the next viewer. */
function free() {
  if (!freed) freed = navigator.sendBeacon(`${base}voila/api/shutdown/${kernelId}`);
}

/** Put what a cell shows in the place of its description. */
async function show(script) {
  const { data } = JSON.parse(script.textContent);
  try {
    const view = await manager.create_view(await manager.get_model(data[WIDGET]?.model_id));
    script.replaceWith(view.el);
  } catch (error) {
    script.replaceWith(failed(error));
  }
}

function failed(error) {
  const told = document.createElement("div");
  told.className = "failed";
  told.setAttribute("role", "alert");
  for (const words of ["This part of the page could not be shown.", String(error.message ?? error)]) {
    told.append(Object.assign(document.createElement("p"), { textContent: words }));
  }
  return told;
}
