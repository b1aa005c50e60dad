// Several processes: an answer is stored for the others, and one process at a time sends a request for a token. Nobody can read
// a token from the store alone: an entry's name is a hash, and its value is encrypted under a key derived from the old token.
import type { Reply } from '#glue';
import { caught } from '../../src/js/foreign.js';
import type { TokenLock, TokenStorage } from '../types/index.js';
import { hashOf, seal, unseal } from './crypto.js';
import { MAX_HANGS, underLock } from './lock.js';
import { type Helper, LIMIT_MS } from './outage.js';

/** How long an answer is repeated, in milliseconds: as long as the route repeats its own answers. */
const KEPT_MS = 60_000;

/**
 * What one request needs: its token, a function that sends it, and a function that adopts the answer of another process. The latter
 * gets the answer and the instant at which the other process got it.
 */
export type Work = { token: string; send: () => Promise<Reply>; adopt: (body: string, since: number) => Reply };

type Sharing = {
  storage: TokenStorage; lock: TokenLock | undefined; timeoutMs: number; whom: string[]; helpers: { storage: Helper; lock: Helper };
};

const isAny = (value: unknown): value is unknown => true;
const isStored = (value: unknown): value is unknown => value !== false;

export function createSharing({ storage, lock, timeoutMs, whom, helpers }: Sharing) {
  let hangsInARow = 0;
  const nameOf = async (token: string) => `transak-user-token:answer:${await hashOf(token, ...whom)}`;

  /** Resolves with the answer that another process has stored, if any. */
  const look = async ({ token, adopt }: Pick<Work, 'token' | 'adopt'>): Promise<Reply | undefined> => {
    const name = await nameOf(token), stored = await helpers.storage.call(() => storage.get(name), isAny);
    const text = stored ? await unseal(token, name, stored) : undefined;
    const { at, body } = caught(() => JSON.parse(text ?? 'null')) ?? {};
    if (typeof at !== 'number' || typeof body !== 'string' || Date.now() - at >= KEPT_MS) return undefined;
    const reply = adopt(body, at);
    return reply.outcome === 'repeated' ? reply : undefined;
  };

  /** Resolves with the answer, or with undefined if another process is still waiting for it. */
  const share = async (work: Work): Promise<Reply | undefined> => {
    const { token, send } = work, name = await nameOf(token);

    const attempt = async () => {
      const found = await look(work);
      if (found) return found;
      const reply = await send();
      // This process may have been suspended so long that another process has sent a request. Then the other process's answer counts.
      if (reply.outcome !== 'refreshed') return await look(work) ?? reply;
      const sealed = await seal(token, name, JSON.stringify({ at: Date.now(), body: reply.body }));
      await helpers.storage.call(() => storage.set(name, sealed, KEPT_MS), isStored);
      return reply;
    };

    // If the answer is stored already, no lock is needed. If the store fails, there is nothing to share. Clients do not wait one by one
    // for a lock that hangs: between its pauses it gets less time, so that there is time left for the answer.
    const found = await look(work), isHanging = hangsInARow >= MAX_HANGS;
    if (found || !lock || helpers.storage.isOut() || isHanging && helpers.lock.isPaused()) return found ?? attempt();
    const locked = await underLock(lock, name, isHanging ? Math.min(LIMIT_MS, timeoutMs / 2) : timeoutMs, attempt);
    hangsInARow = locked.held === 'hangs' ? hangsInARow + 1 : 0;
    if (locked.held === 'yes') {
      helpers.lock.works();
      return locked.result;
    }
    // Another process has the lock, and may be waiting for Transak. A second request would get the answer that the token was revoked.
    if (locked.held === 'late' || locked.held === 'hangs' && hangsInARow < MAX_HANGS) return look(work);
    helpers.lock.fails();
    return attempt();
  };
  return { look, share };
}
