// A simulated clock for Date.now, performance.now, setTimeout and clearTimeout of this process. Code that waits for
// something other than time, such as a digest or an answer, gets the turns of the event loop that it needs.

export const idle = async (turns = 12) => {
  for (let left = turns; left > 0; left--) await new Promise(setImmediate)
}

/** Installs the clock for as long as the test runs. `busy` tells whether something other than a timer is pending. */
export function clock(t, { start = 1_760_000_000_000, busy = () => false } = {}) {
  const { setTimeout, clearTimeout } = globalThis, { now } = Date, monotonicNow = performance.now
  const timers = new Set(), delays = []
  let wall = start, monotonic = 1_000, wakes = 0
  globalThis.setTimeout = (work, delay = 0, ...given) => {
    const timer = { at: monotonic + Math.max(1, delay), work: () => work(...given), unref: () => timer, ref: () => timer }
    timers.add(timer)
    delays.push(delay)
    return timer
  }
  globalThis.clearTimeout = (timer) => void timers.delete(timer)
  Date.now = () => wall
  performance.now = () => monotonic
  t.after(() => {
    Object.assign(globalThis, { setTimeout, clearTimeout })
    Date.now = now
    performance.now = monotonicNow
  })
  const settle = async () => {
    do await idle(); while (busy())
  }
  const pass = (ms) => {
    wall += ms
    monotonic += ms
  }
  return {
    settle, delays, timers,
    get wakes() { return wakes },
    get elapsed() { return wall - start },
    /** Lets time pass, one timer after the other. */
    async advance(ms) {
      await settle()
      const end = monotonic + ms
      for (;;) {
        const [first] = [...timers].sort((a, b) => a.at - b.at)
        if (!first || first.at > end) break
        timers.delete(first)
        pass(Math.max(0, first.at - monotonic))
        wakes++
        first.work()
        await settle()
      }
      pass(end - monotonic)
    },
    /** The machine sleeps: timers and the monotonic clock stand still. */
    sleep(ms) { wall += ms },
    /** Somebody sets the wall clock. */
    set(ms) { wall += ms },
  }
}
