// The modules that scripts/build.mjs and scripts/glue.mjs generate: the wasm, and wasm-bindgen's glue as a function.
declare module '#core' {
  /** Makes an instance of the build that this entry uses. */
  export function instantiate(imports: WebAssembly.Imports): WebAssembly.Exports;
}
declare module '#check-wasm' {
  /** Makes an instance of the check's own build, which imports nothing. */
  export function instantiate(imports: WebAssembly.Imports): WebAssembly.Exports;
}
declare module '#check' {
  type Checker = import('./check.js').Exports;
  /** Makes an instance that checks. Calls back once if another module gives it up. */
  export function instantiate(reset: () => void): Checker;
  /** Gives up an instance that trapped, and returns the error for the caller. */
  export function fault(): import('./types/index.js').TransakTokenError;
}
declare module '#crypto' {
  /** Resolves with the crypto of Node 18, which has no global one. Undefined in builds for platforms that always have it. */
  export function nodeCrypto(): Promise<unknown>;
}
declare module '#glue' {
  type RefreshOptions = import('./types/index.js').RefreshOptions;
  type RefreshedToken = import('./types/index.js').RefreshedToken;
  type Turn = import('../src/js/turn.js').Turn;

  /** The names that the exports of src/js/check.rs have in the wasm. */
  export const exportNames: Record<keyof import('./check.js').Exports, string>;
  /** The names that the exports called by the event loop have in the wasm. */
  export const callbacks: string[];

  /** Returns the glue of one instance: the exports of src/js/. Each build has some of them. */
  export function createGlue(): {
    __wbg_get_imports(): WebAssembly.Imports;
    __wbg_finalize_init(instance: { exports: WebAssembly.Exports }): unknown;
    refreshAccessToken(token: unknown, options: unknown): Promise<RefreshedToken>;
    ensureFreshToken: typeof import('./types/index.js').ensureFreshToken;
    /** Exchanges the token of a session: see src/js/refresh.rs. */
    refreshForSession(token: string | null, options: unknown): Promise<{ accessToken: string; attempts: number }>;
    /** Checks the options of a session. */
    sessionOptions(options: unknown): { refreshWindowMs: number | null; clockToleranceMs: number; maxWaitMs: number; timeoutMs: number };
    /** Returns where the numbers of a call are, and how many of them are the session's: see src/js/turn.rs. */
    sessionNumbers(): number;
    sessionNumberCount(): number;
    sessionBegin(token: unknown, isStored: boolean, hasStore: boolean, refreshWindowMs: number | undefined, clockToleranceMs: number): void;
    sessionAccess(hasWaited: boolean, hasLooked: boolean): Turn;
    sessionRefresh(generation: number, hasWaited: boolean, hasLooked: boolean): Turn;
    sessionWake(): Turn;
    sessionBeforeSend(ticket: number): Turn;
    sessionUnansweredMs(): number;
    sessionTimeOut(options: RefreshOptions, ticket: number): Turn;
    sessionCompleted(options: RefreshOptions, ticket: number, accessToken: unknown, attempts: number, sentWall: number, sentMonotonic: number): Turn;
    sessionFailed(options: RefreshOptions, ticket: number, failed: unknown): Turn;
    sessionLockedOut(ticket: number): Turn;
    sessionWaitForAnother(): Turn;
    sessionAbandon(ticket: number): Turn;
    sessionFound(stored: unknown, held: string | null, saysNothing: boolean, hasLock: boolean, wasWritten: boolean, wasReplaced: boolean, isDeleteDue: boolean): Turn;
    sessionForgetLook(): Turn;
    sessionReplace(token: unknown): Turn;
    sessionClear(isHere: boolean): Turn;
    sessionSetRunning(isRunning: boolean): Turn;
    sessionSetOffline(isOffline: boolean): Turn;
    sessionStatus(): import('./types/index.js').SessionStatus;
    Route: new (options: unknown) => Route;
    /** Returns the headers that every request to Transak has. */
    defaultHeaders(): Record<string, string>;
    Fleet: new (entries: unknown, options: unknown) => Fleet;
  };

  /** An answer as data, with the outcome of the request. */
  type Reply = {
    status: number;
    headers: Record<string, string>;
    body?: string | undefined;
    outcome: import('./types/server.js').RefreshEvent['outcome'];
    code?: import('./types/index.js').TransakTokenErrorCode | undefined;
    reason?: import('./types/server.js').RefreshEvent['reason'];
  };
  /** A job over many tokens: see src/js/route/fleet.rs. */
  type Fleet = {
    readonly concurrency: number;
    waitMs(now: number): number;
    failed(
      now: number, random: number, began: number, attempts: number, code: string, status: number | undefined, retryAfterMs: number | undefined,
    ): { againInMs: number | null; isOver: boolean };
  };
  /** A limit that the option `limiter` is called with. */
  type Quota = { name: string; max: number; windowMs: number; cost: 0 | 1; isOfAddress: boolean };
  /** A request that goes on: the end user's address, if it is known. */
  type Admitted = { outcome?: undefined; address?: string | undefined };
  /** A request to Transak to wait for. The caller has to send it if `isFirst`. */
  type Ticket = { outcome?: undefined; ticket: number; isFirst: boolean; isAccepted: boolean };
  /** A text, or nothing. No other type may be passed to the wasm. */
  type Text = string | undefined;
  /** A route's decisions and its memory: see src/js/route.rs. */
  type Route = {
    checkRequest(now: number, method: string, url: string, origin: Text, site: Text, wanted: Text, token: string): Reply | undefined;
    admit(now: number, origin: Text, found: Text, remote: Text, forwarded: Text): Reply | Admitted;
    nextStep(now: number, origin: Text, token: string, address: Text): Reply | Ticket;
    readonly url: string;
    readonly maxBody: number;
    /** Interprets the result of an exchange. The answer has no CORS headers yet. */
    interpretResponse(now: number, ticket: number, token: string, sentWith: string, exchanged: unknown, since?: number): Reply;
    /** Gives back a ticket for which nothing was sent. */
    abandon(now: number, ticket: number): void;
    admission(): Quota[];
    sending(): Quota[];
    settled(code: Text): Quota[];
    limited(origin: Text, waitMs: number, isOfAddress: boolean): Reply;
    rateLimitKey(address: string): string | undefined;
    misconfigured(): 'proxy' | 'refused' | undefined;
    cors(origin: Text): Record<string, string>;
    unanswered(origin: Text): Reply;
    unserved(origin: Text, isLate: boolean, isOfAuthorize: boolean): Reply;
    unauthorised(origin: Text): Reply;
  };
}
