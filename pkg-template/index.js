export { TransakTokenError } from '../src/js/error.js';
export { ensureFreshToken, refreshAccessToken } from './refresh.js';
export { tokenStatus, tokenStatuses } from './status.js';
