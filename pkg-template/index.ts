export { TransakTokenError } from '../src/js/error.js';
export { tokenStatus, tokenStatuses } from './check.js';
export { ensureFreshToken, refreshAccessToken } from './refresh.js';
export { TokenSession } from './session/session.js';
export { webStorage } from './session/store.js';
