// Answers that come after `timeoutMs`: the request is not aborted, its token is accepted, and no second request is sent meanwhile.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TokenSession, refreshAccessToken } from 'transak-user-token'
import { clock } from './session.clock.mjs'
import { DAY, MINUTE, SECOND, memory, turn, unique, world } from './session.world.mjs'

/** A world in simulated time, whose server answers when the test says so. `sent` has the requests, each with its signal. */
async function silent(t) {
  const time = clock(t), made = await world(t, { listen: false, now: () => Date.now() }), sent = []
  const fetch = (url, init) => new Promise((resolve, reject) => sent.push({
    token: init.headers.get?.('authorization') ?? new Headers(init.headers).get('authorization'), signal: init.signal, reject,
    /** The server gets the request. The returned function lets the answer arrive. */
    receive: async () => {
      const response = await made.gateway.fetch(new Request(url, { headers: init.headers }))
      return () => resolve(response)
    },
    async answer() { (await this.receive())() },
  }))
  return { ...made, time, sent, fetch, open: (token, more) => made.open(token, { fetch, ...more }) }
}

describe('a request whose answer comes after timeoutMs', () => {
  test('is not aborted: its callers get the old token, and the session takes the answer', async (t) => {
    const { open, expiring, sent, time } = await silent(t)
    const session = open(expiring), call = session.accessToken(), refresh = session.refresh()
    refresh.catch(() => {})
    await time.advance(10 * SECOND)
    assert.equal(await call, expiring)
    await assert.rejects(refresh, { code: 'ERR_TIMEOUT', attempts: 1, outcomeUnknown: true })
    assert.equal(sent[0].signal?.aborted, false)
    await time.advance(20 * SECOND)
    await sent[0].answer()
    await time.settle()
    assert.notEqual(await session.accessToken(), expiring)
    assert.deepEqual([session.heard, sent.length], [['refreshfailed', 'refreshed'], 1])
  })

  test('is waited for by another refresh(), up to its own time-out', async (t) => {
    const { open, expiring, sent, time } = await silent(t)
    const session = open(expiring)
    session.accessToken()
    await time.advance(11 * SECOND)
    const impatient = session.refresh()
    impatient.catch(() => {})
    await time.advance(10 * SECOND)
    await assert.rejects(impatient, { code: 'ERR_TIMEOUT' })
    const patient = session.refresh()
    await time.advance(5 * SECOND)
    await sent[0].answer()
    await time.settle()
    assert.equal((await patient).accessToken, await session.accessToken())
    assert.equal(sent.length, 1)
  })

  test('is waited for by another session, and by a call of refreshAccessToken(), up to their own time-outs', async (t) => {
    const { open, expiring, sent, time, baseUrl, fetch } = await silent(t)
    const one = open(expiring)
    one.accessToken()
    await time.advance(11 * SECOND)
    const other = open(expiring), calls = [other.refresh(), refreshAccessToken(expiring, { baseUrl, fetch, retries: 0 })]
    for (const call of calls) call.catch(() => {})
    await time.advance(5 * SECOND)
    assert.equal(sent.length, 1)
    await sent[0].answer()
    await time.settle()
    const [session, call] = await Promise.all(calls)
    assert.equal(session.accessToken, call.accessToken)
    assert.equal(await one.accessToken(), call.accessToken)
  })

  test('is a time-out for a call that has waited long enough, and no second one is sent', async (t) => {
    const { open, expiring, sent, time, baseUrl, fetch } = await silent(t)
    open(expiring).accessToken()
    await time.advance(11 * SECOND)
    const call = refreshAccessToken(expiring, { baseUrl, fetch })
    call.catch(() => {})
    await time.advance(10 * SECOND)
    await assert.rejects(call, { code: 'ERR_TIMEOUT', outcomeUnknown: true })
    assert.equal(sent.length, 1)
  })

  test('keeps the next one from being sent for two minutes', async (t) => {
    const { open, expiring, sent, time } = await silent(t)
    const session = open(expiring)
    session.start()
    await time.advance(119 * SECOND)
    assert.equal(sent.length, 1)
    await time.advance(MINUTE)
    assert.equal(sent.length, 2)
  })

  test('is accepted although a second one was refused meanwhile', async (t) => {
    const { open, expiring, sent, time, gateway } = await silent(t)
    const session = open(expiring)
    session.start()
    await time.advance(3 * MINUTE)
    assert.equal(sent.length, 2)
    gateway.fail({ kind: 'error', status: 401, errorCode: 1002 })
    await sent[1].answer()
    await time.settle()
    assert.equal(session.status().refused, true)
    await sent[0].answer()
    await time.settle()
    assert.deepEqual([session.status().refused, session.status().state], [false, 'fresh'])
    assert.deepEqual(session.heard, ['refreshfailed', 'refreshfailed', 'expired', 'refreshed'])
  })

  for (const end of ['replace', 'clear']) {
    test(`is dropped by ${end}()`, async (t) => {
      const { open, expiring, fresh, sent, time } = await silent(t)
      const session = open(expiring)
      session.accessToken()
      await time.advance(11 * SECOND)
      await session[end](fresh)
      await sent[0].answer()
      await time.settle()
      assert.equal(await session.accessToken().catch(({ code }) => code), end === 'replace' ? fresh : 'ERR_INVALID_TOKEN')
      assert.ok(!session.heard.includes('refreshed'))
    })
  }

  test('has its answer stored when it comes, with the lock or after the lock was released', async (t) => {
    for (const minutes of [1, 3]) {
      await t.test(`${minutes} minutes later`, async (t) => {
        const { open, aged, sent, time } = await silent(t)
        const key = unique(), storage = memory(), token = await aged(29), session = open(token, { storage, key })
        session.accessToken()
        await time.advance(minutes * MINUTE)
        await sent[0].answer()
        await time.advance(SECOND)
        assert.notEqual(storage.map.get(key), token)
        assert.equal(storage.map.get(key), await session.accessToken())
      })
    }
  })

  test('keeps the lock for two minutes: another session of the key sends nothing', async (t) => {
    const { aged, adopt, sent, time, baseUrl, fetch } = await silent(t)
    const key = unique(), storage = memory(), token = await aged(29)
    // Two processes: their requests are not joined.
    const [one, other] = [0, 1].map(() => adopt(new TokenSession(token, { baseUrl, storage, key, fetch: (...given) => fetch(...given) })))
    one.start()
    await time.advance(SECOND)
    other.start()
    await time.advance(118 * SECOND)
    assert.equal(sent.length, 1)
    await sent[0].answer()
    await time.advance(5 * SECOND)
    assert.equal(await other.accessToken(), storage.map.get(key))
    assert.equal(await one.accessToken(), storage.map.get(key))
    assert.equal(sent.length, 1)
  })

  test('of a call is aborted, and no other call joins it once its time is up', async (t) => {
    const { expiring, sent, time, baseUrl, fetch } = await silent(t)
    const call = refreshAccessToken(expiring, { baseUrl, fetch, retries: 0 })
    call.catch(() => {})
    await time.advance(10 * SECOND)
    await assert.rejects(call, { code: 'ERR_TIMEOUT' })
    assert.equal(sent[0].signal.aborted, true)
    const second = refreshAccessToken(expiring, { baseUrl, fetch, retries: 0 })
    await turn()
    assert.equal(sent.length, 2)
    await sent[1].answer()
    await second
  })

  test('of a call is not aborted if a session waits for it as well', async (t) => {
    const { open, expiring, sent, time, baseUrl, fetch } = await silent(t)
    const call = refreshAccessToken(expiring, { baseUrl, fetch, retries: 0 })
    call.catch(() => {})
    const session = open(expiring)
    session.accessToken()
    await time.advance(10 * SECOND)
    await assert.rejects(call, { code: 'ERR_TIMEOUT' })
    assert.deepEqual([sent.length, sent[0].signal.aborted], [1, false])
    await sent[0].answer()
    await time.settle()
    assert.notEqual(await session.accessToken(), expiring)
  })

  test('that fails late emits one event, and the next request waits only for its back-off', async (t) => {
    const { open, expiring, sent, time } = await silent(t)
    const session = open(expiring)
    session.start()
    await time.advance(11 * SECOND)
    sent[0].reject(new TypeError('socket hang up'))
    await time.advance(10 * SECOND)
    assert.equal(sent.length, 2)
    assert.deepEqual(session.heard, ['refreshfailed'])
  })
})

test('a machine that slept during a request takes the answer that waits, and emits no expired', async (t) => {
  const { open, aged, sent, time, gateway } = await silent(t)
  const session = open(await aged(29.9))
  session.start()
  session.accessToken().catch(() => {})
  await time.settle()
  const arrive = await sent[0].receive()
  time.sleep(DAY)
  // The timer fires before the socket is read.
  await time.advance(10 * SECOND)
  arrive()
  await time.settle()
  assert.equal(session.status().state, 'fresh')
  assert.deepEqual([session.heard, gateway.refreshes()], [['refreshed'], 1])
})
