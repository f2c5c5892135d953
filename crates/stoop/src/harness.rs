//! The engine in a test: the test says what happens and sees what is decided.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value, json};
use stoop_engine::{
    Command, Explanation, Incident, Input, MESSAGE_BYTES, Message, Missed, Origin, Pipeline, Probe, Receipt,
    RuleSetError, Stamp, Strategy, asset_key,
};
use stoop_model::{Bad, Decision, Platform, TweetId};
use stoop_tape::{Digest, write_decision};

use crate::{Config, ConfigError};

const MILLI_NS: i64 = 1_000_000;

/// An engine without a feed, for tests of rules and strategies.
///
/// Every method that tells it something returns the decisions that led to. Frames are JSON, read by the decoder that
/// reads the feed; time passes only when it is told to, from [`Harness::START_MS`] on. It remembers all it is told, so
/// that [`Self::repeat`] can tell it again: it is for tests, not for streams.
///
/// A strategy that panics is switched off here too, quietly: look at [`Self::incidents`].
///
/// ```
/// use std::time::Duration;
/// use stoop::{Case, Harness, Judgement, Strategy, brief};
///
/// /// Takes the second post on, of whomever.
/// #[derive(Default)]
/// struct Second(bool);
///
/// impl Strategy for Second {
///     fn rule(&self) -> String {
///         "name = \"second\"\nassets = { tokens = true }\nsettle = \"3s\"".to_owned()
///     }
///
///     fn judge(&mut self, case: &Case<'_>) -> Judgement {
///         let is_first_post = case.is_first_content && !std::mem::replace(&mut self.0, true);
///         if is_first_post { Judgement::Refuse } else { Judgement::Take }
///     }
/// }
///
/// let mut harness = Harness::new("", vec![Box::new(Second::default())])?;
/// assert_eq!(brief(&harness.post("1", "@ab", "much $DOGE")?), [""; 0]);
/// assert_eq!(brief(&harness.post("2", "@cd", "wow $DOGE")?), ["open second ticker:DOGE content"]);
/// assert_eq!(brief(&harness.after(Duration::from_secs(3))), ["lapse second ticker:DOGE timeout"]);
/// assert_eq!(brief(&harness.delete("2")?), ["cancel second ticker:DOGE delete deleted"]);
/// assert!(harness.incidents().is_empty());
/// harness.repeat(vec![Box::new(Second::default())])?;
/// # Ok::<(), stoop::HarnessError>(())
/// ```
pub struct Harness {
    config: Config,
    pipeline: Pipeline<FirstBad>,
    now_ns: i64,
    inputs: Vec<Input<Vec<u8>>>,
    decisions: Vec<Decision>,
    incidents: Vec<Incident>,
    missed: Vec<Missed>,
}

/// Why a harness cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HarnessError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The rules cannot be used, those of the strategies among them.
    #[error(transparent)]
    Rules(#[from] RuleSetError),
    /// The members of a frame are not a JSON object.
    #[error("the members of the {op} are not a JSON object: {source}")]
    Members {
        /// The operation.
        op: &'static str,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// The feed's decoder refuses the frame, or an element of it.
    #[error("the decoder refuses the frame: {bad}: {frame}")]
    Frame {
        /// Why, and where.
        bad: Bad,
        /// The frame.
        frame: String,
    },
    /// The text of an [`Message`] is longer than the engine takes.
    #[error("the text is longer than {MESSAGE_BYTES} bytes")]
    TooLong,
    /// Told the same, other strategies of the same making decided otherwise.
    #[error("decision {place} was\n  {first}\nand in the second run\n  {again}")]
    Differs {
        /// Of the first decision that is not the same, from 0.
        place: usize,
        /// What it was, as a decision line.
        first: String,
        /// What it became.
        again: String,
    },
}

impl fmt::Debug for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness")
            .field("now_ns", &self.now_ns)
            .field("inputs", &self.inputs.len())
            .field("decisions", &self.decisions.len())
            .field("incidents", &self.incidents)
            .finish_non_exhaustive()
    }
}

impl Harness {
    /// When every harness begins: 2026-01-01T00:00:00Z, Unix ms.
    pub const START_MS: i64 = 1_767_225_600_000;

    /// A harness of the rules in `config`, the text of a configuration file, and of strategies behind them.
    pub fn new(config: &str, strategies: Vec<Box<dyn Strategy>>) -> Result<Self, HarnessError> {
        Self::of(Config::parse("harness", config)?, strategies)
    }

