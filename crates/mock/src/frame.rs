//! WebSocket frames as bytes: what the server writes, right or wrong, and what it reads. No IO.
//!
//! The heads are written by tungstenite. Its connection is not used, because it would correct what a fault wants wrong.

use std::io::Cursor;
use std::num::NonZeroUsize;

use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// Longest frame accepted from a client, bytes.
const LONGEST: u64 = 1 << 20;
/// The most bytes that one block of DEFLATE stores.
const STORED: usize = 0xffff;
/// Any mask is wrong here: a server must not mask.
const MASK: [u8; 4] = *b"mask";
/// RFC 6455: a violation of the protocol.
const VIOLATION: u16 = 1002;
/// RFC 6455: a message too big.
const TOO_BIG: u16 = 1009;

/// How a message departs from one whole frame as a server should send it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Cut into up to this many fragments, anywhere, even inside a character.
    pub(crate) pieces: Option<NonZeroUsize>,
    /// RSV2 and RSV3 are set.
    pub(crate) reserved: bool,
    /// Masked, as only a client's frames are.
    pub(crate) masked: bool,
    /// Compressed as by permessage-deflate, and flagged so with RSV1.
    pub(crate) compressed: bool,
}

/// Appends a message.
pub(crate) fn message(out: &mut Vec<u8>, kind: Data, payload: &[u8], shape: Shape) {
    let stored = if shape.compressed { deflated(payload) } else { Vec::new() };
    let payload = if shape.compressed { &stored } else { payload };
    let pieces = shape.pieces.map_or(1, NonZeroUsize::get);
    let size = payload.len().div_ceil(pieces).max(1);
    let count = payload.len().div_ceil(size).max(1);
    for index in 0..count {
        let piece = &payload[index * size..((index + 1) * size).min(payload.len())];
        let header = FrameHeader {
            is_final: index + 1 == count,
            // Of a compressed message only the first fragment says so.
            rsv1: shape.compressed && index == 0,
            rsv2: shape.reserved,
            rsv3: shape.reserved,
            opcode: OpCode::Data(if index == 0 { kind } else { Data::Continue }),
            mask: shape.masked.then_some(MASK),
        };
        head(out, &header, piece.len() as u64);
        let from = out.len();
        out.extend_from_slice(piece);
        if shape.masked {
            unmask(&mut out[from..], MASK);
        }
    }
}

/// Appends a fragment that is not the last.
pub(crate) fn fragment(out: &mut Vec<u8>, kind: Data, payload: &[u8]) {
    let header = FrameHeader { is_final: false, opcode: OpCode::Data(kind), ..FrameHeader::default() };
    head(out, &header, payload.len() as u64);
    out.extend_from_slice(payload);
}

/// Appends a control frame; `payload` is at most 125 bytes.
pub(crate) fn control(out: &mut Vec<u8>, kind: Control, payload: &[u8]) {
    let header = FrameHeader { opcode: OpCode::Control(kind), ..FrameHeader::default() };
    head(out, &header, payload.len() as u64);
    out.extend_from_slice(payload);
}

/// Appends a close, with a code or without.
pub(crate) fn close(out: &mut Vec<u8>, code: Option<u16>) {
    let code = code.map(u16::to_be_bytes);
    control(out, Control::Close, code.as_ref().map_or(&[], |code| &code[..]));
}

/// Appends the head of a text frame of this length, and nothing of what it announces.
pub(crate) fn announcement(out: &mut Vec<u8>, length: u64) {
    head(out, &FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() }, length);
}

fn head(out: &mut Vec<u8>, header: &FrameHeader, length: u64) {
    header.format(length, out).expect("writing to a Vec does not fail");
}

