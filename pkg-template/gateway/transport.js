/**
 * The two ways in: a `Request`, and a socket. Both only pass on what `answer` decides.
 *
 * @import { Listener } from '../types/gateway.js'
 * @import { Incoming, Outcome } from './answers.js'
 */
import { firstHalf } from './answers.js'
import { utf8 } from './encoding.js'

const BODY_LIMIT = 64 * 1024

/** @type {(answer: (incoming: Incoming) => Promise<Outcome>, request: Request) => Promise<Response>} */
export async function answerRequest(answer, request) {
  if (typeof request?.url !== 'string') throw new TypeError('gateway.fetch takes a Request')
  const { method, signal } = request
  signal.throwIfAborted()
  const { pathname, search } = new URL(request.url)
  const headers = Object.fromEntries(request.headers)
  const outcome = await answer({ method, path: pathname + search, headers, signal, text: () => requestText(request) })
  signal.throwIfAborted()
  if (outcome === 'drop') throw new TypeError('connection dropped')
  return new Response(outcome.cut ? brokenStream(firstHalf(outcome.body)) : outcome.body, outcome)
}

/** @type {(start: string) => ReadableStream} */
function brokenStream(start) {
  const chunks = [utf8(start)]
  const pull = (/** @type {ReadableStreamDefaultController} */ controller) => {
    const chunk = chunks.shift()
    if (chunk) controller.enqueue(chunk)
    else controller.error(new TypeError('connection dropped'))
  }
  return new ReadableStream({ pull }, { highWaterMark: 0 })
}

/** @type {(answer: (incoming: Incoming) => Promise<Outcome>, port: number) => Promise<Listener>} */
export async function listen(answer, port) {
  const { createServer } = await import('node:http')
  // Node's own limit on headers, 16 KiB, is less than a long token needs. The server does not end an idle connection: on a busy machine
  // the client's next request may already be on its way, and would be lost.
  const server = createServer({ maxHeaderSize: 64 * 1024, keepAliveTimeout: 0 }, async (req, res) => {
    const { method = '', url: path = '' } = req
    const headers = Object.fromEntries(Object.entries(req.headers).map(([name, value]) => [name, String(value)]))
    const gone = new AbortController()
    res.on('close', () => gone.abort())
    try {
      const outcome = await answer({ method, path, headers, signal: gone.signal, text: () => readText(req) })
      if (outcome === 'drop') return void res.destroy()
      // If a reused connection drops, browsers silently repeat a GET. If a new connection drops, they report it.
      if (headers.origin !== undefined) res.setHeader('connection', 'close')
      res.writeHead(outcome.status, outcome.headers)
      if (outcome.cut) res.write(firstHalf(outcome.body), () => res.destroy())
      else res.end(outcome.body ?? undefined)
    } catch {
      res.destroy()
    }
  })
  await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(undefined))
  })
  const address = server.address()
  const bound = typeof address === 'object' && address ? address.port : port
  const closed = new Promise((resolve) => server.once('close', resolve))
  const close = async () => {
    server.close()
    server.closeAllConnections()
    await closed
  }
  return { url: `http://127.0.0.1:${bound}`, port: bound, close }
}

/** @type {(request: Request) => Promise<string | null>} */
async function requestText(request) {
  const { body } = request
  // In some browsers a request has no stream as its body, or a stream cannot be iterated.
  if (body && Symbol.asyncIterator in body) return readText(/** @type {AsyncIterable<Uint8Array>} */ (body))
  return readText([new Uint8Array(await request.arrayBuffer())])
}

/**
 * Reads to the end, but keeps no more than the limit: an answer before the end would break the client's upload.
 *
 * @type {(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) => Promise<string | null>}
 */
async function readText(chunks) {
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size <= BODY_LIMIT) text += decoder.decode(chunk, { stream: true })
  }
  return size <= BODY_LIMIT ? text + decoder.decode() : null
}
