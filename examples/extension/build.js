// Bundles the extension into dist/, which Chromium and Firefox load as it is.
import { cpSync } from 'node:fs'
import { build } from 'esbuild'

await build({
  entryPoints: ['worker.js', 'popup.js'], outdir: 'dist', bundle: true, format: 'esm', logLevel: 'warning',
  define: { BASE_URL: JSON.stringify(process.env.BASE_URL ?? 'http://127.0.0.1:8787') },
})
for (const file of ['manifest.json', 'popup.html', 'popup.css']) cpSync(file, `dist/${file}`)
