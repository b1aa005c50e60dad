// The messages between the sessions of one key, in this realm and in others. They say what happened, and never hold a token.
import { after } from '../../src/js/wait.js';
import { listen, tell } from './channel.js';
import type { Driver } from './driver.js';
import type { Entry } from './entry.js';

/** The shortest time between two looks because of messages, in milliseconds. */
const MESSAGE_MS = 1_000;

/** A message that takes longer than this is late: the page that hears it was frozen or busy. In milliseconds. */
const LATE_MS = 5_000;

export class Tabs {
  /** The message for which the session still has to look at the store. */
  private next: { isLogin: boolean; stop: () => void } | undefined;
  private lookedAt = 0;
  private leave: (() => void) | undefined;

  constructor(private readonly driver: Driver, private readonly entry: Entry, private readonly name: string) {}

  /** Tells whether another tab has reported a login and the session has not looked yet. Then the stored token is of that login. */
  get tellsOfLogin(): boolean {
    return this.next?.isLogin === true;
  }

  connect() {
    this.leave ??= listen(this.name, this.heard);
  }

  disconnect() {
    this.next?.stop();
    this.leave?.();
    this.next = this.leave = undefined;
  }

  tell(what: 'login' | 'refreshed' | 'replaced' | 'cleared' | 'late') {
    tell(this.name, what, this.heard);
  }

  private readonly heard = (what: unknown, at: number) => this.driver.unattended(() => {
    const { driver: { state }, entry } = this;
    // There may have been a login since this logout, here or elsewhere. Then the session looks at the store, as after a freeze.
    const isOutdated = what === 'cleared' && (at < entry.begunAt || Date.now() - at > LATE_MS), heard = isOutdated ? 'outdated' : what;
    if (heard === 'refreshed' || heard === 'replaced') this.lookSoon(heard === 'replaced');
    if (heard === 'cleared') entry.clearElsewhere();
    if (heard === 'login') entry.expectLoginElsewhere(at);
    if (heard === 'late') state.waitForAnother();
    // The page is in the back/forward cache, and gets no message until it returns.
    if (heard === 'left' || heard === 'returned' || heard === 'outdated') state.forgetLook();
    if (heard === 'returned') entry.look();
    if (heard === 'outdated') this.lookSoon(false);
  });

  /** Looks for the change that a message announced, at most once a second. If the change is not there yet, it looks once more. */
  private lookSoon(isLogin: boolean, isLast = false) {
    if (this.next) {
      this.next.isLogin ||= isLogin;
      return;
    }
    const { entry, driver: { state } } = this, { generation } = state;
    const look = () => {
      const isLogin = this.next?.isLogin === true;
      [this.next, this.lookedAt] = [undefined, Date.now()];
      entry.compare(isLogin).catch(() => {}).then(() => {
        if (!isLast && this.leave && state.generation === generation) this.lookSoon(isLogin, true);
      });
    };
    const waitMs = Math.min(MESSAGE_MS, Math.max(entry.settlingMs, this.lookedAt + MESSAGE_MS - Date.now()));
    this.next = { isLogin, stop: () => {} };
    if (waitMs > 0) this.next.stop = after(waitMs, look, true);
    else look();
  }
}
