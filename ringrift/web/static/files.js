// Files of games: JSON lines, plain or gzipped, read here and shown without being kept anywhere.

const LARGEST = 64 * 1024 * 1024;
const MOST_LINES = 5000;

/** The lines of a file: { name, lines } or { name, error }. */
export async function openFile(file) {
  if (file.size > LARGEST) return { name: file.name, error: `${file.name} is larger than ${LARGEST / 1048576} MB` };
  try {
    const head = new Uint8Array(await file.slice(0, 2).arrayBuffer());
    const isZipped = head[0] === 0x1f && head[1] === 0x8b;
    const stream = isZipped ? file.stream().pipeThrough(new DecompressionStream("gzip")) : file.stream();
    const lines = await firstLines(stream);
    return lines.length ? { name: file.name, lines } : { name: file.name, error: `${file.name} holds no game` };
  } catch (error) {
    return { name: file.name, error: `${file.name} cannot be read: ${error.message}` };
  }
}

async function firstLines(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  const lines = [];
  let rest = "";
  let read = 0;
  while (lines.length < MOST_LINES) {
    const { value, done } = await reader.read();
    if (done) break;
    read += value.length;
    if (read > 4 * LARGEST) break; // a small file may unzip to a large one
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    lines.push(...parts.filter((line) => line.trim()));
  }
  await reader.cancel();
  if (rest.trim() && lines.length < MOST_LINES) lines.push(rest);
  return lines.slice(0, MOST_LINES);
}

/** Offer a text as a file. */
export function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" }));
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
