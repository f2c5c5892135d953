//! Tapes that are whole, and tapes that are not.

mod damage;
mod folder;
mod roundtrip;
mod state;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use super::{Damage, Origin, Record, Tape, TapeEnd, TapeError, TapeOptions, TapeWriter};

/// 2026-06-10T12:40:00Z.
const BEGIN_NS: i64 = 1_781_095_200_000_000_000;

/// A record that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    Frame(Origin, i64, i64, Vec<u8>),
    Event(i64, Vec<u8>),
    Decision(i64, Vec<u8>),
    Unknown(String, i64, Vec<u8>),
}

impl Kept {
    fn of(record: Record<'_>) -> Self {
        match record {
            Record::Frame { origin, recv_ns, sent_ns, bytes } => {
                Self::Frame(origin.clone(), recv_ns, sent_ns, bytes.to_vec())
            }
            Record::Event { at_ns, json } => Self::Event(at_ns, json.to_vec()),
            Record::Decision { at_ns, line } => Self::Decision(at_ns, line.to_vec()),
            Record::Unknown { topic, at_ns, bytes } => Self::Unknown(topic.to_owned(), at_ns, bytes.to_vec()),
        }
    }

    fn write(&self, tape: &mut TapeWriter) {
        let written = match self {
            Self::Frame(origin, recv_ns, sent_ns, bytes) => {
                tape.frame(origin, *recv_ns, Some(*sent_ns), bytes)
            }
            Self::Event(at_ns, json) => tape.event(*at_ns, json),
            Self::Decision(at_ns, line) => tape.decision(*at_ns, line),
            Self::Unknown(topic, at_ns, bytes) => tape.copy(&Record::Unknown { topic, at_ns: *at_ns, bytes }),
        };
        written.unwrap();
    }
}

/// A file in memory that the test keeps.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn origin(number: u8) -> Origin {
    Origin::endpoint(number, &format!("endpoint-{number}")).unwrap()
}

/// A tape of these records; a chunk ends after each place in `flushes`.
fn tape_of(records: &[Kept], options: TapeOptions, flushes: &[usize], is_sealed: bool) -> Vec<u8> {
    let memory = Memory::default();
    let mut tape = TapeWriter::over("memory", memory.clone(), options).unwrap();
    for (place, record) in records.iter().enumerate() {
        record.write(&mut tape);
        if flushes.contains(&place) {
            tape.flush().unwrap();
        }
    }
    if is_sealed {
        tape.seal().unwrap();
    } else {
        drop(tape);
    }
    let bytes = memory.0.lock().unwrap();
    bytes.clone()
}

fn read_all(bytes: &[u8]) -> Result<(Vec<Kept>, TapeEnd), TapeError> {
    let mut tape = Tape::from_reader("memory", io::Cursor::new(bytes.to_vec()))?;
    let mut records = Vec::new();
    while let Some(record) = tape.read()? {
        records.push(Kept::of(record));
    }
    assert_eq!(tape.read()?, None, "the end stays the end");
    assert_eq!(tape.end().records, records.len() as u64);
    Ok((records, tape.end().clone()))
}

/// Some of everything.
fn mixture() -> Vec<Kept> {
    let at = |place: i64| BEGIN_NS + place * 1_000_000;
    let mut records = vec![Kept::Event(at(0), br#"{"type":"config","text":""}"#.to_vec())];
    for place in 1..30 {
        let bytes = format!(r#"{{"v":1,"t":"tweet","op":"content","ts":{place},"d":{{}}}}"#).into_bytes();
        records.push(Kept::Frame(origin((place % 3) as u8), at(place), at(place) - 7_000_000, bytes));
        if place % 7 == 0 {
            records.push(Kept::Decision(at(place), format!(r#"{{"seq":{place}}}"#).into_bytes()));
            records.push(Kept::Frame(Origin::History, at(place), at(place - 5), b"late".to_vec()));
        }
    }
    records.push(Kept::Event(at(30), br#"{"type":"closed"}"#.to_vec()));
    records
}
