export { TransakTokenError } from '../src/js/error.js';
export { ensureFreshToken, refreshAccessToken } from './refresh.js';
export { TokenSession } from './session.js';
export { tokenStatus, tokenStatuses } from './status.js';
export { webStorage } from './store.js';
