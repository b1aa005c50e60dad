// Each document, declaration, page and doc comment that states a constant has the number of the source.
// A row names the constant and the sentence, and never the number. The test looks for the sentence in every text.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '../..')

/** Returns the files below these paths whose names match `ending`. */
function filesOf(paths, ending) {
  const walk = (path) => (statSync(path).isDirectory() ? readdirSync(path).flatMap((name) => walk(join(path, name))) : [path])
  return paths.flatMap((path) => walk(join(root, path))).filter((path) => ending.test(path)).map((path) => relative(root, path))
}

const read = (file) => readFileSync(join(root, file), 'utf8')
const sources = Object.fromEntries(filesOf(['src', 'pkg-template'], /\.(rs|ts|js)$/).map((file) => [file, read(file)]))

/** The texts, each as one line, because a sentence may go on in the next line of a comment. */
const texts = Object.fromEntries(
  filesOf(['README.md', 'SECURITY.md', 'docs', 'pkg-template/types', 'www', 'src'], /\.(md|ts|html|js|rs)$/)
    .filter((file) => file !== 'docs/performance.md' && !/\/tests?[./]/.test(file))
    .map((file) => [file, read(file).replace(/\s*\n\s*(?:\*|\/\/[/!]|\|(?= ))? ?/g, ' ')]),
)

/** Evaluates a constant of Rust or JavaScript: a product of numbers and of other constants of its file. */
function evaluated(text, name) {
  const [, expression] = text.match(new RegExp(`\\b${name}(?:: \\w+)? = ([\\w.* ]+?)[;,]`)) ?? assert.fail(`there is no ${name}`)
  return expression.split('*').map((factor) => factor.trim()).reduce((product, factor) => {
    return product * (/^\d/.test(factor) ? Number(factor.replaceAll('_', '')) : evaluated(text, factor))
  }, 1)
}

/** Returns a constant by its place (a file, or a folder) and its name. */
function constant(place, name) {
  const found = Object.keys(sources).filter((file) => (file.startsWith(`${place}/`) || file.replace(/\.\w+$/, '') === place) && new RegExp(`\\b${name}(: \\w+)? = `).test(sources[file]))
  assert.equal(found.length, 1, `${name} of ${place} is in one file`)
  return evaluated(sources[found[0]], name)
}

/** Returns the default of an option that has no name in the source. */
function fallback(place, pattern) {
  const found = Object.keys(sources).filter((file) => file.startsWith(place)).flatMap((file) => [...sources[file].matchAll(pattern)])
  assert.equal(found.length, 1, `${pattern} is in one place`)
  return Number(found[0][1].replaceAll('_', ''))
}

const underscored = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, '_'), commas = (n) => n.toLocaleString('en-US')
const in_ = (unit) => (n) => String(n / unit)
const seconds = in_(1_000), minutes = in_(60_000), hours = in_(3_600_000), days = in_(86_400_000), KiB = in_(1024)
const kilobytes = (n) => String(Math.round(n / 1_000)), limits = JSON.parse(read('tests/budgets.json')).bytes
const README = 'README.md', TYPES = 'pkg-template/types/index.d.ts', SERVER = 'pkg-template/types/server.d.ts', decision = (name) => `docs/decisions/${name}.md`

