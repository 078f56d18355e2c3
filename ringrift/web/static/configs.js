// The twelve configs, in the order in which they are shown.
export const BOARD_NAMES = ["square8", "hex8", "square19", "hexagonal"];
export const CONFIGS = BOARD_NAMES.flatMap((board) => [2, 3, 4].map((players) => `${board}_${players}p`));

/** How many players a config has. */
export const playersOf = (config) => Number(config.match(/_(\d)p$/)?.[1] ?? 0);
