// What is played now: games of self-play as they go on, who plays them and how fast, and the games that came in last.
import { html, useEffect, useMemo, useRef, useState } from "../lib.js";
import { get } from "../api.js";
import { Board, positionsOf } from "../board.js";
import { Chip, Waiting, ago, count, outcomeInWords, useData } from "../widgets.js";
import { shortSpec } from "./games.js";
import { lastAction } from "./replay.js";

const FRAME_MS = 180;
const PAUSE_FRAMES = 20; // at the end of a game, before it begins again
const KEPT_FRAMES = 2; // the position and the one before, of a game that goes on

/** The games that are watched after an event: each with its cells and its last frame. */
export function follow(known, watched) {
  return new Map(
    watched.map((one) => {
      const before = one.anew ? null : known.get(one.key);
      const frames = [...(before?.frames ?? []), ...one.frames];
      const cells = positionsOf(one.config.split("_")[0], one.frames, before?.cells ?? null).at(-1) ?? before?.cells;
      return [one.key, { ...one, cells, frames: frames.slice(-KEPT_FRAMES) }];
    }),
  );
}

export function Live() {
  const [data, setData] = useState(null);
  const [watched, setWatched] = useState(new Map());
  const [isCut, setCut] = useState(false);
  const first = useRef(null);
  useEffect(() => {
    const stream = new EventSource("data/live/events");
    stream.onmessage = (message) => {
      const event = JSON.parse(message.data);
      first.current ??= event.last;
      setData(event);
      setWatched((known) => follow(known, event.watched));
      setCut(false);
    };
    stream.onerror = () => setCut(true); // the browser asks again by itself
    return () => stream.close();
  }, []);
  if (!data) return html`<${Waiting} error=${isCut ? "the server does not answer; it is asked again" : null} />`;
  const hour = data.rates.reduce((sum, rate) => sum + rate.games, 0);
  const speed = data.workers.reduce((sum, worker) => sum + worker.games_per_second, 0);
  return html`
    <div class="head">
      <h1>Live</h1>
      <span class="soft" role="status">
        ${data.workers.length ? `${speed.toFixed(2)} games/s now; ` : ""}${count(hour)} games in the last hour;
        ${" "}${count(data.last - first.current)} came in while you watched
      </span>
      ${isCut && html`<span class="badge warn push">connection lost, trying again</span>`}
    </div>
    <h2>Being played</h2>
    ${!data.workers.length && html`<section class="card"><p class="empty">No self-play on this machine now.</p></section>`}
    <div class="wall">${[...watched.values()].map((game) => html`<${Playing} key=${game.key} game=${game} />`)}</div>
    ${data.workers.length > 0 && html`<${Workers} workers=${data.workers} />`}
    <h2>Came in last</h2>
    ${!data.newest.length && html`<section class="card"><p class="empty">No games yet.</p></section>`}
    <div class="wall">${data.newest.map((game) => html`<${Watched} key=${game.id} game=${game} />`)}</div>
    ${data.rates.length > 0 && html`<${Rates} rates=${data.rates} />`}
  `;
}

function Playing({ game }) {
  const last = game.frames.at(-1);
  const { marks, arrow } = lastAction(last);
  return html`<section class="card" aria-label="Game ${game.game} of ${game.host}">
    <header>
      <h3>Game ${count(game.game)}</h3>
      <a class="soft small" href="#/configs/${game.config}">${game.config}</a>
      <span class="push soft small wrap">${game.host}, worker ${game.worker}</span>
    </header>
    <${Board} name=${game.config.split("_")[0]} cells=${game.cells} marks=${marks} arrow=${arrow} label="Board after ${last.ply} moves" />
    <p class="small soft">${game.outcome ? outcomeInWords(game.outcome) : `move ${last.ply}, player ${last.player} to act`}</p>
    <${Seats} engines=${game.engines} />
  </section>`;
}

function Seats({ engines }) {
  return html`<div class="seats small">
    ${engines.map((engine, index) => html`<span class="seat wrap"><${Chip} player=${index + 1} name=${shortSpec(engine)} /></span>`)}
  </div>`;
}

function Workers({ workers }) {
  return html`<section class="card">
    <h2>Workers</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr><th>Host</th><th>Config</th><th class="number">Games</th><th class="number">At once</th><th class="number">Games/s</th><th class="number">Moves/s</th></tr>
        </thead>
        <tbody>
          ${workers.map(
            (one) => html`<tr key=${one.host + one.worker + one.config}>
              <td class="wrap">${one.host}, ${one.worker}</td>
              <td><a href="#/configs/${one.config}">${one.config}</a></td>
              <td class="number">${count(one.games)}</td>
              <td class="number">${count(one.side_by_side)}</td>
              <td class="number">${one.games_per_second.toFixed(2)}</td>
              <td class="number">${count(Math.round(one.moves_per_second))}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

function Rates({ rates }) {
  return html`<section class="card">
    <h2>Games in the last hour</h2>
    <div class="scroll">
      <table>
        <thead><tr><th>Host</th><th>Config</th><th class="number">Games</th><th class="number">A minute</th></tr></thead>
        <tbody>
          ${rates.map(
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
  </section>`;
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
    <${Seats} engines=${game.engines} />
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
