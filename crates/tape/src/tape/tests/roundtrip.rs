//! What was written is what is read.

use proptest::prelude::*;

use super::*;

fn check(records: &[Kept], options: TapeOptions) {
    for is_sealed in [true, false] {
        let bytes = tape_of(records, options, &[], is_sealed);
        let (read, end) = read_all(&bytes).unwrap();
        assert!(read == records, "records differ");
        assert_eq!((end.is_sealed, end.damage), (is_sealed, None));
        assert_eq!(end.bytes, bytes.len() as u64);
    }
}

#[test]
fn records_of_every_sort_are_read_as_they_were_written() {
    for chunk_bytes in [1, 100, 1 << 20] {
        check(&mixture(), TapeOptions { chunk_bytes, ..TapeOptions::default() });
    }
}

#[test]
fn another_reader_finds_records_summary_and_index() {
    let records = mixture();
    let bytes = tape_of(&records, TapeOptions::default(), &[5, 12, 20], true);
    let summary = mcap::Summary::read(&bytes).unwrap().expect("a sealed tape has a summary");
    assert_eq!(summary.stats.expect("statistics").message_count, records.len() as u64);
    assert_eq!(summary.chunk_indexes.len(), 4);
    let origins: std::collections::BTreeSet<_> = summary
        .channels
        .values()
        .filter(|channel| channel.topic == "frames")
        .map(|channel| channel.metadata["origin"].clone())
        .collect();
    assert_eq!(origins.into_iter().collect::<Vec<_>>(), ["0", "1", "2", "history"]);
    let messages: Vec<_> = mcap::MessageStream::new(&bytes).unwrap().map(Result::unwrap).collect();
    let topics = messages.iter().map(|message| (message.channel.topic.as_str(), message.data.to_vec()));
    let expect = records.iter().map(|record| match record {
        Kept::Frame(_, _, _, bytes) => ("frames", bytes.clone()),
        Kept::Event(_, bytes) => ("events", bytes.clone()),
        Kept::Decision(_, bytes) => ("decisions", bytes.clone()),
        Kept::Unknown(_, _, bytes) => ("", bytes.clone()),
    });
    assert!(topics.eq(expect));
    assert!(messages.is_sorted_by_key(|message| message.log_time), "by time they are in the same order");
}

#[test]
fn writer_and_reader_go_where_their_thread_is() {
    fn is_send<T: Send>() {}
    is_send::<TapeWriter>();
    is_send::<Tape>();
}

#[test]
fn odd_frames_keep_their_bytes() {
    let long = vec![b'x'; 1 << 20];
    let odd: [&[u8]; 7] = [b"", b"\0", b"\n\n", b"\xff\xfe\xc3", b"{\"v\":1", &long, "\u{feff}🚀".as_bytes()];
    let records: Vec<Kept> =
        odd.iter().map(|bytes| Kept::Frame(origin(7), BEGIN_NS, BEGIN_NS, bytes.to_vec())).collect();
    check(&records, TapeOptions::default());
}

#[test]
fn a_tape_without_records_is_one() {
    check(&[], TapeOptions::default());
}

#[test]
fn an_unknown_topic_is_kept() {
    check(
        &[
            Kept::Unknown("weather".to_owned(), BEGIN_NS, b"rain".to_vec()),
            Kept::Event(BEGIN_NS, b"{}".to_vec()),
        ],
        TapeOptions::default(),
    );
}

#[test]
fn times_never_decrease_on_a_tape() {
    let at = |at_ns| Kept::Decision(at_ns, b"{}".to_vec());
    let bytes = tape_of(&[at(-5), at(70), at(50), at(80)], TapeOptions::default(), &[], true);
    let times: Vec<Kept> = vec![at(0), at(70), at(70), at(80)];
    assert_eq!(read_all(&bytes).unwrap().0, times);
}

#[test]
fn a_frame_without_a_time_of_its_own_was_sent_when_it_came() {
    let memory = Memory::default();
    let mut tape = TapeWriter::over("memory", memory.clone(), TapeOptions::default()).unwrap();
    tape.frame(&origin(0), BEGIN_NS, None, b"x").unwrap();
    tape.seal().unwrap();
    let (read, _) = read_all(&memory.0.lock().unwrap()).unwrap();
    assert_eq!(read, [Kept::Frame(origin(0), BEGIN_NS, BEGIN_NS, b"x".to_vec())]);
}

