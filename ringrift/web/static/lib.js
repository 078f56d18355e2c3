// The one place that names the libraries (vendor/README.md): Preact, its hooks, and htm in place of a build step.
import { Component, Fragment, h, render } from "./vendor/preact.js";
import htm from "./vendor/htm.js";

export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/hooks.js";
export { Component, Fragment, render };
export const html = htm.bind(h);
