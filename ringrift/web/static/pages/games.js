// The games of the database, filtered, a page at a time.
import { html, useEffect, useState } from "../lib.js";
import { get } from "../api.js";
import { CONFIGS } from "../configs.js";
import { FileButton } from "./replay.js";
import { Chip, Waiting, ago, configInWords, count } from "../widgets.js";

const REASONS = {
  ring_elimination: "eliminated rings",
  territory: "territory",
  last_player_standing_material: "last with rings",
  last_player_standing_rounds: "last who could act",
  stalemate: "stalemate",
  stopped: "limit of moves",
};
const FILTERS = ["config", "reason", "engine", "model", "run", "part"];

export function Games({ query, onFile }) {
  const filters = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? ""]));
  const key = JSON.stringify(filters);
  const [state, setState] = useState({ key: null, games: [], older: null, looked: 0, counted: 0, error: null });
  const [isLoading, setLoading] = useState(true);
  const load = async (before, earlier) => {
    setLoading(true);
    try {
      const page = await get("games", { ...filters, before });
      setState({
        key,
        games: [...earlier.games, ...page.games],
        older: page.older,
        looked: earlier.looked + page.looked_at,
        counted: page.counted,
        error: null,
      });
    } catch (error) {
      setState({ ...earlier, key, error: error.message });
    }
    setLoading(false);
  };
  useEffect(() => {
    load(null, { games: [], looked: 0 });
  }, [key]);
  const choose = (name, value) => {
    const next = { ...filters, [name]: value };
    const given = Object.entries(next).filter(([, one]) => one);
    location.hash = given.length ? `#/games?${new URLSearchParams(given)}` : "#/games";
  };
  const shown = state.key === key ? state : { ...state, games: [] };
  return html`
    <div class="head">
      <h1>Games</h1>
      ${shown.counted > 0 && html`<span class="soft">${count(shown.counted)} in the database</span>`}
      <span class="push row">
        <span class="soft small">or drop a file of games anywhere</span>
        <${FileButton} onFile=${onFile} />
      </span>
    </div>
    <form class="card" onSubmit=${(event) => event.preventDefault()} aria-label="Filters">
      <div class="filters">
        <label class="field">
          Config
          <select value=${filters.config} onChange=${(event) => choose("config", event.target.value)}>
            <option value="">all</option>
            ${CONFIGS.map((config) => html`<option value=${config}>${config}</option>`)}
          </select>
        </label>
        <label class="field">
          Ended by
          <select value=${filters.reason} onChange=${(event) => choose("reason", event.target.value)}>
            <option value="">anything</option>
            ${Object.entries(REASONS).map(([reason, words]) => html`<option value=${reason}>${words}</option>`)}
          </select>
        </label>
        <label class="field">
          Part
          <select value=${filters.part} onChange=${(event) => choose("part", event.target.value)}>
            <option value="">all</option>
            <option value="training">training</option>
            <option value="holdout">held out</option>
          </select>
        </label>
        ${[
          ["engine", "Player begins with", "gumbel"],
          ["model", "Model", "id"],
          ["run", "Run", "name"],
        ].map(
          ([name, label, hint]) => html`<label class="field">
            ${label}
            <input
              type="search"
              value=${filters[name]}
              placeholder=${hint}
              onChange=${(event) => choose(name, event.target.value.trim())}
            />
          </label>`,
        )}
      </div>
    </form>
    <section class="card" aria-label="List of games">
      ${shown.error && html`<${Waiting} error=${shown.error} />`}
      ${shown.games.length > 0 && html`<${List} games=${shown.games} />`}
      ${!shown.games.length && !shown.error && html`<p class="empty">${isLoading ? "Loading…" : "No game passes these filters."}</p>`}
      <div class="row">
        <span class="soft small">
          ${shown.games.length > 0 && `${count(shown.games.length)} shown`}
          ${shown.looked > shown.games.length && ` of ${count(shown.looked)} looked through`}
        </span>
        ${shown.older &&
        html`<button disabled=${isLoading} onClick=${() => load(shown.older, shown)}>
          ${isLoading ? "Loading…" : "Show older games"}
        </button>`}
      </div>
    </section>
  `;
}

function List({ games }) {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th class="number">Game</th>
          <th>Config</th>
          <th>Players</th>
          <th>Ended by</th>
          <th class="number">Moves</th>
          <th>Run</th>
          <th>Host</th>
          <th class="number">Ended</th>
        </tr>
      </thead>
      <tbody>
        ${games.map(
          (game) => html`<tr key=${game.id}>
            <td class="number"><a href="#/games/${game.id}">${game.id}</a></td>
            <td title=${configInWords(game.config)}>${game.config}</td>
            <td><div class="seats">
              ${game.engines.map(
                (engine, index) => html`<span
                  class="seat ${game.winner === index + 1 ? "winner" : ""}"
                  title=${game.winner === index + 1 ? `${engine} won` : engine}
                >
                  <${Chip} player=${index + 1} name=${shortSpec(engine)} />${game.winner === index + 1 ? " ✓" : ""}
                </span>`,
              )}
            </div></td>
            <td>${REASONS[game.reason] ?? game.reason}${game.held_out && html` <span class="badge">held out</span>`}</td>
            <td class="number">${game.plies}</td>
            <td class="cut" title=${game.run}>${game.run} · ${game.game}</td>
            <td class="cut" title=${game.host}>${game.host || "–"}</td>
            <td class="soft number">${ago(game.ended)}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** A spec with the folders of its model left out. */
export const shortSpec = (spec) => spec.replace(/:[^@?]*\//, ":").replace(/ringrift_best_\w+\.pth/, "champion");
