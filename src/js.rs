//! The boundary: only these modules know JavaScript. They convert, wait and call. They decide nothing.
//!
//! There are three builds. The default one has the check, the refresh and the session's rules. Without default features it
//! has the check alone. With `route` it has the rules of a backend's route.

pub mod check;
#[cfg(any(feature = "refresh", feature = "route"))]
mod convert;
#[cfg(any(feature = "refresh", feature = "route"))]
mod error;
#[cfg(any(feature = "refresh", feature = "route"))]
mod http;
#[cfg(feature = "refresh")]
mod in_flight;
#[cfg(any(feature = "refresh", feature = "route"))]
mod options;
#[cfg(feature = "refresh")]
pub mod refresh;
#[cfg(feature = "route")]
pub mod route;
#[cfg(feature = "refresh")]
pub mod session;
#[cfg(feature = "refresh")]
pub mod session_options;
#[cfg(feature = "refresh")]
pub mod status;
#[cfg(feature = "refresh")]
pub mod turn;
#[cfg(any(feature = "refresh", feature = "route"))]
mod value;
#[cfg(feature = "refresh")]
mod wait;
#[cfg(any(feature = "refresh", feature = "route"))]
mod wiping;
