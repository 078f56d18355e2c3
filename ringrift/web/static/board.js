// The board as SVG: cells, stacks, markers, territory; what is marked, and what a search thinks of.
import { Component, html, useRef, useState } from "./lib.js";
import { boardOf, cellInWords, contentOf, neighbour } from "./geometry.js";
import { parseKey } from "./actions.js";

const COIN = { rx: 0.33, ry: 0.225, thickness: 0.115, tallest: 0.5 };
const MANY = 40; // cells that can be chosen: their outlines would be a second grid
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The sign of a player: circle, square, triangle, diamond, so that the pages are clear without colours. */
export function Sign({ player, size, ...rest }) {
  const s = size;
  if (player === 1) return html`<circle r=${s} ...${rest} />`;
  if (player === 2) {
    const half = s * 0.88;
    return html`<rect x=${-half} y=${-half} width=${2 * half} height=${2 * half} rx=${s * 0.15} ...${rest} />`;
  }
  if (player === 3) {
    return html`<polygon points="0,${-s * 1.12} ${s * 1.12},${s * 0.82} ${-s * 1.12},${s * 0.82}" ...${rest} />`;
  }
  return html`<polygon points="0,${-s * 1.22} ${s * 1.22},0 0,${s * 1.22} ${-s * 1.22},0" ...${rest} />`;
}

/** Patterns of territory; once in a document. */
export function Patterns() {
  return html`<svg class="patterns" width="0" height="0" aria-hidden="true">
    <defs>
      <pattern id="territory-1" width="0.24" height="0.24" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <line class="p1 hatch" x1="0" y1="0" x2="0" y2="0.24" />
      </pattern>
      <pattern id="territory-2" width="0.24" height="0.24" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">
        <line class="p2 hatch" x1="0" y1="0" x2="0" y2="0.24" />
      </pattern>
      <pattern id="territory-3" width="0.25" height="0.25" patternUnits="userSpaceOnUse">
        <circle class="p3 dot" cx="0.125" cy="0.125" r="0.055" />
      </pattern>
      <pattern id="territory-4" width="0.25" height="0.25" patternUnits="userSpaceOnUse">
        <path class="p4 hatch" d="M0 0.125H0.25M0.125 0V0.25" />
      </pattern>
    </defs>
  </svg>`;
}

/** Stacks are drawn as piles of rings seen from the front, so that the buried ones show. */
function Stack({ rings }) {
  const { rx, ry, tallest } = COIN;
  const height = rings.length;
  const step = Math.min(COIN.thickness, tallest / Math.max(height, 1));
  const base = Math.min((height - 1) * step, tallest) / 2 - step / 2;
  const owner = rings[height - 1];
  const top = base - (height - 1) * step;
  return html`<g class="stack">
    <ellipse class="shade" cx="0" cy=${base + step + 0.03} rx=${rx * 1.06} ry=${ry} />
    ${rings.map((player, level) => {
      const y = base - level * step;
      return html`<path
        key=${level}
        class="ring p${player}"
        d="M${-rx} ${y}v${step}A${rx} ${ry} 0 0 0 ${rx} ${y + step}v${-step}A${rx} ${ry} 0 0 0 ${-rx} ${y}z"
      />`;
    })}
    <ellipse class="face p${owner}" cx="0" cy=${top} rx=${rx} ry=${ry} />
    <g transform="translate(0 ${top})">
      <${Sign} player=${owner} size=${0.155} class="hole" />
      ${height > 1 && html`<text class="height p${owner}" y="0.085">${height}</text>`}
    </g>
  </g>`;
}

class Cell extends Component {
  shouldComponentUpdate(next) {
    const now = this.props;
    return (
      next.text !== now.text || next.marks !== now.marks || next.heat !== now.heat || next.focusable !== now.focusable
    );
  }

