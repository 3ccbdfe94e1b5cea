//! How the workers of a ring find each other: each listens on its own address and connects to the next worker's.

use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use super::frame::Greeting;
use super::{Error, Timeouts};

/// Between two attempts: the others start when they start, and a name may not resolve before its pod runs.
const RETRY: Duration = Duration::from_millis(20);
/// For one attempt to connect, and for one greeting to arrive.
const ATTEMPT: Duration = Duration::from_secs(5);
/// Follows the greeting of the one who listens (you may stay), and answers it (I am still here: a connection that its
/// maker had given up while it waited to be accepted must not be taken).
const WELCOME: u8 = 1;

/// Listens on a worker's own address `host:port`.
///
/// An IP address or `localhost` is taken as it stands. Any other name is one that others know this machine by (a pod's
/// name in its service), which need not resolve to an address that can be bound, so all addresses are taken.
///
/// # Errors
/// [`Error::Bind`] with the address; a port in use is tried again for some seconds first, for it may be that of a
/// worker of an earlier run that is about to end.
pub(crate) fn listen(address: &str, timeouts: Timeouts) -> Result<TcpListener, Error> {
    let host_and_port = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let Some((host, port)) = host_and_port else { return Err(Error::Address(address.to_owned())) };
    let host = host.trim_matches(['[', ']']);
    let local = host == "localhost" || host.parse::<IpAddr>().is_ok();
    let bind = || {
        if local {
            return TcpListener::bind((host, port));
        }
        // An IPv6 socket on all addresses takes IPv4 as well; without IPv6 on the machine there is only IPv4.
        TcpListener::bind(("::", port)).or_else(|_| TcpListener::bind(("0.0.0.0", port)))
    };
    let deadline = Instant::now() + timeouts.connect.min(ATTEMPT);
    loop {
        match bind() {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                thread::sleep(RETRY);
            }
            Err(cause) => return Err(Error::Bind { address: address.to_owned(), cause }),
        }
    }
}

/// Who is to be met: a rank, and where it listens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neighbour<'a> {
    pub(super) rank: u32,
    pub(super) address: &'a str,
}

/// Waits for the worker before to connect, refusing everybody else.
pub(super) fn accept(
    listener: &TcpListener,
    own: Greeting,
    previous: Neighbour<'_>,
    deadline: Instant,
) -> Result<TcpStream, Error> {
    listener.set_nonblocking(true).map_err(Error::Setup)?;
    let mut why = "it did not connect".to_owned();
    while Instant::now() < deadline {
        match listener.accept() {
            Ok((mut stream, _)) => match welcome(&mut stream, own, previous.rank, deadline) {
                Ok(None) => return Ok(stream),
                Ok(Some(objection)) => why = format!("a worker was refused: {objection}"),
                // Somebody who hangs up, or says nothing, is not the one we wait for.
                Err(_) => {}
            },
            // The standard library can wait for a connection only for ever.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY / 4),
            Err(error) => why = error.to_string(),
        }
    }
    Err(unmet(previous, why))
}

fn welcome(
    stream: &mut TcpStream,
    own: Greeting,
    expected: u32,
    deadline: Instant,
) -> io::Result<Option<String>> {
    // On some systems the accepted socket inherits this from the listener.
    stream.set_nonblocking(false)?;
    let objection = own.objection(read_greeting(stream, deadline)?, expected);
    stream.write_all(&own.encode())?;
    if objection.is_none() {
        stream.write_all(&[WELCOME])?;
        stream.read_exact(&mut [0])?;
    }
    Ok(objection)
}

/// Connects to the next worker, again and again until it is there and it is the right one.
pub(super) fn connect(own: Greeting, next: Neighbour<'_>, deadline: Instant) -> Result<TcpStream, Error> {
    let mut why: io::Error = io::ErrorKind::TimedOut.into();
    while Instant::now() < deadline {
        match attempt(own, next, deadline) {
            Ok(stream) => return Ok(stream),
            // An objection says more than that a later attempt came to nothing.
            Err(error) if is_objection(&error) || !is_objection(&why) => why = error,
            Err(_) => {}
        }
        thread::sleep(RETRY);
    }
    let silent = matches!(why.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
    Err(unmet(next, if silent { "it does not answer".to_owned() } else { why.to_string() }))
}

/// Whether the error is from [`Greeting::objection`], not from the system.
fn is_objection(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Other && error.raw_os_error().is_none()
}

fn attempt(own: Greeting, next: Neighbour<'_>, deadline: Instant) -> io::Result<TcpStream> {
    let mut outcome = Err(io::ErrorKind::AddrNotAvailable.into());
    for address in next.address.to_socket_addrs()? {
        outcome = TcpStream::connect_timeout(&address, remaining(deadline));
        if outcome.is_ok() {
            break;
        }
    }
    let mut stream = outcome?;
    // Connecting to a free port of this machine can meet itself (RFC 9293, simultaneous open), and would then keep
    // the port from the worker that is to listen there.
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    stream.set_write_timeout(Some(remaining(deadline)))?;
    stream.write_all(&own.encode())?;
    if let Some(objection) = own.objection(read_greeting(&mut stream, deadline)?, next.rank) {
        return Err(io::Error::other(objection));
    }
    stream.read_exact(&mut [0]).map_err(|_| io::Error::other("it refused this worker"))?;
    stream.write_all(&[WELCOME])?;
    Ok(stream)
}

fn read_greeting(stream: &mut TcpStream, deadline: Instant) -> io::Result<Option<Greeting>> {
    stream.set_read_timeout(Some(remaining(deadline)))?;
    let mut bytes = [0; Greeting::BYTES];
    stream.read_exact(&mut bytes)?;
    Ok(Greeting::decode(&bytes))
}

/// The time for one attempt; never zero, which would mean for ever.
fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).clamp(Duration::from_millis(1), ATTEMPT)
}

fn unmet(neighbour: Neighbour<'_>, reason: String) -> Error {
    Error::Unmet { rank: neighbour.rank as usize, address: neighbour.address.to_owned(), reason }
}
