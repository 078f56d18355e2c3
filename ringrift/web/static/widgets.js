// Small pieces that several pages show.
import { html, useEffect, useState } from "./lib.js";
import { Sign } from "./board.js";

/** Data of a request that is made again when `key` changes: [data, error, again]. */
export function useData(load, key) {
  const [state, setState] = useState({ key: null, data: null, error: null });
  const [round, setRound] = useState(0);
  useEffect(() => {
    let gone = false;
    load().then(
      (data) => gone || setState({ key, data, error: null }),
      (error) => gone || setState({ key, data: null, error: error.message }),
    );
    return () => (gone = true);
  }, [key, round]);
  const fresh = state.key === key;
  return [fresh ? state.data : null, fresh ? state.error : null, () => setRound((round) => round + 1)];
}

/** What stands in place of data that is not there. */
export function Waiting({ error, again }) {
  if (!error) return html`<p class="empty" role="status">Loading…</p>`;
  return html`<div class="notice bad row" role="alert">
    <span>${error}</span>
    ${again && html`<button onClick=${again}>Try again</button>`}
  </div>`;
}

/** A player's sign and name. */
export function Chip({ player, name }) {
  return html`<span class="chip p${player}">
    <svg viewBox="-1.25 -1.25 2.5 2.5" aria-hidden="true"><${Sign} player=${player} size=${0.95} /></svg>
    ${name ?? html`<span class="visually-hidden">player ${player}</span>`}
  </span>`;
}

const SIGNS = {
  first: "M2 2h2.5v12H2zM14 2v12L5 8z",
  back: "M12 2v12L3 8z",
  play: "M4 2v12l10-6z",
  pause: "M3 2h4v12H3zM9 2h4v12H9z",
  on: "M4 2v12l9-6z",
  last: "M11.500 2H14v12h-2.500zM2 2v12l9-6z",
  sun: "M8 4.500a3.500 3.500 0 1 0 0 7a3.500 3.500 0 1 0 0-7zM7.300 0h1.400v3H7.300zM7.300 13h1.400v3H7.300zM0 7.300h3v1.400H0zM13 7.300h3v1.400h-3z",
  moon: "M6 1a7 7 0 1 0 9 9A6 6 0 0 1 6 1z",
};

/** A small picture on a button. */
export function Icon({ name }) {
  return html`<svg viewBox="0 0 16 16" aria-hidden="true"><path d=${SIGNS[name]} /></svg>`;
}

/** A bar that is filled to a share. */
export function Bar({ share, className = "progress", label }) {
  const width = Math.max(0, Math.min(1, share)) * 100;
  return html`<svg class=${className} viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label=${label}>
    <rect x="0" y="0" width=${width} height="6" />
  </svg>`;
}

const REASONS = {
  ring_elimination: "by eliminated rings",
  territory: "by territory",
  last_player_standing_material: "as the last with rings",
  last_player_standing_rounds: "as the last who could act",
  stalemate: "by stalemate",
  stopped: "stopped at the limit of moves",
};

/** How a game ended, in words. */
export function outcomeInWords(outcome) {
  if (!outcome) return "the game goes on";
  const reason = REASONS[outcome.reason] ?? outcome.reason ?? "";
  return outcome.winner ? `player ${outcome.winner} won ${reason}` : reason || "no player won";
}

/** A config's name for people: board and players. */
export function configInWords(config) {
  const [board, players] = config.split("_");
  const names = { square8: "Square 8 × 8", square19: "Square 19 × 19", hex8: "Hex, 61 cells", hexagonal: "Hex, 469 cells" };
  return `${names[board] ?? board}, ${players?.[0]} players`;
}

const numbers = new Intl.NumberFormat("en-GB");

/** A whole number with separators. */
export const count = (number) => (number === null || number === undefined ? "–" : numbers.format(number));

/** A value from −1 to 1 with its sign. */
export const signed = (value, digits = 2) =>
  value === null || value === undefined ? "–" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;

/** How long ago a moment was. */
export function ago(seconds) {
  if (!seconds) return "–";
  const age = Math.max(0, Date.now() / 1000 - seconds);
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (age >= size) return `${Math.floor(age / size)} ${unit} ago`;
  }
  return "just now";
}

/** A moment as a date. */
export function when(seconds) {
  if (!seconds) return "–";
  return new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
}

/** The players of a game with what each has. */
export function Players({ engines, frame, rules, outcome, values }) {
  return html`<div class="players">
    ${engines.map((engine, index) => {
      const seat = index + 1;
      const { hand, eliminated, territory, markers } = frame.seats;
      const won = outcome?.winner === seat;
      const acts = !outcome && frame.player === seat;
      return html`<div class="player p${seat} ${acts ? "acts" : ""} ${won ? "won" : ""}" key=${seat}>
        <${Chip} player=${seat} />
        <span class="who" title=${engine}>${engine}</span>
        <span class="value">
          ${won ? "won" : values ? html`<span title="what the search expects, −1 … 1">${signed(values[index])}</span>` : acts ? "to act" : ""}
        </span>
        <span class="tally">
          <span><b>${hand[index]}</b> in hand</span>
          <span><b>${eliminated[index]}</b>/${rules.elimination} eliminated</span>
          <span><b>${territory[index]}</b>/${rules.territory} territory</span>
          <span><b>${markers[index]}</b> markers</span>
        </span>
        <span class="meter">
          <${Bar} className="" share=${eliminated[index] / rules.elimination} label="eliminated rings" />
          <${Bar} className="" share=${territory[index] / rules.territory} label="territory" />
        </span>
      </div>`;
    })}
  </div>`;
}

/** The policy of a search or of a hint as a table. */
export function Candidates({ policy, values, played, describe, onPick }) {
  return html`<div class="scroll">
    <table class="candidates">
      <thead>
        <tr>
          <th>Action</th>
          <th>Probability</th>
          ${values && html`<th class="number">Value</th>`}
        </tr>
      </thead>
      <tbody>
        ${policy.map(
          ([key, probability], index) => html`<tr key=${key}>
            <td>
              ${onPick
                ? html`<button class="plain" onClick=${() => onPick(key)}>${describe(key)}</button>`
                : describe(key)}
              ${key === played && html` <span class="badge accent">played</span>`}
            </td>
            <td class="share">
              <${Bar} className="" share=${probability / Math.max(policy[0][1], 1e-9)} label="" />
              <span>${(probability * 100).toFixed(probability < 0.1 ? 1 : 0)} %</span>
            </td>
            ${values && html`<td class="number">${signed(values[index])}</td>`}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
