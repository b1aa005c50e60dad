// The check by the instance that refreshes, for builds that load one wasm file for both.
import { exportNames } from '#glue';
import type { Exports } from './check.js';
import { core, onFault } from './loader.js';

export { fault } from './loader.js';

export function instantiate(reset: () => void): Exports {
  const { exports } = core();
  onFault(reset);
  return Object.fromEntries(Object.entries(exportNames).map(([name, short]) => [name, exports[short]])) as Exports;
}
