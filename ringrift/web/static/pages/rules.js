// The rules in pictures: before and after, on positions that the tests play by the rules (rules.json).
import { html } from "../lib.js";
import { cellsOf, parseKey } from "../actions.js";
import { Board, mark } from "../board.js";
import { boardOf } from "../geometry.js";
import { Chip, Waiting, useData } from "../widgets.js";

const BOARD = "square8";
const GOALS = [
  ["Rings", "Eliminate enough rings, of any colour: 18 for two players on the small boards, 72 and 96 on the large ones."],
  ["Territory", "Own more than your share of the cells (33 of the 64 for two players), and more than all others together."],
  ["Survival", "Be the only one who still has rings, or the only one who can act for three whole rounds."],
];

async function loadLessons() {
  const answer = await fetch("../static/rules.json");
  if (!answer.ok) throw new Error("the pictures of the rules cannot be loaded");
  return answer.json();
}

const listOf = (cells) => boardOf(BOARD).cells.map((cell) => cells[cell.key] ?? "");

export function Rules() {
  const [lessons, error, again] = useData(loadLessons, "rules");
  if (!lessons) return html`<${Waiting} error=${error} again=${again} />`;
  return html`
    <div class="head">
      <h1>The rules in pictures</h1>
      <span class="push"><a class="button primary" href="#/play">Play</a></span>
    </div>
    <section class="card">
      <h2>How to win</h2>
      <p>Two to four players, each with rings of a colour and a sign. Whoever does one of these first has won:</p>
      <dl class="facts">
        ${GOALS.map(([name, text]) => html`<dt><strong>${name}</strong></dt><dd>${text}</dd>`)}
      </dl>
      <p>
        A turn goes: place, move or capture, collapse lines, claim territory. What there is nothing to choose in happens by
        itself. Who can do nothing, but has a stack, must give up the cap of one.
      </p>
    </section>
    <div class="lessons">
      ${lessons.map((lesson, index) => html`<${Lesson} key=${lesson.title} number=${index + 1} lesson=${lesson} />`)}
    </div>
  `;
}

function Lesson({ number, lesson }) {
  const marks = mark(new Map(), lesson.keys.flatMap(cellsOf), "last");
  const { path } = parseKey(lesson.keys[0]);
  const arrow = path.length === 2 ? { from: path[0], to: path[1] } : null;
  return html`<section class="card lesson">
    <header>
      <h2>${number}. ${lesson.title}</h2>
      <span class="push soft small"><${Chip} player=${lesson.player} name="player ${lesson.player}" /></span>
    </header>
    <div class="picture">
      <${Board} name=${BOARD} cells=${listOf(lesson.before)} arrow=${arrow} label="Before: ${lesson.title}" />
      <span aria-hidden="true">→</span>
      <${Board} name=${BOARD} cells=${listOf(lesson.after)} marks=${marks} label="After: ${lesson.title}" />
    </div>
    <p>${lesson.text}</p>
  </section>`;
}
