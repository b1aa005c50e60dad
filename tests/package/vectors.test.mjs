// The checker's verdict on each vector, through the installed tarball: as a module, as CommonJS, as Workers have it and in a page,
// and through a plain build.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import * as esm from 'transak-user-token';
import { ofPackage, openBrowser, plain } from './browser.mjs';
import { vectors } from './vectors.mjs';

const all = await vectors(new URL('vectors.json', import.meta.url));
const ways = { import: esm };
if (!plain) {
  const { workers } = await import('./workers.mjs');
  Object.assign(ways, { require: createRequire(import.meta.url)('transak-user-token'), 'as Workers have it': workers });
}

/** Names the vectors whose answer is not the expected one. */
function wrong(answers) {
  return all.flatMap(({ name, reason, expect }, index) => {
    try {
      assert.deepStrictEqual(answers[index], expect);
      return [];
    } catch (difference) {
      return [`${name} (${reason}): ${difference.message}`];
    }
  });
}

test('there are vectors', () => assert.ok(all.length > 500));

for (const [how, { tokenStatus, tokenStatuses }] of Object.entries(ways)) {
  describe(how, () => {
    test('tokenStatus gives the whole answer of every vector', () => {
      assert.deepEqual(wrong(all.map(({ token, options, now }) => tokenStatus(token, { ...options, now }))), []);
    });

    test('tokenStatuses gives the same', () => {
      assert.deepEqual(wrong(all.map(({ token, options, now }) => tokenStatuses([token], { ...options, now })[0])), []);
    });

    test('tokenStatuses judges a whole list under the same options', () => {
      const lists = new Map();
      for (const vector of all) {
        const { options, now } = vector;
        const key = JSON.stringify({ ...options, now });
        lists.set(key, [...lists.get(key) ?? [], vector]);
      }
      for (const [key, list] of lists) {
        const tokens = list.map(({ token }) => token).values();
        assert.deepStrictEqual(tokenStatuses(tokens, JSON.parse(key)), list.map(({ expect }) => expect));
      }
    });
  });
}

describe('Chromium', ofPackage, () => {
  let browser;
  before(async () => {
    browser = await openBrowser({ pages: { '/vectors.html': page } });
  });
  after(() => browser.close());

  test('a page\'s module script gets the same answers', async () => {
    const tab = await browser.open('/vectors.html');
    await tab.waitForFunction('window.answers', { timeout: 20_000 });
    const { one, many } = await tab.evaluate('window.answers');
    assert.deepEqual(wrong(one), []);
    assert.deepEqual(wrong(many), []);
    assert.deepEqual(browser.lines.filter((line) => !line.includes('404')), []);
  });
});

const page = `<!doctype html><title>vectors</title><script type="module">
  import { tokenStatus, tokenStatuses } from '/node_modules/transak-user-token/index.js';
  import { vectors } from '/vectors.mjs';
  const all = await vectors('/vectors.json');
  window.answers = {
    one: all.map(({ token, options, now }) => tokenStatus(token, { ...options, now })),
    many: all.map(({ token, options, now }) => tokenStatuses([token], { ...options, now })[0]),
  };
</script>`;
