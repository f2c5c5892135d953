//! TweetStream v1 bytes to model events.
//!
//! A [`Decoder`] takes one frame at a time, as it came off the socket or a file, and hands out one
//! [`Event`](stoop_model::Event) per object in it, or the reason why it could not
//! ([`Bad`](stoop_model::Bad)). Data goes through in this order:
//!
//! 1. The frame is copied once into a padded buffer and parsed by simd-json into a tape: a flat list of nodes,
//!    strings unescaped in place. Bytes that simd-json refuses are read a second time by a plain scanner, which names
//!    the first fault and its offset, the same on every machine.
//! 2. The members of the envelope are noted, whatever their order, and (`t`, `op`) picks the operation.
//! 3. The payload `d` is walked once along the tape. Names that the protocol knows fill the event with spans: the
//!    places of their texts in the parsed buffer. Others are counted and skipped.
//! 4. The bytes of `d` without its own `receivedAt`, as they came, are fingerprinted (XXH3).
//! 5. The parsed buffer is copied as a whole into the event's string buffer, which the spans are into.
//!
//! Answers of the REST interface are read as well: [`HistoryPage`] turns the rows of a history answer into the frames
//! that would have come live; [`Me`] and [`AccountsReply`] are the answers of the account endpoints.
//!
//! In a batch the first parse only finds where the items lie; each is then decoded as a frame of its own.
//!
//! # What does this crate not do?
//!
//! It opens no socket and no file, reads no clock, and joins nothing: each event holds what its frame said. It judges
//! no value: an unknown `kind` or exchange is kept as it came and counted. The only JSON it writes are the frames of
//! history rows and the request that names accounts.
//!
//! # Invariants
//!
//! - Any bytes at all give events or reasons, never a panic; a bad frame leaves no trace in the next.
//! - A member that decides what a frame means (the author, the text, the lists) has the type the protocol says, or
//!   the frame is bad. Any other member of the wrong type is left out and counted, and the frame is kept.
//! - Null is the same as absent, except in `changes`, `previous` and `verifiedLabel`, where it means cleared.
//! - An integer beyond 64 bits counts as the nearest double. That is good enough for a price and out of range for a
//!   count or a time; as an id it is refused, because ids are never rounded. A number beyond doubles makes the frame
//!   bad.
//! - No member occurs twice in an object that has been read.
//! - Once its buffers have grown to the frames it sees, decoding allocates only for ids that are not 64-bit numbers and
//!   for unknown platforms.
//!
//! ```
//! use stoop_model::Op;
//! use stoop_wire::{Decoder, Limits};
//!
//! let frame = br#"{"v":1,"t":"tweet","op":"content","ts":1781095200123,"d":{
//!     "tweetId":"2064689031777615872","text":"New token live","author":{"handle":"@marketdesk"}}}"#;
//! let mut decoder = Decoder::new(Limits::default());
//! let mut seen = 0;
//! decoder.decode(frame, |event| {
//!     let event = event.expect("the frame is good");
//!     let post = event.post.with(&event.strings);
//!     assert_eq!(event.op, Op::Content);
//!     assert_eq!(event.ts_ms, Some(1_781_095_200_123));
//!     assert_eq!(post.text(), Some("New token live"));
//!     assert_eq!(post.author().handle(), Some("marketdesk"));
//!     seen += 1;
//! });
//! assert_eq!(seen, 1);
//! decoder.decode(b"{\"v\":1,", |event| {
//!     assert_eq!(event.expect_err("half a frame").to_string(), "syntax at byte 7");
//! });
//! ```

mod account;
mod author;
mod decoder;
mod diagnose;
mod enrichment;
mod envelope;
mod fingerprint;
mod members;
mod post;
mod price;
mod reader;
mod rest;
mod source;

pub use decoder::{Decoder, Limits};
pub use rest::{
    AccountRow, AccountState, AccountsReply, ErrorReply, HISTORY_ERRORS, HistoryPage, HistoryRow, Me,
    MessageType, Quota, RowError, RowFault, RowPart, Unreadable, accounts_request, format_http_date,
    format_ms, parse_http_date, parse_ms,
};
