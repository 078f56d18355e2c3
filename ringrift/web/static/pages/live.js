// The games that have come in last, replayed side by side; and how many come in.
import { html, useEffect, useMemo, useRef, useState } from "../lib.js";
import { get } from "../api.js";
import { Board, positionsOf } from "../board.js";
import { Chip, Waiting, ago, count, outcomeInWords, useData } from "../widgets.js";
import { shortSpec } from "./games.js";
import { lastAction } from "./replay.js";

const REFRESH_MS = 5000;
const FRAME_MS = 180;
const PAUSE_FRAMES = 20; // at the end of a game, before it begins again

export function Live() {
  const [data, setData] = useState(null);
  const [error, setError] = useState(null);
  const first = useRef(null);
  useEffect(() => {
    let gone = false;
    const load = () =>
      get("live").then(
        (found) => {
          if (gone) return;
          first.current ??= found.last;
          setData(found);
          setError(null);
        },
        (problem) => gone || setError(problem.message),
      );
    load();
    const timer = setInterval(() => document.hidden || load(), REFRESH_MS);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, []);
  if (!data) return html`<${Waiting} error=${error} />`;
  const hour = data.rates.reduce((sum, rate) => sum + rate.games, 0);
  return html`
    <div class="head">
      <h1>Live</h1>
      <span class="soft" role="status">
        ${count(hour)} games in the last hour; ${count(data.last - first.current)} came in while you watched
      </span>
    </div>
    ${error && html`<${Waiting} error=${error} />`}
    ${!data.newest.length && html`<section class="card"><p class="empty">No games yet.</p></section>`}
    <div class="wall">${data.newest.map((game) => html`<${Watched} key=${game.id} game=${game} />`)}</div>
    ${data.rates.length > 0 &&
    html`<section class="card">
      <h2>Games in the last hour</h2>
      <div class="scroll">
        <table>
          <thead><tr><th>Host</th><th>Config</th><th class="number">Games</th><th class="number">A minute</th></tr></thead>
          <tbody>
            ${data.rates.map(
              (rate) => html`<tr key=${rate.host + rate.config}>
                <td class="wrap">${rate.host || "–"}</td>
                <td><a href="#/configs/${rate.config}">${rate.config}</a></td>
                <td class="number">${count(rate.games)}</td>
                <td class="number">${(rate.games / 60).toFixed(1)}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </section>`}
  `;
}

function Watched({ game }) {
  const [data, error] = useData(() => get(`games/${game.id}/replay`), String(game.id));
  return html`<section class="card" aria-label="Game ${game.id}">
    <header>
      <h3><a href="#/games/${game.id}">Game ${game.id}</a></h3>
      <span class="soft small">${game.config}</span>
      <span class="push soft small wrap">${game.host || "–"}, ${ago(game.ended)}</span>
    </header>
    ${data ? html`<${Running} replay=${data.replay} />` : html`<${Waiting} error=${error} />`}
    <div class="seats small">
      ${game.engines.map((engine, index) => html`<span class="seat wrap"><${Chip} player=${index + 1} name=${shortSpec(engine)} /></span>`)}
    </div>
  </section>`;
}

function Running({ replay }) {
  const { frames, board } = replay;
  const [tick, setTick] = useState(0);
  const positions = useMemo(() => positionsOf(board, frames), [replay]);
  const at = Math.min(tick, frames.length - 1);
  useEffect(() => {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      setTick(frames.length - 1);
      return undefined;
    }
    const timer = setInterval(() => {
      if (!document.hidden) setTick((one) => (one > frames.length + PAUSE_FRAMES ? 0 : one + 1));
    }, FRAME_MS);
    return () => clearInterval(timer);
  }, [replay]);
  const { marks, arrow } = lastAction(frames[at]);
  return html`
    <${Board} name=${board} cells=${positions[at]} marks=${marks} arrow=${arrow} label="Board, position ${at}" />
    <p class="small soft">
      ${at === frames.length - 1 ? outcomeInWords(replay.outcome) : `move ${frames[at].ply} of ${frames.at(-1).ply}`}
    </p>
  `;
}
