//! What can go wrong, and what to do about it: every code, reason and action, listed once.
//!
//! Nothing here may ever hold a token, a claim or a header's value. So texts are fixed. A text of a server or of a runtime is first
//! compared with each [`Secret`](crate::secret::Secret).

use core::fmt;

/// What the caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Use the token as it is.
    Use,
    /// Refresh the token now, while that is possible.
    Refresh,
    /// Try again later: the token may still be good.
    Retry,
    /// Log in again with a one-time password.
    Login,
    /// Fix the calling code or its configuration.
    Fix,
}

impl Action {
    /// Returns the name that JavaScript sees.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Use => "use",
            Self::Refresh => "refresh",
            Self::Retry => "retry",
            Self::Login => "login",
            Self::Fix => "fix",
        }
    }
}

/// Declares an enum whose variants each have a stable name, an action and a text.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[doc = $doc:literal])* $variant:ident = $text:literal, $action:ident, $about:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u64)]
        pub enum $name {
            $($(#[doc = $doc])* $variant,)*
        }

        impl $name {
            /// Every variant, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns its index in [`ALL`](Self::ALL).
            #[must_use]
            #[expect(clippy::as_conversions, reason = "only a cast gives a variant's number")]
            pub const fn index(self) -> u8 {
                self as u8
            }

            /// Returns the stable name that JavaScript sees.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Returns what the caller does next.
            #[must_use]
            pub const fn action(self) -> Action {
                match self { $(Self::$variant => Action::$action,)* }
            }

            /// Returns a sentence without a capital or a period.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }
        }
    };
}

named! {
    /// Why a value is no usable user access token.
    InvalidReason {
        /// It is no string at all.
        NotAString = "not_a_string", Login, "the token is not a string";
        /// It has over 16,384 UTF-16 code units.
        TooLong = "too_long", Login, "the token is longer than 16,384 characters";
        /// It begins with `Bearer `: the API takes the bare token.
        BearerPrefix = "bearer_prefix", Fix, "the token has a 'Bearer ' prefix: pass the bare token";
        /// It is not three non-empty base64url parts (RFC 7519, section 3).
        NotAJwt = "not_a_jwt", Login, "the token is not a compact JWT";
        /// Its payload is padded or of an impossible length (RFC 7515, section 2).
        BadBase64 = "bad_base64", Login, "the token's payload is not base64url";
        /// Its payload is no JSON object in UTF-8.
        BadJson = "bad_json", Login, "the token's payload is not a JSON object";
        /// It is a partner access token, which another call refreshes.
        PartnerToken = "partner_token", Fix, "this is a partner token, not a user's access token";
        /// It is the token of a widget URL or of a transaction's session (`sessionId`), which no call refreshes.
        SessionToken = "session_token", Fix, "this is a widget session's token, not a user's access token";
        /// It has no `exp` claim.
        NoExpiry = "no_expiry", Login, "the token has no exp claim";
        /// Its `exp` is no number of seconds (RFC 7519, section 2, `NumericDate`).
        BadExpiry = "bad_expiry", Login, "the token's exp claim is not a number of seconds";
    }
}

named! {
    /// What kind of failure an error reports.
    Code {
        /// An option has the wrong type or range, or there is no `fetch`.
        InvalidOption = "ERR_INVALID_OPTION", Fix, "an option is invalid";
        /// The token is not usable; the reason says why.
        InvalidToken = "ERR_INVALID_TOKEN", Login, "the token is invalid";
        /// The token has expired by its own `exp`, before or during the call.
        TokenExpired = "ERR_TOKEN_EXPIRED", Login, "the token has expired and cannot be refreshed";
        /// The server refused the token.
        Unauthorized = "ERR_UNAUTHORIZED", Login, "the server refused the token";
        /// The server refused the caller. Transak does so because of the caller's address or its key.
        Forbidden = "ERR_FORBIDDEN", Fix, "the server refused the caller";
        /// The server refused the request.
        Rejected = "ERR_REJECTED", Fix, "the server rejected the request";
        /// Too many requests.
        RateLimited = "ERR_RATE_LIMITED", Retry, "the server asks for fewer requests";
        /// The server failed.
        Server = "ERR_SERVER", Retry, "the server failed";
        /// No answer came, or a redirect came.
        Network = "ERR_NETWORK", Retry, "no answer came";
        /// No answer came in time.
        Timeout = "ERR_TIMEOUT", Retry, "no answer came in time";
        /// An answer came that cannot be used.
        BadResponse = "ERR_BAD_RESPONSE", Retry, "the answer cannot be used";
        /// A session's store failed or did not answer.
        Storage = "ERR_STORAGE", Retry, "the store failed or did not answer";
        /// WebAssembly is missing or forbidden here.
        WasmUnavailable = "ERR_WASM_UNAVAILABLE", Fix, "no WebAssembly here";
        /// A fault of this package.
        Internal = "ERR_INTERNAL", Fix, "an internal fault";
    }
}

