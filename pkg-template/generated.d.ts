// The modules that scripts/build.mjs and scripts/glue.mjs generate: the wasm, and wasm-bindgen's glue as a function.
declare module '#core' {
  /** Makes an instance of the build that the entry is of. */
  export function instantiate(imports: WebAssembly.Imports): WebAssembly.Exports;
}
declare module '#check-wasm' {
  /** Makes an instance of the check's own build, which imports nothing. */
  export function instantiate(imports: WebAssembly.Imports): WebAssembly.Exports;
}
declare module '#check' {
  type Checker = import('./check.js').Exports;
  /** Makes an instance that checks; calls back once when it is given up from elsewhere. */
  export function instantiate(reset: () => void): Checker;
  /** Gives up an instance that trapped, and returns the error for who called. */
  export function fault(): import('./types/index.js').TransakTokenError;
}
declare module '#crypto' {
  /** Resolves with the crypto of Node 18, which has no global one; undefined where there is always one. */
  export function nodeCrypto(): Promise<unknown>;
}
declare module '#glue' {
  type RefreshOptions = import('./types/index.js').RefreshOptions;
  type RefreshedToken = import('./types/index.js').RefreshedToken;
  type Turn = import('../src/js/turn.js').Turn;

  /** The names in the wasm of what src/js/check.rs exports. */
  export const exportNames: Record<keyof import('./check.js').Exports, string>;
  /** The names in the wasm of what the event loop calls. */
  export const callbacks: string[];

  /** Returns the glue of one instance: the exports of src/js/, of which a build has some. */
  export function createGlue(): {
    __wbg_get_imports(): WebAssembly.Imports;
    __wbg_finalize_init(instance: { exports: WebAssembly.Exports }): unknown;
    refreshAccessToken(token: unknown, options: unknown): Promise<RefreshedToken>;
    ensureFreshToken: typeof import('./types/index.js').ensureFreshToken;
    /** Resolves with what the session judges by its own clock. */
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
    sessionFound(stored: unknown, held: string | null, saysNothing: boolean, hasLock: boolean, wasWritten: boolean, wasReplaced: boolean): Turn;
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

  /** An answer as data, and what became of the request. */
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
  /** A limit that a limiter of the user's own is asked for. */
  type Quota = { name: string; max: number; windowMs: number; cost: 0 | 1; isOfAddress: boolean };
  /**
   * A request to Transak to wait for, and to send if it is the first. It is of the socket's address as the host wrote it, of
   * another one, or of none that is known.
   */
  type Ticket = { outcome?: undefined; ticket: number; isFirst: boolean; isRemote: boolean; isAccepted: boolean; address?: string | undefined };
  /** A text, if there is one: anything else must not get into the wasm. */
  type Text = string | undefined;
  /** A route's decisions, and what it remembers: see src/js/route.rs. */
  type Route = {
    begin(now: number, method: string, url: string, origin: Text, site: Text, token: string, remote: Text, forwarded: Text): Reply | Ticket;
    judge(now: number, method: string, url: string, origin: Text, site: Text, token: string): Reply | undefined;
    /** Returns an answer, or a ticket of 0 that says whose request it is. */
    admit(now: number, origin: Text, found: Text, remote: Text, forwarded: Text): Reply | Ticket;
    ask(now: number, origin: Text, token: string, address: Text): Reply | Ticket;
    readonly url: string;
    readonly maxBody: number;
    /** Judges what an exchange has brought, for any page. */
    settle(now: number, ticket: number, token: string, sentWith: string, exchanged: unknown, since?: number): Reply;
    /** Gives a ticket back for which nothing was sent. */
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
