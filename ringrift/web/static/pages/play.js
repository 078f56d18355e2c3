// A game in the browser: people and players at one board. The address of the page holds the whole game.
import { html, useEffect, useMemo, useRef, useState } from "../lib.js";
import { isBookkeeping, parseKey, shortKey, taskOf } from "../actions.js";
import { decodeActions, encodeActions } from "../addresses.js";
import { get, post } from "../api.js";
import { Board, mark, positionsOf } from "../board.js";
import { BOARD_NAMES, playersOf } from "../configs.js";
import { download } from "../files.js";
import { boardOf, cellInWords } from "../geometry.js";
import { Candidates, Chip, Players, Waiting, configInWords, outcomeInWords, signed, useData } from "../widgets.js";
import { Moves, lastAction } from "./replay.js";

const PERSON = "person";
const TURN_MS = 350;
const BOARDS = {
  square8: "Square 8 × 8",
  hex8: "Hexagon, 61 cells",
  square19: "Square 19 × 19",
  hexagonal: "Hexagon, 469 cells",
};

/** Choosing a board and who sits at it. */
export function NewGame() {
  const [board, setBoard] = useState("square8");
  const [players, setPlayers] = useState(2);
  const [seats, setSeats] = useState([PERSON, "level:2", "level:2", "level:2"]);
  const config = `${board}_${players}p`;
  const [data, error, again] = useData(() => get(`play/players/${config}`), config);
  const begin = () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    location.hash = `#/play/${config}?${new URLSearchParams({ seats: seats.slice(0, players).join(","), seed })}`;
  };
  const sit = (index, seat) => setSeats(seats.map((one, other) => (other === index ? seat : one)));
  const offered = new Set(data?.choices.map((one) => one.seat));
  const isReady = data && seats.slice(0, players).every((seat) => offered.has(seat));
  return html`
    <div class="head">
      <h1>Play</h1>
      <span class="soft">New to the game? <a href="#/rules">The rules in pictures</a> take five minutes.</span>
    </div>
    <div class="table">
      <section class="card">
        <h2>Board</h2>
        <div class="boards" role="group" aria-label="Board">
          ${BOARD_NAMES.map(
            (name) => html`<button key=${name} aria-pressed=${String(name === board)} onClick=${() => setBoard(name)}>
              <${Board} name=${name} cells=${[]} label=${BOARDS[name]} />
              <span>${BOARDS[name]}</span>
            </button>`,
          )}
        </div>
      </section>
      <section class="card">
        <h2>Players</h2>
        <div class="row" role="group" aria-label="Number of players">
          ${[2, 3, 4].map(
            (number) => html`<button aria-pressed=${String(number === players)} onClick=${() => setPlayers(number)}>
              ${number} players
            </button>`,
          )}
        </div>
        ${!data && html`<${Waiting} error=${error} again=${again} />`}
        ${data &&
        seats.slice(0, players).map(
          (seat, index) => html`<label class="field" key=${index}>
            <${Chip} player=${index + 1} name="Seat ${index + 1}" />
            <select value=${seat} onChange=${(event) => sit(index, event.target.value)}>
              ${data.choices.map(
                (one) => html`<option value=${one.seat} selected=${one.seat === seat}>${one.name} (${one.detail})</option>`,
              )}
            </select>
          </label>`,
        )}
        <button class="primary" disabled=${!isReady} onClick=${begin}>Begin the game</button>
        <p class="soft small">
          Player 1 begins. A higher level is stronger and slower. The address of the page holds the whole game: keep it to
          go on another day.
        </p>
      </section>
    </div>
  `;
}

/** The actions among the legal ones that agree with the cells which were clicked. */
export function narrowed(legal, clicked) {
  return legal.filter(([, key]) => {
    const { path, area } = parseKey(key);
    return clicked.every((cell, index) => (area ? area.includes(cell) : path[index] === cell));
  });
}

