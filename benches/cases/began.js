// Imported first: when a page's script begins.
export const start = performance.now();
