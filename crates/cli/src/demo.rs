//! `stoop demo`: everything at work, offline.

use std::time::Duration;

use stoop::model::{Op, Platform};
use stoop::stages::{Pipeline, Receipt};
use stoop::{Config, Endpoint, Engine, Key};
use stoop_mock::{Input, Pace, Server};

use crate::args::DemoArgs;
use crate::consume::{Aside, Sink, consume};
use crate::failure::{Code, Failure, OrFail, Outcome};
use crate::live::{ended, last_in_json, start_failure};
use crate::output::Lines;
use crate::pretty::{Pretty, excerpt};

use crate::{init, report, signals};

const FRAMES: &str = include_str!("../../../fixtures/frames/demo.jsonl");
/// How long a stop may take.
const GRACE: Duration = Duration::from_secs(8);
/// No secret: the mock server takes this key and no other.
const DEMO_KEY: &str = "demo-key";

pub(crate) fn demo(args: &DemoArgs) -> Outcome {
    let frames: Vec<Vec<u8>> =
        FRAMES.lines().filter(|line| !line.trim().is_empty()).map(|line| line.as_bytes().to_vec()).collect();
    let server = Server::start(stoop_mock::Config {
        pace: Pace::Own,
        rebase: true,
        api_key: Some(stoop_mock::Key::new(DEMO_KEY)),
        input: Input::Frames(frames.clone()),
        ..stoop_mock::Config::default()
    })
    .or_fail(Code::Failed)?;
    let mut config = Config::parse("starter.toml", init::STARTER).or_fail(Code::Internal)?;
    config.endpoints = vec![Endpoint::new("mock", &server.url()).or_fail(Code::Internal)?];
    let rules = config.rules().or_fail(Code::Internal)?;
    let bounds = config.bounds;
    let signals = signals::hold()?;
    let engine = Engine::builder()
        .config(config)
        .key(Key::new(DEMO_KEY).or_fail(Code::Internal)?)
        .max_frames(frames.len() as u64)
        .start()
        .map_err(start_failure)?;
    let remote = engine.remote();
    let caught = signals.watch(GRACE, move || remote.stop())?;
    let written = if args.pretty {
        let mut pretty = Pretty::new(Lines::stdout());
        consume(&engine, &mut pretty, &mut Aside::default()).and_then(|()| {
            let pipeline = Pipeline::with_probe(rules, bounds, 0, Ids::default());
            why_not(pipeline, &frames, &mut pretty)
        })
    } else {
        consume(&engine, &mut Lines::stdout(), &mut Aside::default())
    };
    let summary = engine.join();
    server.stop();
    let outcome = written.and_then(|()| match caught.code() {
        Some(code) => Ok(code.into()),
        None => ended(&summary),
    });
    if args.json {
        return Ok(last_in_json(&summary, outcome));
    }
    report::live(&summary, false);
    outcome
}

/// Shows why a rule did not fire on a post that looks as if it should have.
fn why_not(mut pipeline: Pipeline<Ids>, frames: &[Vec<u8>], pretty: &mut Pretty) -> Result<(), Failure> {
    let mut decisions = Vec::new();
    for frame in frames {
        pipeline.handle(&stoop::stages::Input::frame(frame, Receipt::Sent), &mut decisions);
    }
    for id in std::mem::take(&mut pipeline.probe.0) {
        if decisions.iter().any(|decision| decision.tweet_id == id) {
            continue;
        }
        let now_ns = pipeline.intake.now_ns();
        let Some(view) = pipeline.merge.view(&id, &Platform::Twitter) else { continue };
        let refused = pipeline.signal.explain(view, now_ns);
        // The telling one is the rule that a single forbidden word has kept from firing.
        let Some(why) = refused.into_iter().find(|why| why.failed == Some(stoop::rules::Condition::None))
        else {
            continue;
        };
        let author = view.post().author().handle().unwrap_or("unknown");
        let post = excerpt(view.post().text().unwrap_or_default());
        let text = format!(
            "
@{author}: {post}
  why not {}: {}",
            why.rule, why.detail
        );
        return pretty.line(&text).and_then(|_| pretty.rest()).map(drop);
    }
    Ok(())
}

/// Notes the tweets that go by.
#[derive(Default)]
struct Ids(Vec<stoop::model::TweetId>);

impl stoop::stages::Probe for Ids {
    fn decoded(&mut self, event: &stoop::model::Event, _: stoop::stages::Stamp) {
        if event.op == Op::Content {
            self.0.push(event.tweet_id.clone());
        }
    }
}
