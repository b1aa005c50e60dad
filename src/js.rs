//! The boundary: everything that knows what JavaScript is. It converts, waits and calls; it decides nothing.
//!
//! There are four builds, and each has the checker: one has nothing else. A plain `wasm-pack build` has the refresh as
//! promises of its own (`refresh`), by gloo-net's types and futures. The npm package's main entry has what decides behind
//! numbers and texts (`package`): what waits there is JavaScript. A backend's route is the fourth (`route`). Each can be
//! `small`, as the main entry is for Workers and edge runtimes.

#[cfg(feature = "package")]
pub mod ask;
pub mod check;
#[cfg(any(feature = "refresh", feature = "route"))]
mod convert;
#[cfg(any(feature = "package", feature = "route"))]
pub mod desk;
#[cfg(any(feature = "refresh", feature = "route"))]
mod error;
#[cfg(feature = "refresh")]
mod flight;
#[cfg(feature = "refresh")]
mod http;
#[cfg(feature = "package")]
pub mod keep;
#[cfg(any(feature = "refresh", feature = "route"))]
mod options;
#[cfg(any(feature = "package", feature = "route"))]
pub mod outcome;
#[cfg(feature = "refresh")]
pub mod refresh;
#[cfg(feature = "route")]
pub mod route;
#[cfg(any(feature = "refresh", feature = "route"))]
mod value;
#[cfg(feature = "refresh")]
mod wait;

/// 1.5 kB smaller after brotli than the standard library's allocator; there is one thread.
#[cfg(any(feature = "refresh", feature = "route"))]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
