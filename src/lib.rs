//! Tells whether a [Transak](https://docs.transak.com) user access token is fresh, about to expire or expired,
//! and refreshes it while that is still possible.
//!
//! A user access token is a JWT that lives 30 days. While it has not expired, `GET /api/v2/auth/refresh`
//! exchanges it for a new one. After its expiry only a new login with a one-time password helps.
//!
//! **It decodes a token and does not verify it.** A client cannot verify it: the signing key is the vendor's.
//!
//! # Map
//! All rules are plain Rust, with the time as an argument and no IO:
//!
//! | module | decides |
//! |---|---|
//! | [`secret`] | what must not be shown, and which foreign text may be shown |
//! | [`token`] | whether a text is a compact JWT, and what its payload's bytes are |
//! | [`claims`] | when a token was issued, when it expires, whose it is |
//! | [`status`] | fresh, expiring, expired or invalid, and what to do |
//! | [`refresh`] | what to send to the server, what its answer means, whether to try again |
//! | [`session`] | which token a session holds, when to refresh it, which events it emits |
//! | [`route`] | which requests a backend passes on to Transak, and what it answers |
//! | [`option`] | which numbers an option takes |
//! | [`error`] | every code, reason and action |
//!
//! On `wasm32` the module `js` is the boundary to JavaScript. It has the promises, the timers and the Fetch API. No other module
//! knows what a `JsValue` is.

pub mod claims;
pub mod error;
mod json;
pub mod option;
pub mod refresh;
pub mod route;
pub mod secret;
pub mod session;
pub mod status;
pub mod token;

#[cfg(target_arch = "wasm32")]
#[cfg_attr(feature = "route", expect(dead_code, reason = "the route uses fewer options"))]
pub mod js;
