//! `tape`: recordings are looked at, cut, merged, scrubbed, exported.

use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Row, RowAccessor};
use serde_json::{Value, json};
use stoop::model::Decision;
use stoop::tape::{Follower, Origin, Record, Tape, TapeOptions, TapeWriter, state_events};
use stoop::{Config, write_decision};

use crate::decisions::json as parsed;
use crate::desk::{Desk, fixture, frames, lines_of};
use crate::driver::{Finished, stoop};

/// 2026-06-10T12:40:00Z.
const BEGIN_NS: i64 = 1_781_095_200_000_000_000;
/// Between two frames; not a divisor of the waits of the rules.
const STEP_NS: i64 = 370_000_000;

fn tape(args: &[&str]) -> Finished {
    stoop(&[&["tape"], args].concat()).finish()
}

fn text(at_ns: i64) -> String {
    at_ns.to_string()
}

fn line(decision: &Decision) -> Vec<u8> {
    let mut line = Vec::new();
    write_decision(decision, &mut line);
    line
}

/// Records frames as an engine would, one each step, with what it decides; begins with an engine that knows nothing.
pub(crate) struct Recorder {
    writer: TapeWriter,
    follower: Follower,
    now_ns: i64,
}

impl Recorder {
    fn begin(path: &Path, begin_ns: i64) -> Self {
        Self::begin_with(path, &fixture("rules/lifecycle.toml"), begin_ns)
    }

    pub(crate) fn begin_with(path: &Path, config: &str, begin_ns: i64) -> Self {
        let config = Config::load(Path::new(config)).expect("the rules are good");
        let writer = TapeWriter::create(path, TapeOptions { chunk_bytes: 4000, ..TapeOptions::default() });
        let writer = writer.expect("a tape can be created");
        let mut recorder = Self { writer, follower: Follower::default(), now_ns: begin_ns };
        recorder.event(&config.to_tape().to_event());
        let state = recorder.follower.state(begin_ns).expect("an engine that knows nothing");
        state_events(&state).for_each(|event| recorder.event(&event));
        recorder
    }

    /// Goes on in a new file.
    pub(crate) fn rotate(mut self, path: &Path) -> Self {
        let state = self.follower.state(self.now_ns).expect("the state");
        let config = self.follower.config().expect("the configuration").clone();
        let writer = TapeWriter::create(path, TapeOptions::default()).expect("a tape can be created");
        std::mem::replace(&mut self.writer, writer).seal().expect("it can be sealed");
        self.event(&config.to_event());
        state_events(&state).for_each(|event| self.event(&event));
        self
    }

    fn event(&mut self, json: &[u8]) {
        let record = Record::Event { at_ns: self.now_ns, json };
        self.follower.follow(&record).expect("an event that is known");
        self.writer.copy(&record).expect("it can be written");
    }

    fn frame(&mut self, origin: &Origin, bytes: &[u8]) {
        self.frame_at(self.now_ns + STEP_NS, origin, bytes);
    }

