// Events, in Cloudflare's Workers and edge runtimes, which have the platform's own.

export function emitter() {
  return new EventTarget();
}
