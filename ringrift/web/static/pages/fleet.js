// The hosts: how busy they are, what runs there, which get no work now and why; how this machine is controlled.
import { html, useEffect } from "../lib.js";
import { get } from "../api.js";
import { Bar, Waiting, ago, useData } from "../widgets.js";

const REFRESH_MS = 15000;

export function Fleet() {
  const [data, error, again] = useData(() => get("fleet"), "fleet");
  useEffect(() => {
    const timer = setInterval(() => document.hidden || again(), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  if (!data) return html`<${Waiting} error=${error} again=${again} />`;
  const jobs = data.hosts.reduce((sum, host) => sum + host.jobs.length, 0);
  return html`
    <div class="head">
      <h1>Fleet</h1>
      <span class="soft">${data.hosts.length} hosts, ${jobs} jobs</span>
    </div>
    ${!data.hosts.length &&
    html`<section class="card"><p class="empty">This machine does all: hosts.yaml names no hosts.</p></section>`}
    ${data.control && html`<${Control} plan=${data.control} />`}
    <div class="tiles">${data.hosts.map((host) => html`<${Host} key=${host.name} host=${host} />`)}</div>
  `;
}

/** What the control of this machine has decided, and why. */
function Control({ plan }) {
  const loads = [
    ["processors", plan.cpu],
    ["GPU", plan.gpu],
    ["memory of the GPU", plan.gpu_memory],
    ["expected soon", plan.ahead],
    ["self-play may use", plan.intensity],
  ].filter(([, share]) => share !== null);
  const processes = Object.entries(plan.processes).map(([config, count]) => `${count} of ${config}`);
  return html`<section class="card" aria-label="Control of this machine">
    <header><h2>Control of this machine</h2><span class="push soft small">decided ${ago(plan.decided)}</span></header>
    <p class="wrap">${plan.why}</p>
    <${Loads} loads=${loads} />
    <p class="small soft">Processes of self-play: ${processes.join(", ") || "none"}, at work ${(plan.working * 100).toFixed(0)} % of the time.</p>
  </section>`;
}

function Loads({ loads }) {
  return html`<div class="shares">
    ${loads.map(
      ([name, share]) => html`<div class="share-line" key=${name}>
        <span>${name}</span><${Bar} share=${share} label=${name} /><span class="number small">${(share * 100).toFixed(0)} %</span>
      </div>`,
    )}
  </div>`;
}

function Host({ host }) {
  const usage = host.usage;
  const used = (pair) => (pair ? 1 - pair[1] / Math.max(1, pair[0]) : null);
  const loads = usage
    ? [
        ["processors", usage.cpu === null ? null : usage.cpu / 100],
        ["memory", used(usage.memory)],
        ["disk", used(usage.disk)],
        ...usage.gpu.map(([busy], index) => [`GPU ${index}`, busy === null ? null : busy / 100]),
      ].filter(([, share]) => share !== null)
    : [];
  return html`<section class="card" aria-label=${host.name}>
    <header>
      <h3>${host.name}</h3>
      <span class="badge ${host.resting ? "bad" : host.answered ? "good" : ""}">
        ${host.resting ? "retired" : host.answered ? "in service" : "not asked yet"}
      </span>
      <span class="push soft small">answered ${ago(host.answered)}</span>
    </header>
    <p class="small soft">
      ${host.roles.join(", ")} · ${host.slots} job${host.slots > 1 ? "s" : ""} at once
      ${host.gpus > 0 && ` · ${host.gpus} GPU${host.gpus > 1 ? "s" : ""}${host.gpu ? ` ${host.gpu}` : ""}`}
    </p>
    ${(host.resting ?? (host.failures > 0 && host.why)) && html`<p class="small bad wrap">${host.resting ?? host.why}</p>`}
    <${Loads} loads=${loads} />
    ${usage && html`<p class="soft small">measured ${ago(host.measured)}</p>`}
    ${host.jobs.map(
      (job) => html`<p class="small" key=${job.job}>
        <span class="mono wrap">${job.job}</span> <span class="soft">${ago(job.since).replace(" ago", "")}${job.gpus && `, GPU ${job.gpus}`}</span>
        ${job.abandoned && html` <span class="badge bad">given up</span>`}
      </p>`,
    )}
  </section>`;
}
