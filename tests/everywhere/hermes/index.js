// The app: React Native's own globals, then the package as an app imports it.
import 'react-native/Libraries/Core/setUpGlobals';
import 'react-native/Libraries/Core/polyfillPromise';
import 'react-native/Libraries/Core/setUpTimers';
import 'react-native/Libraries/Core/setUpXHR';
import 'react-native/Libraries/Core/setUpNavigator';
import AsyncStorage, { createAsyncStorage } from '@react-native-async-storage/async-storage';
import * as api from 'transak-user-token';
import * as js from 'transak-user-token/js';
import * as status from 'transak-user-token/status';
import { asyncStorage } from 'transak-user-token/storage';
import { prove } from './proof.js';
import { openSession } from './session.js';

const { base, token, second, third, vectors } = globalThis.given;
const common = require('transak-user-token');
const code = (promise) => promise.then(() => 'resolved', (error) => error.code ?? error);

/** A session with a store, from its login to its logout. */
async function keep(store) {
  const options = { baseUrl: base, storage: asyncStorage(store), key: 'user' }, heard = [];
  const session = await api.TokenSession.login(second, options);
  for (const type of ['refreshed', 'cleared', 'storageerror']) session.addEventListener(type, () => heard.push(type));
  session.start();
  const first = await session.accessToken(), { accessToken } = await session.refresh();
  const isStored = await store.getItem('user') === accessToken;
  // This stands for the next start of the app.
  const reopened = await api.TokenSession.open(options), isFound = await reopened.accessToken() === accessToken;
  await session.clear();
  const gone = [await store.getItem('user'), await code(session.accessToken()), await code(reopened.refresh())];
  for (const each of [session, reopened]) each.dispose();
  return { isKept: first === second && accessToken !== second, isStored, isFound, heard, gone };
}

const parts = {
  // Features of a browser that the package does not need.
  found: async () => ['WebAssembly', 'FinalizationRegistry', 'WeakRef', 'TextEncoder', 'TextDecoder', 'crypto', 'EventTarget', 'BroadcastChannel'].filter((name) => name in globalThis),
  verdicts: async () => {
    const verdicts = ({ tokenStatus }) => vectors.map(({ token, options, now }) => tokenStatus(token, { ...options, now }));
    return { main: verdicts(api), './js': verdicts(js), './status': verdicts(status) };
  },
  import: () => prove(api, { base, token }),
  require: () => prove(common, { base, token }),
  session: () => keep(AsyncStorage),
  database: () => keep(createAsyncStorage('wallet')),
  recipe: async () => {
    const session = await openSession(), heard = [];
    session.subscribe(() => heard.push(session.snapshot().state));
    await session.replace(third);
    globalThis.phone.emit('appStateDidChange', { app_state: 'background' });
    globalThis.phone.emit('appStateDidChange', { app_state: 'active' });
    const { accessToken } = await session.refresh(), again = await openSession();
    const isKept = await again.accessToken() === accessToken;
    await session.clear();
    return [isKept, accessToken !== third, await code(session.accessToken()), heard.includes('fresh')].join();
  },
  cookies: async () => {
    for (const credentials of ['omit', 'same-origin', 'include']) await api.refreshAccessToken(token, { baseUrl: base, credentials });
  },
  redirected: () => code(api.refreshAccessToken(token, { baseUrl: base, retries: 0 })),
  failures: async () => {
    const controller = new AbortController(), waiting = code(api.refreshAccessToken(token, { baseUrl: base, signal: controller.signal }));
    controller.abort('enough');
    return {
      aborted: await waiting,
      'no answer': await code(api.refreshAccessToken(token, { baseUrl: base, timeoutMs: 300, retries: 0 })),
      'no server': await code(api.refreshAccessToken(token, { baseUrl: 'http://localhost:1', retries: 0 })),
      // React Native's `URL` leaves it as it is, and a network takes it for a slash.
      'a backslash': await code(api.refreshAccessToken(token, { baseUrl: 'http://example.com\\.localhost' })),
    };
  },
};

async function run() {
  const outcome = {};
  for (const name of globalThis.given.parts) outcome[name] = await parts[name]().catch((error) => `${error?.code}: ${error?.stack ?? error}`);
  return outcome;
}
run().then((outcome) => globalThis.phone.tell({ outcome }));
