export { TransakTokenError } from '../src/js/error.js';
export { tokenStatus, tokenStatuses } from './check.js';
