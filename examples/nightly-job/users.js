// The user table. Here it is a file; yours is in a database.
import { readFile, rename, writeFile } from 'node:fs/promises'

const FILE = process.env.USERS ?? 'users.json'

/** Yields each user as { id, token, address }. */
export async function* users() {
  yield* JSON.parse(await readFile(FILE, 'utf8'))
}

let last = Promise.resolve()

/** Stores a token. Calls run one after the other, because each writes all tokens. A new file replaces the old one, so a crash loses none. */
export function saveToken(id, token) {
  return last = last.then(async () => {
    const all = JSON.parse(await readFile(FILE, 'utf8'))
    const changed = all.map((user) => user.id === id ? { ...user, token } : user)
    await writeFile(`${FILE}.new`, JSON.stringify(changed))
    await rename(`${FILE}.new`, FILE)
  })
}
