export { webStorage } from './session/store.js';
export { asyncStorage, extensionStorage, keyv, secureStorage, unstorage } from './storage/adapters.js';
