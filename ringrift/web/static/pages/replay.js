// A game move by move: the board, what was played, what the search thought, and what a player would think of it.
import { html, useEffect, useMemo, useRef, useState } from "../lib.js";
import { encodeActions } from "../addresses.js";
import { cellsOf, isBookkeeping, parseKey, shortKey } from "../actions.js";
import { get, post } from "../api.js";
import { Board, mark, positionsOf } from "../board.js";
import { Chart } from "../chart.js";
import { cellInWords, boardOf } from "../geometry.js";
import { Candidates, Chip, Icon, Players, Waiting, configInWords, outcomeInWords, useData, when } from "../widgets.js";

const PLAYING_MS = 650;

/** A game of the database. */
export function GameReplay({ name, query, theme }) {
  const [data, error, again] = useData(() => get(`games/${encodeURIComponent(name)}/replay`), name);
  if (!data) return html`<${Waiting} error=${error} again=${again} />`;
  const about = data.about;
  return html`
    <div class="head">
      <h1>Game ${about.id}</h1>
      <a href="#/configs/${about.config}">${configInWords(about.config)}</a>
      <span class="soft">run ${about.run}, game ${about.game} · ${when(about.ended)} · ${about.plies} moves</span>
      <span class="push row">
        <a class="button" href="data/games/${about.id}/record" download="game-${about.id}.jsonl">Download</a>
        <a class="button" href="data/games/${about.id}/record?moves=true" download="game-${about.id}-moves.jsonl">
          Download as moves
        </a>
      </span>
    </div>
    <${Replay} replay=${data.replay} start=${Number(query.get("at")) || 0} address="#/games/${name}" theme=${theme} />
  `;
}

/** A game of a file that was dropped onto the page. */
export function FileReplay({ file, theme, onFile }) {
  const [number, setNumber] = useState(0);
  const line = file?.lines?.[number];
  const [replay, error] = useData(
    () => (line ? post("replay", line) : Promise.reject(new Error(file?.error ?? "Drop a file of games onto this page."))),
    `${file?.name}:${number}`,
  );
  const many = file?.lines?.length ?? 0;
  return html`
    <div class="head">
      <h1>${file?.name ?? "A file of games"}</h1>
      ${many > 1 &&
      html`<label class="row">
        Game
        <select value=${number} onChange=${(event) => setNumber(Number(event.target.value))}>
          ${file.lines.map((_, index) => html`<option value=${index}>${index + 1} of ${many}</option>`)}
        </select>
      </label>`}
      <span class="push"><${FileButton} onFile=${onFile} /></span>
    </div>
    ${replay
      ? html`<${Replay} key=${number} replay=${replay} start=${0} theme=${theme} />`
      : html`<${Waiting} error=${error} />`}
  `;
}

/** A button that opens a file. */
export function FileButton({ onFile }) {
  const input = useRef(null);
  return html`<button onClick=${() => input.current.click()}>Open a file…</button>
    <input
      ref=${input}
      type="file"
      accept=".jsonl,.gz,.json"
      hidden
      onChange=${(event) => event.target.files[0] && onFile(event.target.files[0])}
    />`;
}