/** Each row: a constant, how to write it, a sentence with `{}` for the constant and `#` for another number, and the texts that must have it. */
const ROWS = [
  [constant('src/status', 'DEFAULT_WINDOW_PERCENT'), String, '{} % of the lifetime', [README, TYPES, 'www/main.js']],
  [constant('src/status', 'DEFAULT_WINDOW_PERCENT'), String, "{} % of the token's lifetime", ['src/status.rs']],
  [constant('src/status', 'DEFAULT_WINDOW_PERCENT'), (n) => String(30 * n / 100), '{} days of the usual 30', [TYPES]],
  [constant('src/status', 'DEFAULT_WINDOW_PERCENT'), (n) => String(30 * n / 100), '{} days of the documented 30', ['src/status.rs']],
  [constant('src/status', 'MAX_DEFAULT_WINDOW_MS'), days, 'lifetime, at most {} days', [README, TYPES, 'src/status.rs']],
  [constant('src/status', 'WINDOW_WITHOUT_IAT_MS'), hours, '{} h without `iat`', [README, TYPES]],
  [constant('src/status', 'WINDOW_WITHOUT_IAT_MS'), hours, 'window defaults to {} hours', [decision('time')]],
  [constant('src/token', 'MAX_UNITS'), commas, '{} UTF-16 code units', [README, TYPES]],
  [constant('src/js/options', 'TIMEOUT_MS'), underscored, '| `timeoutMs` | ms | {} |', [README]],
  [constant('src/js/options', 'TIMEOUT_MS'), underscored, 'How long one attempt may take, in milliseconds; a positive, finite number. Default: {}.', [TYPES]],
  [constant('src/js/options', 'TOTAL_TIMEOUT_MS'), underscored, '| `totalTimeoutMs` | ms | {} |', [README]],
  [constant('src/js/options', 'TOTAL_TIMEOUT_MS'), underscored, 'How long all attempts and their waits may take, in milliseconds; a positive, finite number. Default: {}.', [TYPES]],
  [constant('src/js/options', 'RETRIES'), String, '| `retries` | attempts | {} |', [README]],
  [constant('src/js/options', 'RETRIES'), String, 'How many attempts may follow the first one; a whole number, 0 or more. Default: {}.', [TYPES]],
  [fallback('src/js/', /"maxWaitMs", Fits::NotNegative\)\.unwrap_or\(([\d_]+)\.0\)/g), underscored, '| `maxWaitMs` | ms | {} |', [README]],
  [fallback('src/js/', /"maxWaitMs", Fits::NotNegative\)\.unwrap_or\(([\d_]+)\.0\)/g), underscored, 'while the old token is valid, in milliseconds; a finite number, 0 or more. Default: {}.', [TYPES]],
  [constant('src/refresh/retries', 'MAX_RETRY_AFTER_MS'), seconds, 'honoured up to {} s', [README, TYPES]],
  [constant('src/refresh', 'MAX_BODY'), KiB, 'over {} KiB is refused', [README]],
  [constant('src/refresh', 'MAX_BODY'), KiB, 'reads the body, up to {} KiB', [decision('no-gloo-net-send')]],
  [constant('src/refresh', 'ERROR_CODE'), String, "`errorCode`, as text: at most {} characters", [TYPES]],
  [constant('src/secret', 'PART'), String, 'a part of one of {} characters or more', [decision('redaction')]],
  [constant('src/secret', 'CLAIM'), String, 'any text or number of {} characters or more', [decision('redaction')]],
  [constant('src/session', 'MIN_BACKOFF_MS'), seconds, '{} s to # min', ['docs/sessions.md', TYPES, decision('session-state')]],
  [constant('src/session', 'MAX_BACKOFF_MS'), minutes, '# s to {} min', ['docs/sessions.md', TYPES, decision('session-state')]],
  [constant('src/session', 'MAX_SKEW_MS'), hours, '{} hours, and', ['docs/sessions.md', decision('time')]],
  [constant('src/session', 'NOISE_MS'), seconds, 'less than {} s', [TYPES, decision('time')]],
  [constant('src/session', 'MAX_MEASURED_MS'), seconds, 'a request of over {} s', [decision('time')]],
  [constant('src/session', 'MAX_TTL_MS'), days, 'whole and at most {} days', [TYPES, decision('session-store')]],
  [constant('src/session', 'JITTER'), (n) => String(n * 100), 'up to {} % of the refresh window', [decision('time')]],
  [constant('src/route', 'KEPT_MS'), seconds, 'answer is repeated for {} s', [README, SERVER, decision('route')]],
  [constant('src/route', 'KEPT_MS'), seconds, 'at most {} s ago', [SERVER]],
  [constant('pkg-template/session', 'LIMIT_MS'), seconds, 'and may take {} s', [TYPES]],
  [constant('pkg-template/session', 'LIMIT_MS'), seconds, 'hangs for {} s', [decision('session-store')]],
  [constant('pkg-template/session', 'LATE_MS'), seconds, 'is heard more than {} s after', [decision('session-store')]],
  [constant('src/session', 'LOOK_MS'), seconds, 'last look is {} s old', ['docs/sessions.md']],
  [constant('src/session', 'LOOK_MS'), seconds, 'within {} s of use', [decision('session-store')]],
  [constant('pkg-template/session', 'TIMEOUT_MS'), seconds, 'A session waits for it up to {} s', [TYPES]],
  [fallback('pkg-template/gateway', /lifetimeMs \?\? ([\d_]+)/g), underscored, 'Lifetime of the tokens it issues. Default: {}', ['pkg-template/types/gateway.d.ts']],
  [limits['main entry'].bytes, kilobytes, 'main entry has about {} kB', [README]],
  [limits['./status'].bytes, kilobytes, '`transak-user-token/status` {} kB', [README]],
  ...['expiring', 'expired', 'invalid'].map((state) => [fallback('pkg-template/bin/', new RegExp(`EXIT = .*\\b${state}: (\\d+)`, 'g')), String, {
    expiring: '{} for one about to expire', expired: '{} for an expired', invalid: '{} for an invalid',
  }[state], [README]]),
]

/** Returns each text in which the sentence has another number, or which lacks the sentence. */
function wrong([value, written, sentence, places]) {
  const escaped = sentence.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace('#', '\\d+').replace('{}', '(\\d[\\d_,.]*)')
  const pattern = new RegExp(`(?<![\\d_,.])${escaped}`, 'gi'), expected = written(value)
  return Object.entries(texts).flatMap(([file, text]) => {
    const found = [...text.matchAll(pattern)].map(([, number]) => number.replace(/[.,]$/, ''))
    if (found.some((number) => number !== expected)) return [`${file} says ${found.join(', ')} in "${sentence}"; the source has ${expected}`]
    return places.includes(file) && found.length === 0 ? [`${file} does not say "${sentence}"; the source has ${expected}`] : []
  })
}

for (const row of ROWS) {
  test(`the number of "${row[2]}" is the source's`, () => assert.deepEqual(wrong(row), []))
}

test('a change of any constant fails in every text that states it', () => {
  for (const [value, written, sentence, places] of ROWS) {
    const failing = wrong([value * 1.2, written, sentence, places]).map((problem) => problem.split(' ')[0])
    for (const place of places) assert.ok(failing.includes(place), `${sentence} in ${place}`)
  }
})

test('the share of the lifetime that is the window has a name, and 12 in place of 10 fails in each text', () => {
  const changed = evaluated(sources['src/status.rs'].replace('DEFAULT_WINDOW_PERCENT: f64 = 10.0', 'DEFAULT_WINDOW_PERCENT: f64 = 12.0'), 'DEFAULT_WINDOW_PERCENT')
  assert.equal(changed, 12)
  const failing = ROWS.slice(0, 4).flatMap(([, ...row]) => wrong([changed, ...row])).map((problem) => problem.split(' ')[0])
  assert.deepEqual([...new Set(failing)].sort(), [README, TYPES, 'src/status.rs', 'www/main.js'].sort())
})
