import { html } from "../lib.js";
export function Play() { return html`<h1>Play</h1>`; }
export function NewGame() { return html`<h1>Play</h1>`; }
