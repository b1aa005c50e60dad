//! Finds a wrong configuration from the requests and from Transak's answers: a proxy that the options do not name, or tokens that
//! Transak always refuses, for example because they are of another environment.

use super::Key;

/// How many requests are checked for a proxy.
const LOOKED_AT: u32 = 20;

/// How many different tokens in a row have to be refused before that is reported.
const IN_A_ROW: usize = 10;

/// What is wrong in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misconfigured {
    /// All users seem to have one address, because the options do not name the proxy before this server.
    Proxy,
    /// Transak refuses every token. For example, the tokens are of another environment.
    Refused,
}

impl Misconfigured {
    /// Returns the name that JavaScript sees.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Refused => "refused",
        }
    }
}

/// What the route has seen so far. It reports each reason once.
#[derive(Debug, Default)]
pub(super) struct Watch {
    seen: u32,
    /// The one address of all requests, and the first `x-forwarded-for`.
    first: Option<(Key, Key)>,
    differs: bool,
    is_no_proxy: bool,
    /// The different tokens that Transak refused in a row.
    refused: Vec<Key>,
    has_told_refused: bool,
    due: Vec<Misconfigured>,
}

impl Watch {
    /// Looks at a request: the hash of its socket's address, and the hash of its `x-forwarded-for`.
    pub(super) fn request(&mut self, remote: Option<Key>, forwarded: Option<Key>) {
        if self.is_no_proxy {
            return;
        }
        let Some((remote, forwarded)) = remote.zip(forwarded) else {
            // Without the socket's address this request tells nothing. Without the header there is no proxy that adds it.
            self.is_no_proxy = remote.is_some();
            return;
        };
        let (first_remote, first_forwarded) = *self.first.get_or_insert((remote, forwarded));
        self.is_no_proxy = remote != first_remote;
        self.differs |= forwarded != first_forwarded;
        self.seen += 1;
        if self.seen == LOOKED_AT && !self.is_no_proxy {
            self.is_no_proxy = true;
            if self.differs {
                self.due.push(Misconfigured::Proxy);
            }
        }
    }

    /// Tells whether it looks for a proxy.
    pub(super) fn looks_for_proxies(&self) -> bool {
        !self.is_no_proxy
    }

    /// Stops looking for a proxy, because the options say which address counts.
    pub(super) fn trusts(&mut self) {
        self.is_no_proxy = true;
    }

    /// Notes whether Transak refused a token.
    pub(super) fn answer(&mut self, token: Key, is_refused: bool) {
        if self.has_told_refused {
            return;
        }
        if !is_refused {
            self.refused.clear();
        } else if !self.refused.contains(&token) {
            self.refused.push(token);
        }
        if self.refused.len() == IN_A_ROW {
            self.has_told_refused = true;
            self.refused = Vec::new();
            self.due.push(Misconfigured::Refused);
        }
    }

    /// Returns a reason that is not reported yet.
    pub(super) fn take(&mut self) -> Option<Misconfigured> {
        self.due.pop()
    }
}
