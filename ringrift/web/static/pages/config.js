// A config: strength and learning of its models, verdicts of the gate, lineage, and its games
// in numbers.
import { html, useEffect, useMemo, useState } from "../lib.js";
import { get } from "../api.js";
import { Chart } from "../chart.js";
import { Bar, Waiting, ago, configInWords, count, useData, when } from "../widgets.js";
import { shortSpec } from "./games.js";

const KINDS = { promoted: "good", restored: "good", passed: "accent", refused: "bad" };

export function Config({ config, query, theme }) {
  const [data, error, again] = useData(() => get(`configs/${encodeURIComponent(config)}`), config);
  const part = query.get("show");
  useEffect(() => {
    const section = data && part && document.getElementById(part);
    if (section) section.scrollIntoView();
  }, [data, part]);
  if (!data) return html`<${Waiting} error=${error} again=${again} />`;
  const champion = data.models.find((model) => model.status === "production");
  return html`
    <div class="head">
      <h1>${configInWords(config)}</h1>
      <span class="soft mono">${config}</span>
      <span class="push row">
        <a class="button" href="#/games?config=${config}">Its games</a>
        <a class="button primary" href="#/play/${config}?seats=${seatsOf(config, champion)}&seed=1">
          Play ${champion ? "the champion" : "a game"}
        </a>
      </span>
    </div>
    <div class="columns">
      <section class="card" id="strength">
        <header><h2>Strength</h2><span class="push soft small">Elo with 95 % intervals</span></header>
        <${Curve} data=${data} theme=${theme} />
        <${Ratings} ratings=${data.ratings} />
      </section>
      <section class="card" id="learning">
        <header>
          <h2>Learning</h2>
          <a class="push small" href="#/runs?config=${config}">its runs</a>
        </header>
        <${Learning} models=${data.models} theme=${theme} />
      </section>
      <section class="card" id="lineage">
        <header><h2>Lineage</h2><span class="push soft small">games → data set → model → verdict</span></header>
        <${Lineage} models=${data.models} decisions=${data.decisions} />
      </section>
      <section class="card" id="cross-table">
        <header><h2>Cross-table</h2><span class="push soft small">of rated games</span></header>
        <${CrossTable} config=${config} />
      </section>
      <section class="card" id="verdicts">
        <header><h2>Verdicts</h2><a class="push small" href="#/evaluations?config=${config}&kind=gate">games that they rest on</a></header>
        <${Decisions} decisions=${data.decisions} />
      </section>
      <section class="card" id="models">
        <header><h2>Models</h2><span class="push soft small">the newest first</span></header>
        <${Models} models=${data.models} />
      </section>
      <section class="card" id="evaluations">
        <header>
          <h2>Evaluations</h2>
          <a class="push small" href="#/evaluations?config=${config}">their games</a>
        </header>
        <${Evaluations} evaluations=${data.evaluations} />
      </section>
      <${Statistics} config=${config} theme=${theme} />
    </div>
  `;
}

function seatsOf(config, champion) {
  const others = Number(config.slice(-2, -1)) - 1;
  return ["person", ...new Array(others).fill(champion ? "champion@64" : "level:2")].join(",");
}

const AXES = {
  hours: ["hours", "hours that learning took", (point) => point.hours],
  cpu_hours: ["CPU hours", "CPU hours of learning", (point) => point.cpu_hours],
  games: ["games", "games to learn from", (point) => point.games],
  iterations: ["iterations", "models, one after the other", (_, index) => index + 1],
};

/** The measures that a curve may be drawn over: those that are known of every model. */
export function axesOf(points) {
  return Object.keys(AXES).filter((name) => {
    const values = points.map(AXES[name][2]);
    return values.every((value) => value !== null) && values.some((value) => value > 0);
  });
}

