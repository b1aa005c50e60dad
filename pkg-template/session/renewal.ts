// A refresh, from its ticket to the stored token: lock, look, send, wait, store.
import { read } from '../../src/js/foreign.js';
import { after, within } from '../../src/js/wait.js';
import { refreshForSession } from '../refresh.js';
import type { Driver } from './driver.js';
import type { Entry } from './entry.js';
import { instant, type Instant } from './state.js';

/** The longest time that a refresh may take to get the lock and to look at the store, in milliseconds. */
const BEFORE_SENDING_MS = 30_000;

/** Carries out an order to refresh. It never rejects. */
export function renew(driver: Driver, ticket: number): Promise<void> {
  const { entry } = driver;
  driver.refreshing = { ticket, until: Date.now() + BEFORE_SENDING_MS, end: () => end(driver, ticket) };
  return driver.during(async () => {
    let isSent = false;
    const work = () => exchange(driver, ticket, () => { isSent = true; });
    // After a trap the waiting calls have already got the error.
    await (entry && !entry.isDown ? locked(driver, ticket, entry, work) : work()).catch(() => {});
    if (!isSent) end(driver, ticket);
  });
}

/** Carries out the ticket with the lock. Goes on without it if the lock does not work, or did not come in time several times in a row. */
async function locked({ state }: Driver, ticket: number, entry: Entry, work: () => Promise<void>) {
  const { lock } = entry, outcome = await lock.request(work);
  if (outcome === 'done') return;
  if (outcome === 'busy') {
    // The holder of the lock may have stored a new token.
    await lock.hold(() => entry.compare());
    if (state.lockedOut(ticket).step !== 'continue') return;
  }
  await lock.hold(work);
}

/** Sends the token, if that is still needed. Resolves when an answer has come, or when the lock need not be kept for it any longer. */
async function exchange(driver: Driver, ticket: number, sending: () => void): Promise<void> {
  const { state, entry, options, timeoutMs } = driver;
  if (entry && !entry.isDown) await entry.compare();
  const sent = instant(), { step } = state.beforeSend(ticket);
  driver.sync();
  if (step !== 'send') return;
  sending();
  const late = () => driver.unattended(() => {
    state.timeOut(options, ticket);
    settled(driver, ticket);
    entry?.tellLate();
  });
  driver.refreshing = { ticket, until: sent.wall + timeoutMs, end: late };
  const stop = after(timeoutMs, late);
  const answered = answer(driver, ticket, sent).finally(stop);
  // The lock is kept until then, so other sessions wait no longer.
  await (entry ? within(answered, Math.max(timeoutMs, state.unansweredMs()), undefined, true) : answered);
}

/** Waits for the answer, however late it is, and stores its token. It never rejects. */
async function answer(driver: Driver, ticket: number, sent: Instant) {
  const { state, entry, options } = driver, old = state.token;
  try {
    const { accessToken, attempts } = await refreshForSession(old, options);
    const { step } = state.completed(options, ticket, accessToken, attempts, sent);
    driver.sync();
    if (step === 'adopt') await entry?.storeSuccessor(old);
    settled(driver, ticket);
  } catch (thrown) {
    const code = read(thrown, 'code');
    // If the server refused the token, look at the store first: another tab may have stored a successor.
    if (entry && code === 'ERR_UNAUTHORIZED') await entry.compare().catch(() => {});
    // A fault of this package says nothing about the token.
    const isTold = code !== 'ERR_INTERNAL' && driver.unattended(() => {
      state.failed(options, ticket, thrown);
      settled(driver, ticket);
    });
    if (!isTold) end(driver, ticket);
  }
}

/** Gives back a ticket that was not carried out: otherwise a caller would wait for ever. */
function end(driver: Driver, ticket: number) {
  const giveBack = () => {
    driver.state.abandon(ticket);
    settled(driver, ticket);
  };
  // If the first attempt traps, the second one uses a new instance.
  if (!driver.unattended(giveBack)) driver.unattended(giveBack);
  driver.wake();
}

/** Wakes the calls that wait for this refresh. */
function settled(driver: Driver, ticket: number) {
  if (driver.refreshing?.ticket === ticket) driver.refreshing = undefined;
  driver.sync();
  driver.wake();
}
