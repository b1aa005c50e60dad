//! The boundary: everything that knows what a `JsValue` is. It converts, waits and calls; it decides nothing.

pub mod check;
#[cfg(any(feature = "refresh", feature = "route"))]
mod convert;
#[cfg(any(feature = "refresh", feature = "route"))]
mod error;
#[cfg(feature = "refresh")]
mod flight;
#[cfg(any(feature = "refresh", feature = "route"))]
mod http;
#[cfg(any(feature = "refresh", feature = "route"))]
mod options;
#[cfg(feature = "refresh")]
pub mod refresh;
#[cfg(feature = "route")]
pub mod route;
#[cfg(feature = "refresh")]
pub mod session;
#[cfg(any(feature = "refresh", feature = "route"))]
mod value;
#[cfg(feature = "refresh")]
mod wait;

/// 1.5 kB smaller after brotli than the standard library's allocator; there is one thread.
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