function Curve({ data, theme }) {
  const known = axesOf(data.points);
  const [wanted, setAxis] = useState(null);
  const axis = known.includes(wanted) ? wanted : known[0];
  const forms = [...new Set(data.points.flatMap((point) => Object.keys(point.elo)))];
  const columns = useMemo(() => {
    const rated = data.points.map((point, index) => [point, index]).filter(([point]) => Object.keys(point.elo).length);
    const xs = rated.map(([point, index]) => AXES[axis][2](point, index));
    const values = forms.flatMap((form) =>
      [0, 1, 2].map((part) => rated.map(([point]) => point.elo[form]?.[part] ?? null)),
    );
    return [xs, ...values];
  }, [data, axis]);
  if (!forms.length) return html`<p class="empty">No model has an Elo yet: the stage “rate” gives it one.</p>`;
  const options = (colour) => ({
    scales: { x: { time: false } },
    series: [
      { label: AXES[axis][0] },
      ...forms.flatMap((form, index) => {
        const stroke = colour(`--p${(index % 4) + 1}`);
        const value = (_, number) => (number === null ? "–" : number.toFixed(0));
        return [
          { label: form, stroke, width: 2, points: { show: true, size: 6 }, value },
          { label: "low", stroke: `${stroke}66`, width: 1, points: { show: false }, value },
          { label: "high", stroke: `${stroke}66`, width: 1, points: { show: false }, value },
        ];
      }),
    ],
    bands: forms.map((_, index) => ({ series: [3 * index + 3, 3 * index + 2], fill: `${colour(`--p${(index % 4) + 1}`)}22` })),
    axes: [{ label: AXES[axis][1], size: 34, labelSize: 22 }, { size: 52 }],
  });
  return html`
    <div class="row" role="group" aria-label="Over what">
      ${known.map(
        (name) => html`<button key=${name} aria-pressed=${String(name === axis)} onClick=${() => setAxis(name)}>${AXES[name][0]}</button>`,
      )}
    </div>
    <${Chart} key=${axis} options=${options} data=${columns} height=${240} label="Elo of every model over ${AXES[axis][1]}" theme=${theme} />
  `;
}

/** Losses and calibration of all models, the oldest first. */
function Learning({ models, theme }) {
  const measured = useMemo(() => models.filter((model) => model.loss !== null).reverse(), [models]);
  const columns = useMemo(
    () => [
      measured.map((_, index) => index + 1),
      measured.map((model) => model.loss),
      measured.map((model) => (model.gap === null ? null : model.loss - model.gap)),
      measured.map((model) => model.calibration),
    ],
    [measured],
  );
  if (!measured.length) return html`<p class="empty">No model has been validated yet.</p>`;
  const value = (_, number) => (number === null || number === undefined ? "–" : number.toFixed(3));
  const options = (colour) => ({
    scales: { x: { time: false }, calibration: { range: (_, low, high) => [0, Math.max(high ?? 0, 0.01) * 1.15] } },
    series: [
      { label: "model" },
      { label: "held out", stroke: colour("--p1"), width: 2, points: { show: true, size: 6 }, value },
      { label: "training", stroke: colour("--p2"), width: 2, points: { show: true, size: 6 }, value },
      { label: "calibration error", scale: "calibration", stroke: colour("--p3"), width: 2, dash: [5, 4], points: { show: true, size: 6 }, value },
    ],
    axes: [
      { label: "models, one after the other", size: 34, labelSize: 22, incrs: [1, 2, 5, 10, 20, 50, 100] },
      { size: 52, label: "loss", labelSize: 18 },
      { size: 52, label: "calibration error", labelSize: 18, scale: "calibration", side: 1, grid: { show: false } },
    ],
  });
  return html`<${Chart} options=${options} data=${columns} height=${220} label="Losses and calibration error of every model" theme=${theme} />`;
}

const ROW = 46;
const COLUMN = { games: 8, dataset: 132, model: 276, verdict: 436 };
const MOST_GENERATIONS = 12;

