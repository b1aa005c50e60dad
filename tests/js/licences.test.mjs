// What the check of the crates lets pass, and what not.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { faultsOf, isMet, policyOf } from '../../scripts/licences.mjs';

const toml = readFileSync(new URL('../../deny.toml', import.meta.url), 'utf8');
const policy = policyOf(toml);

test('one licence of an alternative is enough, and each of a conjunction is needed', () => {
  for (const expression of ['MIT', 'MIT OR GPL-3.0', 'GPL-3.0/MIT', '(MIT OR Apache-2.0) AND Unicode-3.0', 'MIT AND MIT OR GPL-3.0']) {
    assert.equal(isMet(expression, policy.allow), true, expression);
  }
  for (const expression of ['GPL-3.0', 'MIT AND GPL-3.0', '(MIT OR Apache-2.0) AND NCSA', 'Apache-2.0 WITH LLVM-exception', 'GPL-3.0 OR (MIT AND NCSA)']) {
    assert.equal(isMet(expression, policy.allow), false, expression);
  }
  for (const expression of ['(MIT', 'MIT MIT', 'MIT)']) assert.throws(() => isMet(expression, policy.allow), /not a licence/, expression);
});

test('a crate is refused for its licence, its source, its name or its second version', () => {
  const source = 'registry+https://host.test/rust-lang/crates.io-index';
  const crate = (more) => ({ id: 'x', name: 'x', version: '1.0.0', license: 'MIT', source, dependencies: [], ...more });
  const faults = (...packages) => faultsOf({ packages, workspace_members: ['own'] }, policy);
  assert.deepEqual(faults(crate(), crate({ id: 'own', name: 'own', license: null, source: null })), []);
  assert.deepEqual(faults(crate({ license: 'GPL-3.0' })), ['x 1.0.0 has the licence GPL-3.0']);
  assert.deepEqual(faults(crate({ license: null })), ['x 1.0.0 names no licence']);
  assert.deepEqual(faults(crate({ license: 'NCSA' }), crate({ name: 'libfuzzer-sys', license: 'NCSA' })), ['x 1.0.0 has the licence NCSA']);
  assert.deepEqual(faults(crate({ source: 'git+https://host.test/x' })), ['x 1.0.0 is from git+https://host.test/x']);
  assert.deepEqual(faults(crate({ name: 'reqwest' })), ['reqwest 1.0.0 is banned']);
  assert.deepEqual(faults(crate(), crate({ version: '2.0.0' })), ['x is there in two versions: 1.0.0, 2.0.0']);
  const careless = crate({ id: 'own', name: 'own', dependencies: [{ name: 'y', req: '*' }, { name: 'z', req: '*', path: '/z' }] });
  assert.deepEqual(faults(careless), ['own 1.0.0 takes any version of y']);
});

test('a policy that denies less is refused', () => {
  for (const [from, to] of [['unknown-git = "deny"', 'unknown-git = "allow"'], ['multiple-versions = "deny"', ''], ['allow = ["MIT", ', 'permit = ["MIT", ']]) {
    assert.throws(() => policyOf(toml.replace(from, to)), /deny\.toml/, to);
  }
});