    /// Lets time pass.
    pub(crate) fn tick(&mut self, now_ns: i64) {
        self.now_ns = now_ns;
        self.event(br#"{"type":"clock"}"#);
        self.decided();
    }

    pub(crate) fn frame_at(&mut self, recv_ns: i64, origin: &Origin, bytes: &[u8]) {
        self.now_ns = recv_ns;
        let record = Record::Frame { origin, recv_ns: self.now_ns, sent_ns: self.now_ns - 5_000_000, bytes };
        self.writer.copy(&record).expect("it can be written");
        self.follower.follow(&record).expect("a frame");
        self.decided();
    }

    fn decided(&mut self) {
        for decision in self.follower.decisions() {
            self.writer.decision(decision.decided_ns, &line(decision)).expect("it can be written");
        }
    }

    fn all(mut self, frames: &[Vec<u8>]) -> Self {
        let origins = [0, 1].map(|number| Origin::endpoint(number, "default").expect("one of eight"));
        for (place, frame) in frames.iter().enumerate() {
            self.frame(&origins[place % 2], frame);
        }
        self
    }

    pub(crate) fn seal(self) {
        self.writer.seal().expect("it can be sealed");
    }
}

fn recorded(desk: &Desk, name: &str) -> String {
    Recorder::begin(&desk.path(name), BEGIN_NS).all(&frames("lifecycle")).seal();
    desk.name(name)
}

/// Decisions without their latency, by what the tape says and by what its replay says.
fn decided(path: &str) -> (Vec<String>, Vec<String>) {
    let mut tape = Tape::open(Path::new(path)).expect("a tape");
    let mut follower = Follower::default();
    let (mut told, mut made) = (Vec::new(), Vec::new());
    let mut last_ns = 0;
    let body = |line: &[u8]| {
        let mut line: Value = serde_json::from_slice(line).expect("a line");
        line.as_object_mut().expect("an object").remove("latency_ns");
        line.to_string()
    };
    while let Some(record) = tape.read().expect("it can be read") {
        if let Record::Decision { line, .. } = record {
            told.push(body(line));
        }
        last_ns = record.at_ns();
        follower.follow(&record).expect("it can be followed");
        made.extend(follower.decisions().iter().map(|decision| body(&line(decision))));
    }
    follower.tick(last_ns).expect("it can be followed");
    made.extend(follower.decisions().iter().map(|decision| body(&line(decision))));
    assert!(tape.end().is_sealed && tape.end().damage.is_none(), "{:?}", tape.end());
    (told, made)
}

#[test]
fn info_says_what_is_on_a_tape() {
    let desk = Desk::new();
    let file = recorded(&desk, "a.mcap");
    let count = frames("lifecycle").len();
    let run = tape(&["info", &file]).expect(0);
    let shown = run.stdout.join("\n");
    for part in [
        "a.mcap: sealed, ",
        "from 2026-06-10T12:40:00.000Z to ",
        "events: config 1, state 1",
        "origins: 0 default ",
        "configuration: of version ",
        "state: 0 tweets in the window",
        "gaps 0, dropped 0",
    ] {
        assert!(shown.contains(part), "{part:?} is not in\n{shown}");
    }
    let run = tape(&["info", "--json", &file]).expect(0);
    let told = parsed(&run.stdout[0]);
    assert_eq!(told["files"][0]["records"]["frames"], count);
    assert_eq!(told["files"][0]["sealed"], true);
    assert_eq!(
        told["files"][0]["state"],
        json!({"complete": true, "views": 0, "tweets": 0, "cooldowns": 0, "ids": 0})
    );
    assert_eq!(told["total"]["origins"][1]["origin"], "1");
    assert_eq!(told["files"][0]["from_ns"], BEGIN_NS);
}

#[test]
fn the_universe_stays_at_the_head_of_what_is_made_of_a_tape() {
    let desk = Desk::new();
    let list = "symbol,venue,market\nEDGE,gateio,EDGE_USDT\nEDGE,binance,EDGEUSDT\nFOO,okx,FOO-USDT\n";
    desk.file("universe.csv", list);
    let rules = std::fs::read_to_string(fixture("rules/lifecycle.toml")).unwrap();
    let config = desk.file("rules.toml", format!("{rules}\n[universe]\nfile = \"universe.csv\"\n"));
    let frames = frames("lifecycle");
    let (first, second) = frames.split_at(frames.len() / 2);
    let recorder = Recorder::begin_with(&desk.path("a.mcap"), &config, BEGIN_NS).all(first);
    recorder.rotate(&desk.path("b.mcap")).all(second).seal();
    // From here on the tape has to do without the files.
    std::fs::remove_file(desk.path("universe.csv")).unwrap();
    std::fs::remove_file(&config).unwrap();

    let [a, b] = ["a.mcap", "b.mcap"].map(|name| desk.name(name));
    let [cut, merged, scrubbed] = ["cut.mcap", "merged.mcap", "scrubbed.mcap"].map(|name| desk.name(name));
    let from = text(BEGIN_NS + 7 * STEP_NS);
    tape(&["cut", &a, "--from", &from, "-o", &cut]).expect(0);
    tape(&["merge", &a, &b, "-o", &merged]).expect(0);
    tape(&["scrub", "--field", "text", &a, "-o", &scrubbed]).expect(0);
    let sha256 = "ee2cb51bf74bae9ef1706e57eeb47fff48cf204fb62656459b7dfbb5d0cfd2f9";
    for file in [&a, &b, &cut, &merged, &scrubbed] {
        let shown = tape(&["info", file]).expect(0).stdout;
        let expect = format!("  universe: 2 symbols, sha256:{sha256}");
        assert!(shown.contains(&expect), "{file}: {shown:?}");
        let told = parsed(&tape(&["info", "--json", file]).expect(0).stdout[0]);
        assert_eq!(told["files"][0]["universe"], json!({"symbols": 2, "sha256": sha256}), "{file}");
        tape(&["verify", file]).expect(0);
    }
    for file in [&a, &b, &cut, &merged] {
        stoop(&["replay", file]).finish().expect(0);
        stoop(&["parity", file]).finish().expect(0);
    }

    let path = desk.path("changed.mcap");
    let mut writer = TapeWriter::create(&path, TapeOptions::default()).unwrap();
    let mut tape_a = Tape::open(Path::new(&a)).unwrap();
    while let Some(record) = tape_a.read().unwrap() {
        match record {
            Record::Event { at_ns, json } => {
                let json = String::from_utf8(json.to_vec()).unwrap().replace("FOO-USDT", "BAR-USDT");
                writer.event(at_ns, json.as_bytes()).unwrap();
            }
            Record::Frame { .. } | Record::Decision { .. } | Record::Unknown { .. } => {
                writer.copy(&record).unwrap();
            }
        }
    }
    writer.seal().unwrap();
    let run = tape(&["verify", &desk.name("changed.mcap")]).expect(1);
    assert!(run.stdout[0].contains("the universe does not have its hash"), "{:?}", run.stdout);
    let told = parsed(&tape(&["info", "--json", &recorded(&desk, "plain.mcap")]).expect(0).stdout[0]);
    assert_eq!(told["files"][0]["universe"], Value::Null, "as older tapes have it");
}

#[test]
fn cat_prints_records_as_they_are_and_only_those_asked_for() {
    let desk = Desk::new();
    let path = desk.path("a.mcap");
    let mut recorder = Recorder::begin(&path, BEGIN_NS);
    let odd: [&[u8]; 4] = [b"", b"\xff\xfe", b"{\"v\":1", b"{\n \"v\": 1.50\r\n}"];
    for bytes in odd {
        recorder.frame(&Origin::History, bytes);
    }
    recorder.all(&frames("lifecycle")).seal();
    let file = desk.name("a.mcap");

    let all = tape(&["cat", &file]).expect(0).stdout;
    let lines: Vec<Value> = all.iter().map(|line| parsed(line)).collect();
    let of = |topic: &str| lines.iter().filter(|line| line["topic"] == topic).count();
    assert_eq!((of("frames"), of("events")), (frames("lifecycle").len() + 4, 2));
    let odd: Vec<&Value> = lines.iter().filter(|line| line["origin"] == "history").collect();
    assert_eq!(
        (&odd[0]["base64"], &odd[1]["base64"], &odd[2]["base64"]),
        (&json!(""), &json!("//4="), &json!("eyJ2Ijox"))
    );
    assert!(
        all.iter().any(|line| line.ends_with("\"frame\":{  \"v\": 1.50  }}")),
        "what is JSON keeps its digits"
    );
    let first = &frames("lifecycle")[0];
    let first = String::from_utf8(first.clone()).unwrap();
    assert!(
        all.iter().any(|line| line.ends_with(&format!("\"frame\":{first}}}"))),
        "a frame keeps its bytes"
    );

    let decisions = tape(&["cat", &file, "--topic", "decisions"]).expect(0).stdout;
    assert_eq!(decisions.len(), of("decisions"));
    let tweet = parsed(&decisions[0])["decision"]["tweet_id"].as_str().unwrap().to_owned();
    let about = tape(&["cat", &file, "--tweet", &tweet]).expect(0).stdout;
    assert!(about.len() > 1 && about.iter().all(|line| line.contains(&tweet)), "{about:?}");
    let author = parsed(&decisions[0])["decision"]["author"].as_str().unwrap().to_owned();
    let by = tape(&["cat", &file, "--author", &format!("@{}", author.to_uppercase())]).expect(0).stdout;
    assert!(about.iter().all(|line| by.contains(line)), "the enrichment too, which names no author");
    assert!(by.len() < all.len());

    let from = text(BEGIN_NS + 5 * STEP_NS);
    let to_ms = text((BEGIN_NS + 8 * STEP_NS) / 1_000_000);
    let some = tape(&["cat", &file, "--topic", "frames", "--from", &from, "--to", &to_ms]).expect(0).stdout;
    assert_eq!(some.len(), 3);
    tape(&["cat", &file, "--from", "soon"]).expect(2);
    tape(&["cat", &desk.name("missing.mcap")]).expect(1);
}

#[test]
fn verify_tells_whole_tapes_from_damaged_ones_and_saves_what_is_whole() {
    let desk = Desk::new();
    let file = recorded(&desk, "a.mcap");
    let whole = std::fs::read(&file).unwrap();
    assert!(tape(&["verify", &file]).expect(0).stdout[0].starts_with("ok "));

    let torn = desk.file("torn.mcap", &whole[..whole.len() / 2]);
    let run = tape(&["verify", &file, &torn]).expect(1);
    assert!(run.stdout[1].starts_with("damaged ") && run.stdout[1].contains("at byte "), "{:?}", run.stdout);
    let mut flipped = whole.clone();
    flipped[whole.len() / 3] ^= 4;
    let flipped = desk.file("flipped.mcap", flipped);
    tape(&["verify", &flipped]).expect(1);
    tape(&["info", &flipped]).expect(1);

    let saved = desk.name("saved.mcap");
    tape(&["verify", &torn, "--seal", "-o", &saved]).expect(0);
    assert!(tape(&["verify", &saved]).expect(0).stdout[0].contains(": sealed"));
    let (before, after) = (tape(&["cat", &torn]).expect(1).stdout, tape(&["cat", &saved]).expect(0).stdout);
    assert!(!after.is_empty() && before == after);
    tape(&["verify", &torn, "--seal", "-o", &saved]).expect(73);

    // The state at the head lacks a part.
    let path = desk.path("half.mcap");
    let mut writer = TapeWriter::create(&path, TapeOptions::default()).unwrap();
    let mut follower = Follower::default();
    let mut all = Tape::open(Path::new(&file)).unwrap();
    while let Some(record) = all.read().unwrap() {
        follower.follow(&record).unwrap();
    }
    let state = follower.state(0).unwrap();
    assert!(!state.views.is_empty());
    for event in state_events(&state).skip(2).chain(state_events(&state).take(1)) {
        writer.event(BEGIN_NS, &event).unwrap();
    }
    writer.frame(&Origin::History, BEGIN_NS, None, b"{}").unwrap();
    writer.seal().unwrap();
    let run = tape(&["verify", &desk.name("half.mcap")]).expect(1);
    assert!(run.stdout[0].contains("state"), "{:?}", run.stdout);
}

#[test]
fn a_cut_replays_as_its_span_did_wherever_it_is_cut() {
    let desk = Desk::new();
    let file = recorded(&desk, "a.mcap");
    let (told, made) = decided(&file);
    assert!(told.len() > 20 && made.starts_with(&told), "the recording is right by itself");
    let count = frames("lifecycle").len() as i64;
    // Between frames, and at the time of one.
    for (number, (from, to)) in [(7, 40), (20, 21), (33, count), (1, 12)].into_iter().enumerate() {
        for shift_ns in [0, 100_000_000] {
            let from_ns = BEGIN_NS + from * STEP_NS + shift_ns;
            let to_ns = BEGIN_NS + to * STEP_NS + shift_ns;
            let output = desk.name(&format!("cut-{number}-{shift_ns}.mcap"));
            let (from, to) = (text(from_ns), text(to_ns));
            tape(&["cut", &file, "--from", &from, "--to", &to, "-o", &output]).expect(0);
            let expect = |line: &&String| {
                let at_ns = parsed(line)["decided_ns"].as_i64().unwrap();
                (from_ns..to_ns).contains(&at_ns)
            };
            let (kept, replayed) = decided(&output);
            let told: Vec<String> = told.iter().filter(expect).cloned().collect();
            assert_eq!(kept, told, "{from} to {to}: what was told is kept");
            let made: Vec<String> = made.iter().filter(expect).cloned().collect();
            assert_eq!(replayed, made, "{from} to {to}: the replay of the cut is that part of the replay");
            tape(&["verify", &output]).expect(0);
            tape(&["cut", &file, "--from", &from, "--to", &to, "-o", &output]).expect(73);
        }
    }
    tape(&["cut", &file, "--from", "2027-01-01", "-o", &desk.name("none.mcap")]).expect(1);
    assert!(!desk.path("none.mcap").exists(), "half a tape is of no use");
    tape(&["cut", &file, "--from", "2027-01-01", "--to", "2026-01-01", "-o", &desk.name("none.mcap")])
        .expect(2);
}

#[test]
fn consecutive_tapes_are_merged_and_others_refused() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("tapes")).unwrap();
    let all = frames("lifecycle");
    let (first, second) = all.split_at(all.len() / 2);
    let recorder = Recorder::begin(&desk.path("tapes/b.mcap"), BEGIN_NS).all(first);
    recorder.rotate(&desk.path("tapes/c.mcap")).all(second).seal();
    let merged = desk.name("merged.mcap");
    tape(&["merge", &desk.name("tapes"), "-o", &merged]).expect(0);
    let (told, made) = decided(&merged);
    let (one_told, one_made) = decided(&recorded(&desk, "one.mcap"));
    assert_eq!((&told, &made), (&one_told, &one_made), "two files of one recording are one recording");
    tape(&["merge", &desk.name("tapes"), "-o", &merged]).expect(73);
    let run = tape(&["cat", &desk.name("tapes")]).expect(0);
    assert_eq!(run.stdout, tape(&["cat", &merged]).expect(0).stdout);

    recorded(&desk, "tapes/a.mcap");
    let refused = tape(&["merge", &desk.name("tapes"), "-o", &desk.name("no.mcap")]).expect(1);
    assert!(refused.errors().contains("are not consecutive tapes"), "{}", refused.errors());
    assert!(!desk.path("no.mcap").exists());
}

