import { fork } from 'node:child_process'
import { once } from 'node:events'

/** Starts a process. `ask` calls one of its functions and returns the result. */
export function startProcess(env) {
  const child = fork(new URL('worker.js', import.meta.url), { env: { ...process.env, ...env } })
  const waiting = new Map()
  child.on('message', ({ id, result }) => waiting.get(id).resolve(result))
  child.on('exit', () => waiting.forEach(({ reject }) => reject(new Error('the process has ended'))))
  return {
    child,
    ask: (call, argument) => new Promise((resolve, reject) => {
      const id = waiting.size
      waiting.set(id, { resolve, reject })
      child.send({ id, call, argument }, (error) => error && reject(error))
    }),
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill(signal)
      await once(child, 'exit')
    },
  }
}
