//! Parses the output of the script that follows a rank.

use std::time::Duration;

use bytes::Bytes;
use mlbench_core::Timestamp;
use mlbench_core::run::OutputStream;

use crate::cluster::rank::{Arrival, Cut, CutReason, Offsets};

/// The state of a rank, as its supervisor's files show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// The command is running.
    Running,
    /// The command has ended with this exit code.
    Ended(i32),
    /// The supervisor ended without writing an exit code.
    Killed,
    /// The node has rebooted since the launch.
    Rebooted,
    /// The rank has no files here.
    Missing,
}

/// A piece of a rank's output, and its state after that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FollowOutput {
    pub(crate) state: State,
    pub(crate) stdout: Bytes,
    pub(crate) stderr: Bytes,
    /// Number of processes that the kernel killed for lack of memory since the launch.
    pub(crate) oom_kills: i64,
    /// When output came, in order.
    pub(crate) stamps: Vec<Stamp>,
    /// How long ago the command ended.
    pub(crate) ended: Option<Duration>,
    /// Output that is missing.
    pub(crate) cuts: Vec<Cut>,
    /// How many daemons on other workers the rank has asked for.
    pub(crate) requests: u32,
}

/// The sizes of both streams at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// How long ago that was.
    pub(crate) age: Duration,
    /// Bytes of both streams.
    pub(crate) sizes: Offsets,
}

impl FollowOutput {
    /// Returns when the bytes of this piece came, which begins at `from`.
    pub(crate) fn arrivals(&self, from: Offsets, now: Timestamp) -> Vec<Arrival> {
        let length = |piece: &Bytes| u64::try_from(piece.len()).unwrap_or(u64::MAX);
        let mut rest = [length(&self.stdout), length(&self.stderr)];
        let mut seen = [from.stdout, from.stderr];
        let mut arrivals = Vec::new();
        for stamp in &self.stamps {
            let mut take = |stream: usize, size: u64| {
                let new = size.saturating_sub(seen[stream]).min(rest[stream]);
                rest[stream] -= new;
                seen[stream] = seen[stream].saturating_add(new);
                usize::try_from(new).unwrap_or(usize::MAX)
            };
            let (stdout, stderr) = (take(0, stamp.sizes.stdout), take(1, stamp.sizes.stderr));
            if stdout + stderr > 0 {
                arrivals.push(Arrival { date: now.saturating_sub(stamp.age), stdout, stderr });
            }
        }
        arrivals
    }
}

/// Parses hundredths of a second since the start of the machine.
fn uptime(text: &str) -> Option<u64> {
    let (seconds, hundredths) = text.split_once('.')?;
    seconds.parse::<u64>().ok()?.checked_mul(100)?.checked_add(hundredths.parse().ok()?)
}

/// Longest first line of a piece.
const MAX_HEAD_BYTES: usize = 200;

/// Returns the length of the first piece in `text`, `Some(None)` while it is incomplete.
///
/// Returns `None` for a text that is no piece.
pub(crate) fn frame_length(text: &[u8]) -> Option<Option<usize>> {
    let Some(head_end) = text.iter().take(MAX_HEAD_BYTES).position(|byte| *byte == b'\n') else {
        return (text.len() < MAX_HEAD_BYTES).then_some(None);
    };
    let mut fields = std::str::from_utf8(&text[..head_end]).ok()?.split(' ');
    if fields.next()? != "mlbench" {
        return None;
    }
    let (out, err): (usize, usize) = (fields.nth(2)?.parse().ok()?, fields.next()?.parse().ok()?);
    let tail = (head_end + 1).checked_add(out)?.checked_add(err)?;
    let rest = text.get(tail..).unwrap_or_default();
    Some(rest.iter().position(|byte| *byte == b'\n').map(|end| tail + end + 1))
}

