use super::*;

const CONTENT: &str = concat!(
    r#"{"tweetId":"2064689031777615872","kind":"post","text":"New \"token\" \u0024EDGE","createdAt":"2026-06-10T12:39:59.900Z","#,
    r#""receivedAt":"2026-06-10T12:40:00.108Z","author":{"handle":"@market_desk_of_ours","joinedAt":"2020-01-01T00:00:00.000Z"},"#,
    r#""followers":1e-12}"#
);

fn row(members: &str) -> String {
    format!(r#"{{"time":"2026-06-10T12:39:59.900Z","receivedTime":"2026-06-10T12:40:00.108Z",{members}}}"#)
}

fn page_of(rows: &[String]) -> HistoryPage {
    let text = format!(r#"{{"data":[{}],"metadata":{{"count":{}}}}}"#, rows.join(","), rows.len());
    read(text.as_bytes()).unwrap()
}

fn read(bytes: &[u8]) -> Result<HistoryPage, Unreadable> {
    HistoryPage::read(bytes, Limits::default())
}

fn text(frame: &[u8]) -> &str {
    std::str::from_utf8(frame).unwrap()
}

/// Content and meta frame of the one row with these members.
#[track_caller]
fn frames(members: &str) -> (String, Option<String>) {
    let page = page_of(&[row(members)]);
    assert_eq!(page.errors, []);
    let row = &page.rows[0];
    (text(&row.content).to_owned(), row.meta.as_deref().map(|meta| text(meta).to_owned()))
}

#[track_caller]
fn fails(row: &str, part: RowPart, fault: RowFault) {
    let page = page_of(&[row.to_owned()]);
    assert_eq!(page.errors, [RowError { row: 0, part, fault }], "{row}");
}

fn bad(reason: BadReason, offset: Option<u32>) -> RowFault {
    RowFault::Bad(Bad { reason, offset })
}

#[test]
fn a_row_becomes_the_frames_that_would_have_come() {
    let meta =
        r#"{"tweetId":"2064689031777615872","detected":{"tokens":[{"symbol":"EDGE","priceUsd":4.20e-3}]}}"#;
    let members =
        format!(r#""tweetId":"2064689031777615872","messageType":"TWEET","content":{CONTENT},"meta":{meta}"#);
    let (content, meta_frame) = frames(&members);
    let payload = CONTENT
        .replace(r#""2026-06-10T12:39:59.900Z""#, "1781095199900")
        .replace(r#""2026-06-10T12:40:00.108Z""#, "1781095200108")
        .replace(r#""2020-01-01T00:00:00.000Z""#, "1577836800000");
    assert_eq!(content, format!(r#"{{"v":1,"t":"tweet","op":"content","ts":1781095200108,"d":{payload}}}"#));
    assert_eq!(
        meta_frame.unwrap(),
        format!(r#"{{"v":1,"t":"tweet","op":"meta","ts":1781095200108,"d":{meta}}}"#)
    );
}

#[test]
fn a_meta_that_is_null_or_absent_makes_no_frame() {
    assert_eq!(frames(&format!(r#""content":{CONTENT},"meta":null"#)).1, None);
    assert_eq!(frames(&format!(r#""content":{CONTENT}"#)).1, None);
}

#[test]
fn what_only_the_row_says_is_added_to_its_content() {
    let around = r#""tweetId":"7","twitterId":"44","twitterHandle":"@market_desk_of_ours","body":"a\nb","link":"https://x.com/i/7""#;
    let (content, meta) = frames(&format!(r#"{around},"content":{{ }},"meta":{{}}"#));
    let payload = concat!(
        r#"{ "tweetId":"7","text":"a\nb","link":"https://x.com/i/7","createdAt":1781095199900,"receivedAt":1781095200108,"#,
        r#""author":{"handle":"@market_desk_of_ours","id":"44"}}"#
    );
    assert!(content.ends_with(&format!(r#""d":{payload}}}"#)), "{content}");
    assert!(meta.unwrap().ends_with(r#""d":{"tweetId":"7"}}"#));
    let (content, _) = frames(around);
    assert!(content.contains(r#""d":{"tweetId":"7","text":"a\nb""#), "{content}");
}

#[test]
fn profile_changes_and_follows_are_frames_of_accounts() {
    for (members, op) in [
        (
            r#""messageType":"PROFILE","content":{"kind":"PROFILE","eventId":"e","changes":{"bio":null}}"#,
            "profile_update",
        ),
        (r#""messageType":"follow","content":{"kind":"FOLLOW","target":{"handle":"@x"}}"#, "follow"),
        (r#""content":{"kind":"UNFOLLOW","target":{}}"#, "unfollow"),
    ] {
        let (content, _) = frames(&format!(r#"{members},"twitterHandle":"@market_desk_of_ours""#));
        assert!(
            content.starts_with(&format!(r#"{{"v":1,"t":"account","op":"{op}","ts":1781095200108,"#)),
            "{content}"
        );
        assert!(content.contains(r#""observedAt":1781095199900"#), "{content}");
        assert!(content.ends_with(r#""actor":{"handle":"@market_desk_of_ours"}}}"#), "{content}");
    }
}

#[test]
fn rows_come_out_oldest_first() {
    let row = |id: u32, second: u32| {
        format!(r#"{{"tweetId":"{id}","receivedTime":"2026-06-10T12:00:{second:02}Z","body":""}}"#)
    };
    let page = page_of(&[row(4, 9), row(3, 5), row(2, 5), row(1, 7)]);
    let order: Vec<_> = page.rows.iter().map(|row| row.index).collect();
    assert_eq!(order, [2, 1, 3, 0]);
    assert_eq!((page.total, page.count, page.error_count), (4, Some(4), 0));
    assert_eq!(page.oldest_ms, Some(1_781_092_805_000));
}

#[test]
fn a_page_reaches_back_to_the_later_of_its_oldest_times() {
    let late =
        r#"{"tweetId":"1","time":"2026-06-10T10:00:00Z","receivedTime":"2026-06-10T12:00:00Z","body":""}"#;
    assert_eq!(page_of(&[late.to_owned()]).oldest_ms, parse_ms("2026-06-10T12:00:00Z"));
    assert_eq!(page_of(&[]).oldest_ms, None);
}

#[test]
fn times_may_be_numbers_or_missing_in_part() {
    let (content, _) = frames(r#""tweetId":"1","content":{"receivedAt":1781095200108}"#);
    assert!(content.contains(r#""ts":1781095200108,"d":{"receivedAt":1781095200108,"tweetId""#), "{content}");
    let page =
        page_of(&[r#"{"tweetId":"1","time":1781095199900,"body":"","content":{"text":"t"}}"#.to_owned()]);
    assert_eq!(page.rows[0].time_ms, 1_781_095_199_900);
    // A text that is not a time goes to the decoder, which leaves it out.
    let (content, _) = frames(r#""tweetId":"1","content":{"createdAt":"soon"}"#);
    assert!(content.contains(r#""createdAt":"soon""#), "{content}");
}

#[test]
fn only_texts_that_stand_for_times_are_changed() {
    let mut out = Vec::new();
    let text_in = r#"{"text":"createdAt","bio":"2026-05-01","createdAt" : "2026-05-01","x":["receivedAt","2026-05-01"]}"#;
    put_in_ms(text_in.as_bytes(), &mut out);
    assert_eq!(text(&out), text_in.replacen(r#" "2026-05-01","x"#, r#" 1777593600000,"x"#, 1));
}

#[test]
fn a_pretty_printed_answer_makes_frames_of_one_line() {
    let pretty = "{\n  \"data\": [\n    {\n \"tweetId\": \"1\",\r\n\x20\
        \"time\": \"2026-05-01\",\n \"content\": {\n  \"text\": \"a\\nb\"\n }\n }\n ]\n}\n";
    let page = read(pretty.as_bytes()).unwrap();
    assert!(!page.rows[0].content.contains(&b'\n') && !page.rows[0].content.contains(&b'\r'));
    assert!(text(&page.rows[0].content).contains(r#""text": "a\nb""#));
}

#[test]
fn the_list_is_found_wherever_it_is() {
    let row = r#"{"tweetId":"1","time":"2026-05-01","body":"b"}"#;
    for answer in [
        format!("[{row}]"),
        format!(r#"{{"metadata":{{}},"rows":[{row}]}}"#),
        format!(r#"{{"other":[],"data":[{row}]}}"#),
        format!("\u{FEFF}[{row}]"),
    ] {
        assert_eq!(read(answer.as_bytes()).unwrap().rows.len(), 1, "{answer}");
    }
    assert_eq!(read(br#"{"error":"no"}"#), Err(Unreadable::NoRows));
    assert_eq!(read(br#"{"data":null,"metadata":{"count":0}}"#), Err(Unreadable::NoRows));
    assert_eq!(read(br#"{"data":[]}"#).unwrap(), HistoryPage::default());
}

#[test]
fn what_is_no_json_is_unreadable() {
    for (answer, reason) in [
        (&b""[..], BadReason::Empty),
        (b"<html>", BadReason::Syntax),
        (br#"{"data":[{"tweetId":"1""#, BadReason::Syntax),
        (br#"{"data":[]} x"#, BadReason::Syntax),
        (br#""text""#, BadReason::Syntax),
    ] {
        let Err(Unreadable::Bad(bad)) = read(answer) else { panic!("{}", text(answer)) };
        assert_eq!(bad.reason, reason, "{}", text(answer));
    }
}

#[test]
fn a_bad_row_is_told_and_leaves_the_others() {
    fails("7", RowPart::Row, RowFault::NoContent);
    fails("nope", RowPart::Row, bad(BadReason::Syntax, Some(1)));
    fails(&row(r#""content":{"price":1e999}"#), RowPart::Row, bad(BadReason::NumberRange, Some(96)));
    fails(&row(r#""content":null"#), RowPart::Content, RowFault::NoContent);
    fails(&row(r#""content":"text","body":"b""#), RowPart::Content, RowFault::NoContent);
    fails(&row(r#""content":{"text":"b"}"#), RowPart::Content, bad(BadReason::Missing, Some(53)));
    fails(
        &row(r#""content":{"tweetId":"1","text":7}"#),
        RowPart::Content,
        bad(BadReason::WrongType, Some(72)),
    );
    fails(&row(r#""messageType":"DELETE","content":{}"#), RowPart::Row, RowFault::UnknownType);
    fails(
        &row(r#""messageType":"FOLLOW","content":{"kind":"MUTE"}"#),
        RowPart::Content,
        RowFault::UnknownType,
    );
    let deep = format!(r#""content":{{"tweetId":"1","x":{}{}}}"#, "[".repeat(70), "]".repeat(70));
    fails(&row(&deep), RowPart::Content, bad(BadReason::TooDeep, Some(138)));
    fails(r#"{"content":{"tweetId":"1"}}"#, RowPart::Row, RowFault::NoTime);
    let good = row(r#""tweetId":"1","body":"b""#);
    let page = page_of(&[good.clone(), row(""), good.clone(), row(r#""content":{}"#)]);
    let kept: Vec<_> = page.rows.iter().map(|row| row.index).collect();
    assert_eq!((kept, page.error_count, page.total), (vec![2, 0], 2, 4));
    assert_eq!(page.errors[1].to_string(), "row 3, content: missing at byte 53");
}

#[test]
fn a_bad_meta_leaves_its_content() {
    for meta in [r#"{"ocr":7}"#, "[]", "7", r#""x""#] {
        let page = page_of(&[row(&format!(r#""tweetId":"1","body":"b","meta":{meta}"#))]);
        assert_eq!((page.rows.len(), page.error_count), (1, 1), "{meta}");
        assert_eq!((page.rows[0].meta.as_deref(), page.errors[0].part), (None, RowPart::Meta));
    }
}

#[test]
fn errors_are_bounded_and_all_counted() {
    let page = page_of(&vec!["7".to_owned(); HISTORY_ERRORS + 9]);
    assert_eq!((page.errors.len(), page.error_count), (HISTORY_ERRORS, HISTORY_ERRORS as u64 + 9));
}

#[test]
fn a_list_that_breaks_off_keeps_the_rows_before() {
    let page =
        read(format!(r#"{{"data":[{} {{}}]}}"#, row(r#""tweetId":"1","body":"b""#)).as_bytes()).unwrap();
    assert_eq!((page.rows.len(), page.error_count, page.errors[0].row), (1, 1, 1));
}

#[test]
fn rows_of_overlapping_pages_have_one_fingerprint() {
    let one = row(r#""tweetId":"1","body":"b""#);
    let enriched = row(r#""tweetId":"1","body":"b","meta":{"ocr":{"text":"x"}}"#);
    let first = page_of(&[one.clone(), enriched]);
    let again = page_of(&[one]);
    assert_eq!(first.rows[1].fingerprint, again.rows[0].fingerprint);
    assert_ne!(first.rows[0].fingerprint, first.rows[1].fingerprint);
}