fn unmask(bytes: &mut [u8], mask: [u8; 4]) {
    for (byte, mask) in bytes.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

/// DEFLATE blocks that store the bytes as they are, in the form of RFC 7692. A client that had agreed to
/// permessage-deflate could read this.
fn deflated(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 16);
    for block in payload.chunks(STORED) {
        let length = block.len() as u16;
        out.push(0);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    // The head of an empty block, whose other four bytes RFC 7692 removes.
    out.push(0);
    out
}

/// A frame that a client has sent, without its mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) opcode: OpCode,
    pub(crate) is_final: bool,
    pub(crate) payload: Vec<u8>,
}

/// Removes the first whole frame from what has been read; the error is the code to close with.
pub(crate) fn receive(read: &mut Vec<u8>) -> Result<Option<Received>, u16> {
    let mut cursor = Cursor::new(read.as_slice());
    let Ok(parsed) = FrameHeader::parse(&mut cursor) else { return Err(VIOLATION) };
    let Some((header, length)) = parsed else { return Ok(None) };
    let from = cursor.position() as usize;
    // RFC 6455: a client must mask.
    let Some(mask) = header.mask else { return Err(VIOLATION) };
    // No extension is ever agreed on, so none of these bits has a meaning.
    if header.rsv1 || header.rsv2 || header.rsv3 {
        return Err(VIOLATION);
    }
    if length > LONGEST {
        return Err(TOO_BIG);
    }
    let end = from + length as usize;
    if read.len() < end {
        return Ok(None);
    }
    let mut payload = read[from..end].to_vec();
    unmask(&mut payload, mask);
    read.drain(..end);
    Ok(Some(Received { opcode: header.opcode, is_final: header.is_final, payload }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(shape: Shape, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        message(&mut out, Data::Text, payload, shape);
        out
    }

    #[test]
    fn a_message_is_one_frame_with_the_shortest_head() {
        assert_eq!(written(Shape::default(), b"abc"), b"\x81\x03abc");
        assert_eq!(written(Shape::default(), b""), b"\x81\x00");
        assert_eq!(written(Shape::default(), &[b'a'; 200])[..4], [0x81, 126, 0, 200]);
        assert_eq!(
            written(Shape::default(), &vec![b'a'; 70_000])[..10],
            [0x81, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]
        );
    }

    #[test]
    fn shapes_are_what_the_standard_forbids() {
        let pieces = Some(NonZeroUsize::new(2).unwrap());
        assert_eq!(written(Shape { pieces, ..Shape::default() }, b"abc"), b"\x01\x02ab\x80\x01c");
        assert_eq!(written(Shape { reserved: true, ..Shape::default() }, b"a"), b"\xb1\x01a");
        assert_eq!(
            written(Shape { masked: true, ..Shape::default() }, b"a"),
            [0x81, 0x81, b'm', b'a', b's', b'k', b'a' ^ b'm']
        );
        assert_eq!(
            written(Shape { compressed: true, ..Shape::default() }, b"a"),
            [0xc1, 7, 0, 1, 0, 0xfe, 0xff, b'a', 0]
        );
    }

    #[test]
    fn a_clients_frame_is_received_once_it_is_whole() {
        let whole = [0x89, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2, 0x81];
        for length in 0..8 {
            let mut read = whole[..length].to_vec();
            assert_eq!(receive(&mut read), Ok(None), "{length} bytes");
            assert_eq!(read.len(), length);
        }
        let mut read = whole.to_vec();
        let opcode = OpCode::Control(Control::Ping);
        assert_eq!(
            receive(&mut read),
            Ok(Some(Received { opcode, is_final: true, payload: b"hi".to_vec() }))
        );
        assert_eq!(read, [0x81]);
    }

    #[test]
    fn what_a_client_must_not_send_has_a_code_to_close_with() {
        let long = [0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3, 4];
        for (read, code) in [
            (&b"\x81\x01a"[..], VIOLATION),
            (b"\xc1\x81mask\0", VIOLATION),
            (b"\x83\x81mask\0", VIOLATION),
            (&long, TOO_BIG),
        ] {
            assert_eq!(receive(&mut read.to_vec()), Err(code), "{read:?}");
        }
    }
}
