//! What is read of a damaged tape is what was written, up to where it ends.

use super::*;

fn small() -> (Vec<Kept>, Vec<u8>) {
    let records = mixture();
    let bytes = tape_of(&records, TapeOptions::default(), &[5, 12, 20], true);
    (records, bytes)
}

/// What a damaged tape yields: records that were written, in order, from the first on.
fn check_prefix(records: &[Kept], bytes: &[u8], what: &str) -> Option<(usize, TapeEnd)> {
    let (read, end) = read_all(bytes).ok()?;
    assert!(records.starts_with(&read), "{what}: {} records that are no prefix", read.len());
    Some((read.len(), end))
}

#[test]
fn a_tape_cut_anywhere_yields_its_whole_chunks() {
    let (records, bytes) = small();
    let mut most = 0;
    for length in 0..bytes.len() {
        let (read, end) = check_prefix(&records, &bytes[..length], &format!("cut at {length}"))
            .unwrap_or_else(|| panic!("a tape cut at {length} is still one"));
        assert!(!end.is_sealed, "cut at {length}");
        assert!(read >= most, "cut at {length}: fewer records than before");
        assert!(end.bytes <= length as u64);
        if let Some(damage) = end.damage {
            assert!(damage.offset <= length as u64, "cut at {length}: {damage:?}");
        }
        most = read;
    }
    assert_eq!(most, records.len(), "what is missing of the summary is no record");
}

#[test]
fn a_tape_that_was_not_sealed_and_ends_with_a_chunk_is_not_damaged() {
    let records = mixture();
    let bytes = tape_of(&records, TapeOptions::default(), &[5, 12, 20], false);
    let (read, end) = read_all(&bytes).unwrap();
    assert_eq!(read, records);
    assert_eq!((end.is_sealed, end.damage), (false, None));
}

#[test]
fn a_flipped_bit_anywhere_is_found_or_does_no_harm() {
    let (records, bytes) = small();
    let unsealed = tape_of(&records, TapeOptions::default(), &[5, 12, 20], false);
    for (bytes, is_sealed) in [(bytes, true), (unsealed, false)] {
        let mut damaged = bytes.clone();
        for place in 0..bytes.len() {
            for bit in 0..8 {
                damaged[place] ^= 1 << bit;
                let what = format!("bit {bit} of byte {place}");
                let found = check_prefix(&records, &damaged, &what);
                if let Some((read, end)) = found {
                    let is_noticed = end.damage.is_some();
                    assert!(
                        read == records.len() || is_noticed,
                        "{what}: {read} records and no word of damage"
                    );
                    assert!(!is_sealed || is_noticed, "{what} goes unnoticed on a sealed tape");
                }
                damaged[place] ^= 1 << bit;
            }
        }
    }
}

#[test]
fn bytes_that_were_wiped_are_found() {
    let (records, bytes) = small();
    for place in 8..bytes.len() {
        for (length, filler) in [(1, 0), (8, 0), (8, 0xff), (64, 0), (64, 0xff), (64, 0x05)] {
            let mut damaged = bytes.clone();
            let end = (place + length).min(bytes.len());
            damaged[place..end].fill(filler);
            check_prefix(&records, &damaged, &format!("{length} bytes of {filler} at {place}"));
        }
    }
}

/// MCAP records of a file: where they begin, and where they end.
fn parts(bytes: &[u8]) -> Vec<(u8, std::ops::Range<usize>)> {
    let mut parts = Vec::new();
    let mut at = 8;
    while at + 9 <= bytes.len() - 8 {
        let length = u64::from_le_bytes(bytes[at + 1..at + 9].try_into().unwrap()) as usize;
        parts.push((bytes[at], at..at + 9 + length));
        at += 9 + length;
    }
    parts
}