  render({ board, cell, text, marks, heat, focusable, interactive }) {
    const content = contentOf(text);
    const owned = content.kind === "territory" ? ` t${content.owner}` : "";
    const shape = (className, extra) =>
      board.hex
        ? html`<polygon class=${className} points=${board.outline} ...${extra} />`
        : html`<rect class=${className} x="-0.475" y="-0.475" width="0.95" height="0.95" rx="0.07" ...${extra} />`;
    return html`<g
      class="cell ${content.kind} ${marks}"
      transform="translate(${cell.cx} ${cell.cy})"
      data-cell=${cell.index}
      role=${interactive ? "button" : "img"}
      aria-label=${cellInWords(cell.key, text) + (marks.includes("legal") ? ", can be chosen" : "")}
      tabindex=${focusable ? 0 : -1}
    >
      ${shape(`ground${owned}`)}
      ${owned && shape("pattern", { fill: `url(#territory-${content.owner})` })}
      ${heat > 0 && shape("heat", { "fill-opacity": (0.12 + 0.68 * heat).toFixed(3) })}
      ${content.kind === "marker" && html`<${Sign} player=${content.owner} size=${0.2} class="marker p${content.owner}" />`}
      ${content.kind === "stack" && html`<${Stack} rings=${content.rings} />`}
      ${marks.includes("legal") && content.kind !== "stack" && html`<circle class="legal-dot" r="0.12" />`}
      ${shape("edge")}
    </g>`;
  }
}

function Arrow({ board, from, to, strength, className }) {
  const a = board.cells[board.byKey.get(from)];
  const b = board.cells[board.byKey.get(to)];
  if (!a || !b) return null;
  const length = Math.hypot(b.cx - a.cx, b.cy - a.cy) || 1;
  const [ux, uy] = [(b.cx - a.cx) / length, (b.cy - a.cy) / length];
  const width = 0.05 + 0.12 * strength;
  const head = 0.16 + 0.16 * strength;
  const [x1, y1] = [a.cx + ux * 0.25, a.cy + uy * 0.25];
  const [x2, y2] = [b.cx - ux * (0.12 + head), b.cy - uy * (0.12 + head)];
  const [tx, ty] = [b.cx - ux * 0.12, b.cy - uy * 0.12];
  const points = `${tx},${ty} ${x2 - uy * head * 0.62},${y2 + ux * head * 0.62} ${x2 + uy * head * 0.62},${y2 - ux * head * 0.62}`;
  return html`<g class="arrow ${className}" opacity=${(0.35 + 0.6 * strength).toFixed(2)}>
    <line x1=${x1} y1=${y1} x2=${x2} y2=${y2} stroke-width=${width} />
    <polygon points=${points} />
  </g>`;
}

/** What a policy looks like on the board: `heat` by cell, `arrows` for what moves; the likeliest is the strongest. */
export function heatOf(policy) {
  const heat = new Map();
  const arrows = [];
  const most = Math.max(...policy.map(([, probability]) => probability), 1e-9);
  for (const [key, probability] of policy) {
    const action = parseKey(key);
    const cells = action.area ?? action.path.slice(-1);
    for (const cell of cells) heat.set(cell, Math.min(1, (heat.get(cell) ?? 0) + probability / most));
    if (action.path.length === 2) arrows.push({ from: action.path[0], to: action.path[1], strength: probability / most });
  }
  return { heat, arrows: arrows.slice(0, 8) };
}

/**
 * A board. `cells` are the short texts by index; `marks` gives further classes by key of a cell, such as `legal`,
 * `chosen`, `last`; `onCell` is called with the key of a cell that was clicked.
 */
export function Board({ name, cells, marks, policy, arrow, onCell, onHover, label }) {
  const board = boardOf(name);
  const { left, top, width, height } = board.box;
  const [focus, setFocus] = useState(board.centre);
  const svg = useRef(null);
  const legal = marks ? [...marks.values()].filter((names) => names.includes("legal")).length : 0;
  const { heat, arrows } = policy?.length ? heatOf(policy) : { heat: new Map(), arrows: [] };
  const indexOf = (event) => event.target.closest?.("[data-cell]")?.dataset.cell;
  const onKeyDown = (event) => {
    const way = ARROWS[event.key];
    if (way) {
      const next = neighbour(board, focus, ...way);
      setFocus(next);
      svg.current.querySelector(`[data-cell="${next}"]`).focus();
    } else if ((event.key === "Enter" || event.key === " ") && onCell) {
      onCell(board.cells[focus].key);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const onClick = (event) => {
    const index = indexOf(event);
    if (index === undefined) return;
    setFocus(Number(index));
    onCell?.(board.cells[index].key);
  };
  const onOver = (event) => {
    const index = indexOf(event);
    onHover?.(index === undefined ? null : board.cells[index].key);
  };
  return html`<svg
    ref=${svg}
    class="board ${board.hex ? "hex" : "square"} ${onCell ? "playable" : ""} ${legal > MANY ? "many" : ""}"
    viewBox="${left} ${top} ${width} ${height}"
    role="group"
    aria-label=${label ?? `Board ${name}`}
    onClick=${onClick}
    onKeyDown=${onKeyDown}
    onMouseOver=${onHover && onOver}
    onMouseLeave=${onHover && (() => onHover(null))}
  >
    <g class="labels" aria-hidden="true">
      ${board.labels.map((one) => html`<text x=${one.cx} y=${one.cy + 0.1}>${one.text}</text>`)}
    </g>
    ${board.cells.map(
      (cell) => html`<${Cell}
        key=${cell.index}
        board=${board}
        cell=${cell}
        text=${cells[cell.index] ?? ""}
        marks=${marks?.get(cell.key) ?? ""}
        heat=${heat.get(cell.key) ?? 0}
        focusable=${cell.index === focus}
        interactive=${Boolean(onCell)}
      />`,
    )}
    ${arrow && html`<${Arrow} board=${board} ...${arrow} strength=${0.35} className="last" />`}
    ${arrows.map((one) => html`<${Arrow} board=${board} ...${one} className="thought" />`)}
  </svg>`;
}

/** The cells of every position of a game, one array of short texts for each. */
export function positionsOf(name, frames, start = null) {
  let cells = start ?? new Array(boardOf(name).cells.length).fill("");
  return frames.map((frame) => {
    cells = cells.slice();
    for (const [index, text] of frame.cells) cells[index] = text;
    return cells;
  });
}

/** Add a class to the marks of cells. */
export function mark(marks, keys, name) {
  for (const key of keys) marks.set(key, `${marks.get(key) ?? ""} ${name}`.trim());
  return marks;
}
