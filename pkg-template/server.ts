export { keepFresh } from './server/fleet.js';
export { createRefreshHandler } from './server/handler.js';
export { toNodeListener } from './server/node.js';