#[test]
fn chunks_that_are_moved_missing_or_there_twice_are_found() {
    let (records, bytes) = small();
    let chunks: Vec<_> =
        parts(&bytes).into_iter().filter(|(opcode, _)| *opcode == 6).map(|(_, at)| at).collect();
    assert_eq!(chunks.len(), 4);
    for first in 0..4 {
        for second in 0..4 {
            let (a, b) = (chunks[first].clone(), chunks[second].clone());
            let mut moved = bytes[..chunks[0].start].to_vec();
            for (place, chunk) in chunks.iter().enumerate() {
                let chunk = if place == first { b.clone() } else { chunk.clone() };
                let chunk = if place == second && first != second { a.clone() } else { chunk };
                moved.extend_from_slice(&bytes[chunk]);
            }
            let what = format!("{first} and {second} exchanged");
            let (read, end) = check_prefix(&records, &moved, &what).unwrap();
            assert_eq!(end.damage.is_some(), first != second, "{what}: {read} {:?}", end.damage);
        }
        let without = [&bytes[..chunks[first].start], &bytes[chunks[first].end..]].concat();
        let (_, end) = check_prefix(&records, &without, "one is missing").unwrap();
        assert!(end.damage.is_some());
        let twice = [&bytes[..chunks[first].end], &bytes[chunks[first].start..]].concat();
        let (_, end) = check_prefix(&records, &twice, "one is there twice").unwrap();
        let damage = end.damage.expect("one that is there twice is damage");
        assert!(damage.what.contains("missing or moved"), "{damage:?}");
        assert_eq!(damage.offset, chunks[first].end as u64);
    }
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    let (records, bytes) = small();
    let chunk = parts(&bytes).into_iter().find(|(opcode, _)| *opcode == 6).unwrap().1;
    // Of the record; of its records before compression; of the word for it; after compression.
    for at in [1, 9 + 16, 9 + 28, 9 + 36] {
        for size in [u64::MAX, u64::MAX / 2, 1 << 40, 1 << 32, 63 << 20, 0] {
            let mut damaged = bytes.clone();
            let width = if at == 9 + 28 { 4 } else { 8 };
            damaged[chunk.start + at..chunk.start + at + width].copy_from_slice(&size.to_le_bytes()[..width]);
            let (read, end) = check_prefix(&records, &damaged, &format!("{size} at {at}")).unwrap();
            assert_eq!(read, 0, "{size} at {at}");
            assert_eq!(end.damage.expect("damage").offset, chunk.start as u64, "{size} at {at}");
        }
    }
}

#[test]
fn what_is_no_tape_says_so() {
    for rubbish in
        [&b"hello"[..], b"{\"v\":1}\n", b"\x1f\x8b\0\0\0\0\0\0\0\0\0\0", &[0; 100], b"\x89MCAP1\r\n"]
    {
        let error = read_all(rubbish).unwrap_err();
        assert!(matches!(error, TapeError::NotMcap { .. }), "{error}");
    }
    let (_, empty) = read_all(b"").unwrap();
    let damage = Damage { offset: 0, what: "the file ends within its head".to_owned() };
    assert_eq!(empty.damage, Some(damage));
}

fn with_profile(profile: &str) -> Vec<u8> {
    let body = [&(profile.len() as u32).to_le_bytes()[..], profile.as_bytes(), &0_u32.to_le_bytes()].concat();
    [mcap::MAGIC, &[1], &(body.len() as u64).to_le_bytes(), &body].concat()
}

#[test]
fn a_tape_of_a_newer_version_or_of_somebody_else_says_so() {
    let error = read_all(&with_profile("stoop/2")).unwrap_err();
    assert!(matches!(error, TapeError::Newer { .. }), "{error}");
    for profile in ["", "ros1", "stoop/x", "stoop"] {
        let error = read_all(&with_profile(profile)).unwrap_err();
        assert!(matches!(error, TapeError::Foreign { .. }), "{error}");
    }
    assert!(read_all(&with_profile("stoop/1")).is_ok());
}

#[test]
fn what_stands_after_the_end_is_found() {
    let (records, bytes) = small();
    let (read, end) = check_prefix(&records, &[&bytes[..], b"x"].concat(), "one more").unwrap();
    assert_eq!(read, records.len());
    assert_eq!(end.damage.expect("damage").offset, bytes.len() as u64);
    assert!(!end.is_sealed);
}

#[test]
fn damaged_compression_is_damage() {
    let (records, bytes) = small();
    let folder = tempfile::tempdir().unwrap();
    let packed = zstd::encode_all(&bytes[..], 3).unwrap();
    for (name, length) in [("whole", packed.len()), ("cut", packed.len() / 2)] {
        let path = folder.path().join(format!("{name}.mcap.zst"));
        std::fs::write(&path, &packed[..length]).unwrap();
        let mut tape = Tape::open(&path).unwrap();
        let mut read = Vec::new();
        while let Some(record) = tape.read().unwrap() {
            read.push(Kept::of(record));
        }
        assert!(records.starts_with(&read));
        assert_eq!(tape.end().is_sealed, name == "whole");
        assert_eq!(tape.end().damage.is_some(), name == "cut");
    }
}