/// The cause of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A foreign error: only its name, such as `TypeError`, and its code, such as `ECONNREFUSED`.
    Foreign(Option<String>, Option<String>),
    /// Another failure.
    Failure(Code),
}

/// A failure, as one opaque value with a stable [`Code`].
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What kind of failure it is.
    pub code: Code,
    /// Why the token is invalid, for [`Code::InvalidToken`].
    pub reason: Option<InvalidReason>,
    /// The option that is wrong, for [`Code::InvalidOption`].
    pub option: String,
    /// What the message adds to the option's name, or to the code's own text.
    pub detail: &'static str,
    /// The HTTP status, if an answer came.
    pub status: Option<u16>,
    /// Transak's own `errorCode`, at most 16 of `[A-Za-z0-9_]`.
    pub error_code: Option<String>,
    /// The answer's `trace-id`, at most 64 of `[A-Za-z0-9-]`.
    pub trace_id: Option<String>,
    /// How long the server asks to wait, in milliseconds.
    pub retry_after_ms: Option<f64>,
    /// How many requests were sent.
    pub attempts: u32,
    /// Whether a request was sent and no usable answer came. Then the old token may no longer work.
    pub outcome_unknown: bool,
    /// The cause.
    pub cause: Option<Cause>,
    /// Whether another attempt may help.
    pub(crate) retryable: bool,
}

/// A result with the one kind of failure.
pub type Result<T> = core::result::Result<T, Failure>;

impl Failure {
    /// Returns a failure of this kind without any details.
    #[must_use]
    #[inline(never)]
    pub const fn new(code: Code) -> Self {
        Self {
            code,
            reason: None,
            option: String::new(),
            detail: "",
            status: None,
            error_code: None,
            trace_id: None,
            retry_after_ms: None,
            attempts: 0,
            outcome_unknown: false,
            cause: None,
            retryable: false,
        }
    }

    /// Returns [`Code::InvalidOption`]: the option's name, and what is wrong with it.
    #[must_use]
    pub fn option((name, wrong): (&str, &'static str)) -> Self {
        let mut failure = Self::new(Code::InvalidOption);
        (failure.option, failure.detail) = (name.to_owned(), wrong);
        failure
    }

    /// Returns [`Code::InvalidToken`] for this reason.
    #[must_use]
    pub fn invalid(reason: InvalidReason) -> Self {
        let mut failure = Self::new(Code::InvalidToken);
        failure.reason = Some(reason);
        failure
    }

    /// Returns what the caller does next.
    #[must_use]
    pub fn action(&self) -> Action {
        self.reason.map_or_else(|| self.code.action(), InvalidReason::action)
    }

    /// Returns the message, which is fixed text only. `detail` takes the place of the failure's own detail.
    #[must_use]
    pub fn message_with(&self, detail: &str) -> String {
        let colon = if self.option.is_empty() && detail.is_empty() { "" } else { ": " };
        joined(&[self.about(), colon, &self.option, detail])
    }

    /// Returns what the message begins with.
    #[must_use]
    pub fn about(&self) -> &'static str {
        self.reason.map_or_else(|| self.code.about(), InvalidReason::about)
    }
}

/// Joins texts, in less code than `concat` takes.
pub(crate) fn joined(texts: &[&str]) -> String {
    let mut joined = String::with_capacity(texts.iter().map(|text| text.len()).sum());
    for text in texts {
        joined.push_str(text);
    }
    joined
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message_with(self.detail))
    }
}

impl std::error::Error for Failure {}