function useStepping(last, start, address) {
  const [at, setAt] = useState(Math.min(Math.max(0, start), last));
  const [isPlaying, setPlaying] = useState(false);
  const go = (next) => setAt(Math.min(Math.max(0, next), last));
  useEffect(() => {
    if (address) history.replaceState(null, "", `${address}?at=${at}`);
  }, [at]);
  useEffect(() => {
    if (!isPlaying) return undefined;
    if (at >= last) {
      setPlaying(false);
      return undefined;
    }
    const timer = setTimeout(() => setAt(at + 1), PLAYING_MS);
    return () => clearTimeout(timer);
  }, [isPlaying, at]);
  useEffect(() => {
    const onKey = (event) => {
      if (event.target.closest?.("input, select, textarea") || event.altKey || event.ctrlKey || event.metaKey) return;
      const ways = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last };
      if (!(event.key in ways)) return;
      event.preventDefault();
      setPlaying(false);
      go(ways[event.key]);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [at]);
  return { at, go, isPlaying, setPlaying };
}

/** The marks and the arrow of the action that led to a position. */
export function lastAction(frame) {
  if (!frame.action) return { marks: new Map(), arrow: null };
  const { path } = parseKey(frame.action);
  const marks = mark(new Map(), cellsOf(frame.action), "last");
  return { marks, arrow: path.length === 2 ? { from: path[0], to: path[1] } : null };
}

/** A game with everything that is known of it. */
export function Replay({ replay, start, address, theme }) {
  const { frames, board } = replay;
  const positions = useMemo(() => positionsOf(board, frames), [replay]);
  const searches = useMemo(() => new Map(replay.searches.map((one) => [one.frame, one])), [replay]);
  const { at, go, isPlaying, setPlaying } = useStepping(frames.length - 1, start, address);
  const [shows, setShows] = useState(true);
  const [zoomed, setZoomed] = useState(false);
  const [hovered, setHovered] = useState(null);
  const frame = frames[at];
  const search = searches.get(at) ?? null;
  const next = frames[at + 1]?.action;
  const { marks, arrow } = useMemo(() => lastAction(frame), [frame]);
  const caption = frame.action ? `Player ${frame.by}: ${parseKey(frame.action).words}` : "The first position";
  const index = hovered ? boardOf(board).byKey.get(hovered) : null;
  const outcome = at === frames.length - 1 ? replay.outcome : null;
  return html`<div class="table">
    <section class="card stage" aria-label="Board">
      <div class="frame ${zoomed ? "zoomed" : ""}">
        <${Board}
          name=${board}
          cells=${positions[at]}
          marks=${marks}
          arrow=${shows && search ? null : arrow}
          policy=${shows && search ? search.policy : null}
          onHover=${setHovered}
          label="Board ${board}, position ${at} of ${frames.length - 1}"
        />
      </div>
      <p class="caption small soft" role="status">
        ${index === null ? (outcome ? `${caption}. In the end, ${outcomeInWords(outcome)}.` : caption) : cellInWords(hovered, positions[at][index])}
      </p>
      <div class="transport">
        <div class="row">
          <button class="icon" onClick=${() => go(0)} disabled=${at === 0} aria-label="First position"><${Icon} name="first" /></button>
          <button class="icon" onClick=${() => go(at - 1)} disabled=${at === 0} aria-label="One back"><${Icon} name="back" /></button>
          <button class="icon" onClick=${() => setPlaying(!isPlaying)} aria-label=${isPlaying ? "Pause" : "Play on"}>
            <${Icon} name=${isPlaying ? "pause" : "play"} />
          </button>
          <button class="icon" onClick=${() => go(at + 1)} disabled=${at === frames.length - 1} aria-label="One on"><${Icon} name="on" /></button>
          <button class="icon" onClick=${() => go(frames.length - 1)} disabled=${at === frames.length - 1} aria-label="Last position">
            <${Icon} name="last" />
          </button>
        </div>
        <input
          type="range"
          min="0"
          max=${frames.length - 1}
          value=${at}
          aria-label="Position"
          onInput=${(event) => go(Number(event.target.value))}
        />
        <div class="row">
          <span class="small soft number">${at} / ${frames.length - 1}</span>
          ${replay.searches.length > 0 &&
          html`<button aria-pressed=${String(shows)} onClick=${() => setShows(!shows)}>Thoughts</button>`}
          <button aria-pressed=${String(zoomed)} onClick=${() => setZoomed(!zoomed)}>Zoom</button>
          ${replay.standard && html`<a class="button" href=${playOn(replay, at)}>Play on</a>`}
        </div>
      </div>
      ${replay.searches.length > 1 && html`<${Values} replay=${replay} at=${at} go=${go} theme=${theme} />`}
    </section>
    <aside class="side">
        <section class="card">
          <${Players}
            engines=${replay.engines}
            frame=${frame}
            rules=${replay.rules}
            outcome=${outcome}
            values=${search?.values}
          />
        </section>
        ${replay.searches.length > 0 &&
        html`<section class="card">
          <header>
            <h2>What the search thought</h2>
            ${search && html`<span class="badge">${search.full ? "full search" : "short search"}</span>`}
          </header>
          ${search
            ? html`<${Candidates} policy=${search.policy.slice(0, 6)} played=${next} describe=${shortKey} />`
            : html`<p class="soft small">No search at this position: the action was forced, or picked without one.</p>`}
        </section>`}
        <section class="card">
          <header><h2>Moves</h2><span class="soft small push">← → to step</span></header>
          <${Moves} frames=${frames} at=${at} go=${go} />
        </section>
    </aside>
  </div>`;
}

/** The address of a game that goes on from a position: the player to act is a person. */
function playOn({ config, frames, engines }, at) {
  const seats = engines.map((_, index) => (frames[at].player === index + 1 ? "person" : "level:3"));
  const actions = encodeActions(frames.slice(1, at + 1).map((frame) => frame.number));
  return `#/play/${config}?${new URLSearchParams({ seats: seats.join(","), seed: 1, actions })}`;
}

function Values({ replay, at, go, theme }) {
  const seats = replay.engines.map((_, index) => index);
  const data = useMemo(
    () => [replay.searches.map((one) => one.frame), ...seats.map((seat) => replay.searches.map((one) => one.values[seat]))],
    [replay],
  );
  const options = (colour) => ({
    scales: { x: { time: false, range: [0, Math.max(1, replay.frames.length - 1)] }, y: { range: [-1.05, 1.05] } },
    cursor: { y: false },
    series: [
      { label: "position" },
      ...seats.map((seat) => ({
        label: `player ${seat + 1}`,
        stroke: colour(`--p${seat + 1}`),
        width: 2,
        dash: [[], [7, 3], [2, 3], [9, 3, 2, 3]][seat],
        value: (_, value) => (value === null ? "–" : value.toFixed(2)),
      })),
    ],
    axes: [{}, { size: 44 }],
  });
  return html`<${Chart}
    options=${options}
    data=${data}
    at=${at}
    height=${150}
    onPick=${(index) => go(data[0][index])}
    label="What the searches expected for every player, from −1 to 1, over the game"
    theme=${theme}
  />`;
}

/** The actions of a game by turn; a click goes there. */
export function Moves({ frames, at, go }) {
  const box = useRef(null);
  const turns = useMemo(() => {
    const turnsSoFar = [];
    frames.forEach((frame, index) => {
      if (!frame.action || isBookkeeping(frame.action)) return;
      const turn = frames[index - 1].turn;
      if (turnsSoFar.at(-1)?.turn !== turn) turnsSoFar.push({ turn, by: frame.by, actions: [] });
      turnsSoFar.at(-1).actions.push({ index, key: frame.action });
    });
    return turnsSoFar;
  }, [frames]);
  useEffect(() => {
    const list = box.current;
    const current = list?.querySelector("[aria-current]");
    if (!current) return;
    const top = current.offsetTop - list.clientHeight / 2;
    list.scrollTop = Math.max(0, top);
  }, [at, turns]);
  const shown = turns.findLast((turn) => turn.actions[0].index <= at)?.actions.findLast((one) => one.index <= at)?.index;
  return html`<div class="moves" ref=${box} tabindex="0" aria-label="Moves">
    <ol>
      ${turns.map(
        (turn) => html`<li key=${turn.actions[0].index}>
          <span>${turn.turn + 1}</span>
          <${Chip} player=${turn.by} />
          <span>
            ${turn.actions.map(
              ({ index, key }) => html`<button
                key=${index}
                aria-current=${index === shown ? "step" : undefined}
                title=${parseKey(key).words}
                onClick=${() => go(index)}
              >
                ${shortKey(key)}
              </button>`,
            )}
          </span>
        </li>`,
      )}
    </ol>
  </div>`;
}
