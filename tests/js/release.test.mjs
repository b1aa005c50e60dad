// A release needs notices that are up to date, and a check that refuses a checkout that is not ready.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '../..')
const node = (...args) => spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })

test('the third-party notices are those of the crates that are compiled in', () => {
  const { status, stderr } = node('scripts/notices.mjs', '--check')
  assert.equal(stderr, '')
  assert.equal(status, 0)
  const notices = readFileSync(join(root, 'THIRD-PARTY-NOTICES.md'), 'utf8')
  for (const name of ['talc', 'siphasher', 'serde-wasm-bindgen', 'wasm-bindgen', 'gloo-net', 'core, alloc and std']) assert.match(notices, new RegExp(`^- ${name} \\d`, 'm'))
  assert.doesNotMatch(notices, /^- (proptest|serde_json|wasm-bindgen-macro) /m)
})

/** A repository with one commit that is ready to be published. */
function ready(t) {
  const folder = mkdtempSync(join(tmpdir(), 'release-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const git = (...args) => execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.com', ...args], { cwd: folder })
  const write = (file, text) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
    git('add', '.')
    git('commit', '--quiet', '--message', 'Write a file')
  }
  git('init', '--quiet')
  const fields = { repository: 'github:example/example', bugs: 'https://example.com/bugs', homepage: 'https://example.com' }
  write('pkg-template/package.json', JSON.stringify({ name: 'transak-user-token', ...fields }))
  write('Cargo.toml', '[package]\nversion = "1.2.3"\n')
  write('CHANGELOG.md', '# Changelog\n\n## [1.2.3] - 2026-11-30\n\n## [1.2.2] - Unreleased\n')
  return { folder, write, fields, check: () => node('scripts/release-check.mjs', folder) }
}

test('a checkout with all fields, a clean tree and a dated changelog is ready', (t) => {
  const { check } = ready(t)
  const { status, stdout, stderr } = check()
  assert.deepEqual([status, stdout, stderr], [0, 'transak-user-token 1.2.3 is ready to be published\n', ''])
})

const refused = (name, change, pattern) => test(name, (t) => {
  const made = ready(t)
  change(made)
  const { status, stdout, stderr } = made.check()
  assert.deepEqual([status, stdout], [1, ''])
  assert.match(stderr, pattern)
  assert.equal(stderr.trim().split('\n').length, 1)
})

for (const field of ['repository', 'bugs', 'homepage']) {
  refused(`a manifest without ${field} is refused`, ({ write, fields }) => {
    write('pkg-template/package.json', JSON.stringify({ name: 'transak-user-token', ...fields, [field]: undefined }))
  }, new RegExp(`^not ready: pkg-template/package.json has no "${field}"`))
}
refused('a changed file is refused', ({ folder }) => appendFileSync(join(folder, 'Cargo.toml'), '\n'), /^not ready: the tree is not clean/)
refused('a file that git does not know is refused', ({ folder }) => writeFileSync(join(folder, 'new'), ''), /^not ready: the tree is not clean/)
refused('a changelog entry without a date is refused', ({ write }) => write('CHANGELOG.md', '## [1.2.3] - Unreleased\n'), /^not ready: CHANGELOG.md has no dated entry for 1\.2\.3/)
refused('a date that is none is refused', ({ write }) => write('CHANGELOG.md', '## [1.2.3] - 2026-13-01\n'), /^not ready: CHANGELOG.md has no dated entry/)
refused("another version's date is refused", ({ write }) => write('Cargo.toml', 'version = "1.2.4"\n'), /^not ready: CHANGELOG.md has no dated entry for 1\.2\.4/)
refused('a lock file of another version is refused', ({ write }) => write('Cargo.lock', 'name = "transak-user-token"\nversion = "1.2.2"\n'), /^not ready: Cargo.lock has version 1\.2\.2/)

test('this checkout is refused only for the fields of the publisher and for its own state', () => {
  const { status, stderr } = node('scripts/release-check.mjs')
  if (status === 0) return
  for (const line of stderr.trim().split('\n')) assert.match(line, /^not ready: (pkg-template\/package\.json has no "(repository|bugs|homepage)"|the tree is not clean|CHANGELOG\.md has no dated entry)/)
})
