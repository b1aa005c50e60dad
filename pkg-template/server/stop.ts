// The end of a job before its work is done: its signal aborts, or its loop ends.
import { latch, onAbort } from '../../src/js/wait.js';

export type Stop = {
  /** Whether the job has stopped. Then it sends nothing more. */
  isOver: boolean;
  /** Waits for something that ends early if the job stops. */
  wait<T>(work: (stopped: Promise<void>) => Promise<T>): Promise<T>;
  /** Stops the job, and ends its waits. */
  now(): void;
};

export function createStop(signal: AbortSignal | undefined): Stop {
  /** The functions that end the waits. Each wait has a promise of its own, because one for the whole job would keep every wait in memory. */
  const waits = new Set<() => void>();
  let unlisten = () => {};
  const stop: Stop = {
    isOver: signal?.aborted ?? false,
    async wait(work) {
      const stopped = latch();
      if (stop.isOver) stopped.open();
      waits.add(stopped.open);
      try {
        return await work(stopped);
      } finally {
        waits.delete(stopped.open);
      }
    },
    now() {
      stop.isOver = true;
      unlisten();
      for (const end of waits) end();
    },
  };
  if (signal) unlisten = onAbort(signal, stop.now);
  return stop;
}
