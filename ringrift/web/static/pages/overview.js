// How all twelve configs stand, at a glance.
import { html, useEffect } from "../lib.js";
import { get } from "../api.js";
import { BOARD_NAMES } from "../configs.js";
import { Bar, Waiting, ago, configInWords, count, useData } from "../widgets.js";

const REFRESH_MS = 15000;
const BOARDS = {
  square8: "Square, 8 × 8",
  hex8: "Hexagon, 61 cells",
  square19: "Square, 19 × 19",
  hexagonal: "Hexagon, 469 cells",
};

export function Overview() {
  const [data, error, again] = useData(() => get("overview"), "overview");
  useEffect(() => {
    const timer = setInterval(() => document.hidden || again(), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  if (!data) return html`<${Waiting} error=${error} again=${again} />`;
  const games = data.configs.reduce((sum, one) => sum + one.games, 0);
  const champions = data.configs.filter((one) => one.champion).length;
  return html`
    <div class="head">
      <h1>Overview</h1>
      <span class="soft">${count(games)} games, ${champions} of ${data.configs.length} configs have a champion of their own</span>
      <span class="push soft small">preset ${data.preset}</span>
    </div>
    ${data.halted && html`<div class="notice bad" role="alert"><strong>The loop is halted.</strong> ${data.halted}</div>`}
    ${data.activity.length > 0 &&
    html`<section class="card" aria-label="The loop">
      <dl class="facts">${data.activity.map(([title, text]) => html`<dt>${title}</dt><dd>${text}</dd>`)}</dl>
    </section>`}
    ${BOARD_NAMES.map(
      (board) => html`<section class="group" key=${board} aria-label=${BOARDS[board]}>
        <h2>${BOARDS[board]}</h2>
        <div class="tiles">
          ${data.configs
            .filter((one) => one.config.startsWith(`${board}_`))
            .map((one) => html`<${Tile} key=${one.config} one=${one} />`)}
        </div>
      </section>`,
    )}
  `;
}

function Tile({ one }) {
  const form = "gumbel@32" in one.elo ? "gumbel@32" : Object.keys(one.elo)[0];
  const elo = one.elo[form];
  return html`<a class="card tile" href="#/configs/${one.config}" aria-label=${configInWords(one.config)}>
    <header>
      <h3>${one.config.replace("_", " · ")}</h3>
      <span class="push">
        ${one.champion
          ? html`<span class="badge good" title="the champion"><span class="mono">${one.champion.slice(0, 8)}</span></span>`
          : one.shipped
            ? html`<span class="badge" title="the champion that comes with RingRift"
                ><span class="mono">${one.shipped.slice(0, 8)}</span> shipped</span
              >`
            : html`<span class="badge">no champion</span>`}
      </span>
    </header>
    <div class="figures">
      <span class="figure"><b>${count(one.games)}</b><span>games</span></span>
      <span class="figure" title=${elo ? `${form}: ${elo[1].toFixed(0)} … ${elo[2].toFixed(0)}` : ""}>
        <b>${elo ? elo[0].toFixed(0) : "–"}</b>
        <span>${elo ? `Elo ± ${((elo[2] - elo[1]) / 2).toFixed(0)}` : "Elo"}</span>
      </span>
      <span class="figure"><b>${one.trained ? ago(one.trained).replace(" ago", "") : "–"}</b><span>since training</span></span>
    </div>
    ${one.games_needed > 0 &&
    html`<${Bar}
      share=${one.new_games / one.games_needed}
      label="${count(one.new_games)} of ${count(one.games_needed)} new games"
    />`}
    <p class="small ${one.needs_attention ? "bad" : "soft"}">${one.why}</p>
    ${one.warnings.map((warning) => html`<p class="small warn wrap clamp" title=${warning}>${warning}</p>`)}
    ${one.verdict && html`<p class="small wrap clamp" title=${one.verdict}><span class="badge">last verdict</span> ${one.verdict}</p>`}
  </a>`;
}
