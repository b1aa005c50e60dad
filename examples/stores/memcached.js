// Keyv on memcached, by @keyv/memcache.
import { KeyvMemcache } from '@keyv/memcache'
import { Keyv } from 'keyv'
import { keyv } from 'transak-user-token/storage'

// By default it logs to the console what the session tells by `storageerror`.
const logger = { log() {} }

/** Returns the `storage` of sessions, which need `storageMayForget: true`. One serves all users. */
export const memcachedStorage = (servers) => keyv(new Keyv({ store: new KeyvMemcache(servers, { logger }), throwOnErrors: true }))
