// A Redis of a row's own, on loopback.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes a folder for the data of a Redis. The folder is deleted at the end of the row. */
export async function dataFolder(kit) {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  kit.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts Redis; ready when it says so. It keeps its data in a folder if it is given one, and in memory otherwise. */
export async function redis(kit, port, folder) {
  const kept = folder ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
  const args = ['--bind', '127.0.0.1', '--port', port, '--dir', folder ?? await dataFolder(kit), '--save', '', ...kept];
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const end = async () => {
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGKILL');
      await once(server, 'exit');
    }
  };
  kit.after(end);
  let output = '';
  for await (const text of server.stdout.setEncoding('utf8')) {
    output += text;
    if (output.includes('Ready to accept connections')) break;
  }
  // The output is read, because a full pipe would stop Redis.
  server.stdout.resume();
  return { end };
}
