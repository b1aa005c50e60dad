//! Whether the route is set up as it should be, told by how the first requests look: behind a proxy that nobody mentioned, or with a
//! key or a server that Transak's answers do not fit.

use super::Key;

/// How many requests are looked at for a proxy.
const LOOKED_AT: u32 = 20;

/// How many different tokens in a row have to be refused before that is reported.
const IN_A_ROW: usize = 10;

/// What is set up wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misconfigured {
    /// Everyone seems to have one address, since the proxy before this server is not known to be one.
    Proxy,
    /// Transak refuses every token: they are another environment's, for example.
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

/// What was seen so far. Each reason is reported once.
#[derive(Debug, Default)]
pub(super) struct Watch {
    seen: u32,
    /// The one address of all requests, and the first `x-forwarded-for`.
    first: Option<(Key, Key)>,
    differs: bool,
    is_no_proxy: bool,
    /// The tokens refused in a row; those that count are different.
    refused: Vec<Key>,
    has_told_refused: bool,
    due: Vec<Misconfigured>,
}

impl Watch {
    /// Looks at a request: the key of its socket's address, and of its `x-forwarded-for`.
    pub(super) fn request(&mut self, remote: Option<Key>, forwarded: Option<Key>) {
        if self.is_no_proxy {
            return;
        }
        let Some((remote, forwarded)) = remote.zip(forwarded) else {
            // Without an address nothing is known, and a proxy that adds the header adds it to every request.
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

    /// Stops looking for a proxy: the user has said whose address counts.
    pub(super) fn trusts(&mut self) {
        self.is_no_proxy = true;
    }

    /// Looks at what Transak says of a token.
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

    /// Returns what is to be reported, once.
    pub(super) fn take(&mut self) -> Option<Misconfigured> {
        self.due.pop()
    }
}