/** What clicking on a cell means after others: { clicked, play } with the number of an action to be played, or null. */
export function click(legal, clicked, cell) {
  for (const before of [clicked, []]) {
    const next = [...before, cell];
    const fitting = narrowed(legal, next);
    if (!fitting.length) continue;
    const [number, key] = fitting[0];
    const isWhole = parseKey(key).area || parseKey(key).path.length === next.length;
    return { clicked: next, play: fitting.length === 1 && isWhole ? number : null };
  }
  return { clicked: [], play: null };
}

/** The cell that every action begins with, such as the stack of a chain, which needs no click; null if none. */
export function soleStart(legal) {
  const starts = new Set(legal.map(([, key]) => parseKey(key)).filter((one) => one.path.length || one.area).map((one) => (one.path.length === 2 ? one.path[0] : null)));
  return starts.size === 1 ? [...starts][0] : null;
}

/** The last position up to one that a choice has led to, rather than what happens by itself. */
function shownAt(frames, at) {
  for (let index = at; index > 0; index--) if (!isBookkeeping(frames[index].action)) return index;
  return 0;
}

function usePlay(config, seats, seed, first) {
  const [game, setGame] = useState({ actions: first, frames: [], legal: [], waits: null, outcome: null, table: null });
  const [error, setError] = useState(null);
  const [isThinking, setThinking] = useState(false);
  const round = useRef(0);
  const ask = async (actions, frames, advance) => {
    const mine = ++round.current;
    setThinking(true);
    setError(null);
    try {
      let there = { actions, frames };
      let goOn = advance;
      for (;;) {
        const position = await post("play/position", {
          config,
          seats,
          seed,
          actions: there.actions,
          known: there.frames.length,
          advance: goOn,
        });
        if (mine !== round.current) return;
        there = {
          ...position,
          actions: [...there.actions, ...position.actions],
          frames: [...there.frames, ...position.frames],
        };
        setGame(there);
        if (position.waits !== "player") break;
        if (goOn) await new Promise((done) => setTimeout(done, TURN_MS));
        if (mine !== round.current) return;
        goOn = true;
      }
    } catch (problem) {
      if (mine === round.current) setError(problem.message);
    }
    if (mine === round.current) setThinking(false);
  };
  useEffect(() => {
    ask(first, [], false);
    return () => (round.current = -1);
  }, []);
  const choose = (action) => {
    setGame({ ...game, legal: [], waits: "player" });
    ask([...game.actions, action], game.frames, false);
  };
  const undo = () => {
    const at = undoTo(game.frames, seats);
    if (at !== null) ask(game.actions.slice(0, at), game.frames.slice(0, at + 1), false);
  };
  const again = () => ask(game.actions, game.frames, game.frames.length > 0);
  return { game, error, isThinking, choose, undo, again };
}

/** The number of actions that are left when the last turn in which a person chose something is taken back. */
export function undoTo(frames, seats) {
  const chose = (index) => seats[frames[index].player - 1] === PERSON && frames[index].legal > 1;
  let at = frames.length - 2;
  while (at >= 0 && !chose(at)) at--;
  if (at < 0) return null;
  const { turn } = frames[at];
  for (let index = at; index >= 0 && frames[index].turn === turn; index--) if (chose(index)) at = index;
  return at;
}

/** A game that goes on. */
export function Play({ config, query }) {
  const seats = (query.get("seats") ?? "").split(",");
  const seed = Number(query.get("seed")) || 0;
  const first = useMemo(() => decodeActions(query.get("actions") ?? ""), []);
  if (seats.length !== playersOf(config)) {
    return html`<p class="empty">This address names no game. <a href="#/play">Begin a new one</a></p>`;
  }
  return html`<${Table} config=${config} seats=${seats} seed=${seed} first=${first} />`;
}