/** Where models come from: games → data set → model → champion, and from which model each went on. */
function Lineage({ models, decisions }) {
  const shown = models.slice(0, MOST_GENERATIONS);
  if (!shown.length) return html`<p class="empty">No model yet.</p>`;
  const rows = new Map(shown.map((model, index) => [model.id, index]));
  const verdicts = new Map([...decisions].reverse().map((one) => [one.model, one]));
  const middle = (row) => row * ROW + ROW / 2;
  const line = (from, to, row) => html`<path class="flow" d="M${from} ${middle(row)}H${to}" />`;
  const box = (x, wide, row, title, below, kind = "", href = null) => {
    const inner = html`<rect x=${x} y=${middle(row) - 17} width=${wide} height="34" rx="6" class="node ${kind}" />
      <text x=${x + 8} y=${middle(row) - 2} class="title">${title}</text>
      <text x=${x + 8} y=${middle(row) + 11} class="below">${below}</text>`;
    return href ? html`<a href=${href} aria-label="${title}, ${below}">${inner}</a>` : inner;
  };
  return html`<div class="scroll">
    <svg class="lineage" viewBox="0 0 580 ${shown.length * ROW}" width="580" height=${shown.length * ROW} role="group" aria-label="Lineage of the models">
      ${shown.map((model, row) => {
        const parent = rows.get(model.parent);
        const bend = COLUMN.model + 128 + 6 + 5 * ((row % 3) + 1);
        return parent === undefined
          ? null
          : html`<path class="parent" d="M${COLUMN.model + 128} ${middle(parent) - 6}H${bend}V${middle(row) + 8}H${COLUMN.model + 128}" />`;
      })}
      ${shown.map((model, row) => {
        const verdict = verdicts.get(model.id);
        const isChampion = model.status === "production";
        return html`
          ${model.games !== null && line(COLUMN.games + 100, COLUMN.dataset, row)}
          ${model.samples !== null && line(COLUMN.dataset + 120, COLUMN.model, row)}
          ${model.games !== null && box(COLUMN.games, 100, row, count(model.games), "games")}
          ${model.samples !== null && box(COLUMN.dataset, 120, row, model.dataset ?? "data set", `${count(model.samples)} samples`)}
          ${box(COLUMN.model, 128, row, model.id.slice(0, 12), model.parent ? `from ${model.parent.slice(0, 8)}` : "from nothing", isChampion ? "good" : "", `#/games?model=${model.id}`)}
          ${(verdict || isChampion) && html`<path class="flow" d="M${COLUMN.model + 128} ${middle(row)}H${COLUMN.verdict}" />`}
          ${isChampion
            ? box(COLUMN.verdict, 136, row, "champion", verdict ? when(verdict.when) : "", "good")
            : verdict && box(COLUMN.verdict, 136, row, verdict.kind, when(verdict.when), KINDS[verdict.kind] ?? "")}
        `;
      })}
    </svg>
  </div>`;
}

function CrossTable({ config }) {
  const [data, error, again] = useData(() => get(`configs/${encodeURIComponent(config)}/cross-table`), `${config}/cross-table`);
  if (!data) return html`<${Waiting} error=${error} again=${again} />`;
  if (!data.players.length) return html`<p class="empty">No rated games yet.</p>`;
  return html`<div class="scroll">
    <table class="cross">
      <thead>
        <tr><th>Player</th>${data.players.map((player, index) => html`<th class="number" title=${player}>${index + 1}</th>`)}</tr>
      </thead>
      <tbody>
        ${data.players.map(
          (player, row) => html`<tr key=${player}>
            <th scope="row" class="mono wrap">${row + 1} ${shortSpec(player)}</th>
            ${data.scores[row].map(
              (score, column) => html`<td
                class="number ${score === null ? "" : score > 0.5 ? "good" : score < 0.5 ? "bad" : ""}"
                title=${score === null ? "" : `${player} against ${data.players[column]}: ${count(data.games[row][column])} comparisons`}
              >
                ${row === column ? "·" : score === null ? "–" : Math.round(score * 100)}
              </td>`,
            )}
          </tr>`,
        )}
      </tbody>
    </table>
    <p class="soft small">Per cent that the player of the row scored against that of the column.</p>
  </div>`;
}