#[test]
fn a_replay_of_a_torn_tape_decides_what_is_whole_and_ends_with_1() {
    let desk = Desk::new();
    let whole = recorded(&desk, "whole.mcap");
    let bytes = std::fs::read(&whole).expect("it was written");
    // Behind the last chunk stand the summary and the index.
    let torn = desk.file("torn.mcap", &bytes[..bytes.len() - 100]);
    let run = stoop(&["replay", &torn]).finish().expect(1);
    assert!(run.errors().contains("torn.mcap ends early, at byte "), "{}", run.errors());
    assert_eq!(run.stdout, stoop(&["replay", &whole]).finish().expect(0).stdout);
    let run = stoop(&["replay", &desk.file("empty.mcap", "")]).finish().expect(1);
    assert!(run.errors().contains("empty.mcap ends early"), "{}", run.errors());
}

#[test]
fn a_replay_that_is_stopped_ends_with_whole_lines_and_the_code_of_the_signal() {
    let desk = Desk::new();
    let (file, state) = (recorded(&desk, "a.mcap"), desk.name("a.state"));
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let program = stoop(&["replay", &file, "--speed", "0.001", "--state-out", &state]).start();
        program.stdout.wait_for_lines(1);
        program.signal(signal);
        let run = program.finish().expect(code);
        assert!(run.stdout.iter().all(|line| serde_json::from_str::<Value>(line).is_ok()));
        assert!(!desk.path("a.state").exists());
    }
    // Nothing more to decide on may ever come.
    let (pipe, _held) = desk.pipe("endless.jsonl", &[&frames("lifecycle")[0][..], b"\n"].concat());
    let args = ["replay", &pipe, "-c", &fixture("rules/lifecycle.toml"), "-o", &desk.name("out.jsonl")];
    let program = stoop(&args).start();
    desk.wait_for("out.jsonl");
    program.signal("TERM");
    program.finish().expect(143);
}

