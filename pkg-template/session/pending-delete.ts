// A delete after a logout that the store has not done yet. It is tried again, with longer and longer waits.
import { moment } from './channel.js';

/** The first and the longest wait before the next attempt, in milliseconds. */
const FIRST_MS = 5_000, LONGEST_MS = 600_000;

/** The shortest time between two attempts that calls begin, in milliseconds. */
const CALLED_MS = 1_000;

export class PendingDelete {
  /** The moment of the logout. */
  readonly since = moment();
  /** Whether another session has logged in since. Then the delete is not necessary any more. */
  isOvertaken = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private waitMs = FIRST_MS;
  private triedAt = 0;

  /** @param token the token to delete; null if the session held none, and any token from before the logout has to go */
  constructor(readonly token: string | null, private readonly retry: () => void) {}

  /** Tells whether a call has to try now, and counts that as an attempt. */
  isDue(): boolean {
    const isDue = Math.abs(Date.now() - this.triedAt) > CALLED_MS;
    if (isDue) this.triedAt = Date.now();
    return isDue;
  }

  tryLater() {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.retry, this.waitMs);
    (this.timer as { unref?: () => void }).unref?.();
    this.waitMs = Math.min(2 * this.waitMs, LONGEST_MS);
  }

  end() {
    clearTimeout(this.timer);
  }
}
