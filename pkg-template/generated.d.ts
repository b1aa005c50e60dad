// The modules that build.mjs generates: the wasm, and wasm-bindgen's glue as a function.
declare module '#wasm-text' {
  export const decoder: string, data: [at: number, text: string][];
  export function first(): string;
  export function rest(): string;
}
declare module '#wasm' {
  const module: WebAssembly.Module;
  export default module;
}
declare module '#wasm-as-js' {
  export function instantiate(): import('#module').First;
}
declare module '#module' {
  /** What a check needs; where the wasm comes as a whole, all of it. */
  export function first(imports: WebAssembly.Imports, encoder: Pick<TextEncoder, 'encode' | 'encodeInto'>): First;
  /** All of it, made around what there is. */
  export function rest(first: First, imports: WebAssembly.Imports, encoder: Pick<TextEncoder, 'encode' | 'encodeInto'>): Rest;
  /** A length of what is not there is -1; see src/js/desk.rs, ask.rs and keep.rs. */
  type Rest = WebAssembly.Exports & {
    desk(): number;
    explain(): void;
    names(): void;
    judgeOptions(areOptions: boolean, areOfSession: boolean): number;
    enter(length: number, now: number, refreshWindowMs: number, clockToleranceMs: number): number;
    /** See src/js/outcome.rs. */
    judge(
      token: number, sentWith: number, status: number, redirected: boolean, retryAfter: number, retryAfterDate: number, traceId: number,
      body: number, toleranceMs: number, now: number,
    ): number;
    pause(attempts: number, isUnknown: boolean, retries: number, deadline: number, expiresAt: number, random: number, now: number): number;
    settle(length: number, attempts: number, now: number, refreshWindowMs: number, clockToleranceMs: number): number;
    excuse(length: number, now: number, refreshWindowMs: number, clockToleranceMs: number): number;
    begin(
      length: number, isNone: boolean, isStored: boolean, refreshWindowMs: number, clockToleranceMs: number,
      random: number, wall: number, monotonic: number,
    ): number;
    act(op: number, number: number, random: number, wall: number, monotonic: number): number;
    accept(
      ticket: number, length: number, attempts: number, sentWall: number, sentMonotonic: number, random: number, wall: number, monotonic: number,
    ): number;
    found(stored: number, held: number, isReplaced: boolean, random: number, wall: number, monotonic: number): number;
    swap(length: number, random: number): number;
    currentStatus(now: number): number;
  };
  /** See src/js/check.rs. */
  type First = WebAssembly.Exports & {
    memory: WebAssembly.Memory;
    layout(): number;
    check(length: number, now: number, refreshWindowMs: number, clockToleranceMs: number): number;
    complain(given: number): number;
    isSpace(unit: number): number;
  };
}
declare module '#guard' {
  export const guard: typeof import('./guard.js').guard;
}
declare module '#glue' {
  /** In the order of the numbers that `check` returns. */
  type Verdict =
    | { state: 'fresh'; action: 'use'; reason?: undefined }
    | { state: 'expiring'; action: 'refresh'; reason?: undefined }
    | { state: 'expired'; action: 'login'; reason?: undefined }
    | Extract<import('./index.js').TokenStatus, { state: 'invalid' }>;
  /** There is none where the wasm imports nothing of JavaScript's. */
  export const createGlue: undefined | (() => {
    __wbg_get_imports(): WebAssembly.Imports;
    __wbg_finalize_init(instance: { exports: Record<string, unknown> }): unknown;
    Route: new (options: unknown) => Route;
    /** Returns how many refreshes may be under way at once. */
    readFleetOptions(entries: unknown, options: unknown): number;
  });

  /** An answer as data, and what became of the request. */
  type Reply = {
    status: number;
    headers: Record<string, string>;
    body?: string | undefined;
    outcome: import('./server.js').RefreshEvent['outcome'];
    code?: import('./index.js').TransakTokenErrorCode | undefined;
  };
  /** A request to Transak to wait for, and to send where whoever asks is the first. */
  type Ticket = { outcome?: undefined; ticket: number; isFirst: boolean } & User;
  /** Whose request it is: of the socket's address as the host wrote it, of another one, or of none that is known. */
  type User = { isRemote: boolean; address?: string };
  /** A text, if there is one: anything else must not get into the wasm. */
  type Text = string | undefined;
  /** A route's decisions, and what it remembers. */
  type Route = {
    begin(now: number, method: string, url: string, origin: Text, site: Text, token: number, remote: Text, forwarded: Text): Reply | Ticket;
    judge(now: number, method: string, url: string, origin: Text, site: Text, token: number): Reply | undefined;
    admit(now: number, origin: Text, found: Text, remote: Text, forwarded: Text): Reply | ({ outcome?: undefined } & User);
    ask(now: number, origin: Text, token: number): Reply | Ticket;
    readonly url: string;
    readonly maxBody: number;
    /** Takes what `judge` has found. Returns the answer that brings a token, or leaves a failure. */
    land(now: number, ticket: number, origin: Text, token: number, isFound: boolean): Reply | undefined;
    shared(origin: Text, body: string): Reply;
    /** Returns the answer for the failure that lies on the desk. */
    failed(origin: Text): Reply;
    unanswered(origin: Text, isLate: boolean): Reply;
    unauthorised(origin: Text): Reply;
  };
}