#[test]
fn times_are_typed_alike_in_every_command_and_slips_are_told() {
    let desk = Desk::new();
    let file = recorded(&desk, "a.mcap");
    let from_ns = BEGIN_NS + 3 * STEP_NS;
    let in_nanos = stoop(&["replay", &file, "--from", &text(from_ns)]).finish().expect(0);
    let in_millis = stoop(&["replay", &file, "--from", &text(from_ns / 1_000_000)]).finish().expect(0);
    assert!(!in_nanos.stdout.is_empty());
    assert_eq!(in_nanos.stdout, in_millis.stdout);
    let (from, to) = (text(from_ns), text(BEGIN_NS));
    for command in [&["replay"][..], &["tape", "cat"], &["tape", "cut", "-o", "x.mcap"]] {
        let run = stoop(&[command, &[&file, "--from", &from, "--to", &to]].concat()).finish().expect(2);
        assert!(run.errors().contains("--to is not after --from"), "{}", run.errors());
    }
    let run = tape(&["cat", &file, "--topic", "decision"]).expect(2);
    assert!(run.errors().contains("the topics are frames, events and decisions"), "{}", run.errors());
}

#[test]
fn a_scrubbed_tape_holds_nothing_of_what_was_asked_for() {
    let desk = Desk::new();
    let path = desk.path("a.mcap");
    let recorder = Recorder::begin(&path, BEGIN_NS).all(&frames("lifecycle"));
    let recorder = recorder.rotate(&desk.path("b.mcap"));
    recorder.all(&[frames("operations"), frames("odd")].concat()).seal();
    let file = desk.name("b.mcap");
    let all = tape(&["cat", &file]).expect(0).stdout.join("\n");
    let words = ["Every field of a post", "fixture_everything", "pbs.example.com"];
    assert!(words.iter().all(|word| all.contains(word)));

    let output = desk.name("scrubbed.mcap");
    let args =
        ["scrub", &file, "-o", &output, "--field", "text,author,links,media", "--salt", "s", "--deleted"];
    let run = tape(&args).expect(0);
    assert!(run.errors().contains("parts of states"), "{}", run.errors());
    tape(&["verify", &output]).expect(0);
    let lines = tape(&["cat", &output, "--topic", "frames"]).expect(0).stdout;
    let left = lines.join("\n");
    for word in words {
        assert!(!left.contains(word), "{word}");
    }
    let tweets = |lines: &[String]| -> Vec<String> {
        let id = |line: &String| parsed(line)["frame"]["d"]["tweetId"].as_str().map(str::to_owned);
        lines.iter().filter_map(id).collect()
    };
    // Deleted by a frame that can be decoded; among the odd ones are others.
    let lines_of_feed =
        frames("operations").into_iter().map(|frame| parsed(&String::from_utf8_lossy(&frame)));
    let deleted: Vec<String> = lines_of_feed
        .filter(|frame| frame["op"] == "delete")
        .filter_map(|frame| frame["d"]["tweetId"].as_str().map(str::to_owned))
        .collect();
    assert!(deleted.len() > 1);
    assert!(tweets(&lines).iter().all(|id| !deleted.contains(id)), "a deleted tweet is gone");
    assert!(tweets(&lines).len() > 5, "{} of others", tweets(&lines).len());
    let decisions = tape(&["cat", &output, "--topic", "decisions"]).expect(0).stdout;
    assert!(decisions.iter().all(|line| parsed(line)["decision"]["text"] == ""));
    decided(&output);
    tape(&args).expect(73);
    tape(&["scrub", &file, "-o", &desk.name("nothing.mcap")]).expect(2);
}

