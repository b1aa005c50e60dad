// What the declarations, the README and the Rust source each list, so that the tests can hold them against each other.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const here = join(import.meta.dirname, '..')

/** Finds a file of the repository. The folder of the tests is somewhere below its root. */
export function above(path, from = here) {
  const found = join(from, path)
  if (existsSync(found)) return found
  if (dirname(from) === from) throw new Error(`${path} is in no folder above: the tests run inside the repository`)
  return above(path, dirname(from))
}

export const readme = readFileSync(join(here, 'README.md'), 'utf8')

export function declarations(entry) {
  return readFileSync(join(here, `node_modules/transak-user-token/${entry}.d.ts`), 'utf8')
}

/** The members of a union of string literals. */
export function union(name) {
  const [, members] = declarations('index').match(new RegExp(`^export type ${name} =\\n((?:  \\| '\\w+'\\n)+)`, 'm'))
  return [...members.matchAll(/'(\w+)'/g)].map(([, member]) => member)
}

/** The fields of an interface, each with its doc comment as one line; or their names alone, as a pattern finds them. */
export function fields(name, pattern) {
  const [, body] = declarations('index').match(new RegExp(`^export interface ${name}[^{]*\\{\\n([^]*?)^\\}`, 'm'))
  if (pattern) return [...body.matchAll(pattern)].map(([, field]) => field)
  return [...body.matchAll(/\/\*\*([^]*?)\*\/\s+(\w+)\??:/g)].map(([, doc, field]) => ({ field, doc: doc.replace(/\s*\n\s*\* ?/g, ' ').trim() }))
}

/** An enum of src/error.rs: each variant's name in JavaScript and its action. */
export function rustList(name) {
  const source = readFileSync(above('src/error.rs'), 'utf8')
  const [, body] = source.match(new RegExp(`^    ${name} \\{\\n([^]*?)^    \\}`, 'm'))
  return [...body.matchAll(/^\s+\w+ = "(\w+)", (\w+), "/gm)].map(([, text, action]) => ({ name: text, action: action.toLowerCase() }))
}

/** The fenced blocks of the README in some languages, each with the heading that it stands under. */
export function blocks(...languages) {
  let heading = ''
  const found = []
  for (const [, title, language, code] of readme.matchAll(/^#+ (.*)$|^```(\w+)\n([^]*?)^```$/gm)) {
    if (title) heading = title
    else if (languages.includes(language)) found.push({ heading, language, code })
  }
  return found
}

/** The README's table whose first column has this title, as rows of cells. */
export function table(title) {
  const [, body] = readme.match(new RegExp(`^\\| ${title} \\|.*\\n\\|[-|]+\\|\\n((?:\\|.*\\n)+)`, 'm'))
  return body.trim().split('\n').map((row) => row.slice(1, -1).split('|').map((cell) => cell.trim()))
}

export const scriptOf = (html) => html.match(/<script type="module">\n([^]*?)<\/script>/)[1]
