// The backend's own `limiter`, which counts for all processes. It is called for the limits that the route names.
import type { Quota } from '#glue';
import type { RefreshHandlerOptions } from '../types/server.js';
import { hashOf } from './crypto.js';
import type { Helper } from './outage.js';

/** What a limiter counts by: the rate-limit key of the request's address, if that is known, and its token. */
export type Subject = { rateLimitKey: string | undefined; token: string };

const isAllowance = (value: unknown): value is boolean => typeof value === 'boolean';

/** Returns a function that resolves with the first limit that is used up, if any. If the limiter fails, the request passes. */
export function createLimiter(own: NonNullable<RefreshHandlerOptions['limiter']>, helper: Helper) {
  /** Returns the key of a limit. No key holds a token. */
  const keyOf = async (name: string, { rateLimitKey, token }: Subject) => {
    if (name === 'perToken') return `${name}:${await hashOf('limit', token)}`;
    return name === 'perAddress' || name === 'refused' ? `${name}:${rateLimitKey}` : name;
  };
  return async (quotas: Quota[], subject: Subject): Promise<Quota | undefined> => {
    for (const quota of quotas) {
      const { name, max, windowMs, cost, isOfAddress } = quota;
      if (isOfAddress && subject.rateLimitKey === undefined) continue;
      const key = await keyOf(name, subject);
      const allowed = await helper.call(() => own(key, { max, windowMs, cost }), isAllowance);
      if (allowed === undefined) return undefined;
      if (!allowed) return quota;
    }
    return undefined;
  };
}
