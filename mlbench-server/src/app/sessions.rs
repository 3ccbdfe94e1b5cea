//! Sessions of browsers, and how often a wrong token may be tried.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mlbench_core::api::Session;
use mlbench_core::storage::TokenHash;
use mlbench_core::{Error, ErrorCode, Result, Timestamp};

use super::access::AuthPolicy;
use crate::token::{self, Token};

/// How long a session lasts after its last request.
const IDLE: Duration = Duration::from_secs(12 * 3600);
/// Most sessions. A new one ends the one that was used least recently.
const MAX_SESSIONS: usize = 1_000;
/// How long a wrong token counts.
const WINDOW: Duration = Duration::from_secs(60);
/// Most wrong tokens of one peer within [`WINDOW`].
const MAX_OF_PEER: usize = 5;
/// Most wrong tokens of all peers within [`WINDOW`].
const MAX_OF_ALL: usize = 100;

/// The sessions of a server, in memory: they end with it. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Sessions(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Time of the last request by the hash of the session's secret.
    used: HashMap<[u8; 32], Timestamp>,
    /// Wrong tokens within [`WINDOW`], at most [`MAX_OF_ALL`].
    wrong: VecDeque<(Timestamp, Option<IpAddr>)>,
}

impl Sessions {
    /// Begins a session for the token of the server, or returns `None` where the server requires no token.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthorized`] for a wrong token, [`ErrorCode::TooManyAttempts`].
    pub fn sign_in(
        &self,
        policy: AuthPolicy,
        token: &str,
        peer: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Option<Token>> {
        let AuthPolicy::Bearer { operator: expected, .. } = policy else { return Ok(None) };
        let mut state = self.state();
        state.check_attempts(peer, now)?;
        if !token::same(token::hash(token), expected) {
            state.wrong.push_back((now, peer.map(network)));
            return Err(Error::new(
                ErrorCode::Unauthorized,
                "token: not accepted; enter the token of this server, the content of its --token-file",
            ));
        }
        let secret = Token::random()?;
        state.begin(secret.hash(), now);
        Ok(Some(secret))
    }

    /// Returns whether a secret names a session, which lasts longer with each use.
    #[must_use]
    pub fn is_open(&self, secret: &str, now: Timestamp) -> bool {
        let TokenHash(hash) = token::hash(secret);
        let mut state = self.state();
        let Some(used) = state.used.get_mut(&hash) else { return false };
        if is_past(*used, IDLE, now) {
            state.used.remove(&hash);
            return false;
        }
        *used = now;
        true
    }

    /// Returns whether a session is open, without using it.
    #[must_use]
    pub fn lasts(&self, secret: &str, now: Timestamp) -> bool {
        let TokenHash(hash) = token::hash(secret);
        self.state().used.get(&hash).is_some_and(|used| !is_past(*used, IDLE, now))
    }

    /// Ends a session.
    pub fn sign_out(&self, secret: &str) {
        let TokenHash(hash) = token::hash(secret);
        self.state().used.remove(&hash);
    }

    /// Describes the session of a request to its browser.
    #[must_use]
    pub const fn describe(policy: AuthPolicy, signed_in: bool) -> Session {
        Session { required: matches!(policy, AuthPolicy::Bearer { .. }), signed_in }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Refuses an attempt after too many wrong ones.
    fn check_attempts(&mut self, peer: Option<IpAddr>, now: Timestamp) -> Result<()> {
        self.wrong.retain(|(at, _)| *at <= now && !is_past(*at, WINDOW, now));
        let peer = peer.map(network);
        let of_peer = self.wrong.iter().filter(|(_, other)| *other == peer);
        let first_of_peer = of_peer.clone().next();
        let first = match (of_peer.count() >= MAX_OF_PEER, self.wrong.len() >= MAX_OF_ALL) {
            (true, _) => first_of_peer,
            (false, true) => self.wrong.front(),
            (false, false) => None,
        };
        let Some((at, _)) = first else { return Ok(()) };
        let wait = at.saturating_add(WINDOW).as_micros().saturating_sub(now.as_micros());
        let wait = Duration::from_micros(u64::try_from(wait).unwrap_or(0)).max(Duration::from_secs(1));
        let detail = format!("token: too many wrong ones; try again in {} s", wait.as_secs_f64().ceil());
        Err(Error::new(ErrorCode::TooManyAttempts, detail).with_retry_after(wait))
    }

    fn begin(&mut self, TokenHash(hash): TokenHash, now: Timestamp) {
        self.used.retain(|_, used| !is_past(*used, IDLE, now));
        if self.used.len() >= MAX_SESSIONS {
            let oldest = self.used.iter().min_by_key(|(_, used)| **used).map(|(hash, _)| *hash);
            oldest.map(|oldest| self.used.remove(&oldest));
        }
        self.used.insert(hash, now);
    }
}

/// Returns whether `time` has passed since a date. A clock that was set back has passed none.
fn is_past(date: Timestamp, time: Duration, now: Timestamp) -> bool {
    date.saturating_add(time) <= now
}

/// Returns the address that represents a peer: with IPv6, a peer has all addresses of its network.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "correct-horse-battery-staple";

    fn policy() -> AuthPolicy {
        AuthPolicy::bearer(token::hash(TOKEN))
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(1_000_000).saturating_add(Duration::from_secs(seconds))
    }

    fn peer(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    fn sign_in(sessions: &Sessions, token: &str, from: &str, seconds: u64) -> Result<String, Error> {
        let secret = sessions.sign_in(policy(), token, peer(from), at(seconds))?;
        Ok(secret.unwrap().reveal().to_owned())
    }

    #[test]
    fn a_session_ends_after_twelve_hours_without_a_request() {
        let sessions = Sessions::default();
        let secret = sign_in(&sessions, TOKEN, "10.0.0.1", 0).unwrap();
        let hours = |hours: u64| at(hours * 3600);
        assert!(sessions.is_open(&secret, hours(11)) && sessions.is_open(&secret, hours(22)));
        assert!(sessions.lasts(&secret, hours(33)), "which does not use it");
        assert!(!sessions.is_open(&secret, hours(34)), "12 hours after the last request");
        assert!(!sessions.is_open(&secret, hours(22)), "and for good");
        assert!(!sessions.is_open("", hours(1)) && !sessions.is_open(TOKEN, hours(1)));
    }

    #[test]
    fn signing_out_ends_one_session() {
        let sessions = Sessions::default();
        let secrets = [0, 1].map(|_| sign_in(&sessions, TOKEN, "10.0.0.1", 0).unwrap());
        sessions.sign_out(&secrets[0]);
        assert!(!sessions.is_open(&secrets[0], at(1)) && sessions.is_open(&secrets[1], at(1)));
        assert!(!sessions.lasts(&secrets[0], at(1)) && sessions.lasts(&secrets[1], at(1)));
    }

    #[test]
    fn the_least_recently_used_session_makes_room() {
        let sessions = Sessions::default();
        let secrets: Vec<String> =
            (0..MAX_SESSIONS as u64).map(|i| sign_in(&sessions, TOKEN, "10.0.0.1", i).unwrap()).collect();
        let later = MAX_SESSIONS as u64;
        assert!(sessions.is_open(&secrets[0], at(later)));
        sign_in(&sessions, TOKEN, "10.0.0.1", later).unwrap();
        assert!(sessions.is_open(&secrets[0], at(later)) && !sessions.is_open(&secrets[1], at(later)));
        assert_eq!(sessions.state().used.len(), MAX_SESSIONS);
    }

    #[test]
    fn a_peer_may_be_wrong_five_times_a_minute() {
        let sessions = Sessions::default();
        let code = |from: &str, token: &str, seconds: u64| {
            sign_in(&sessions, token, from, seconds).map_err(|error| error.code()).err()
        };
        for second in 0..5 {
            assert_eq!(code("10.0.0.1", "wrong", second), Some(ErrorCode::Unauthorized));
        }
        let refused = sign_in(&sessions, TOKEN, "10.0.0.1", 20).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::TooManyAttempts, "also for the right token");
        assert_eq!(refused.retry_after(), Some(Duration::from_secs(40)));
        assert_eq!(code("10.0.0.2", TOKEN, 20), None, "another peer may");
        assert_eq!(code("10.0.0.1", TOKEN, 60), None, "the first wrong one no longer counts");
    }

    #[test]
    fn all_addresses_of_a_network_are_one_peer() {
        let sessions = Sessions::default();
        for i in 0..5 {
            sign_in(&sessions, "wrong", &format!("2001:db8::{i}"), 0).unwrap_err();
        }
        let code = |from: &str| sign_in(&sessions, TOKEN, from, 1).map_err(|error| error.code()).err();
        assert_eq!(code("2001:db8::77"), Some(ErrorCode::TooManyAttempts));
        assert_eq!(code("2001:db9::77"), None);
        for i in 0..5 {
            sign_in(&sessions, "wrong", ["10.0.0.1", "::ffff:10.0.0.1"][i % 2], 0).unwrap_err();
        }
        assert_eq!(code("10.0.0.1"), Some(ErrorCode::TooManyAttempts));
    }

    #[test]
    fn wrong_tokens_of_many_peers_are_bounded() {
        let sessions = Sessions::default();
        for i in 0..MAX_OF_ALL {
            sign_in(&sessions, "wrong", &format!("10.0.0.{i}"), 0).unwrap_err();
        }
        let refused = sign_in(&sessions, "wrong", "10.0.1.1", 1).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::TooManyAttempts);
        assert_eq!(sessions.state().wrong.len(), MAX_OF_ALL);
        assert!(sign_in(&sessions, TOKEN, "10.0.1.1", 61).is_ok());
    }

    #[test]
    fn a_server_without_a_token_has_no_sessions() {
        let sessions = Sessions::default();
        assert_eq!(sessions.sign_in(AuthPolicy::Open, "x", None, at(0)).unwrap(), None);
        assert!(!Sessions::describe(AuthPolicy::Open, false).required);
        assert!(Sessions::describe(policy(), true).signed_in);
    }
}
