// The known names of options are those of the declarations.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { unknownName } from '../../src/js/options.js'

const DECLARED = [
  ['options', 'index', ['StatusOptions', 'RefreshOptions', 'SessionOptions']],
  ['options', 'server', ['RefreshHandlerOptions', 'KeepFreshOptions']],
  ['options', 'gateway', ['GatewayOptions']],
  ['limits', 'server', ['Limit']],
]

for (const [which, entry, interfaces] of DECLARED) {
  const text = readFileSync(new URL(`../../pkg-template/types/${entry}.d.ts`, import.meta.url), 'utf8')
  for (const name of interfaces) {
    test(`every option of ${name} is known`, () => {
      const [, body] = text.match(new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([^]*?)^\\}`, 'm'))
      const fields = [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, field]) => field)
      assert.ok(fields.length)
      assert.equal(unknownName(Object.fromEntries(fields.map((field) => [field, undefined])), which), undefined)
    })
  }
}

test('the limits of a route are known, and are no options beside it', () => {
  for (const name of ['perAddress', 'perToken', 'total']) {
    assert.equal(unknownName({ [name]: {} }, 'limits'), undefined)
    assert.equal(unknownName({ [name]: {} }, 'options'), `${name} is no option of this package`)
  }
})
