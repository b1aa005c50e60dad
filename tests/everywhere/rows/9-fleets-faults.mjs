// A fleet whose processes and whose Redis stop and die, during a refresh and otherwise, and a logout in one of its processes.
import assert from 'node:assert/strict';
import { count, fleet, gate, pause } from '../fleet.mjs';

/** A call looks at the store if the last look is 30 s old; a machine that has much else to do takes some seconds more. */
const IN_STEP_S = 60;

/** Asserts that all hold the last token soon, and that each user's was refreshed so often. */
async function soonInStep({ requests, inStep, users }, { which, isMeant = () => true, refreshes = 1 } = {}) {
  const tookS = await inStep(which, isMeant);
  assert.ok(tookS < IN_STEP_S, `in step after ${tookS} s`);
  for (const user of users.filter((user, i) => isMeant(i))) {
    const asked = requests.filter((request) => request.user === user);
    assert.equal(asked.filter(({ status }) => status === 200).length, refreshes, `refreshes of ${user}`);
  }
}

/** One process is stopped while the answers are in its sockets, for longer than the lease of its lock. The others are used meanwhile. */
const stopped = (ms, { revokes = true } = {}) => async (kit) => {
  const world = await fleet(kit, { revokes }), { processes: [first, ...others], requests, holds, users, asked, access, costs } = world;
  const answers = gate(), refreshesElsewhere = () => requests.filter(({ by, status }) => by !== 0 && status === 200).length;
  holds.after = ({ by }) => by === 0 ? answers : undefined;
  const call = first.ask('access');
  await asked(({ status }) => status === 200, users.length);
  first.child.kill('SIGSTOP');
  answers.open();
  // A server that does not revoke gives another process a token, too. The stopped one goes on when all are there.
  for (const end = Date.now() + ms; Date.now() < end || !revokes && refreshesElsewhere() < users.length; await pause(500)) await access(others);
  first.child.kill('SIGCONT');
  await call;
  await soonInStep(world, { refreshes: revokes ? 1 : 2 });
  // The next process that gets the lock sends one request. If the server has revoked the token, it refuses each process once.
  for (const cost of costs()) assert.ok(cost <= (revokes ? 4 : 2), `${cost} requests for a user`);
  assert.equal((await first.ask('heard')).expired ?? 0, 0, 'the one that was stopped lost nothing');
};

/** One process dies before it has read the answers for half of its users, and before the server gets the requests for the others. */
async function killed(kit) {
  const world = await fleet(kit), { processes: [first, ...others], holds, users, asked, access, costs } = world;
  const isAnswered = (i) => i < users.length / 2, never = new Promise(() => {});
  holds.before = ({ by, user }) => by === 0 && !isAnswered(users.indexOf(user)) ? never : undefined;
  holds.after = ({ by }) => by === 0 ? never : undefined;
  first.ask('access').catch(() => {});
  await asked(() => true, users.length);
  await asked(({ status }) => status === 200, users.length / 2);
  await first.end('SIGKILL');
  await soonInStep(world, { which: others, isMeant: (i) => !isAnswered(i) });
  // What the dead one alone was told is lost. The others are refused one after the other.
  const lost = (held) => count(held, 'ERR_UNAUTHORIZED');
  while ((await access(others)).some((held) => lost(held) < users.length / 2)) await pause(500);
  for (const held of await access(others)) assert.equal(lost(held), users.length / 2);
  costs().forEach((cost, i) => assert.ok(cost <= (isAnswered(i) ? 4 : 2), `${cost} requests for a user`));
}