    /// The same with a configuration that has been read, such as that of a live run.
    pub fn of(config: Config, strategies: Vec<Box<dyn Strategy>>) -> Result<Self, HarnessError> {
        let now_ns = Self::START_MS * MILLI_NS;
        let rules = config.rules_with(strategies)?;
        let pipeline = Pipeline::with_probe(rules, config.bounds, now_ns, FirstBad(None));
        Ok(Self {
            config,
            pipeline,
            now_ns,
            inputs: Vec::new(),
            decisions: Vec::new(),
            incidents: Vec::new(),
            missed: Vec::new(),
        })
    }

    /// A post: its content, made and received now. `author` is a handle, with `@` or without.
    pub fn post(&mut self, tweet: &str, author: &str, text: &str) -> Result<Vec<Decision>, HarnessError> {
        let mut members = Map::new();
        members.insert("kind".to_owned(), json!("post"));
        members.insert("text".to_owned(), json!(text));
        members.insert("author".to_owned(), json!({ "handle": author }));
        self.tweet("content", tweet, members)
    }

    /// A content with these members of `d`, a JSON object: for what [`Self::post`] has no argument for.
    pub fn content(&mut self, tweet: &str, members: &str) -> Result<Vec<Decision>, HarnessError> {
        let members = object("content", members)?;
        self.tweet("content", tweet, members)
    }

    /// An update with these members of `d`, a JSON object.
    pub fn update(&mut self, tweet: &str, members: &str) -> Result<Vec<Decision>, HarnessError> {
        let members = object("update", members)?;
        self.tweet("update", tweet, members)
    }

    /// The enrichment, with these members of `d`, a JSON object.
    pub fn meta(&mut self, tweet: &str, members: &str) -> Result<Vec<Decision>, HarnessError> {
        let members = object("meta", members)?;
        self.tweet("meta", tweet, members)
    }

    /// The tweet is deleted.
    pub fn delete(&mut self, tweet: &str) -> Result<Vec<Decision>, HarnessError> {
        self.tweet("delete", tweet, Map::new())
    }

    /// A frame as it comes over the socket. It comes now, whatever its `ts` says.
    ///
    /// As in the feed, a frame whose payload has come before is a duplicate and decides nothing.
    pub fn frame(&mut self, frame: &str) -> Result<Vec<Decision>, HarnessError> {
        self.read(Origin::Endpoint(0), frame)
    }

    /// A frame that the feed has lost in an outage and history brings now: it is late.
    pub fn late(&mut self, frame: &str) -> Result<Vec<Decision>, HarnessError> {
        self.read(Origin::History, frame)
    }

    /// A message for strategies.
    pub fn message(&mut self, message: Message) -> Result<Vec<Decision>, HarnessError> {
        if message.text.len() > MESSAGE_BYTES {
            return Err(HarnessError::TooLong);
        }
        Ok(self.command(Command::Message(message)))
    }

    /// The strategy of this name is not asked any more.
    pub fn switch_off(&mut self, strategy: &str) -> Vec<Decision> {
        self.command(Command::SwitchOff { strategy: strategy.to_owned() })
    }

    /// So much time passes; deadlines fire.
    pub fn after(&mut self, span: Duration) -> Vec<Decision> {
        let span_ns = i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        self.now_ns = self.now_ns.saturating_add(span_ns);
        self.enter(Input::Tick { at_ns: self.now_ns })
    }

    /// Time passes until so long after the start; deadlines fire. A time that is over changes nothing.
    pub fn at(&mut self, since_start: Duration) -> Vec<Decision> {
        let passed_ns = u128::from((self.now_ns - Self::START_MS * MILLI_NS).unsigned_abs());
        let span_ns = since_start.as_nanos().saturating_sub(passed_ns);
        self.after(Duration::from_nanos(u64::try_from(span_ns).unwrap_or(u64::MAX)))
    }

    /// Nothing more comes: every deadline fires, however far off, as at the end of a replay. Call it last.
    pub fn finish(&mut self) -> Vec<Decision> {
        self.enter(Input::Tick { at_ns: i64::MAX })
    }

    /// What every rule makes of a tweet now; empty if the tweet is not in the window. Strategies are not asked.
    pub fn explain(&mut self, tweet: &str) -> Vec<Explanation> {
        let Self { pipeline, now_ns, .. } = self;
        let id = TweetId::parse(tweet);
        let views = [Platform::Twitter, Platform::TruthSocial];
        let view = views.iter().find_map(|platform| pipeline.merge.view(&id, platform));
        view.map(|view| pipeline.signal.explain(view, *now_ns)).unwrap_or_default()
    }

    /// Strategies that have panicked so far.
    pub fn incidents(&self) -> &[Incident] {
        &self.incidents
    }

