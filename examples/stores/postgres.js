// Keyv on PostgreSQL, by @keyv/postgres.
import { KeyvPostgres } from '@keyv/postgres'
import { Keyv } from 'keyv'
import pg from 'pg'
import { keyv } from 'transak-user-token/storage'

/** KeyvPostgres does not listen to `error` of its pool. So an idle connection that breaks would end the process. This class listens. */
class Postgres extends KeyvPostgres {
  async connect() {
    this.pool = new pg.Pool({ connectionString: this.opts.uri })
    // The next call fails, and the session says so.
    this.pool.on('error', () => {})
    return async (sql, values) => (await this.pool.query(sql, values)).rows
  }

  disconnect() {
    return this.pool.end()
  }
}

/** Returns the `storage` of sessions. One serves all users. */
export const postgresStorage = (uri) => keyv(new Keyv({ store: new Postgres(uri), throwOnErrors: true }))
