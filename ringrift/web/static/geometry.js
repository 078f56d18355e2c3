// The four boards in units of a cell: where the cells lie, in the order in which the server counts them.

const SIZES = { square8: 8, square19: 19, hex8: 9, hexagonal: 25 };
const ROW = Math.sqrt(3) / 2; // from one row of hexes to the next
const SIDE = 1 / Math.sqrt(3); // of a hex whose flats are one unit apart
const MARGIN = { before: 0.5, after: 0.1 }; // around the board, for the numbers

const made = new Map();

/** The board of a name: `cells` with key and centre, `byKey`, `hex`, the outline of a cell, and the view box. */
export function boardOf(name) {
  if (!made.has(name)) made.set(name, make(name));
  return made.get(name);
}

function make(name) {
  const size = SIZES[name];
  const hex = name.startsWith("hex");
  const cells = hex ? hexCells((size - 1) / 2) : squareCells(size);
  cells.forEach((cell, index) => (cell.index = index));
  const reach = hex ? [0.5, SIDE] : [0.5, 0.5];
  const xs = cells.map((cell) => cell.cx);
  const ys = cells.map((cell) => cell.cy);
  const left = Math.min(...xs) - reach[0] - MARGIN.before;
  const top = Math.min(...ys) - reach[1] - (hex ? MARGIN.after : MARGIN.before);
  const width = Math.max(...xs) + reach[0] + MARGIN.after - left;
  const height = Math.max(...ys) + reach[1] + MARGIN.after - top;
  return {
    name,
    hex,
    size,
    cells,
    byKey: new Map(cells.map((cell) => [cell.key, cell.index])),
    centre: nearest(cells, left + width / 2, top + height / 2),
    outline: hex ? hexOutline(0.965) : null,
    labels: hex ? hexLabels(cells) : squareLabels(size),
    box: { left, top, width, height },
  };
}

function nearest(cells, x, y) {
  const distance = (cell) => Math.hypot(cell.cx - x, cell.cy - y);
  return cells.reduce((best, cell) => (distance(cell) < distance(best) ? cell : best)).index;
}

function squareCells(size) {
  const cells = [];
  for (let x = 0; x < size; x++) {
    for (let y = 0; y < size; y++) cells.push({ key: `${x},${y}`, cx: x, cy: y });
  }
  return cells;
}

function hexCells(radius) {
  const cells = [];
  for (let x = -radius; x <= radius; x++) {
    for (let y = -radius; y <= radius; y++) {
      if (Math.abs(x + y) <= radius) cells.push({ key: `${x},${y},${-x - y}`, cx: x + y / 2, cy: y * ROW });
    }
  }
  return cells;
}

function hexOutline(scale) {
  const corners = [];
  for (let corner = 0; corner < 6; corner++) {
    const angle = (Math.PI / 180) * (60 * corner - 30);
    corners.push(`${(SIDE * scale * Math.cos(angle)).toFixed(4)},${(SIDE * scale * Math.sin(angle)).toFixed(4)}`);
  }
  return corners.join(" ");
}

function squareLabels(size) {
  const labels = [];
  for (let n = 0; n < size; n++) {
    labels.push({ text: String(n), cx: n, cy: -0.74 }, { text: String(n), cx: -0.75, cy: n });
  }
  return labels;
}

function hexLabels(cells) {
  const rows = new Map();
  for (const cell of cells) {
    const row = rows.get(cell.cy);
    if (!row || cell.cx < row.cx) rows.set(cell.cy, cell);
  }
  return [...rows.values()].map((cell) => ({ text: cell.key.split(",")[1], cx: cell.cx - 0.8, cy: cell.cy }));
}

/** The cell that lies nearest to a cell in a direction such as (1, 0), for the arrow keys; itself at the edge. */
export function neighbour(board, index, dx, dy) {
  const from = board.cells[index];
  let best = index;
  let least = Infinity;
  for (const cell of board.cells) {
    const x = cell.cx - from.cx;
    const y = cell.cy - from.cy;
    const along = x * dx + y * dy;
    if (along < 0.4) continue;
    const aside = Math.abs(x * dy) + Math.abs(y * dx);
    const cost = along + 2 * aside;
    if (cost < least) [best, least] = [cell.index, cost];
  }
  return best;
}

/** What a cell holds, of the short text that the server sends. */
export function contentOf(text) {
  if (!text) return { kind: "empty" };
  if (text[0] === "m") return { kind: "marker", owner: Number(text[1]) };
  if (text[0] === "c") return { kind: "territory", owner: Number(text[1]) };
  const rings = [...text].map(Number);
  const owner = rings.at(-1);
  let cap = 0;
  while (cap < rings.length && rings[rings.length - 1 - cap] === owner) cap++;
  return { kind: "stack", owner, rings, cap };
}

/** A cell in words. */
export function cellInWords(key, text) {
  const content = contentOf(text);
  if (content.kind === "empty") return `${key}: empty`;
  if (content.kind === "marker") return `${key}: marker of player ${content.owner}`;
  if (content.kind === "territory") return `${key}: territory of player ${content.owner}`;
  const height = content.rings.length;
  const inside = content.cap < height ? `, cap ${content.cap}, rings from the bottom ${content.rings.join(" ")}` : "";
  return `${key}: stack of player ${content.owner}, height ${height}${inside}`;
}
