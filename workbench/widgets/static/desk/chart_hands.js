// Wheel zooms at the pointer, drag pans, double click shows the whole run.

export function handlers(plot, chart) {
  const { over } = plot;
  const moment = (event) => plot.posToVal(event.clientX - over.getBoundingClientRect().left, "x");
  let grip = null;

  over.addEventListener("wheel", (event) => {
    event.preventDefault();
    chart.window.zoom(chart.table[0], moment(event), event.deltaY < 0 ? 0.85 : 1 / 0.85);
    chart.redraw();
  }, { passive: false });
  over.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || chart.window.whole) return;
    grip = { x: event.clientX, pointer: event.pointerId };
    over.setPointerCapture(event.pointerId);
    over.classList.add("gripped");
  });
  over.addEventListener("pointermove", (event) => {
    if (!grip || event.pointerId !== grip.pointer) return;
    const [from, to] = chart.window.over(chart.table[0]);
    chart.window.pan(chart.table[0], ((grip.x - event.clientX) / over.clientWidth) * (to - from));
    grip.x = event.clientX;
    chart.redraw();
  });
  const release = () => {
    grip = null;
    over.classList.remove("gripped");
  };
  over.addEventListener("pointerup", release);
  over.addEventListener("pointercancel", release);
  over.addEventListener("dblclick", () => chart.reset());
}