function Ratings({ ratings }) {
  if (!ratings.length) return null;
  return html`<div class="scroll">
    <table>
      <thead>
        <tr><th>Player</th><th class="number">Elo</th><th class="number">95 %</th><th class="number">Games</th></tr>
      </thead>
      <tbody>
        ${ratings.slice(0, 15).map(
          (one) => html`<tr key=${one.player}>
            <td class="wrap mono">${one.player}</td>
            <td class="number">${one.elo.toFixed(0)}</td>
            <td class="number soft">${one.low.toFixed(0)} … ${one.high.toFixed(0)}</td>
            <td class="number">${count(one.games)}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function Decisions({ decisions }) {
  if (!decisions.length) return html`<p class="empty">The gate has not been asked yet.</p>`;
  return decisions.slice(0, 8).map(
    (one, index) => html`<details key=${one.when + one.model} open=${index === 0}>
      <summary class="row">
        <span class="badge ${KINDS[one.kind] ?? ""}">${one.kind}${one.forced ? ", forced" : ""}</span>
        <span class="mono">${one.model}</span>
        <span class="soft small">${when(one.when)}</span>
      </summary>
      <p class="small wrap">${one.why}</p>
      ${one.checks.length > 0 &&
      html`<div class="scroll">
        <table>
          <thead><tr><th>Condition</th><th>Measured</th><th>Limit</th><th></th></tr></thead>
          <tbody>
            ${one.checks.map(
              (check) => html`<tr key=${check.name}>
                <td title=${check.asks}>${check.name}</td>
                <td class="wrap">${check.measured}</td>
                <td>${check.limit}</td>
                <td>
                  <span class="badge ${check.verdict === "passed" ? "good" : check.verdict === "failed" ? "bad" : ""}">
                    ${check.verdict}
                  </span>
                </td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>`}
    </details>`,
  );
}

function Models({ models }) {
  if (!models.length) return html`<p class="empty">No model yet.</p>`;
  const depth = new Map();
  const byId = new Map(models.map((model) => [model.id, model]));
  const depthOf = (model) => {
    if (!depth.has(model.id)) {
      depth.set(model.id, 0); // even if parents form a circle
      const parent = byId.get(model.parent);
      depth.set(model.id, parent ? depthOf(parent) + 1 : 0);
    }
    return depth.get(model.id);
  };
  return html`<div class="scroll">
    <table>
      <thead>
        <tr><th>Model</th><th>Status</th><th>Parent</th><th class="number">Generation</th><th class="number">Games</th><th>Made</th></tr>
      </thead>
      <tbody>
        ${models.slice(0, 40).map(
          (model) => html`<tr key=${model.id}>
            <td><a class="mono" href="#/games?model=${model.id}" title="games of this model">${model.id}</a></td>
            <td>
              <span class="badge ${model.status === "production" ? "good" : ""}">${model.status}</span>
              ${model.pruned && html` <span class="badge">pruned</span>`}
            </td>
            <td class="mono">${model.parent ?? "–"}</td>
            <td class="number">${depthOf(model) + 1}</td>
            <td class="number">${count(model.games)}</td>
            <td class="soft">${ago(model.created)}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function Evaluations({ evaluations }) {
  if (!evaluations.length) return html`<p class="empty">Nothing has been evaluated yet.</p>`;
  return evaluations.slice(0, 6).map(
    (one, index) => html`<details key=${one.id} open=${index === 0}>
      <summary class="row">
        <span class="badge ${one.passed === true ? "good" : one.passed === false ? "bad" : ""}">
          ${one.passed === true ? "passed" : one.passed === false ? "failed" : "done"}
        </span>
        <span>${one.kind}</span>
        <span class="mono soft small">${one.candidate ?? ""}</span>
        <span class="soft small">${when(one.finished)}</span>
      </summary>
      ${one.opponents.length > 0 &&
      html`<div class="scroll">
        <table>
          <thead><tr><th>Against</th><th class="number">Games</th><th class="number">Score</th><th class="number">95 %</th><th></th></tr></thead>
          <tbody>
            ${one.opponents.map(
              (opponent) => html`<tr key=${opponent.role + opponent.opponent}>
                <td class="wrap">${opponent.role || shortSpec(opponent.opponent)}</td>
                <td class="number">${count(opponent.games)}</td>
                <td class="number">${percent(opponent.share)}</td>
                <td class="number soft">${percent(opponent.low)} – ${percent(opponent.high)}</td>
                <td><span class="badge ${opponent.verdict === "passed" ? "good" : "bad"}">${opponent.verdict}</span></td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>`}
    </details>`,
  );
}

const percent = (share) => `${(share * 100).toFixed(1)} %`;

function Statistics({ config, theme }) {
  const [found, error, again] = useData(async () => ({ one: await get(`configs/${encodeURIComponent(config)}/statistics`) }), `${config}/statistics`);
  if (!found) return html`<section class="card"><h2>Games</h2><${Waiting} error=${error} again=${again} /></section>`;
  const one = found.one;
  if (!one) return html`<section class="card"><h2>Games</h2><p class="empty">No games yet.</p></section>`;
  const lengths = [one.lengths.map(([moves]) => moves), one.lengths.map(([, games]) => games)];
  return html`
    <section class="card">
      <header><h2>Games</h2><span class="push soft small">${one.games < one.all_games ? `the newest ${count(one.games)} of ${count(one.all_games)} games` : `${count(one.games)} games`}</span></header>
      <dl class="facts">
        <dt>Moves a game</dt>
        <dd>${one.mean_moves.toFixed(0)} on average; ${Object.entries(one.moves).map(([name, value]) => `${name}: ${value}`).join(", ")}</dd>
        <dt>Variety</dt>
        <dd>${count(one.distinct)} distinct games from ${count(one.openings)} openings</dd>
        ${Object.entries(one.uses).map(([name, share]) => html`<dt>${name.replaceAll("_", " ")}</dt><dd>in ${percent(share)} of the games</dd>`)}
      </dl>
      <h3>Won by seat</h3>
      <div class="shares">${one.seats.map((seat) => html`<${Share} key=${seat.seat} name="Player ${seat.seat}" share=${seat.share} text="${percent(seat.share)} (${percent(seat.low)} – ${percent(seat.high)})" />`)}</div>
      <h3>Ended by</h3>
      <div class="shares">${Object.entries(one.endings).map(([reason, games]) => html`<${Share} key=${reason} name=${reason.replaceAll("_", " ")} share=${games / one.games} text=${count(games)} />`)}</div>
    </section>
    <section class="card">
      <header><h2>Length and players</h2></header>
      <${Chart}
        label="Games by their moves"
        data=${lengths}
        height=${200}
        theme=${theme}
        options=${(colour) => ({
          scales: { x: { time: false } },
          legend: { show: false },
          series: [{ label: "moves" }, { label: "games", stroke: colour("--accent"), width: 2, fill: `${colour("--accent")}33` }],
          axes: [{ label: "moves", size: 34, labelSize: 22 }, { size: 52 }],
        })}
      />
      <h3>Seats by player</h3>
      <div class="shares">${Object.entries(one.engines).map(([engine, seats], _, all) => html`<${Share} key=${engine} name=${shortSpec(engine)} share=${seats / Math.max(...all.map(([, other]) => other))} text=${count(seats)} />`)}</div>
    </section>
  `;
}

function Share({ name, share, text }) {
  return html`<div class="share-line">
    <span class="wrap">${name}</span>
    <${Bar} share=${share} label=${text} />
    <span class="number small">${text}</span>
  </div>`;
}
