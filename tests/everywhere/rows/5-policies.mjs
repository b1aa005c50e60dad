// Content security policies, in Chromium.
import assert from 'node:assert/strict';
import { app, html } from '../harness.mjs';

const under = (policy, file, check) => async (kit, open) => {
  const folder = await kit.project({ 'app.js': app(`/node_modules/transak-user-token/${file}`), 'index.html': html('/app.js', 'type="module"') });
  const { hash, proven, gateway, token } = await kit.world();
  const outcome = await open(`${await kit.site(folder, { 'content-security-policy': policy })}/${hash}`);
  if (!check) return proven(outcome);
  check(outcome);
  assert.equal(gateway.refreshes(token), 0);
};
const refused = (outcome) => {
  assert.match(outcome, /^ERR_WASM_UNAVAILABLE: /);
  assert.match(outcome, /'wasm-unsafe-eval'/);
  assert.match(outcome, /transak-user-token\/js/);
};

export default [
  {
    group: 'Policies', name: "`script-src 'self'`", before: (kit) => kit.browser(),
    note: "the main entry throws `ERR_WASM_UNAVAILABLE`: allow `'wasm-unsafe-eval'`, or import `transak-user-token/js`",
    ways: { '`transak-user-token/js`': under("script-src 'self'", 'js.js'), 'one clear error from the main entry': under("script-src 'self'", 'index.js', refused) },
  },
  {
    group: 'Policies', name: "`script-src 'self' 'wasm-unsafe-eval'`", before: (kit) => kit.browser(),
    ways: {
      'main entry': under("script-src 'self' 'wasm-unsafe-eval'", 'index.js'),
      "with `require-trusted-types-for 'script'` too": under("script-src 'self' 'wasm-unsafe-eval'; require-trusted-types-for 'script'", 'index.js'),
    },
  },
];
