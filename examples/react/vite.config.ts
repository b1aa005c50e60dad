import { defineConfig } from 'vite'

// In development Vite passes /transak on to the stand-in. In production it is a route of your own server.
const target = process.env.TRANSAK_URL ?? 'http://127.0.0.1:8787'

export default defineConfig({
  server: { proxy: { '/transak': { target, rewrite: (path) => path.replace(/^\/transak/, '') } } },
})