    /// What rules without `allow_late` would have opened on late frames so far.
    pub fn missed(&self) -> &[Missed] {
        &self.missed
    }

    /// Everything decided so far.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// Over everything decided so far: the same for the same decisions.
    pub fn digest(&self) -> Digest {
        let mut digest = Digest::default();
        for decision in &self.decisions {
            digest.add(&decision.body);
        }
        digest
    }

    /// Now, Unix ns.
    pub fn now_ns(&self) -> i64 {
        self.now_ns
    }

    /// Tells fresh strategies all that this harness was told. An error if they decide otherwise: then they look at more
    /// than they are told, such as a clock or the order of a hash map, and a replay would not decide as the live run.
    pub fn repeat(&self, strategies: Vec<Box<dyn Strategy>>) -> Result<Self, HarnessError> {
        let mut again = Self::of(self.config.clone(), strategies)?;
        for input in &self.inputs {
            again.enter(input.clone());
        }
        again.now_ns = self.now_ns;
        let count = self.decisions.len().max(again.decisions.len());
        for place in 0..count {
            let [first, again] = [self, &again].map(|harness| line(harness.decisions.get(place)));
            if first != again {
                return Err(HarnessError::Differs { place, first, again });
            }
        }
        Ok(again)
    }

    /// A frame of a tweet, sent now.
    fn tweet(
        &mut self,
        op: &'static str,
        tweet: &str,
        members: Map<String, Value>,
    ) -> Result<Vec<Decision>, HarnessError> {
        let now_ms = self.now_ns.div_euclid(MILLI_NS);
        let mut payload = Map::new();
        payload.insert("tweetId".to_owned(), json!(tweet));
        if op == "content" {
            payload.insert("createdAt".to_owned(), json!(now_ms));
            payload.insert("receivedAt".to_owned(), json!(now_ms));
        }
        payload.extend(members);
        let frame = json!({ "v": 1, "t": "tweet", "op": op, "ts": now_ms, "d": payload });
        self.frame(&frame.to_string())
    }

    fn read(&mut self, origin: Origin, frame: &str) -> Result<Vec<Decision>, HarnessError> {
        let (bytes, receipt) = (frame.as_bytes().to_vec(), Receipt::At(self.now_ns));
        let decisions = self.enter(Input::Frame { origin, bytes, receipt });
        match self.pipeline.probe.0.take() {
            Some(bad) => Err(HarnessError::Frame { bad, frame: frame.to_owned() }),
            None => Ok(decisions),
        }
    }

    fn command(&mut self, command: Command) -> Vec<Decision> {
        self.enter(Input::Command { command: Box::new(command), at_ns: self.now_ns })
    }

    fn enter(&mut self, input: Input<Vec<u8>>) -> Vec<Decision> {
        let from = self.decisions.len();
        self.pipeline.handle(&input, &mut self.decisions);
        self.incidents.extend(self.pipeline.signal.take_incidents());
        self.missed.extend(self.pipeline.signal.take_missed());
        self.inputs.push(input);
        self.decisions.get(from..).unwrap_or_default().to_vec()
    }
}

/// Keeps the first element of a frame that cannot be decoded.
struct FirstBad(Option<Bad>);

impl Probe for FirstBad {
    fn bad(&mut self, bad: Bad, _: Stamp) {
        self.0.get_or_insert(bad);
    }
}

fn object(op: &'static str, members: &str) -> Result<Map<String, Value>, HarnessError> {
    serde_json::from_str(members).map_err(|source| HarnessError::Members { op, source })
}

/// A decision as a line; `nothing` if there is none.
fn line(decision: Option<&Decision>) -> String {
    let Some(decision) = decision else { return "nothing".to_owned() };
    let mut line = Vec::new();
    write_decision(decision, &mut line);
    String::from_utf8_lossy(&line).into_owned()
}

/// Decisions in short, for a test to compare: kind, rule, asset, trigger, and the reason of a cancel.
///
/// `open listing ticker:EDGE content`, `cancel listing token:solana:9xQe delete deleted`; `-` for no asset.
pub fn brief(decisions: &[Decision]) -> Vec<String> {
    let short = |it: &Decision| {
        let asset = it.asset.as_ref().map_or("-".to_owned(), |asset| asset_key(Some(asset)));
        let mut short = format!("{} {} {asset} {}", it.kind.as_str(), it.rule.name, it.trigger.as_str());
        if let Some(reason) = it.reason {
            short.push(' ');
            short.push_str(reason.as_str());
        }
        short
    };
    decisions.iter().map(short).collect()
}
