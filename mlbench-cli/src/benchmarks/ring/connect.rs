//! Connects the ranks of a ring: each listens on its address and connects to the next rank.

use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use super::error::Error;
use super::handshake::Handshake;
use super::world::Timeouts;

/// Pause between two attempts.
///
/// Another worker may start later, and its name may not resolve before its pod runs.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);
/// Timeout of one attempt to connect, and of one handshake.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// Confirms the handshake in both directions.
///
/// The listener confirms that it accepts the peer. The connecting rank confirms that it still waits, so that
/// the listener does not accept a connection that its peer gave up while it was in the accept queue.
const CONFIRM: u8 = 1;

/// Listens on this worker's address `host:port`.
///
/// It binds an IP address or `localhost` as given. Any other name, such as the name of a pod in its service,
/// need not resolve to an address that can be bound here, so it binds all addresses.
///
/// It retries for some seconds while the port is in use, because a worker of an earlier run may be about to
/// exit.
///
/// # Errors
/// [`Error::Address`] or [`Error::Bind`].
pub(crate) fn listen(address: &str, timeouts: Timeouts) -> Result<TcpListener, Error> {
    let host_and_port = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let Some((host, port)) = host_and_port else { return Err(Error::Address(address.to_owned())) };
    let host = host.trim_matches(['[', ']']);
    let local = host == "localhost" || host.parse::<IpAddr>().is_ok();
    let bind = || {
        if local {
            return TcpListener::bind((host, port));
        }
        // An IPv6 socket on all addresses also accepts IPv4. Machines without IPv6 need the second attempt.
        TcpListener::bind(("::", port)).or_else(|_| TcpListener::bind(("0.0.0.0", port)))
    };
    let deadline = Instant::now() + timeouts.connect.min(ATTEMPT_TIMEOUT);
    loop {
        match bind() {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                // The system has no event for a port that becomes free.
                thread::sleep(RETRY_INTERVAL);
            }
            Err(cause) => return Err(Error::Bind { address: address.to_owned(), cause }),
        }
    }
}

/// A neighbour in the ring and the address that it listens on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neighbour<'a> {
    pub(super) rank: u32,
    pub(super) address: &'a str,
}

/// Waits for the previous rank to connect, and refuses all other peers.
pub(super) fn accept(
    listener: &TcpListener,
    own: Handshake,
    previous: Neighbour<'_>,
    deadline: Instant,
) -> Result<TcpStream, Error> {
    listener.set_nonblocking(true).map_err(Error::Setup)?;
    let mut reason = "it did not connect in time".to_owned();
    while Instant::now() < deadline {
        match listener.accept() {
            Ok((mut stream, _)) => match confirm(&mut stream, own, previous.rank, deadline) {
                Ok(None) => return Ok(stream),
                Ok(Some(mismatch)) => reason = format!("refused a connection: {mismatch}"),
                // A peer that closes the connection or stays silent is not the previous rank.
                Err(_) => {}
            },
            // The standard library has no accept with a timeout.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY_INTERVAL / 4),
            Err(error) => reason = error.to_string(),
        }
    }
    Err(connect_error(previous, reason))
}

/// Exchanges handshakes with a peer, and returns why the peer is refused or `None` if it is accepted.
fn confirm(
    stream: &mut TcpStream,
    own: Handshake,
    expected: u32,
    deadline: Instant,
) -> io::Result<Option<String>> {
    // On some systems the accepted socket inherits non-blocking mode from the listener.
    stream.set_nonblocking(false)?;
    let mismatch = own.mismatch(read_handshake(stream, deadline)?, expected);
    stream.write_all(&own.encode())?;
    if mismatch.is_none() {
        stream.write_all(&[CONFIRM])?;
        stream.read_exact(&mut [0])?;
    }
    Ok(mismatch)
}

/// Connects to the next rank, and retries until it listens and is the expected rank.
pub(super) fn connect(own: Handshake, next: Neighbour<'_>, deadline: Instant) -> Result<TcpStream, Error> {
    let mut last: io::Error = io::ErrorKind::TimedOut.into();
    while Instant::now() < deadline {
        match connect_once(own, next, deadline) {
            Ok(stream) => return Ok(stream),
            // A mismatch explains more than a later failure to connect.
            Err(error) if is_mismatch(&error) || !is_mismatch(&last) => last = error,
            Err(_) => {}
        }
        // Another machine has no event for the moment when it begins to listen.
        thread::sleep(RETRY_INTERVAL);
    }
    let timed_out = matches!(last.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
    Err(connect_error(next, if timed_out { "no response".to_owned() } else { last.to_string() }))
}

/// Returns whether the error comes from [`Handshake::mismatch`] rather than from the system.
fn is_mismatch(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Other && error.raw_os_error().is_none()
}

fn connect_once(own: Handshake, next: Neighbour<'_>, deadline: Instant) -> io::Result<TcpStream> {
    let mut outcome = Err(io::ErrorKind::AddrNotAvailable.into());
    for address in next.address.to_socket_addrs()? {
        outcome = TcpStream::connect_timeout(&address, remaining(deadline));
        if outcome.is_ok() {
            break;
        }
    }
    let mut stream = outcome?;
    // A socket that connects to a free port of this machine can connect to itself (RFC 9293, simultaneous
    // open). It would then block the port that another worker has to listen on.
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    stream.set_write_timeout(Some(remaining(deadline)))?;
    stream.write_all(&own.encode())?;
    if let Some(mismatch) = own.mismatch(read_handshake(&mut stream, deadline)?, next.rank) {
        return Err(io::Error::other(mismatch));
    }
    stream.read_exact(&mut [0]).map_err(|_| io::Error::other("the peer refused this worker"))?;
    stream.write_all(&[CONFIRM])?;
    Ok(stream)
}

fn read_handshake(stream: &mut TcpStream, deadline: Instant) -> io::Result<Option<Handshake>> {
    stream.set_read_timeout(Some(remaining(deadline)))?;
    let mut bytes = [0; Handshake::BYTES];
    stream.read_exact(&mut bytes)?;
    Ok(Handshake::decode(&bytes))
}

/// Returns the timeout of one attempt, which is never 0, because a socket has no timeout then.
fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).clamp(Duration::from_millis(1), ATTEMPT_TIMEOUT)
}

fn connect_error(neighbour: Neighbour<'_>, reason: String) -> Error {
    Error::Connect { rank: neighbour.rank as usize, address: neighbour.address.to_owned(), reason }
}
