// The renewal in the background. It has one timer, and looks at the wall clock when that fires. It also looks after an event of the page
// that may follow a sleep or a change of the network.
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

  /** Sets the timer to the next due instant. */
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
      driver.passTime();
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

  // Each global is named where it is used, because a policy that LavaMoat generates allows only the globals named in the text.
  private listen() {
    for (const type of HINTS) globalThis.addEventListener?.(type, this.hint);
    globalThis.document?.addEventListener?.('visibilitychange', this.hint);
  }

  private unlisten() {
    for (const type of HINTS) globalThis.removeEventListener?.(type, this.hint);
    globalThis.document?.removeEventListener?.('visibilitychange', this.hint);
  }
}
