//! Any bytes as a tape: no panic, no hang, no record that does not follow on the one before.
//!
//! The first byte decides what is made of the rest: bytes of a file, or records of a chunk whose sums are right, so
//! that what lies behind the sums is reached too.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use stoop_tape::{StateReader, Tape, TapeConfig, event_type};

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else { return };
    read(if kind % 2 == 0 { rest.to_vec() } else { chunked(rest) });
});

fn read(bytes: Vec<u8>) {
    let Ok(mut tape) = Tape::from_reader("fuzz", Cursor::new(bytes)) else { return };
    let mut state = StateReader::default();
    let mut records = 0;
    while let Some(record) = tape.read().expect("memory reads") {
        records += 1;
        match event_type(record.bytes()).as_deref() {
            Some("state") => drop(state.event(record.bytes())),
            Some("config") => drop(TapeConfig::from_event(record.bytes())),
            Some(_) | None => {}
        }
    }
    assert_eq!(tape.end().records, records);
    assert!(!(tape.end().is_sealed && tape.end().damage.is_some()));
}

/// A file with one uncompressed chunk of these records, whose sum is right.
fn chunked(records: &[u8]) -> Vec<u8> {
    let mut file = b"\x89MCAP0\r\n\x01".to_vec();
    let head = [&7_u32.to_le_bytes()[..], b"stoop/1", &0_u32.to_le_bytes()].concat();
    file.extend_from_slice(&(head.len() as u64).to_le_bytes());
    file.extend_from_slice(&head);
    let length = (records.len() as u64).to_le_bytes();
    let sum = crc32fast::hash(records).to_le_bytes();
    let chunk = [&[0; 16][..], &length, &sum, &0_u32.to_le_bytes(), &length, records].concat();
    file.push(6);
    file.extend_from_slice(&(chunk.len() as u64).to_le_bytes());
    file.extend_from_slice(&chunk);
    file
}
