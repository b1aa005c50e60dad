// The package itself, by the tools that judge packages, on the tarball; and by the tests of its other entries.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const checked = (pattern) => async (kit) => {
  const told = await kit.run(process.execPath, ['--test', `--test-name-pattern=${pattern}`, 'packaging.test.mjs'], { cwd: kit.installed });
  assert.match(told, /^(#|ℹ) pass 1$/m);
};

export default [
  {
    group: 'Package', name: 'npm and TypeScript',
    ways: {
      '`publint --strict`': checked('publint'),
      '`attw --profile node16`': checked('types resolve'),
      'no dependency': async (kit) => assert.deepEqual(readdirSync(join(kit.installed, 'node_modules')).filter((name) => name[0] !== '.'), ['transak-user-token']),
      'no file more than listed': checked('consists of'),
    },
  },
];
