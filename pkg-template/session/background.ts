// The renewal in the background: one timer that compares with the wall clock, and the page's events that say that time has
// passed.
import type { Driver } from './driver.js';

/** How long the background waits after a fault of this package, in milliseconds. */
const RECOVERY_MS = 60_000;

/** Events after which time may have passed unnoticed, or the network may have changed. */
const HINTS = ['pageshow', 'online', 'offline', 'focus'];

export class Background {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isRunning = false;

  constructor(private readonly driver: Driver) {}

  start() {
    if (this.isRunning) return;
    this.isRunning = true;
    this.listen();
    const { state, entry } = this.driver;
    state.setRunning(true);
    state.setOffline(globalThis.navigator?.onLine === false);
    entry?.connect();
    Promise.resolve(entry?.look()).then(() => { if (this.isRunning) this.tick(); });
  }

  stop() {
    this.isRunning = false;
    this.unlisten();
    clearTimeout(this.timer);
  }

  /** Sets the timer to what is due next. */
  schedule() {
    if (this.isRunning) this.arm(this.driver.state.wakeInMs);
  }

  /** Goes on later, after a trap. */
  recover() {
    if (this.isRunning) this.arm(RECOVERY_MS);
  }

  private arm(ms: number | undefined) {
    clearTimeout(this.timer);
    if (ms === undefined) return;
    this.timer = setTimeout(() => this.tick(), ms);
    (this.timer as { unref?: () => void }).unref?.();
  }

  private tick() {
    const { driver } = this;
    driver.unattended(() => {
      driver.carryOut(driver.state.wake());
      driver.sync();
      driver.entry?.probe();
    });
  }

  private readonly hint = ({ type }: { type: string }) => {
    const { driver } = this;
    driver.unattended(() => {
      if (type === 'offline' || type === 'online') driver.state.setOffline(type === 'offline');
    });
    this.tick();
    driver.entry?.look();
  };

  // Each named where it is used: a policy that LavaMoat generates has the globals that stand in the text, and no others.
  private listen() {
    for (const type of HINTS) globalThis.addEventListener?.(type, this.hint);
    globalThis.document?.addEventListener?.('visibilitychange', this.hint);
  }

  private unlisten() {
    for (const type of HINTS) globalThis.removeEventListener?.(type, this.hint);
    globalThis.document?.removeEventListener?.('visibilitychange', this.hint);
  }
}