#[test]
fn a_chunk_is_closed_by_age_by_size_and_when_asked() {
    let memory = Memory::default();
    let options = TapeOptions { chunk_bytes: 1000, ..TapeOptions::default() };
    let mut tape = TapeWriter::over("memory", memory.clone(), options).unwrap();
    let head = tape.bytes();
    assert!(head > 0 && head == memory.0.lock().unwrap().len() as u64, "the head is written at once");
    tape.event(BEGIN_NS, b"{}").unwrap();
    tape.tick(BEGIN_NS + 999_999_999).unwrap();
    assert_eq!(tape.bytes(), head, "nothing is written while the chunk is open");
    tape.tick(BEGIN_NS + 1_000_000_000).unwrap();
    let one = tape.bytes();
    assert!(one > head);
    tape.event(BEGIN_NS + 2_000_000_000, b"{}").unwrap();
    tape.event(BEGIN_NS + 3_000_000_000, b"{}").unwrap();
    let two = tape.bytes();
    assert!(two > one, "the next record closes an old chunk");
    tape.flush().unwrap();
    let three = tape.bytes();
    assert!(three > two);
    for _ in 0..2 {
        tape.event(BEGIN_NS + 3_000_000_000, &[b'x'; 1001]).unwrap();
    }
    assert!(tape.bytes() > three, "a full chunk is closed");
    assert_eq!(tape.records(), 5);
}

#[test]
fn no_file_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mcap");
    std::fs::write(&path, "mine").unwrap();
    let error = TapeWriter::create(&path, TapeOptions::default()).unwrap_err();
    assert!(matches!(error, super::super::TapeWriteError::Exists { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
}

#[test]
fn a_record_that_is_too_long_is_left_out() {
    let memory = Memory::default();
    let mut tape = TapeWriter::over("memory", memory.clone(), TapeOptions::default()).unwrap();
    let long = vec![0; super::super::MAX_RECORD_BYTES + 1];
    assert!(tape.frame(&origin(0), BEGIN_NS, None, &long).is_err());
    tape.frame(&origin(0), BEGIN_NS, None, &long[1..]).unwrap();
    tape.seal().unwrap();
    let (read, end) = read_all(&memory.0.lock().unwrap()).unwrap();
    assert_eq!((read.len(), end.damage), (1, None));
}

/// Takes so many bytes, then says that the disk is full.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error_wherever_it_is_full() {
    let whole = tape_of(&mixture(), TapeOptions::default(), &[5, 20], true).len();
    for room in 0..whole {
        let write = || {
            let mut tape = TapeWriter::over("memory", Full(room), TapeOptions::default())?;
            for (place, record) in mixture().iter().enumerate() {
                match record {
                    Kept::Frame(origin, recv_ns, _, bytes) => tape.frame(origin, *recv_ns, None, bytes)?,
                    Kept::Event(at_ns, bytes) | Kept::Decision(at_ns, bytes) => tape.event(*at_ns, bytes)?,
                    Kept::Unknown(..) => {}
                }
                if place % 10 == 0 {
                    tape.flush()?;
                }
            }
            tape.seal()
        };
        let result: Result<(), super::super::TapeWriteError> = write();
        assert!(result.is_err(), "{room} bytes are not enough");
    }
}

fn kept() -> impl Strategy<Value = Kept> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..300);
    let at = || BEGIN_NS..BEGIN_NS + 1_000_000_000_000;
    prop_oneof![
        (0..8_u8, at(), at(), bytes()).prop_map(|(n, recv, sent, bytes)| Kept::Frame(
            origin(n),
            recv,
            sent,
            bytes
        )),
        (at(), at(), bytes()).prop_map(|(recv, sent, bytes)| Kept::Frame(Origin::History, recv, sent, bytes)),
        (at(), bytes()).prop_map(|(at, bytes)| Kept::Event(at, bytes)),
        (at(), bytes()).prop_map(|(at, bytes)| Kept::Decision(at, bytes)),
    ]
}

fn time(record: &mut Kept) -> &mut i64 {
    match record {
        Kept::Frame(_, at, _, _) | Kept::Event(at, _) | Kept::Decision(at, _) | Kept::Unknown(_, at, _) => at,
    }
}

proptest! {
    #[test]
    fn any_records_are_read_as_they_were_written(
        mut records in prop::collection::vec(kept(), 0..100),
        chunk_bytes in 1_usize..5_000,
        level in 1_u32..4,
    ) {
        let mut times: Vec<i64> = records.iter_mut().map(|record| *time(record)).collect();
        times.sort_unstable();
        for (record, at) in records.iter_mut().zip(times) {
            *time(record) = at;
        }
        check(&records, TapeOptions { chunk_bytes, level, ..TapeOptions::default() });
    }
}
