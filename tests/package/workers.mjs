// The main entry as Cloudflare's Workers have it. Node has no modules of WebAssembly, so a hook makes them.
import { register } from 'node:module';

const MODULE = `import { readFileSync } from 'node:fs';
export default new WebAssembly.Module(readFileSync(new URL(import.meta.url)));`;
const HOOK = `export const load = (url, context, next) => !url.endsWith('.wasm') ? next(url, context)
  : { format: 'module', shortCircuit: true, source: ${JSON.stringify(MODULE)} };`;

register(`data:text/javascript,${encodeURIComponent(HOOK)}`);
export const workers = await import(new URL('node_modules/transak-user-token/index.workerd.js', import.meta.url));
