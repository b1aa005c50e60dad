//! The boundary: everything that knows what a `JsValue` is. It converts, waits and calls; it decides nothing.

pub mod check;
mod convert;
mod error;
mod flight;
mod http;
mod latch;
mod options;
pub mod refresh;
mod signal;
