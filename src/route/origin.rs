//! Which pages may call the route: those of a list of origins, each exactly as browsers write it. There are no patterns and no `*`.

/// A list of origins.
#[derive(Debug, Default)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Takes a list. None if an entry is not written as a browser writes an origin, because it could never match.
    #[must_use]
    pub fn read(list: Vec<String>) -> Option<Self> {
        list.iter().all(|origin| is_origin(origin)).then_some(Self(list))
    }

    /// Tells whether an origin is on the list.
    #[must_use]
    pub fn allow(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| allowed == origin)
    }
}

/// Tells whether a text is a serialised origin (RFC 6454, section 6.2): scheme, host and port in lower case, without the default
/// port of the scheme, and nothing more.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    let own_port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => "/",
    };
    let is_scheme = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'.' | b'-');
    let is_host = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b':' | b'[' | b']');
    scheme.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && scheme.bytes().all(is_scheme)
        && !host.is_empty()
        && host.bytes().all(is_host)
        && !host.ends_with(own_port)
}
