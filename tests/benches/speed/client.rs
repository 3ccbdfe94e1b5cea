//! HTTP/1.1 over a persistent connection.
//!
//! It does as little work per request as possible, because it shares the cores with the server.

use std::net::SocketAddr;
use std::ops::Range;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::error::Result;

const BUFFER: usize = 256 * 1024;

/// A persistent connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Box<[u8]>,
    /// Part of the buffer that is not read yet.
    unread: Range<usize>,
}

/// Length of a body.
enum Length {
    Known(usize),
    Chunked,
}

/// Builds the bytes of a request.
pub(crate) fn request(method: &str, path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n");
    if method == "POST" {
        bytes.push_str(&format!("Content-Type: {content_type}\r\nContent-Length: {}\r\n", body.len()));
    }
    bytes.push_str("\r\n");
    let mut bytes = bytes.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Builds the bytes of a GET request.
pub(crate) fn get(path: &str) -> Vec<u8> {
    request("GET", path, "", b"")
}

impl Connection {
    /// Connects to a server.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER].into(), unread: 0..0 })
    }

    /// Sends a request, reads the whole response and returns its status.
    ///
    /// The body is appended to `kept`, if given.
    pub(crate) async fn send(&mut self, request: &[u8], mut kept: Option<&mut Vec<u8>>) -> Result<u16> {
        self.stream.write_all(request).await?;
        let (status, length) = self.head().await?;
        match length {
            Length::Known(length) => self.take(length, &mut kept).await?,
            Length::Chunked => loop {
                let length = usize::from_str_radix(self.line().await?.split(';').next().unwrap_or(""), 16)?;
                self.take(length, &mut kept).await?;
                self.line().await?;
                if length == 0 {
                    break;
                }
            },
        }
        Ok(status)
    }

    /// Sends a request and returns the body of its response.
    ///
    /// # Errors
    /// If the status is not a success.
    pub(crate) async fn body(&mut self, request: &[u8]) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        let status = self.send(request, Some(&mut body)).await?;
        if status >= 300 {
            let line = request.split(|b| *b == b'\r').next().unwrap_or_default();
            let (line, body) = (String::from_utf8_lossy(line), String::from_utf8_lossy(&body));
            return Err(format!("{line}: status {status}: {body}").into());
        }
        Ok(body)
    }

    async fn head(&mut self) -> Result<(u16, Length)> {
        let status = self.line().await?.get(9..12).ok_or("the response is not HTTP/1.1")?.parse()?;
        let mut length = Length::Known(0);
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(':') else { return Ok((status, length)) };
            if name.eq_ignore_ascii_case("content-length") {
                length = Length::Known(value.trim().parse()?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                length = Length::Chunked;
            }
        }
    }

    /// Reads the next line and returns it without its end.
    async fn line(&mut self) -> Result<&str> {
        let mut searched = 0;
        loop {
            let unread = &self.buffer[self.unread.clone()];
            if let Some(at) = unread[searched..].iter().position(|b| *b == b'\n') {
                let (begin, end) = (self.unread.start, self.unread.start + searched + at);
                self.unread.start = end + 1;
                return Ok(std::str::from_utf8(&self.buffer[begin..end])?.trim_end());
            }
            searched = unread.len();
            self.fill().await?;
        }
    }

    async fn take(&mut self, mut length: usize, kept: &mut Option<&mut Vec<u8>>) -> Result<()> {
        while length > 0 {
            if self.unread.is_empty() {
                self.fill().await?;
            }
            let taken = length.min(self.unread.len());
            let end = self.unread.start + taken;
            if let Some(kept) = kept {
                kept.extend_from_slice(&self.buffer[self.unread.start..end]);
            }
            self.unread.start = end;
            length -= taken;
        }
        Ok(())
    }

    /// Reads more bytes after the unread ones.
    async fn fill(&mut self) -> Result<()> {
        if self.unread.start > 0 {
            self.buffer.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        let read = self.stream.read(&mut self.buffer[self.unread.end..]).await?;
        if read == 0 {
            return Err("the server closed the connection within a response".into());
        }
        self.unread.end += read;
        Ok(())
    }
}
