// The games that were played for evaluations, and each of them move by move.
import { html } from "../lib.js";
import { get } from "../api.js";
import { CONFIGS } from "../configs.js";
import { Chip, Waiting, ago, configInWords, count, useData, when } from "../widgets.js";
import { shortSpec } from "./games.js";
import { Replay } from "./replay.js";

const KINDS = ["gate", "rating", "shadow", "tournament", "trial", "tuning"];
const FILTERS = ["config", "kind", "player", "run"];

export function Evaluations({ query }) {
  const filters = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? ""]));
  const [games, error, again] = useData(() => get("evaluations", filters), JSON.stringify(filters));
  const choose = (name, value) => {
    const given = Object.entries({ ...filters, [name]: value }).filter(([, one]) => one);
    location.hash = `#/evaluations?${new URLSearchParams(given)}`;
  };
  const select = (name, label, values) => html`<label class="field">
    ${label}
    <select value=${filters[name]} onChange=${(event) => choose(name, event.target.value)}>
      <option value="">all</option>
      ${values.map((value) => html`<option value=${value}>${value}</option>`)}
    </select>
  </label>`;
  return html`
    <div class="head"><h1>Games of evaluations</h1><span class="soft">the newest first</span></div>
    <form class="card" onSubmit=${(event) => event.preventDefault()} aria-label="Filters">
      <div class="filters">
        ${select("config", "Config", CONFIGS)} ${select("kind", "Played for", KINDS)}
        <label class="field">
          Player
          <input type="search" value=${filters.player} placeholder="part of a name" onChange=${(event) => choose("player", event.target.value.trim())} />
        </label>
      </div>
    </form>
    <section class="card" aria-label="List of games">
      ${!games && html`<${Waiting} error=${error} again=${again} />`}
      ${games && !games.length && html`<p class="empty">No such games have been played yet.</p>`}
      ${games?.length > 0 &&
      html`<div class="scroll">
        <table>
          <thead><tr><th>Game</th><th>Config</th><th>For</th><th>Players</th><th>Ended by</th><th class="number">Moves</th><th class="number">Ended</th></tr></thead>
          <tbody>
            ${games.map(
              (game) => html`<tr key=${game.run + game.number}>
                <td><a class="mono" href="#/evaluations/${game.run}/${game.number}">${game.run.slice(0, 8)}/${game.number}</a></td>
                <td>${game.config}</td>
                <td>${game.kind}</td>
                <td class="wrap">
                  ${game.players.map(
                    (player, index) => html`<div class=${game.winner === index + 1 ? "won" : ""}>
                      <${Chip} player=${index + 1} name=${shortSpec(player)} />${game.winner === index + 1 && html` <span class="badge good">won</span>`}
                    </div>`,
                  )}
                </td>
                <td>${(game.reason ?? "stopped").replaceAll("_", " ")}</td>
                <td class="number">${count(game.plies)}</td>
                <td class="number soft">${ago(game.ended)}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>`}
    </section>
  `;
}

export function EvaluationReplay({ run, number, query, theme }) {
  const place = `${encodeURIComponent(run)}/${encodeURIComponent(number)}`;
  const [data, error, again] = useData(() => get(`evaluations/${place}/replay`), place);
  if (!data) return html`<${Waiting} error=${error} again=${again} />`;
  const { about } = data;
  return html`
    <div class="head">
      <h1>Game ${about.run.slice(0, 8)}/${about.number}</h1>
      <a href="#/configs/${about.config}">${configInWords(about.config)}</a>
      <span class="soft">${about.kind} · ${when(about.ended)} · ${about.plies} moves</span>
    </div>
    <${Replay} replay=${data.replay} start=${Number(query.get("at")) || 0} address="#/evaluations/${place}" theme=${theme} />
  `;
}
