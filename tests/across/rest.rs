//! Answers of the REST interface are read into what would have come live.

use serde_json::{Map, Value, json};
use stoop_model::{Event, Op};
use stoop_tests::{read, read_text};
use stoop_wire::{
    AccountsReply, Decoder, ErrorReply, HistoryPage, Limits, Me, MessageType, RowFault, RowPart, format_ms,
};

const TIMES: [&str; 5] = ["createdAt", "receivedAt", "observedAt", "deletedAt", "joinedAt"];

/// What a frame is about and what it holds, one line an event.
fn events(frame: &[u8]) -> Vec<String> {
    let mut told = Vec::new();
    Decoder::new(Limits::default()).decode(frame, |event| {
        told.push(event.map_or_else(|bad| bad.to_string(), |event| tell(event)));
    });
    told
}

fn tell(event: &Event) -> String {
    let Event { op, tweet_id, platform, fingerprint, field_errors, unknowns, .. } = event;
    format!("{op:?} {tweet_id:?} {platform:?} {fingerprint:x} {field_errors} {unknowns:?}")
}

/// Times of a payload as history writes them.
fn in_iso(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                match member.as_i64().filter(|_| TIMES.contains(&name.as_str())) {
                    Some(ms) => *member = json!(format_ms(ms).expect("a time of our days")),
                    None => in_iso(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(in_iso),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn a_page_is_read_into_frames_and_located_errors() {
    let page = HistoryPage::read(&read("rest/history.json"), Limits::default()).expect("a page");
    assert_eq!((page.total, page.count, page.error_count), (7, Some(7), 2));
    let errors: Vec<_> = page.errors.iter().map(|error| (error.row, error.part, error.fault)).collect();
    assert_eq!(errors, [(2, RowPart::Row, RowFault::NoTime), (5, RowPart::Row, RowFault::UnknownType)]);
    let mut ops = Vec::new();
    let mut decoder = Decoder::new(Limits::default());
    for row in &page.rows {
        for frame in [Some(&row.content), row.meta.as_ref()].into_iter().flatten() {
            decoder.decode(frame, |event| {
                let event = event.expect("frames of rows are good");
                assert_eq!((event.ts_ms, event.field_errors), (Some(row.time_ms), 0), "row {}", row.index);
                assert_eq!(event.unknowns.fields, 0, "row {}", row.index);
                ops.push(event.op);
            });
        }
    }
    let expect = [Op::Content, Op::Meta, Op::Content, Op::Meta, Op::ProfileUpdate, Op::Unfollow, Op::Content];
    assert_eq!(ops, expect);
    assert_eq!(page.rows[2].message_type, MessageType::Profile);
}

#[test]
fn a_page_that_is_cut_or_damaged_anywhere_is_read_as_far_as_it_goes() {
    let page = read("rest/history.json");
    let whole = page.trim_ascii_end().len();
    for end in 0..whole {
        let cut = HistoryPage::read(&page[..end], Limits::default());
        assert!(cut.is_err(), "the first {end} bytes are no page");
    }
    for at in 0..whole {
        for byte in [b'"', b'}', b'[', b'\\', b',', 0xFF] {
            let mut damaged = page.clone();
            damaged[at] = byte;
            if let Ok(damaged) = HistoryPage::read(&damaged, Limits::default()) {
                let frames =
                    damaged.rows.iter().flat_map(|row| [Some(&row.content), row.meta.as_ref()]).flatten();
                for frame in frames {
                    assert!(!frame.contains(&b'\n'), "byte {at} as {byte}");
                    Decoder::new(Limits::default()).decode(frame, |event| {
                        assert!(event.is_ok(), "byte {at} as {byte}: {event:?}");
                    });
                }
            }
        }
    }
}

#[test]
fn rows_of_live_frames_are_read_into_the_same_events() {
    let types =
        [("content", "TWEET"), ("profile_update", "PROFILE"), ("follow", "FOLLOW"), ("unfollow", "FOLLOW")];
    let mut compared = 0;
    for theme in ["operations", "lifecycle", "unicode", "prices", "truth_social", "many_assets", "pictures"] {
        for line in read_text(&format!("frames/{theme}.jsonl")).lines() {
            let Ok(Value::Object(frame)) = serde_json::from_str::<Value>(line) else { continue };
            let Some((op, message_type)) = types.iter().find(|(op, _)| frame["op"] == *op) else { continue };
            let mut content = frame["d"].clone();
            in_iso(&mut content);
            let mut row = Map::new();
            row.insert("messageType".to_owned(), json!(message_type));
            row.insert("receivedTime".to_owned(), json!(format_ms(frame["ts"].as_i64().expect("a time"))));
            row.insert("content".to_owned(), content);
            let answer = json!({ "data": [row] }).to_string();
            let page = HistoryPage::read(answer.as_bytes(), Limits::default()).expect("a page");
            assert_eq!(page.errors, [], "{line}");
            let history = events(&page.rows[0].content);
            // What the row around it adds changes the fingerprint of a payload that lacks it.
            let has_all = frame["d"].get("receivedAt").is_some();
            let live = events(Value::Object(frame.clone()).to_string().as_bytes());
            if has_all {
                assert_eq!(history, live, "{op}: {line}");
                compared += 1;
            }
        }
    }
    assert!(compared > 30, "{compared} frames were compared");
}

#[test]
fn the_answers_about_accounts_are_read() {
    let me = Me::read(&read("rest/me.json")).expect("JSON").expect("an object");
    assert_eq!((me.plan.as_deref(), me.sockets.count, me.accounts.limit), (Some("ELITE"), Some(1), Some(50)));
    assert_eq!(me.handles, ["history_desk_fixture", "somebody_of_fixtures"]);
    let reply = AccountsReply::read(&read("rest/accounts.json")).expect("JSON").expect("with results");
    let good: Vec<_> = reply.rows.iter().map(|row| row.state.is_good()).collect();
    assert_eq!(good, [true, false, false, false]);
    assert!(reply.summary.is_some_and(|summary| summary.contains("\"failed\": 3")));
    let error = ErrorReply::read(&read("rest/error.json"));
    assert_eq!(error.message.as_deref(), Some("History API is not included in your plan"));
    assert!(error.details.is_some_and(|details| details.contains("BASIC")));
}
