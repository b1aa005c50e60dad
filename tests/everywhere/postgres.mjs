// A PostgreSQL of a row's own, on loopback.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The user that PostgreSQL runs as, because it refuses to run as root. */
function owner() {
  if (process.getuid() !== 0) return {};
  const id = (which) => Number(execFileSync('id', [which, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Makes an empty database, which ends with the row; `start` resolves when it is ready to accept connections. */
export async function postgres(kit, port) {
  const folder = await mkdtemp(join(tmpdir(), 'postgres-')), installed = '/usr/lib/postgresql', as = { ...owner(), cwd: folder };
  kit.after(() => rm(folder, { recursive: true, force: true }));
  if (as.uid) await chown(folder, as.uid, as.gid);
  const version = (await readdir(installed)).sort((one, other) => one - other).at(-1), program = (name) => join(installed, version, 'bin', name);
  await promisify(execFile)(program('initdb'), ['-D', folder, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'], as);

  const start = async () => {
    const args = ['-D', folder, '-h', '127.0.0.1', '-p', String(port), '-k', '', '-F'];
    const server = spawn(program('postgres'), args, { ...as, stdio: ['ignore', 'ignore', 'pipe'] });
    const end = async (signal) => {
      if (server.exitCode !== null || server.signalCode !== null) return;
      server.kill(signal);
      await once(server, 'exit');
    };
    // This ends it at once. SIGKILL would leave its children and their shared memory.
    kit.after(() => end('SIGQUIT'));
    let output = '';
    for await (const text of server.stderr.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
      output += text;
      if (output.includes('ready to accept connections')) break;
    }
    assert.ok(output.includes('ready to accept connections'), output);
    server.stderr.resume();
    return { end };
  };
  return { uri: `postgresql://postgres@127.0.0.1:${port}/postgres`, start };
}
