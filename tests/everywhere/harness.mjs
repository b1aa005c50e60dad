// What the rows share: a folder with the packed package installed, a gateway, child processes, pages.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { PROVEN } from './proof.js';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm' };

const CHROMIUM_ARGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
];

/** The tools of a row. Everything that it starts ends with `close`. */
export class Kit {
  #ends = [];

  /** @param {{ tools: string, node: string, installed: string, name: string, createGateway: Function }} given `node`: what runs the tools */
  constructor(given) {
    Object.assign(this, given);
  }

  /** Registers a function to call at the end of the row. */
  after(end) {
    this.#ends.push(end);
  }

  async close() {
    for (const end of this.#ends.splice(0).reverse()) await Promise.resolve().then(end).catch(() => {});
  }

  /** Makes a folder below the row's tools in which the package is installed, with these files. */
  async project(files = {}) {
    await mkdir(join(this.tools, 'runs'), { recursive: true });
    const folder = await mkdtemp(join(this.tools, 'runs', `${this.name.replace(/\W+/g, '-')}-`));
    this.after(() => process.env.KEEP || rm(folder, { recursive: true, force: true, maxRetries: 3 }));
    await cp(join(this.installed, 'node_modules'), join(folder, 'node_modules'), { recursive: true });
    await cp(join(import.meta.dirname, 'proof.js'), join(folder, 'proof.js'));
    for (const [file, text] of Object.entries({ 'package.json': '{ "private": true, "type": "module" }', ...files })) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), text);
    }
    return folder;
  }

  /** A gateway that listens, one of its tokens, and a function that checks the requests that it got. */
  async world() {
    const gateway = this.createGateway({ allowedOrigins: 'any' });
    const { url, close } = await gateway.listen();
    this.after(close);
    const token = await gateway.issue({ sub: 'someone@example.com' });
    const proven = (outcome, times = 1) => {
      assert.equal(outcome, PROVEN);
      assert.equal(gateway.refreshes(token), times, 'refreshes');
    };
    return { gateway, base: url, token, env: { BASE: url, TOKEN: token }, proven, hash: `#${encodeURIComponent(JSON.stringify({ base: url, token }))}` };
  }

  /** Runs a command to its end and returns what it prints; fails if it fails. */
  async run(command, args, { cwd, env = {} } = {}) {
    const child = this.#spawn(command, args, { cwd, env });
    const code = await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
    if (code !== 0) throw new Error(`${command} ${args.slice(0, 3).join(' ')} ended with ${code}:\n${child.output.slice(-1500)}`);
    return child.output;
  }

  /** Starts a server and waits until its address answers. */
  async serve(command, args, url, { cwd, env = {} } = {}) {
    const child = this.#spawn(command, args, { cwd, env });
    let ended = false;
    child.on('close', () => { ended = true; }).on('error', () => { ended = true; });
    for (;;) {
      if (ended) throw new Error(`${command} ended:\n${child.output.slice(-1500)}`);
      if (await fetch(url).then(() => true, () => false)) return child;
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  }

  #spawn(command, args, { cwd, env }) {
    const child = spawn(command, args, {
      cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_ENV: undefined, FORCE_COLOR: '0', NEXT_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', CI: '1', ...env },
    });
    child.output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { child.output += text; });
    this.after(() => {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {}
    });
    return child;
  }

  tool(name) {
    return join(this.tools, 'node_modules/.bin', name);
  }

  /** Serves a folder on 127.0.0.1; `headers` go with every answer. */
  async site(folder, headers = {}) {
    const server = createServer(async (req, res) => {
      const { pathname } = new URL(req.url, 'http://site');
      try {
        const path = join(folder, decodeURIComponent(pathname.endsWith('/') ? `${pathname}index.html` : pathname));
        const body = await readFile(path);
        res.writeHead(200, { 'content-type': `${TYPES[extname(path)] ?? 'text/plain'}; charset=utf-8`, ...headers }).end(body);
      } catch {
        res.writeHead(404, { 'content-type': 'text/plain' }).end('not found');
      }
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.after(() => {
      server.close();
      server.closeAllConnections();
    });
    return `http://127.0.0.1:${server.address().port}`;
  }

  /**
   * Starts Chromium, or Firefox with these preferences. Returns what opens an address and resolves with the outcome that the page
   * reports, with `newPage` and the lines that pages have logged.
   */
  async browser(which = 'chrome', extraPrefsFirefox = {}) {
    const browser = await this.launch(which, extraPrefsFirefox);
    const lines = [];
    const newPage = async () => {
      const page = await browser.newPage();
      page.on('console', (message) => lines.push(message.text()));
      page.on('pageerror', (error) => lines.push(String(error?.stack ?? error)));
      return page;
    };
    const open = async (url, limitMs = 25_000) => {
      const page = await newPage();
      try {
        await page.goto(url);
        for (const end = Date.now() + limitMs; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 100))) {
          // A page that navigates meanwhile reports no outcome.
          const title = await page.title().catch(() => '');
          if (title.startsWith('outcome: ')) return title.slice(9);
        }
        throw new Error('the page told nothing in time');
      } catch (error) {
        throw new Error(`${error.message}; the page says: ${lines.join(' | ').slice(0, 600) || 'nothing'}`);
      } finally {
        await page.close();
      }
    };
    return Object.assign(open, { newPage, lines });
  }

  /** Starts Chromium or Firefox, for rows whose pages report nothing by themselves. */
  async launch(which = 'chrome', extraPrefsFirefox = {}) {
    const userDataDir = await mkdtemp(join(tmpdir(), 'everywhere-'));
    this.after(() => rm(userDataDir, { recursive: true, force: true, maxRetries: 5 }));
    const browser = await puppeteer.launch(which === 'firefox'
      ? { browser: 'firefox', executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr', headless: true, userDataDir, extraPrefsFirefox }
      : { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: CHROMIUM_ARGS, userDataDir });
    this.after(() => browser.close());
    return browser;
  }

  /** A port that is free now. */
  async port() {
    const server = createServer();
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address();
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

/** A page's script. It runs the proof with the package and the world of the address, and shows the outcome in the title. */
export const app = (from = 'transak-user-token') => `import { TransakTokenError, refreshAccessToken, tokenStatus } from '${from}';
import { prove } from './proof.js';
const tell = (outcome) => { document.title = 'outcome: ' + outcome; };
prove({ TransakTokenError, refreshAccessToken, tokenStatus }, JSON.parse(decodeURIComponent(location.hash.slice(1)))).then(tell, (error) => tell(error.code + ': ' + error.message));
`;

/** A page with a script. */
export const html = (script, type = '') => `<!doctype html><meta charset="utf-8"><title>waiting</title><link rel="icon" href="data:,"><script ${type} src="${script}"></script>\n`;
