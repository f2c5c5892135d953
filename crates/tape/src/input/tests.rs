//! Lines of inputs that are whole, too long, compressed, cut off.

use std::io::Write;

use super::*;

fn written(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (dir, path)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

#[test]
fn a_whole_input_is_read_up_to_its_bound() {
    let text = b"one\ntwo\n";
    for (name, bytes) in [("a", text.to_vec()), ("a.gz", gzip(text)), ("a.zst", zst(text)), ("b", gzip(text))]
    {
        let (_dir, path) = written(name, &bytes);
        assert_eq!(read_input(&path, 8).unwrap(), text, "{name}");
        let error = read_input(&path, 7).unwrap_err();
        assert!(matches!(error, InputError::Read { line: 2, .. }), "{name}: {error:?}");
    }
    let (_dir, path) = written("torn.gz", &gzip(text)[..12]);
    assert!(matches!(read_input(&path, 8), Err(InputError::Damaged { line: 0, .. })));
    assert!(matches!(read_input(Path::new("/no/such/file"), 8), Err(InputError::Open { .. })));
}

fn collect(lines: &mut Lines) -> Result<Vec<(Line, Vec<u8>)>, InputError> {
    let mut all = Vec::new();
    let mut line = Vec::new();
    while let Some(found) = lines.read(&mut line)? {
        all.push((found, line.clone()));
    }
    assert_eq!(lines.read(&mut line)?, None, "the end stays the end");
    Ok(all)
}

fn check(name: &str, bytes: &[u8], expect: &[(u64, &[u8])]) {
    let (_dir, path) = written(name, bytes);
    let found = collect(&mut Lines::open(&path).unwrap()).unwrap();
    let expect: Vec<_> =
        expect.iter().map(|&(number, line)| (Line::Whole { number }, line.to_vec())).collect();
    assert_eq!(found, expect, "{name}");
}

#[test]
fn blank_lines_are_counted_but_not_handed_out() {
    check("a.jsonl", b"one\n\n \t\r\n\r\nfive\n", &[(1, b"one"), (5, b"five")]);
}

#[test]
fn one_carriage_return_is_stripped_and_the_last_newline_may_be_missing() {
    check("a.jsonl", b"one\r\ntwo\r\r\n three ", &[(1, b"one"), (2, b"two\r"), (3, b" three ")]);
    check("a.jsonl", b"one\r", &[(1, b"one")]);
}

#[test]
fn lines_need_not_be_utf8() {
    check("a.jsonl", b"\xff\xfe\0\n\xc3\n", &[(1, b"\xff\xfe\0"), (2, b"\xc3")]);
}

#[test]
fn an_empty_input_has_no_lines() {
    check("a.jsonl", b"", &[]);
    check("a.jsonl", b"\n", &[]);
    check("a.jsonl.gz", &gzip(b""), &[]);
    check("a.jsonl.zst", &zst(b""), &[]);
}

#[test]
fn compression_is_known_by_name_or_by_the_first_bytes() {
    let expect: &[(u64, &[u8])] = &[(1, b"one"), (2, b"two")];
    for (name, bytes) in [
        ("a.jsonl.gz", gzip(b"one\ntwo")),
        ("a.jsonl.GZ", gzip(b"one\ntwo")),
        ("a.jsonl", gzip(b"one\ntwo\n")),
        ("a.zst", zst(b"one\ntwo\n")),
        ("a", zst(b"one\ntwo\n")),
    ] {
        check(name, &bytes, expect);
    }
}

#[test]
fn members_of_a_concatenated_archive_are_read_on() {
    check("a.gz", &[gzip(b"one\nt"), gzip(b"wo\n")].concat(), &[(1, b"one"), (2, b"two")]);
    check("a.zst", &[zst(b"one\nt"), zst(b"wo\n")].concat(), &[(1, b"one"), (2, b"two")]);
}

#[test]
fn damaged_compression_names_the_path_and_the_last_good_line() {
    let plain: Vec<u8> = (0..50_000).flat_map(|n: u32| format!("line {n}\n").into_bytes()).collect();
    for (name, bytes) in [("a.gz", gzip(&plain)), ("a.zst", zst(&plain))] {
        let (_dir, path) = written(name, &bytes[..bytes.len() / 2]);
        let mut lines = Lines::open(&path).unwrap();
        let mut line = Vec::new();
        let mut good = 0;
        let error = loop {
            match lines.read(&mut line) {
                Ok(Some(_)) => good += 1,
                Ok(None) => panic!("{name}: the cut went unnoticed after {good} lines"),
                Err(error) => break error,
            }
        };
        match &error {
            InputError::Damaged { path: named, line, .. } => {
                assert_eq!((named, *line), (&path, good), "{name}");
            }
            InputError::Open { .. } | InputError::Read { .. } => panic!("{name}: {error:?}"),
        }
        assert!(good > 0, "{name}: lines before the cut are read");
        assert_eq!(lines.read(&mut line).unwrap(), None);
    }
}

#[test]
fn a_plain_file_under_a_compressed_name_is_damaged() {
    for name in ["a.gz", "a.zst"] {
        let (_dir, path) = written(name, b"{\"v\":1}\n");
        let error = collect(&mut Lines::open(&path).unwrap()).unwrap_err();
        assert!(matches!(error, InputError::Damaged { line: 0, .. }), "{name}: {error:?}");
    }
}

#[test]
fn a_missing_file_and_a_directory_cannot_be_opened() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing.jsonl");
    let error = Lines::open(&missing).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot open {}", missing.display()));
    let error = Lines::open(dir.path()).unwrap_err();
    assert!(matches!(error, InputError::Open { .. }), "{error:?}");
}

#[test]
fn a_line_over_the_limit_is_reported_and_reading_goes_on() {
    let limit = MAX_LINE_BYTES;
    for (length, end, fits) in [
        (limit, "\n", true),
        (limit, "\r\n", true),
        (limit, "", true),
        (limit + 1, "\n", false),
        (limit + 1, "\r\n", false),
        (limit + 100_000, "\n", false),
        (limit + 100_000, "", false),
    ] {
        let mut bytes = vec![b'x'; length];
        bytes.extend_from_slice(end.as_bytes());
        if !end.is_empty() {
            bytes.extend_from_slice(b"next\n");
        }
        let found = collect(&mut Lines::from_reader("huge", io::Cursor::new(bytes))).unwrap();
        let carriage = u64::from(end == "\r\n");
        let expect = if fits {
            Line::Whole { number: 1 }
        } else {
            Line::TooLong { number: 1, bytes: length as u64 + carriage }
        };
        assert_eq!(found[0].0, expect, "{length} {end:?}");
        assert_eq!(found[0].1.len(), if fits { length } else { 0 });
        if !end.is_empty() {
            assert_eq!(found[1], (Line::Whole { number: 2 }, b"next".to_vec()), "{length} {end:?}");
        }
    }
}