/// Parses a piece of output, or returns `None` when it is truncated.
///
/// A script of [`Scripts::follow`](super::script::Scripts::follow) prints it.
pub(crate) fn parse_follow_output(text: &Bytes) -> Option<FollowOutput> {
    let head_end = text.iter().position(|byte| *byte == b'\n')?;
    let head = std::str::from_utf8(&text[..head_end]).ok()?;
    let mut fields = head.split(' ');
    if fields.next()? != "mlbench" {
        return None;
    }
    let (state, code) = (fields.next()?, fields.next()?);
    let (out, err): (usize, usize) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let state = match state {
        "running" => State::Running,
        "ended" => State::Ended(code.parse().ok()?),
        "killed" => State::Killed,
        "rebooted" => State::Rebooted,
        "missing" => State::Missing,
        _ => return None,
    };
    let out_start = head_end + 1;
    let err_start = out_start.checked_add(out)?;
    let tail_start = err_start.checked_add(err).filter(|end| *end <= text.len())?;
    let tail = std::str::from_utf8(&text[tail_start..]).ok()?;
    let mut fields = tail.strip_prefix("mlbench-end ")?.strip_suffix('\n')?.split(' ');
    let oom_kills = fields.next()?.parse().ok()?;
    let now = uptime(fields.next()?)?;
    let age = |then: &str| Some(Duration::from_millis(now.saturating_sub(uptime(then)?).saturating_mul(10)));
    let ended = match fields.next()? {
        "-" => None,
        ended => Some(age(ended)?),
    };
    let cuts = match fields.next()? {
        "-" => Vec::new(),
        cuts => cuts.split_terminator(',').map(parse_cut).collect::<Option<_>>()?,
    };
    let requests = fields.next()?.parse().ok()?;
    let stamp = |text: &str| {
        let mut parts = text.split(':');
        let age = age(parts.next()?)?;
        let sizes = Offsets { stdout: parts.next()?.parse().ok()?, stderr: parts.next()?.parse().ok()? };
        Some(Stamp { age, sizes })
    };
    let stamps = fields.map(stamp).collect::<Option<Vec<_>>>()?;
    Some(FollowOutput {
        state,
        stdout: text.slice(out_start..err_start),
        stderr: text.slice(err_start..tail_start),
        oom_kills,
        stamps,
        ended,
        cuts,
        requests,
    })
}

/// Parses `STREAM:REASON`.
fn parse_cut(text: &str) -> Option<Cut> {
    let (stream, reason) = text.split_once(':')?;
    let stream = if stream == "stdout" { OutputStream::Stdout } else { OutputStream::Stderr };
    let reason = if reason == "disk" { CutReason::DiskFull } else { CutReason::Limit };
    Some(Cut { stream, reason })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn output_may_contain_any_bytes() {
        let mut text = b"mlbench ended 137 4 3\n".to_vec();
        text.extend_from_slice(
            b"\xff\0\n\rerrmlbench-end 1 100.05 99.55 stderr:disk, 3 40.00:1:0 90.05:4:9\n",
        );
        let output = parse_follow_output(&Bytes::from(text)).unwrap();
        assert_eq!((output.state, output.oom_kills), (State::Ended(137), 1));
        assert_eq!(output.requests, 3);
        assert_eq!(output.ended, Some(Duration::from_millis(500)));
        assert_eq!(output.cuts, [Cut { stream: OutputStream::Stderr, reason: CutReason::DiskFull }]);
        let (from, now) = (Offsets::default(), Timestamp::from_micros(1_000_000_000));
        let first = Arrival { date: Timestamp::from_micros(939_950_000), stdout: 1, stderr: 0 };
        let second = Arrival { date: Timestamp::from_micros(990_000_000), stdout: 3, stderr: 3 };
        assert_eq!(output.arrivals(from, now), [first, second]);
        // The first byte was read before.
        let from = Offsets { stdout: 1, stderr: 6 };
        let rest = Arrival { stdout: 3, ..second };
        assert_eq!(output.arrivals(from, now), [rest]);
        assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"\xff\0\n\r"[..], &b"err"[..]));
    }

    #[test]
    fn truncated_output_is_none() {
        let whole = b"mlbench running - 3 2\nabcdemlbench-end 0 5.00 - - 0\n";
        assert!(parse_follow_output(&Bytes::from_static(whole)).is_some());
        for length in 0..whole.len() {
            assert_eq!(
                parse_follow_output(&Bytes::copy_from_slice(&whole[..length])),
                None,
                "{length} bytes"
            );
        }
    }

    #[test]
    fn pieces_in_a_row_are_told_apart() {
        let first = &b"mlbench running - 3 2\nab\ncdmlbench-end 0\n"[..];
        let whole = [first, first].concat();
        for length in 0..whole.len() {
            let complete = (length >= first.len()).then_some(first.len());
            assert_eq!(frame_length(&whole[..length]), Some(complete), "{length} bytes");
        }
        assert_eq!(frame_length(b"sh: not found\n"), None);
        assert_eq!(frame_length(&[b'x'; MAX_HEAD_BYTES]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panicking(text in proptest::collection::vec(any::<u8>(), 0..100), n in any::<usize>()) {
            let mut whole = format!("mlbench running - {n} 0\n").into_bytes();
            whole.extend(&text);
            parse_follow_output(&Bytes::from(whole));
            parse_follow_output(&Bytes::from(text));
        }
    }
}