function Table({ config, seats, seed, first }) {
  const { game, error, isThinking, choose, undo, again } = usePlay(config, seats, seed, first);
  const [own, setClicked] = useState([]);
  const [hovered, setHovered] = useState(null);
  const [shownAction, setShownAction] = useState(null);
  const [hint, setHint] = useState(null);
  const [looksAt, setLooksAt] = useState(null);
  const [zoomed, setZoomed] = useState(false);
  const { actions, frames, legal, waits, outcome } = game;
  const board = config.split("_")[0];
  const last = frames.length - 1;
  const at = looksAt ?? last;
  const isPresent = at === last;
  const positions = useMemo(() => positionsOf(board, frames), [frames]);
  const start = useMemo(() => soleStart(legal), [legal]);
  const clicked = own.length || !start ? own : [start];
  useEffect(() => {
    const text = new URLSearchParams({ seats: seats.join(","), seed, actions: encodeActions(actions) });
    history.replaceState(null, "", `#/play/${config}?${text}`);
    setClicked([]);
    setHint(null);
    setLooksAt(null);
    setShownAction(null);
  }, [actions]);
  const fitting = narrowed(legal, clicked);
  const started = isPresent ? fitting : [];
  const marks = useMemo(() => {
    const marked = frames.length ? lastAction(frames[shownAt(frames, at)]).marks : new Map();
    for (const [, key] of started) {
      const { path, area } = parseKey(key);
      mark(marked, area ?? path.slice(clicked.length, clicked.length + 1), "legal");
    }
    mark(marked, isPresent ? clicked : [], "chosen");
    if (shownAction) mark(marked, parseKey(shownAction).area ?? parseKey(shownAction).path, "area");
    return new Map([...marked].map(([cell, names]) => [cell, [...new Set(names.split(" "))].join(" ")]));
  }, [frames, at, legal, own, shownAction]);
  if (!frames.length) return html`<${Waiting} error=${error} again=${again} />`;
  const frame = frames[at];
  const shown = frames[shownAt(frames, at)];
  const onCell = (cell) => {
    if (!isPresent || waits !== "person") return;
    if (own.at(-1) === cell) {
      setClicked([]);
      return;
    }
    const next = click(legal, clicked, cell);
    setClicked(next.clicked);
    if (next.play !== null) choose(next.play);
  };
  const elsewhere = legal.filter(([, key]) => !parseKey(key).path.length && !parseKey(key).area);
  const listed = clicked.length ? started.filter(([, key]) => parseKey(key).area || parseKey(key).path.length === clicked.length) : [];
  const areas = clicked.length ? [] : legal.filter(([, key]) => parseKey(key).area);
  const askHint = async () => {
    setHint({ waits: true });
    try {
      setHint(await post("play/hint", { config, seats, seed, actions }));
    } catch (problem) {
      setHint({ error: problem.message });
    }
  };
  const save = async () => {
    const record = await fetch("data/play/record", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ config, seats, seed, actions }),
    });
    download(`ringrift-${config}.jsonl`, await record.text());
  };
  const person = waits === "person";
  const status = outcome
    ? `The game is over: ${outcomeInWords(outcome)}.`
    : person
      ? taskOf(frame.phase, legal.map(([, key]) => key))
      : error
        ? ""
        : `Player ${frame.player} (${seatInWords(seats[frame.player - 1])}) thinks…`;
  const hoverIndex = hovered ? boardOf(board).byKey.get(hovered) : null;
  const policy = hint?.candidates && isPresent ? hint.candidates.map((one) => [one.key, one.probability]) : null;
  return html`
    <div class="head">
      <h1>${configInWords(config)}</h1>
      <span class="push row">
        <button onClick=${undo} disabled=${undoTo(frames, seats) === null}>Undo</button>
        <button onClick=${save}>Save</button>
        <a class="button" href="#/rules">Rules</a>
        <a class="button" href="#/play">New game</a>
      </span>
    </div>
    <div class="table">
      <section class="card stage" aria-label="Board">
        <div class="task ${outcome ? "over" : person ? `p${frame.player}` : ""}" role="status">
          ${person && html`<${Chip} player=${frame.player} name="Player ${frame.player}" />`}
          <span>${status}</span>
        </div>
        <div class="frame ${zoomed ? "zoomed" : ""}">
          <${Board}
            name=${board}
            cells=${positions[at]}
            marks=${marks}
            arrow=${policy || own.length ? null : lastAction(shown).arrow}
            policy=${policy}
            onCell=${onCell}
            onHover=${setHovered}
            label="Board of ${configInWords(config)}, ${frame.ply} moves played"
          />
        </div>
        <div class="row">
          <p class="caption small soft wide">
            ${hoverIndex !== null ? cellInWords(hovered, positions[at][hoverIndex]) : shown.action ? `Player ${shown.by}: ${parseKey(shown.action).words}` : ""}
          </p>
          <button aria-pressed=${String(zoomed)} onClick=${() => setZoomed(!zoomed)}>Zoom</button>
        </div>
      </section>
      <aside class="side">
        ${error && html`<div class="notice bad row" role="alert"><span>${error}</span><button onClick=${again}>Try again</button></div>`}
        ${!isPresent && html`<div class="notice row"><span>An earlier position.</span><button onClick=${() => setLooksAt(null)}>Back to the game</button></div>`}
        ${outcome && html`<section class="card"><h2>${outcomeInWords(outcome)}</h2>
          <div class="row"><a class="button primary" href="#/play">Play again</a><button onClick=${save}>Save the game</button></div></section>`}
        ${person &&
        isPresent &&
        html`<section class="card" aria-label="Your choice">
          <header><h2>Your choice</h2>
            ${own.length > 0 && html`<button class="plain push" onClick=${() => setClicked([])}>Start over</button>`}
            <button class=${own.length ? "" : "push"} onClick=${askHint} disabled=${hint?.waits}>
              ${hint?.waits ? "Thinking…" : "Hint"}
            </button>
          </header>
          ${!clicked.length && !areas.length && html`<p class="soft small">Cells that you can choose are marked${elsewhere.length ? "; or:" : "."}</p>`}
          ${clicked.length > 0 && !listed.length && html`<p class="soft small">From ${clicked[0]}: now choose where to${!own.length && elsewhere.length ? "; or:" : "."}</p>`}
          <div class="choices">
            ${[...listed, ...areas, ...(own.length ? [] : elsewhere)].slice(0, 60).map(
              ([number, key]) => html`<button
                key=${number}
                onClick=${() => choose(number)}
                onMouseEnter=${() => setShownAction(key)}
                onMouseLeave=${() => setShownAction(null)}
                onFocus=${() => setShownAction(key)}
                onBlur=${() => setShownAction(null)}
              >
                ${parseKey(key).words}
              </button>`,
            )}
          </div>
          ${hint?.error && html`<p class="bad">${hint.error}</p>`}
          ${hint?.candidates &&
          html`<p class="soft small">${hint.by} expects ${signed(hint.values[frame.player - 1])} for you.</p>
            <${Candidates}
              policy=${hint.candidates.slice(0, 6).map((one) => [one.key, one.probability])}
              values=${hint.candidates.map((one) => one.value)}
              describe=${shortKey}
              onPick=${(key) => choose(legal.find(([, other]) => other === key)[0])}
            />`}
        </section>`}
        <section class="card">
          <${Players} engines=${seats.map(seatInWords)} frame=${frame} rules=${game.table.rules} outcome=${isPresent ? outcome : null} />
        </section>
        <section class="card">
          <header><h2>Moves</h2><span class="push soft small">${isThinking && !person ? "thinking…" : ""}</span></header>
          <${Moves} frames=${frames} at=${at} go=${(index) => setLooksAt(index === last ? null : index)} />
        </section>
      </aside>
    </div>
  `;
}

const seatInWords = (seat) => (seat === PERSON ? "A person" : seat.replace("level:", "Level ").replace("champion@", "Champion @ "));
