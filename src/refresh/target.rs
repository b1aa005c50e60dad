//! The server of a refresh: one of Transak's gateways, or the user's own.

use super::PATH;
use crate::error::{Code, Failure, joined};

/// The server of a refresh.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    base: String,
    hints: Hints,
}

/// What the message adds if a server refuses something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// If it refuses the token.
    pub token: &'static str,
    /// If it refuses the caller. Empty for a user's own server, whose reasons are not known.
    pub caller: &'static str,
}

impl Hints {
    /// What a message adds for a user's own server.
    pub const OWN: Self = Self { token: "it was sent to your own baseUrl", caller: "" };

    const fn transak(token: &'static str) -> Self {
        Self { token, caller: "its address or its api key" }
    }
}

/// Returns the base URL of one of Transak's gateways by its name, and what a message adds if it refuses something. Without a name, it
/// is staging: the only server that the API's reference names. None for any other name.
#[must_use]
fn environment(name: Option<&str>) -> Option<(&'static str, Hints)> {
    const STAGING: &str = "https://api-gateway-stg.transak.com";
    let (base, token) = match name {
        None => (STAGING, "it was sent to staging, by default: a production token needs environment 'production'"),
        Some("staging") => (STAGING, "it was sent to staging"),
        Some("production") => ("https://api-gateway.transak.com", "it was sent to production"),
        Some(_) => return None,
    };
    Some((base, Hints::transak(token)))
}

/// The error for a value that is not an absolute URL as the parser writes it.
const NO_URL: &str = " must be an http or https URL, or a path if there is a location";

/// Returns the base URL of a user's own server, from its absolute URL as the WHATWG's parser writes it (`URL.href`). A character
/// that this parser never writes is refused, because React Native's parser leaves a URL as it is.
///
/// # Errors
/// Says what is wrong with the URL. The text follows the option's name. The URL may not have user info, a query or a fragment. Its
/// scheme is https. It may be http for a loopback host, or with `allow_http`.
fn own_base(href: &str, allow_http: bool) -> Result<&str, &'static str> {
    let (rest, is_http) = if let Some(rest) = href.strip_prefix("https://") {
        (rest, false)
    } else if let Some(rest) = href.strip_prefix("http://") {
        (rest, true)
    } else {
        return Err(NO_URL);
    };
    // The network's parser reads `\` as `/`, so a path begins there. `is_loopback` would read it as a part of the host.
    if rest.bytes().any(|byte| byte <= b' ' || byte == b'\\') {
        return Err(NO_URL);
    }
    let length = rest.bytes().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    let (authority, path) = rest.as_bytes().split_at(length);
    if authority.contains(&b'@') || path.iter().any(|byte| matches!(byte, b'?' | b'#')) {
        return Err(" must have no user info, query or fragment");
    }
    if is_http && !allow_http && !is_loopback(authority) {
        return Err(" must be https, or set allowHttp");
    }
    let mut base = href;
    while let Some(start) = base.strip_suffix('/') {
        base = start;
    }
    Ok(base)
}

impl Target {
    /// One of Transak's gateways by its name.
    #[must_use]
    pub fn environment(name: Option<&str>) -> Option<Self> {
        environment(name).map(|(base, hints)| Self { base: base.to_owned(), hints })
    }

    /// A user's own server, by its absolute URL.
    ///
    /// # Errors
    /// Says what is wrong with the URL. The text follows the option's name.
    pub fn own(href: &str, allow_http: bool) -> Result<Self, &'static str> {
        Ok(Self { base: own_base(href, allow_http)?.to_owned(), hints: Hints::OWN })
    }

    /// Returns the message of a failure for a caller of this server. After a request it names the origin and the status.
    #[must_use]
    pub fn message(&self, failure: &Failure) -> String {
        let detail = match failure.code {
            Code::Unauthorized => self.hints.token,
            Code::Forbidden if failure.detail.is_empty() => self.hints.caller,
            _ => failure.detail,
        };
        let message = failure.message_with(detail);
        if failure.attempts == 0 {
            return message;
        }
        let separator = if detail.is_empty() { ": " } else { "; " };
        match failure.status {
            Some(status @ 1..) => joined(&[&message, separator, self.origin(), " answered ", &three_digits(status)]),
            _ => joined(&[&message, separator, self.origin(), " was asked"]),
        }
    }

    /// Returns the base without its path.
    fn origin(&self) -> &str {
        let slash = self.base.bytes().enumerate().filter(|(_, byte)| *byte == b'/').nth(2);
        slash.and_then(|(at, _)| self.base.get(..at)).unwrap_or(&self.base)
    }

    /// Returns the URL of the call.
    #[must_use]
    pub fn url(&self) -> String {
        joined(&[&self.base, PATH])
    }
}

/// Writes a status. The standard library's code that writes any number is larger than the code of this file.
fn three_digits(status: u16) -> String {
    [100, 10, 1].map(|unit| char::from_digit((status / unit % 10).into(), 10).unwrap_or_default()).iter().collect()
}

/// Tells whether an authority is this machine: `localhost`, `*.localhost`, 127.0.0.0/8 or `[::1]`.
fn is_loopback(authority: &[u8]) -> bool {
    let port = authority.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let host = match authority.split_at_checked(authority.len() - port) {
        Some(([host @ .., b':'], _)) => host,
        _ => authority,
    };
    // If a host ends in a number, the URL parser takes it for an IPv4 address and writes it as four numbers.
    let is_ipv4 = || host.iter().all(|&byte| byte == b'.' || byte.is_ascii_digit());
    host == b"[::1]" || host == b"localhost" || host.ends_with(b".localhost") || host.starts_with(b"127.") && is_ipv4()
}
