// The modules that build.mjs generates: the wasm, and wasm-bindgen's glue as a function.
declare module '#wasm-text' {
  const text: string;
  export default text;
}
declare module '#wasm' {
  const module: WebAssembly.Module;
  export default module;
}
declare module '#wasm-as-js' {
  export function instantiate(imports: WebAssembly.Imports): WebAssembly.Exports;
}
declare module '#module' {
  export function compile(): WebAssembly.Module;
  export function instantiate(module: WebAssembly.Module, imports: WebAssembly.Imports): WebAssembly.Exports;
  export function isCurrent(view: ArrayBufferView, memory: WebAssembly.Memory): boolean;
}
declare module '#glue' {
  type Verdict =
    | { state: 'fresh'; action: 'use'; reason?: undefined }
    | { state: 'expiring'; action: 'refresh'; reason?: undefined }
    | { state: 'expired'; action: 'login'; reason?: undefined }
    | Extract<import('./index.js').TokenStatus, { state: 'invalid' }>;
  export function createGlue(): {
    __wbg_get_imports(): WebAssembly.Imports;
    __wbg_finalize_init(instance: { exports: Record<string, unknown> }, module: WebAssembly.Module): unknown;
    refreshAccessToken(token: unknown, options: unknown): Promise<import('./index.js').RefreshedToken>;
    ensureFreshToken(token: unknown, options: unknown): Promise<import('./index.js').RefreshedToken & { refreshed: boolean; error?: import('./index.js').TransakTokenError }>;
    /** Answers with the place of a message among the texts. */
    complain(given: number): number;
    isSpace(unit: number): boolean;
    /** A session's state machine; see src/js/session.rs for the numbers. */
    Machine: new (token: unknown, options: unknown, stored: boolean) => {
      call(op: number, number: number): number;
      error(): import('./index.js').TransakTokenError;
      send(ticket: number, options: unknown): Promise<unknown> | undefined;
      found(stored: unknown, replaced: boolean): boolean;
      replace(token: unknown): void;
      status(now: number): number;
      token(): string | null;
      free(): void;
    };
    /** Where it is said where things are; see src/js/check.rs. */
    layout(): number;
    Route: new (options: unknown) => Route;
    /** Returns how many refreshes may be under way at once. */
    readFleetOptions(entries: unknown, options: unknown): number;
  };

  /** An answer as data, and what became of the request. */
  type Reply = {
    status: number;
    headers: Record<string, string>;
    body?: string;
    outcome: import('./server.js').RefreshEvent['outcome'];
    code?: import('./index.js').TransakTokenErrorCode;
  };
  /** A route's decisions, and what it remembers. */
  type Route = {
    judge(method: string, url: string, origin: unknown, site: unknown, token: unknown): Reply | undefined;
    admit(origin: unknown, found: unknown, remote: unknown, forwarded: unknown): { reply?: Reply; address?: string };
    ask(origin: unknown, token: unknown): { reply: Reply; ticket?: undefined; send?: undefined } | { reply?: undefined; ticket: number; send: boolean };
    readonly url: string;
    readonly maxBody: number;
    land(ticket: number, token: string, secrets: string, exchanged: unknown): { token?: string };
    refreshed(origin: unknown, token: string, isShared: boolean): Reply;
    failed(origin: unknown, outcome: unknown): Reply;
    unauthorised(origin: unknown): Reply;
  };
}