/** Redis restarts while all have fresh tokens, one process refreshes meanwhile, and all are used. */
const restarted = (keeps) => async (kit) => {
  const world = await fleet(kit, { keeps }), { processes: [first], processes, users, endRedis, startRedis, access, costs } = world;
  await soonInStep(world);
  await endRedis();
  await first.ask('refresh');
  for (let times = 0; times < 5; times++) {
    for (const held of await access()) assert.equal(count(held, /^[0-9a-f]{64}$/), users.length, 'everyone has a token');
    await pause(500);
  }
  await startRedis();
  await soonInStep(world, { refreshes: 2 });
  assert.deepEqual(new Set(costs()), new Set([2]));
  for (const { ask } of processes) assert.ok(((await ask('heard')).storageerror ?? 0) <= users.length, 'one event a session at most');
};

/** Redis restarts while one process waits for its answers, and the others wait for its lock. */
const restartedInRefresh = (keeps) => async (kit) => {
  const world = await fleet(kit, { keeps }), { processes: [first, ...others], holds, users, asked, access, endRedis, startRedis, costs } = world;
  const answers = gate();
  holds.after = ({ by }) => by === 0 ? answers : undefined;
  const call = first.ask('access');
  await asked(({ status }) => status === 200, users.length);
  await endRedis();
  answers.open();
  assert.equal(count(await call, /^[0-9a-f]{64}$/), users.length);
  for (let times = 0; times < 5; times++, await pause(500)) await access([first, ...others]);
  await startRedis();
  await soonInStep(world);
  // Without the lock each process sends one request, and gets the answer that the token was revoked.
  for (const cost of costs()) assert.ok(cost <= 4, `${cost} requests for a user`);
};

/** One process logs everyone out; if the delete is to fail at first, Redis does not permit it for a while. */
const loggedOut = (keeps, failsAtFirst) => async (kit) => {
  const world = await fleet(kit, { keeps }), { processes: [first, ...others], requests, users, cli, access } = world;
  await soonInStep(world);
  if (failsAtFirst) await cli('ACL', 'SETUSER', 'default', '-del', '-unlink');
  assert.equal(count(await first.ask('clear'), failsAtFirst ? 'ERR_STORAGE' : 'done'), users.length);
  if (failsAtFirst) {
    await access();
    await cli('ACL', 'SETUSER', 'default', '+@all');
  }
  assert.equal(count(await first.ask('access'), 'ERR_INVALID_TOKEN'), users.length);
  const begun = Date.now(), isOut = others.map(() => users.map(() => false));
  while (isOut.flat().includes(false)) {
    const held = await access(others);
    held.forEach((answers, process) => answers.forEach((answer, user) => {
      assert.ok(!isOut[process][user] || answer === 'ERR_INVALID_TOKEN', 'handed out after a look');
      isOut[process][user] = answer === 'ERR_INVALID_TOKEN';
    }));
    assert.ok((Date.now() - begun) / 1000 < IN_STEP_S, 'everyone looks in time');
    await pause(500);
  }
  const stored = (await cli('--scan')).trim().split('\n').filter(Boolean);
  assert.equal(stored.length, keeps ? 0 : users.length);
  for (const key of stored) assert.equal(JSON.parse(await cli('get', key)).value, 'cleared');
  assert.equal(requests.length, users.length);
};

export default [{
  // This row runs alone, as the other fleet does.
  alone: true,
  group: 'Fleets', name: 'Redis, and processes that stop and die', set: 'fleet', limitMs: 180_000,
  ways: {
    'a process stopped for 7 s in mid-refresh': stopped(7_000),
    'a process stopped for 10 s in mid-refresh': stopped(10_000),
    'a process stopped for 11 s in mid-refresh': stopped(11_000),
    'a process stopped for 11 s in mid-refresh by a server that does not revoke': stopped(11_000, { revokes: false }),
    'a process killed in mid-refresh': killed,
    'Redis restarted with its data': restarted(true),
    'Redis restarted without its data': restarted(false),
    'Redis restarted with its data in mid-refresh': restartedInRefresh(true),
    'Redis restarted without its data in mid-refresh': restartedInRefresh(false),
    'a logout in one process': loggedOut(false, false),
    'a logout whose delete fails at first': loggedOut(true, true),
  },
}];
