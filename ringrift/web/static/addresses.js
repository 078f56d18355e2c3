// Actions in an address: whole numbers in base 128, in the alphabet of addresses; the high bit says that more follow.

/** The text of a list of actions. */
export function encodeActions(actions) {
  const bytes = [];
  for (let action of actions) {
    while (action > 127) {
      bytes.push((action & 127) | 128);
      action >>>= 7;
    }
    bytes.push(action);
  }
  let text = "";
  for (let start = 0; start < bytes.length; start += 8192) text += String.fromCharCode(...bytes.slice(start, start + 8192));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The actions of a text; none if it is no such text. */
export function decodeActions(text) {
  try {
    const actions = [];
    let action = 0;
    let shift = 0;
    for (const letter of atob(text.replaceAll("-", "+").replaceAll("_", "/"))) {
      const byte = letter.charCodeAt(0);
      action |= (byte & 127) << shift;
      shift += 7;
      if (byte < 128) {
        actions.push(action);
        action = shift = 0;
      }
    }
    return actions;
  } catch {
    return [];
  }
}
