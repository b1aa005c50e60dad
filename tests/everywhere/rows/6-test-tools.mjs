// Test tools that answer instead of the network, as in examples/msw and examples/nock. Their newest versions need a newer Node.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';

const examples = join(import.meta.dirname, '../../../examples');
const files = (name) => Object.fromEntries(readdirSync(join(examples, name)).map((file) => [file, readFileSync(join(examples, name, file), 'utf8')]));

/** Runs the tests of an example, with this version of its tool. */
const passes = (tool, version, count) => async (kit) => {
  const cwd = await kit.project(files(tool));
  await symlink(join(kit.tools, 'node_modules', version), join(cwd, 'node_modules', tool));
  const output = await kit.run(join(kit.tools, 'node_modules/node24/bin/node'), ['--test', '--test-reporter=tap'], { cwd });
  assert.match(output, new RegExp(`^# pass ${count}$`, 'm'));
};

const row = (name, tool, version, count) => ({
  group: 'Test tools', name, version, set: 'testing', note: `\`examples/${tool}\` in the repository`,
  ways: { 'its answers, single flight and fake timers, and no test is caught by another one': passes(tool, version, count) },
});
export default [
  row('MSW', 'msw', 'msw2', 7),
  row('MSW', 'msw', 'msw3', 7),
  row('nock', 'nock', 'nock14', 7),
  row('nock', 'nock', 'nock15', 7),
];
