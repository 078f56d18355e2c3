// Charts by uPlot, in the colours of the page.
import uPlot from "./vendor/uplot.js";
import { html, useEffect, useRef } from "./lib.js";

/** The colour of a variable of the style sheet as it is now. */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * A chart. `options(colour)` returns uPlot's options without a size; `data` are its columns; `onPick` receives the index
 * of the point that was clicked; `at` is the x that a line marks.
 */
export function Chart({ options, data, height = 190, at = null, onPick, label, theme }) {
  const box = useRef(null);
  const plot = useRef(null);
  const mark = useRef(at);
  mark.current = at;
  useEffect(() => {
    const made = options(colour);
    const hooks = {
      draw: [
        (self) => {
          if (mark.current === null) return;
          const x = self.valToPos(mark.current, "x", true);
          self.ctx.save();
          self.ctx.strokeStyle = colour("--ink");
          self.ctx.globalAlpha = 0.6;
          self.ctx.beginPath();
          self.ctx.moveTo(x, self.bbox.top);
          self.ctx.lineTo(x, self.bbox.top + self.bbox.height);
          self.ctx.stroke();
          self.ctx.restore();
        },
        ...(made.hooks?.draw ?? []),
      ],
    };
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    plot.current = new uPlot(
      {
        ...made,
        width: box.current.clientWidth,
        height,
        axes: (made.axes ?? [{}, {}]).map((one) => ({ ...axis, ...one })),
        hooks,
      },
      data,
      box.current,
    );
    const resized = new ResizeObserver(() => {
      if (box.current) plot.current?.setSize({ width: box.current.clientWidth, height });
    });
    resized.observe(box.current);
    const pick = () => onPick && plot.current.cursor.idx !== null && onPick(plot.current.cursor.idx);
    plot.current.over.addEventListener("click", pick);
    return () => {
      resized.disconnect();
      plot.current.destroy();
      plot.current = null;
    };
  }, [data, theme]);
  useEffect(() => plot.current?.redraw(false), [at]);
  return html`<div class="chart" ref=${box} role="img" aria-label=${label}></div>`;
}
