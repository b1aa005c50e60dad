// A headless Chromium and a site for it: the installed folder, served on 127.0.0.1. `close` ends both.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import puppeteer from 'puppeteer-core';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.json': 'application/json' };

const ARGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

/** The target of the plain `wasm-pack build` that is tested, if it is not the npm package. */
export const plain = process.env.PLAIN;

/** The options of a test that takes the npm package: its entries, or its files in a page. */
export const ofPackage = { skip: plain ? 'a plain build has one entry' : false };

/** Serves a folder. `pages` maps paths to HTML without a file. */
export async function openSite({ folder = import.meta.dirname, pages = {} } = {}) {
  const server = createServer(async (req, res) => {
    const { pathname } = new URL(req.url, 'http://site');
    const reply = (status, type, body) => res.writeHead(status, { 'content-type': `${type}; charset=utf-8` }).end(body);
    if (Object.hasOwn(pages, pathname)) return reply(200, 'text/html', pages[pathname]);
    try {
      const path = normalize(decodeURIComponent(pathname));
      reply(200, TYPES[extname(path)] ?? 'text/plain', await readFile(join(folder, path)));
    } catch {
      reply(404, 'text/plain', 'not found');
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    const closed = new Promise((resolve) => server.once('close', resolve));
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return { origin: `http://127.0.0.1:${server.address().port}`, close };
}

/** Starts Chromium and a site. `open` resolves with a page, and what it logs goes to `lines`. */
export async function openBrowser(options = {}) {
  const site = await openSite({ ...options, pages: { '/blank.html': '<!doctype html><title>blank</title>', ...options.pages } });
  const userDataDir = await mkdtemp(join(tmpdir(), 'chromium-'));
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: ARGS, userDataDir, timeout: 120_000,
  });
  const lines = [];
  const open = async (path = '/blank.html') => {
    const page = await browser.newPage();
    page.on('console', (message) => lines.push(message.text()));
    page.on('pageerror', (error) => lines.push(`uncaught: ${error?.stack ?? error}`));
    await page.goto(site.origin + path);
    return page;
  };
  const close = async () => {
    await browser.close();
    await site.close();
    await rm(userDataDir, { recursive: true, force: true, maxRetries: 5 });
  };
  return { origin: site.origin, lines, open, close };
}
