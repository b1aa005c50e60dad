// Cloudflare's runtime, by Miniflare: a worker, bundled as wrangler does it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Starts the `worker.js` of a folder with these bindings and modules of WebAssembly. Returns what calls it, as `fetch` does. */
export async function worker(kit, folder, bindings, wasm = ['core.wasm'], compatibilityDate = '2026-01-01') {
  const { build } = await import('esbuild');
  const { Miniflare } = await import(pathToFileURL(join(kit.tools, 'node_modules/miniflare/dist/src/index.js')));
  await build({
    entryPoints: [join(folder, 'worker.js')], bundle: true, format: 'esm', outfile: join(folder, 'bundle.js'), external: ['*.wasm'],
    conditions: ['workerd', 'worker', 'browser'], logLevel: 'silent',
  });
  const compiled = (name) => ({ type: 'CompiledWasm', path: name, contents: readFileSync(join(folder, 'node_modules/transak-user-token', name)) });
  const miniflare = new Miniflare({
    compatibilityDate, bindings,
    modules: [{ type: 'ESModule', path: 'bundle.js', contents: readFileSync(join(folder, 'bundle.js'), 'utf8') }, ...wasm.map(compiled)],
  });
  kit.after(() => miniflare.dispose());
  await miniflare.ready;
  return (url, init) => miniflare.dispatchFetch(url, init);
}
