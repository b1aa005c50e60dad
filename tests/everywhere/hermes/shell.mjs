// Hermes' own shell as a phone: it evaluates what it reads, line by line. This process is the phone's clock and its network.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PHONE = await readFile(join(import.meta.dirname, 'phone.js'), 'utf8');

/** Runs a bundle on Hermes until it tells its outcome, and returns that with the requests that it made and the lines that it logged. */
export async function onHermes(kit, bundle, given) {
  const hermes = spawn(join(kit.tools, 'node_modules/hermes-engine-cli/linux64-bin/hermes'), ['-Xmicrotask-queue', '-prompt=', '-prompt2='], { stdio: ['pipe', 'pipe', 'inherit'] });
  const requests = [], logged = [], clock = new Map(), network = new Map();
  kit.after(() => {
    for (const timer of clock.values()) clearTimeout(timer);
    hermes.kill('SIGKILL');
  });
  const call = (name, ...given) => hermes.stdin.write(`${name}(${given.map((value) => JSON.stringify(value)).join()});undefined\n`);
  const exchange = async ({ request: id, method, url, headers, responseType }) => {
    const controller = new AbortController();
    network.set(id, controller);
    try {
      // A phone's network follows redirects by itself.
      const response = await fetch(url, { method, headers, signal: controller.signal });
      call('phone.answered', id, responseType, response.status, Object.fromEntries(response.headers), response.url, await response.text());
    } catch (error) {
      call('phone.failed', id, error.message);
    }
  };
  return new Promise((resolve, reject) => {
    const take = (told) => {
      if (told.timer) clock.set(told.timer, setTimeout(call, told.ms, 'phone.due', told.timer));
      if (told.cleared) clearTimeout(clock.get(told.cleared));
      if (told.request) requests.push(told) && exchange(told);
      if (told.aborted) network.get(told.aborted)?.abort();
      if (told.logged) logged.push(told.logged);
      if ('outcome' in told) resolve({ outcome: told.outcome, requests, logged });
    };
    createInterface({ input: hermes.stdout }).on('line', (line) => {
      if (line.startsWith('@@')) take(JSON.parse(line.slice(2)));
      else if (line.startsWith('Uncaught')) reject(new Error(line));
    });
    hermes.on('error', reject).on('close', () => reject(new Error('Hermes ended')));
    hermes.stdin.on('error', reject);
    hermes.stdin.write(`${PHONE.replace(/^ *\/\/.*$|\n/gm, '')};undefined\n`);
    // The bundle is run by `eval`, because the shell reads one line at a time.
    call('globalThis.given =', given);
    call('eval', bundle);
  });
}
