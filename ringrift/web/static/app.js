// The frame of all pages: which page an address names, the bar, the theme, and files that are dropped.
import { html, render, useEffect, useState } from "./lib.js";
import { Patterns } from "./board.js";
import { openFile } from "./files.js";
import { Config } from "./pages/config.js";
import { EvaluationReplay, Evaluations } from "./pages/evaluations.js";
import { Fleet } from "./pages/fleet.js";
import { Games } from "./pages/games.js";
import { Live } from "./pages/live.js";
import { Overview } from "./pages/overview.js";
import { NewGame, Play } from "./pages/play.js";
import { FileReplay, GameReplay } from "./pages/replay.js";
import { Rules } from "./pages/rules.js";
import { Runs } from "./pages/runs.js";
import { Icon } from "./widgets.js";

const LINKS = [
  ["#/", "Overview"],
  ["#/games", "Games"],
  ["#/live", "Live"],
  ["#/play", "Play"],
  ["#/rules", "Rules"],
  ["#/runs", "Runs"],
  ["#/fleet", "Fleet"],
];

/** The parts of an address such as `#/games/17?at=3`. */
export function route() {
  const [path, query] = (location.hash.slice(1) || "/").split("?");
  return { parts: path.split("/").filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query) };
}

function Page({ parts, query, theme, file, onFile }) {
  const [first, second] = parts;
  if (!first) return html`<${Overview} />`;
  if (first === "configs" && second) return html`<${Config} key=${second} config=${second} query=${query} theme=${theme} />`;
  if (first === "games" && second) return html`<${GameReplay} key=${second} name=${second} query=${query} theme=${theme} />`;
  if (first === "games") return html`<${Games} query=${query} onFile=${onFile} />`;
  if (first === "file") return html`<${FileReplay} key=${file?.name} file=${file} theme=${theme} onFile=${onFile} />`;
  if (first === "play" && second) return html`<${Play} key=${second} config=${second} query=${query} />`;
  if (first === "play") return html`<${NewGame} query=${query} />`;
  if (first === "live") return html`<${Live} />`;
  if (first === "runs") return html`<${Runs} key=${query.get("config")} query=${query} theme=${theme} />`;
  if (first === "evaluations" && second) {
    return html`<${EvaluationReplay} key=${parts.join("/")} run=${second} number=${parts[2]} query=${query} theme=${theme} />`;
  }
  if (first === "evaluations") return html`<${Evaluations} query=${query} />`;
  if (first === "fleet") return html`<${Fleet} />`;
  if (first === "rules") return html`<${Rules} />`;
  return html`<p class="empty">There is no such page. <a href="#/">Back to the overview</a></p>`;
}

function firstTheme() {
  try {
    const kept = localStorage.getItem("theme");
    if (kept === "dark" || kept === "light") return kept;
  } catch {
    // no storage in a sandboxed frame: the system's choice it is
  }
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function App() {
  const [where, setWhere] = useState(route());
  const [theme, setTheme] = useState(firstTheme);
  const [file, setFile] = useState(null);
  const [isDragging, setDragging] = useState(false);
  const open = async (dropped) => {
    setFile(await openFile(dropped));
    location.hash = "#/file";
  };
  useEffect(() => {
    const changed = () => setWhere(route());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  useEffect(() => {
    const over = (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setDragging(true);
    };
    const left = (event) => event.relatedTarget === null && setDragging(false);
    const dropped = (event) => {
      setDragging(false);
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      open(event.dataTransfer.files[0]);
    };
    addEventListener("dragover", over);
    addEventListener("dragleave", left);
    addEventListener("drop", dropped);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("dragleave", left);
      removeEventListener("drop", dropped);
    };
  }, []);
  const change = () => {
    const next = theme === "dark" ? "light" : "dark";
    setTheme(next);
    try {
      localStorage.setItem("theme", next);
    } catch {
      // it is forgotten with the page, then
    }
  };
  const current = `#/${where.parts[0] === "configs" ? "" : (where.parts[0] ?? "")}`;
  return html`
    <a class="skip" href="#main" onClick=${(event) => (event.preventDefault(), document.querySelector("main").focus())}>
      Skip to the page
    </a>
    <header class="bar">
      <a class="brand" href="#/" aria-label="RingRift"><img src="../static/icon.svg" alt="" /><span>RingRift</span></a>
      <nav aria-label="Pages">
        ${LINKS.map(
          ([address, text]) => html`<a href=${address} aria-current=${address === current ? "page" : undefined}>${text}</a>`,
        )}
      </nav>
      <button class="icon plain" onClick=${change} aria-label="Switch to ${theme === "dark" ? "light" : "dark"} colours">
        <${Icon} name=${theme === "dark" ? "sun" : "moon"} />
      </button>
    </header>
    <main tabindex="-1"><${Page} ...${where} theme=${theme} file=${file} onFile=${open} /></main>
    <${Patterns} />
    ${isDragging && html`<div class="drop">Drop a file of games to open it</div>`}
  `;
}

document.documentElement.dataset.theme = firstTheme();
render(html`<${App} />`, document.getElementById("app"));
