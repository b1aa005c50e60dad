// Keyv on memcached, by @keyv/memcache.
import { KeyvMemcache } from '@keyv/memcache'
import { Keyv } from 'keyv'
import { keyv } from 'transak-user-token/storage'

// By default the client of KeyvMemcache logs its failures to the console. The session reports them by `storageerror`.
const logger = { log() {} }

/** Returns the `storage` of sessions, which need `storageMayForget: true`. One serves all users. */
export const memcachedStorage = (servers) => keyv(new Keyv({ store: new KeyvMemcache(servers, { logger }), throwOnErrors: true }))