#[test]
fn frames_come_off_a_tape_as_they_went_on() {
    let desk = Desk::new();
    let file = recorded(&desk, "a.mcap");
    for name in ["out.jsonl", "out.jsonl.gz", "out.jsonl.zst"] {
        tape(&["export", &file, "-o", &desk.name(name)]).expect(0);
        tape(&["export", &file, "-o", &desk.name(name)]).expect(73);
    }
    assert_eq!(lines_of(&desk.path("out.jsonl")), frames("lifecycle"));
    let rules = fixture("rules/lifecycle.toml");
    let digests = ["out.jsonl", "out.jsonl.gz", "out.jsonl.zst"]
        .map(|name| stoop(&["replay", &desk.name(name), "-c", &rules]).finish().expect(0).digest());
    let whole = stoop(&["replay", &fixture("frames/lifecycle.jsonl"), "-c", &rules]).finish().expect(0);
    assert!(digests.iter().all(|digest| *digest == whole.digest()));

    let mut recorder = Recorder::begin(&desk.path("odd.mcap"), BEGIN_NS);
    for bytes in [&b""[..], b" \n", b"a\nb", b"x\r", b"{\"v\":\n1}", b"\xff"] {
        recorder.frame(&Origin::History, bytes);
    }
    recorder.seal();
    let run = tape(&["export", &desk.name("odd.mcap"), "-o", &desk.name("odd.jsonl")]).expect(0);
    assert_eq!(lines_of(&desk.path("odd.jsonl")), [b"{\"v\": 1}".to_vec(), b"\xff".to_vec()]);
    assert!(run.errors().contains("4 frames left out"), "{}", run.errors());
    tape(&["export", &file, "-o", &desk.name("out.csv")]).expect(2);
}

