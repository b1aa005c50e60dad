// A process that carries out the calls of main.js. If there is a Redis it has the lock, otherwise files do.
import { Redis } from 'ioredis'
import { TokenSession } from 'transak-user-token'
import { fileLock, fileStorage } from './file.js'
import { redisLock } from './redis.js'

const { BASE_URL, FOLDER, REDIS_URL } = process.env
const lock = REDIS_URL ? redisLock(new Redis(REDIS_URL)) : fileLock(FOLDER)
const options = { baseUrl: BASE_URL, storage: fileStorage(FOLDER), key: 'user-1', lock }, heard = []
let session

const calls = {
  async login(token) {
    (await TokenSession.login(token, options)).dispose()
  },
  async open() {
    session = await TokenSession.open(options)
    for (const type of ['refreshed', 'expired', 'cleared', 'storageerror']) session.addEventListener(type, () => heard.push(type))
  },
  access: () => session.accessToken().catch(({ code }) => code),
  heard: () => heard,
}
process.on('message', async ({ id, call, argument }) => process.send({ id, result: await calls[call](argument) }))
process.on('disconnect', () => process.exit())
