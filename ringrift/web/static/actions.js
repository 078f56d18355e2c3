// The short keys of actions, such as `MS 3,4>3,6`, taken apart and put into words (ringrift/game/notation.py).

const WITHOUT_CELL = {
  SP: "Skip the placement",
  NP: "No placement possible",
  NM: "No movement possible",
  SC: "Skip the capture",
  SR: "Skip the recovery",
  NL: "No line to process",
  ST: "Leave the territory",
  NT: "No territory to claim",
  SW: "Swap sides",
};
const PAYMENTS = { line: "for the line", territory: "for the region", recovery: "for the recovery" };

/** Actions that are recorded where there is nothing to do. */
export const isBookkeeping = (key) => /^N[PMLT]$/.test(key ?? "");

const parsed = new Map();

/**
 * An action: `path` are the cells that a person clicks one after the other, `area` are those that any click among them
 * means, `target` is what a capture takes, `count` the rings placed.
 */
export function parseKey(key) {
  if (!parsed.has(key)) {
    if (parsed.size > 20000) parsed.clear();
    parsed.set(key, parse(key));
  }
  return parsed.get(key);
}

function parse(key) {
  const space = key.indexOf(" ");
  const kind = space < 0 ? key : key.slice(0, space);
  const rest = space < 0 ? "" : key.slice(space + 1);
  const action = { key, kind, path: [], area: null, target: null, count: null, words: WITHOUT_CELL[kind] ?? key };
  if (kind === "PR") {
    const [cell, count] = rest.split(" ");
    action.path = [cell];
    action.count = parseInt(count, 10);
    const rings = action.count === 1 ? "a ring" : `${action.count} rings`;
    action.words = `Place ${rings} ${count.endsWith("s") ? "on the stack at" : "at"} ${cell}`;
  } else if (kind === "MS") {
    action.path = rest.split(">");
    action.words = `Move ${action.path[0]} to ${action.path[1]}`;
  } else if (kind === "OC" || kind === "CC") {
    const [from, way] = rest.split("*");
    const [target, to] = way.split(">");
    action.path = [from, to];
    action.target = target;
    action.words = `${from} captures ${target}, lands on ${to}`;
  } else if (kind === "RS") {
    const [way, mode] = rest.split(" ");
    action.path = way.split(">");
    const ends = { line: "into a line", stack_strike: "as a strike", fallback: "without a line" }[mode] ?? "";
    action.words = `Slide the marker ${action.path[0]} to ${action.path[1]} ${ends}`;
  } else if (kind === "EX") {
    action.path = [rest];
    action.words = `Pay with your lowest ring at ${rest}`;
  } else if (kind === "EL") {
    const [cell, context] = rest.split(" ");
    action.path = [cell];
    action.words = `Pay ${PAYMENTS[context] ?? ""} with the stack at ${cell}`;
  } else if (kind === "FE") {
    action.path = [rest];
    action.words = `Give up the cap at ${rest}`;
  } else if (kind === "PL") {
    action.area = rest.split(";");
    action.words = `Collapse the line of ${action.area.length} at ${action.area[0]} (costs a ring)`;
  } else if (kind === "LO") {
    const [line, part] = rest.split("=");
    action.area = (part === "all" ? line : part).split(";");
    const ends = `${action.area[0]} to ${action.area.at(-1)}`;
    action.words = part === "all" ? `Collapse the whole line ${ends} (costs a ring)` : `Collapse ${ends} (free)`;
  } else if (kind === "TR") {
    action.area = rest.split(";");
    action.words = `Claim the region of ${action.area.length} cell${action.area.length > 1 ? "s" : ""} at ${action.area[0]}`;
  }
  return action;
}

/** Every cell that an action is about. */
export function cellsOf(key) {
  const action = parseKey(key);
  return [...action.path, ...(action.target ? [action.target] : []), ...(action.area ?? [])];
}

/** A short form for lists: long lists of cells are cut. */
export function shortKey(key) {
  const action = parseKey(key);
  if (!action.area || action.area.length < 3) return key;
  return `${action.kind} ${action.area[0]}…${action.area.at(-1)}`;
}

/** What a person who has to act is asked to do. */
export function taskOf(phase, candidates) {
  const kinds = new Set(candidates.map((key) => parseKey(key).kind));
  if (kinds.has("EL")) return "You owe a payment: choose the stack that pays.";
  if (kinds.has("EX")) return "You owe a ring: choose the stack that your lowest ring is taken from.";
  if (phase === "ring_placement") return "Place rings: choose an empty cell, or a stack to put one ring on.";
  if (phase === "movement" && (kinds.has("RS") || kinds.has("SR")))
    return "Recover: slide one of your markers, or skip.";
  if (phase === "movement" && (kinds.has("PL") || kinds.has("LO"))) return "Choose the line that collapses, and how.";
  if (phase === "movement") return "Move or capture: choose a stack, then where it lands.";
  if (phase === "capture") return "You may capture with the stack that has moved: choose where it lands, or skip.";
  if (phase === "chain_capture") return "The chain goes on: choose where your stack lands next.";
  if (phase === "line_processing") return "Collapse a line: choose which, and how.";
  if (phase === "territory_processing") return "Claim a region that is cut off, or leave it.";
  if (phase === "forced_elimination") return "You cannot act: choose the stack whose cap you give up.";
  return "";
}
