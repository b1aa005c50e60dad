// A memcached of a row's own, on loopback, whose clock may be wrong.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';

/** Sends commands of memcached's text protocol, and returns what it answers. */
async function asked(port, commands) {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  socket.end(`${commands.join('\r\n')}\r\nquit\r\n`);
  let output = '';
  for await (const text of socket) output += text;
  return output;
}

/**
 * Starts memcached; ready when it answers.
 * @param {string} [offset] of its clock, as libfaketime takes it: `-3s`
 */
export async function memcached(kit, port, offset) {
  const args = ['memcached', '-u', 'nobody', '-l', '127.0.0.1', '-p', String(port), '-U', '0'];
  // memcached forks, so the whole process group has to end.
  const server = spawn(...offset ? ['faketime', ['-f', offset, ...args]] : [args[0], args.slice(1)], { stdio: 'inherit', detached: true });
  const end = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    process.kill(-server.pid, 'SIGKILL');
    await once(server, 'exit');
  };
  kit.after(end);
  while (!await asked(port, ['version']).catch(() => '')) await new Promise((resolve) => setTimeout(resolve, 50));
  return { end, ask: (...commands) => asked(port, commands) };
}
