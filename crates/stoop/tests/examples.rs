//! Runs the examples as their reader would, against a mock server on this machine.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use stoop::replay::{Frames, ReplayOptions};
use stoop::{Config, model::Decision};
use stoop_mock::{Handle, Input, Key, Pace, Server};
use tempfile::TempDir;

// The parts of the examples that are worth copying; `crowd` and `scored` bring their tests with them.
#[path = "../examples/execution/book.rs"]
mod book;
#[path = "../examples/momentum/crowd.rs"]
mod crowd;
mod examples_book;
#[path = "../examples/scorer/scored.rs"]
mod scored;

/// The decision about FLUX, which is given its contract, and the one about TWIN, of which there are two.
const FLUX: &str = "2f6a5ecb1691132ca02121bb502609f7";
const FLUX_CONTRACT: &str = "DeqAvT1hbvGhyrbascCa3HkRZA5CKCLD4a7viwDz3w3Q";
const TWIN: &str = "72f5fae64cc9f25ae79747e3bc62b633";
const KEY: &str = "not-a-secret";
const ALL: [&str; 5] = ["embed", "tokio_host", "execution", "momentum", "scorer"];
/// Rules whose decisions do not depend on when frames come: no age, and waits longer than a test.
const RULES: &str = r#"
[[rule]]
name = "token"
any = ["token"]
none = ["correction*"]
assets = { tokens = true, addresses = true }
settle = "5m"
ttl = "1h"
side = "buy"

[[rule]]
name = "halt"
any = ["is halted"]
settle = "5m"
ttl = "1h"
side = "sell"
destination = "risk"
"#;

/// An example, which cargo builds beside the tests.
fn example(name: &str) -> Command {
    let test = std::env::current_exe().expect("a test knows where it is");
    let profile = test.parent().and_then(Path::parent).expect("tests lie in a folder of the profile");
    let path = profile.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(path.is_file(), "{}: not built; `cargo test -p stoop` builds it", path.display());
    let mut command = Command::new(path);
    command.stdin(Stdio::null());
    command
}

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(path)
}

fn frames() -> Vec<Vec<u8>> {
    let bytes = std::fs::read(fixture("frames/lifecycle.jsonl")).expect("the fixture is there");
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}

/// Decisions of a replay of the fixture; a live run makes the same, but for lapses, which only time brings about.
fn replayed(rules: &str) -> Vec<Decision> {
    let config = Config::parse("rules.toml", rules).expect("the rules are right");
    let frames = Frames::open([fixture("frames/lifecycle.jsonl")], config.bounds.limits);
    let frames = frames.expect("the fixture is there");
    let mut decisions = Vec::new();
    let rules = config.rules().expect("the rules are right");
    stoop::replay::replay(rules, frames, ReplayOptions::default(), |decision| {
        decisions.push(decision.clone());
        std::ops::ControlFlow::Continue(())
    })
    .expect("a replay ends");
    decisions
}

/// A mock server, and a configuration in a folder of its own.
struct Desk {
    _server: Handle,
    folder: TempDir,
}

impl Desk {
    fn new(rules: &str) -> Self {
        Self::with(frames(), rules)
    }

    fn with(frames: Vec<Vec<u8>>, rules: &str) -> Self {
        let server = Server::start(stoop_mock::Config {
            input: Input::Frames(frames),
            pace: Pace::AtOnce,
            api_key: Some(Key::new(KEY)),
            ..stoop_mock::Config::default()
        });
        let server = server.expect("the mock server starts");
        let folder = tempfile::tempdir().expect("a folder can be made");
        let feed = format!("[feed]\nurl = {:?}\nkey_file = \"key\"\n", server.url());
        let desk = Self { _server: server, folder };
        desk.write("key", KEY);
        desk.write("stoop.toml", &format!("{rules}\n{feed}"));
        desk
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("the file can be written");
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("stoop.toml")
    }

    /// Runs an example until all frames of the fixture have come.
    fn run(&self, name: &str) -> Output {
        self.run_for(name, frames().len())
    }

    fn run_for(&self, name: &str, frames: usize) -> Output {
        example(name).arg(self.config()).arg(frames.to_string()).output().expect("the example starts")
    }
}

fn lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What `embed` and `tokio_host` print of a replay's decisions.
fn printed() -> Vec<String> {
    let decisions = replayed(RULES).into_iter();
    let decisions = decisions.filter(|decision| decision.kind.as_str() != "lapse");
    let line = |it: Decision| format!("{} {} {:?}", it.kind.as_str(), it.rule.name, it.text);
    let lines: Vec<String> = decisions.map(line).collect();
    assert!(lines.len() > 20, "{} lines", lines.len());
    lines
}

#[test]
fn embed_prints_what_a_replay_decides() {
    let output = Desk::new(RULES).run("embed");
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!(lines(&output.stdout), printed());
}

#[test]
fn a_tokio_host_gets_the_same_and_ends_by_itself() {
    let output = Desk::new(RULES).run("tokio_host");
    assert!(output.status.success(), "{}", errors(&output));
    let mut found = lines(&output.stdout);
    let last = found.pop().unwrap_or_default();
    assert_eq!(found, printed());
    assert_eq!(last, format!("{} decisions of {} frames", found.len(), frames().len()));
}

