import { html } from "../lib.js";
export function Rules() { return html`<h1>Rules</h1>`; }
