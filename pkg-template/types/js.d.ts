/** The whole package without WebAssembly: for a page whose policy has no `'wasm-unsafe-eval'`, and for React Native. */
export * from './index.js';
