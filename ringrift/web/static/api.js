// Asking the server for data. Addresses are relative to the page, which may lie anywhere below another application.

/** What could not be done, in one line that a person understands. */
export class Problem extends Error {}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(`data/${path}`, { headers: { Accept: "application/json" }, ...options });
  } catch {
    throw new Problem("the server does not answer; is it still running?");
  }
  const type = answer.headers.get("content-type") ?? "";
  const content = type.includes("json") ? await answer.json() : null;
  if (answer.ok && content !== null) return content;
  throw new Problem(content?.detail && typeof content.detail === "string" ? content.detail : `the server says ${answer.status}`);
}

/** Get data; `query` leaves out what is empty. */
export function get(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const text = new URLSearchParams(given).toString();
  return ask(text ? `${path}?${text}` : path, {});
}

/** Ask for something about a body of JSON, or of text as it is. */
export function post(path, body) {
  const isText = typeof body === "string";
  const headers = { "Content-Type": isText ? "text/plain" : "application/json", Accept: "application/json" };
  return ask(path, { method: "POST", headers, body: isText ? body : JSON.stringify(body) });
}
