// The refresh. The crate does it.
import { abandonAll } from '../src/js/shared.js';
import { internalError } from './failure.js';
import { onFault, settled, type Core } from './loader.js';
import type * as types from './types/index.js';

export const refreshAccessToken: typeof types.refreshAccessToken = (token, options) =>
  refreshed((core) => core.refreshAccessToken(token, options));

export const ensureFreshToken: typeof types.ensureFreshToken = (token, options) =>
  refreshed((core) => core.ensureFreshToken(token, options));

export const refreshForSession = (token: string | null, options: types.RefreshOptions): Promise<{ accessToken: string; attempts: number }> =>
  refreshed((core) => core.refreshForSession(token, options));

/** Calls the instance. If it traps, callers in another copy of the package that wait for its requests are rejected too. */
function refreshed<T>(call: (core: Core) => Promise<T>): Promise<T> {
  onFault(lost);
  return settled(call);
}

function lost() {
  abandonAll(internalError(true));
}
