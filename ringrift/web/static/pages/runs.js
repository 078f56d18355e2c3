// Runs of training beside each other, those that go on among them.
import { html, useEffect, useMemo, useState } from "../lib.js";
import { get } from "../api.js";
import { Chart } from "../chart.js";
import { Waiting, ago, count, useData } from "../widgets.js";

const REFRESH_MS = 10000;
const MOST_COMPARED = 4;
const LIVE_SECONDS = 300;

const nameOf = (run) => `${run.config}/${run.run}`;

export function Runs({ query, theme }) {
  const config = query.get("config") ?? "";
  const [data, error, again] = useData(() => get("runs", { config }), `runs ${config}`);
  const [chosen, setChosen] = useState(null);
  const [loss, setLoss] = useState("total");
  const names = chosen ?? (data?.runs ?? []).slice(0, 2).map(nameOf);
  const [curves, problem, reload] = useData(
    () => Promise.all(names.map((name) => get(`runs/${name.split("/").map(encodeURIComponent).join("/")}`))),
    names.join(" "),
  );
  useEffect(() => {
    const timer = setInterval(() => document.hidden || (again(), reload()), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  if (!data) return html`<${Waiting} error=${error} again=${again} />`;
  if (!data.runs.length) {
    return html`<h1>Runs</h1><section class="card"><p class="empty">No training yet.</p></section>`;
  }
  const toggle = (name) =>
    setChosen(names.includes(name) ? names.filter((one) => one !== name) : [...names, name].slice(-MOST_COMPARED));
  const losses = [...new Set((curves ?? []).flatMap((run) => Object.keys(run.curves)))];
  return html`
    <div class="head">
      <h1>Runs</h1>
      <span class="soft">training${config ? ` of ${config}` : ""}, the newest first; up to ${MOST_COMPARED} are compared</span>
      ${config && html`<a class="push" href="#/runs">all configs</a>`}
    </div>
    <section class="card">
      <header>
        <h2>Losses</h2>
        <span class="push row" role="group" aria-label="Loss">
          ${losses.map(
            (name) => html`<button key=${name} aria-pressed=${String(name === loss)} onClick=${() => setLoss(name)}>
              ${name.replaceAll("_", " ")}
            </button>`,
          )}
        </span>
      </header>
      ${curves && curves.length
        ? html`<${Losses} runs=${curves} loss=${loss} theme=${theme} />`
        : html`<${Waiting} error=${problem ?? (names.length ? null : "Choose a run below.")} />`}
    </section>
    <section class="card" aria-label="List of runs">
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th>Shown</th><th>Config</th><th>Run</th><th>Network</th><th class="number">Steps</th>
              <th class="number">Samples</th><th class="number" title="calibration error of the values on games held out">ECE</th>
              <th>Ended</th><th>Model</th><th class="number">Last logged</th>
            </tr>
          </thead>
          <tbody>
            ${data.runs.map((run) => html`<${Row} key=${nameOf(run)} run=${run} isShown=${names.includes(nameOf(run))} onToggle=${toggle} />`)}
          </tbody>
        </table>
      </div>
    </section>
  `;
}

function Row({ run, isShown, onToggle }) {
  const goesOn = !run.ended && Date.now() / 1000 - run.changed < LIVE_SECONDS;
  return html`<tr>
    <td><input type="checkbox" checked=${isShown} onChange=${() => onToggle(nameOf(run))} aria-label="Show ${nameOf(run)}" /></td>
    <td><a href="#/configs/${run.config}">${run.config}</a></td>
    <td class="mono">${run.run}</td>
    <td>${run.network ?? "–"}</td>
    <td class="number">${count(run.steps)}</td>
    <td class="number">${count(run.samples)}</td>
    <td class="number">${run.ece === null ? "–" : run.ece.toFixed(3)}</td>
    <td class="wrap">
      ${goesOn ? html`<span class="badge accent">goes on</span>` : (run.ended ?? "cut short")}
      ${run.warnings.map((warning) => html`<div class="small warn">${warning}</div>`)}
    </td>
    <td class="mono">${run.model ?? "–"}</td>
    <td class="number soft">${ago(run.changed)}</td>
  </tr>`;
}

/** Columns of several curves over all of their steps, as uPlot wants them. */
export function joined(series) {
  const xs = [...new Set(series.flatMap(([steps]) => steps))].sort((a, b) => a - b);
  const place = new Map(xs.map((x, index) => [x, index]));
  const columns = series.map(([steps, values]) => {
    const column = new Array(xs.length).fill(null);
    steps.forEach((step, index) => (column[place.get(step)] = values[index]));
    return column;
  });
  return [xs, ...columns];
}

function Losses({ runs, loss, theme }) {
  const shown = runs.filter((run) => run.curves[loss]);
  const data = useMemo(
    () =>
      joined(
        shown.flatMap((run) => {
          const curve = run.curves[loss];
          return [
            [curve.steps, curve.training],
            [curve.holdout_steps, curve.holdout],
          ];
        }),
      ),
    [runs, loss],
  );
  if (!shown.length) return html`<p class="empty">None of these runs has logged this.</p>`;
  const options = (colour) => ({
    scales: { x: { time: false } },
    series: [
      { label: "step" },
      ...shown.flatMap((run, index) => {
        const stroke = colour(`--p${index + 1}`);
        const value = (_, number) => (number === null || number === undefined ? "–" : number.toFixed(4));
        return [
          { label: run.run, stroke, width: 1.5, spanGaps: true, points: { show: false }, value },
          { label: `${run.run} held out`, stroke, width: 0, points: { show: true, size: 9, fill: stroke }, value },
        ];
      }),
    ],
    axes: [{ label: "steps", size: 34, labelSize: 22 }, { size: 58 }],
  });
  return html`<${Chart} options=${options} data=${data} height=${300} label="${loss} of the chosen runs" theme=${theme} />`;
}
