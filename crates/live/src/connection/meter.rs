//! What bounds a message whose fragments never end.
//!
//! The library bounds what the fragments of a message hold, 16 MiB, and not how many there are: empty ones go on for
//! ever without a word to us, and pings between them are answered. So the bytes are counted below it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::{Error, Message};

/// Bytes of one message as it comes: the longest one, in fragments whose heads are as long as what they hold.
const MESSAGE_BYTES: usize = 32 << 20;
/// Head of a control frame of a server: its payload is 125 bytes at most, and nothing is masked.
const CONTROL_HEAD_BYTES: usize = 2;

/// A stream that fails once too much was read of one message.
pub(crate) struct Meter<S> {
    stream: S,
    /// Read since the last message, except control frames. What the library has read ahead is counted too: one
    /// buffer of it more or less does not matter.
    bytes: usize,
}

/// The message has no end. Comes as the inner error of an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("a message in fragments has not ended within {} MiB", MESSAGE_BYTES >> 20)]
struct Endless;

impl<S> Meter<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, bytes: 0 }
    }

    /// Notes that a whole message was read.
    pub(crate) fn pass(&mut self, message: &Message) {
        match message {
            Message::Text(_) | Message::Binary(_) => self.bytes = 0,
            Message::Ping(payload) | Message::Pong(payload) => {
                self.bytes = self.bytes.saturating_sub(CONTROL_HEAD_BYTES + payload.len());
            }
            Message::Close(_) | Message::Frame(_) => {}
        }
    }
}

/// Whether this is the error of a [`Meter`].
pub(crate) fn is_endless(error: &Error) -> bool {
    let Error::Io(error) = error else { return false };
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Endless>)
}

impl<S: AsyncRead + Unpin> AsyncRead for Meter<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Before the read and not after it: what has already been read may hold the end of the message.
        if self.bytes > MESSAGE_BYTES {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, Endless)));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.bytes += buffer.filled().len() - before;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Meter<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, repeat};
    use tokio_tungstenite::tungstenite::Bytes;

    use super::*;

    /// Reads this number of bytes, or fails as a message without end.
    fn read(meter: &mut Meter<tokio::io::Repeat>, bytes: usize) -> bool {
        let mut buffer = vec![0; bytes];
        let read = actix::System::new().block_on(meter.read_exact(&mut buffer));
        read.map_err(|error| assert!(is_endless(&Error::Io(error)))).is_ok()
    }

    #[test]
    fn a_message_has_an_end_and_the_next_begins_anew() {
        let mut meter = Meter::new(repeat(0));
        assert!(read(&mut meter, MESSAGE_BYTES));
        meter.pass(&Message::text("whole"));
        assert!(read(&mut meter, MESSAGE_BYTES + 1));
        assert!(!read(&mut meter, 1));
    }

    #[test]
    fn control_frames_between_the_fragments_count_for_nothing() {
        let mut meter = Meter::new(repeat(0));
        for _ in 0..1_000_000 {
            meter.bytes += 127;
            meter.pass(&Message::Ping(Bytes::from_static(&[0; 125])));
        }
        assert_eq!(meter.bytes, 0);
        assert!(read(&mut meter, MESSAGE_BYTES + 1));
        for message in [Message::Pong(Bytes::new()), Message::Ping(Bytes::new())] {
            meter.bytes += 2;
            meter.pass(&message);
        }
        assert!(!read(&mut meter, 1));
    }
}