/// Ends a program that a failing test leaves behind.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[cfg(unix)]
#[test]
fn a_tokio_host_stops_cleanly_when_interrupted() {
    let desk = Desk::new(RULES);
    let mut command = example("tokio_host");
    let child = command.arg(desk.config()).stdout(Stdio::piped()).spawn();
    let mut running = Running(child.expect("the example starts"));
    let stdout = running.0.stdout.take().expect("stdout is a pipe");
    let mut lines = BufReader::new(stdout).lines().map(|line| line.expect("stdout is text"));
    let expect = printed();
    let found: Vec<String> = lines.by_ref().take(expect.len()).collect();
    assert_eq!(found, expect);
    let id = running.0.id().to_string();
    let status = Command::new("kill").args(["-INT", &id]).status().expect("kill starts");
    assert!(status.success());
    let last: Vec<String> = lines.collect();
    assert_eq!(last, [format!("{} decisions of {} frames", expect.len(), frames().len())]);
    assert!(running.0.wait().expect("its end can be waited for").success());
}

#[test]
fn execution_enters_replaces_and_undoes_by_desk() {
    let output = Desk::new(RULES).run("execution");
    assert!(output.status.success(), "{}", errors(&output));
    let found = lines(&output.stdout);
    let text = found.join("\n");
    for expect in [
        format!("[default] enter: buy FLUX ({FLUX} revision 0)"),
        format!("[default] replace: buy FLUX solana {FLUX_CONTRACT} instead of FLUX ({FLUX} revision 1)"),
        format!("[default] enter: buy TWIN ({TWIN} revision 0)"),
        format!("[default] undo: buy of ({TWIN} revision 1)"),
    ] {
        assert!(found.contains(&expect), "{expect:?} is not in\n{text}");
    }
    assert!(text.contains("[risk] tell: open"), "{text}");
    let expect = format!("{} decisions queued, 0 lost", printed().len());
    assert_eq!(found.last(), Some(&expect));
    assert_eq!(found.len(), printed().len() + 1, "a line a decision\n{text}");
}

#[test]
fn execution_refuses_a_rule_without_a_desk() {
    let rules = RULES.replace("destination = \"risk\"", "destination = \"moon\"");
    let output = Desk::new(&rules).run("execution");
    assert!(!output.status.success());
    assert!(errors(&output).contains("moon"), "{}", errors(&output));
    assert!(output.stdout.is_empty());
}

/// Posts, each by another author.
fn posts(texts: &[&str]) -> Vec<Vec<u8>> {
    let post = |(id, text): (usize, &&str)| {
        let author = format!(r#"{{"handle":"@author{id}"}}"#);
        let d = format!(r#"{{"tweetId":"{id}","kind":"post","text":{text:?},"author":{author}}}"#);
        format!(r#"{{"v":1,"t":"tweet","op":"content","d":{d}}}"#).into_bytes()
    };
    texts.iter().enumerate().map(post).collect()
}

#[test]
fn momentum_decides_on_what_three_authors_have_named_and_so_do_the_rules() {
    let rules = "[[rule]]\nname = \"moon\"\nany = [\"moon\"]\n";
    let texts = ["$DOGE", "$DOGE to the moon", "$WIF", "buy $DOGE", "$DOGE again"];
    let output = Desk::with(posts(&texts), rules).run_for("momentum", texts.len());
    assert!(output.status.success(), "{}", errors(&output));
    let expect =
        ["open moon \"$DOGE to the moon\"", "open crowd \"buy $DOGE\"", "open crowd \"$DOGE again\""];
    assert_eq!(lines(&output.stdout), expect);
}

#[test]
fn scorer_decides_on_what_the_model_finds_good() {
    let long = "twelve words are what it takes for the model to like posts";
    let desk = Desk::with(posts(&["too short", long, "short as well", long]), "");
    let child = example("scorer").arg(desk.config()).stdout(Stdio::piped()).spawn();
    let mut running = Running(child.expect("the example starts"));
    let stdout = running.0.stdout.take().expect("stdout is a pipe");
    let lines = BufReader::new(stdout).lines().map(|line| line.expect("stdout is text"));
    // By the model, then, and not by the frame: the answer is an input of its own.
    let expect = format!("open scored by external {long:?}");
    assert_eq!(lines.take(2).collect::<Vec<_>>(), [expect.clone(), expect]);
}

#[test]
fn scorer_ends_with_the_engine() {
    for placement in ["fused", "one-arbiter", "per-actor"] {
        let rules = format!("[engine]\nplacement = {placement:?}\n");
        let output = Desk::with(posts(&["too short"]), &rules).run_for("scorer", 1);
        assert!(output.status.success(), "{placement}: {}", errors(&output));
        assert_eq!(lines(&output.stdout), ["0 posts not scored"], "{placement}");
    }
}

#[test]
fn a_key_the_server_refuses_is_told_and_never_shown() {
    for name in ALL {
        let desk = Desk::new(RULES);
        desk.write("key", "some-other-key");
        let output = desk.run(name);
        assert!(!output.status.success(), "{name}");
        assert!(errors(&output).contains("401"), "{name}: {}", errors(&output));
        assert!(!errors(&output).contains("some-other-key"), "{name}: {}", errors(&output));
    }
}

#[test]
fn sweep_prints_what_came_of_each_value() {
    let output = example("sweep").args([fixture("study/tape.mcap"), fixture("study/prices")]).output();
    let output = output.expect("the example starts");
    assert!(output.status.success(), "{}", errors(&output));
    let expect = [
        "cooldown  opens  measured  won  median after costs",
        "      1s    181       170  101  0.0039",
        "      1h    181       170  101  0.0039",
        "      6h    120       109   80  0.0041",
        "     24h     49        42   27  0.0041",
    ];
    assert_eq!(lines(&output.stdout), expect);
}

#[test]
fn an_example_without_a_configuration_says_how_it_is_called() {
    for name in ALL {
        let output = example(name).output().expect("the example starts");
        assert!(!output.status.success(), "{name}");
        assert!(errors(&output).contains(&format!("usage: {name} CONFIG")), "{}", errors(&output));
    }
}