#[test]
fn frames_come_off_a_tape_as_a_table() {
    let desk = Desk::new();
    let path = desk.path("a.mcap");
    let mut recorder = Recorder::begin(&path, BEGIN_NS);
    recorder.frame(&Origin::History, b"\xff");
    recorder.all(&frames("operations")).seal();
    let (file, output) = (desk.name("a.mcap"), desk.name("a.parquet"));
    tape(&["export", &file, "-o", &output]).expect(0);
    tape(&["export", &file, "-o", &output]).expect(73);

    let reader = SerializedFileReader::new(std::fs::File::open(&output).unwrap()).unwrap();
    let rows: Vec<Row> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    let all = frames("operations");
    assert_eq!(rows.len(), all.len() + 1);
    assert_eq!(rows[0].get_string(2).unwrap(), "history");
    assert_eq!(rows[0].get_bytes(8).unwrap().data(), b"\xff");
    assert!(rows[0].get_string(3).is_err(), "a frame that cannot be read says nothing of itself");
    assert_eq!(rows[1].get_long(0).unwrap(), BEGIN_NS + 2 * STEP_NS);
    for (row, frame) in rows[1..].iter().zip(&all) {
        assert_eq!(row.get_bytes(8).unwrap().data(), frame);
        let value = parsed(&String::from_utf8(frame.clone()).unwrap());
        let value = value.as_array().map_or(&value, |batch| &batch[0]);
        assert_eq!(row.get_string(3).unwrap(), value["t"].as_str().unwrap());
        assert_eq!(row.get_string(4).unwrap(), value["op"].as_str().unwrap());
        let text = |column: usize| row.get_string(column).ok().map(String::as_str);
        assert_eq!(text(5), value["d"]["tweetId"].as_str());
        if value["op"] == "content" {
            let handle = value["d"]["author"]["handle"].as_str().map(|handle| handle.trim_start_matches('@'));
            assert_eq!((text(6), text(7)), (handle, value["d"]["text"].as_str()));
        }
    }
}
