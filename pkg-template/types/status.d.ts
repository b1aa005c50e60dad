/** The checker alone, a smaller build: for a page that refreshes through its own backend. */
export { TransakTokenError, tokenStatus, tokenStatuses } from './index.js';
export type { InvalidReason, StatusOptions, TokenStatus, TransakTokenErrorCode } from './index.js';
