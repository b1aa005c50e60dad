// Text between JavaScript and the wasm's memory, in Cloudflare's Workers and edge runtimes, which have the platform's own classes.

export const textEncoder = () => TextEncoder;
export const textDecoder = () => TextDecoder;
