//! Which records are wanted.

use std::collections::BTreeSet;

use serde_json::Value;
use stoop::model::{AuthorRef, Bad, Event};
use stoop::tape::Record;
use stoop::wire::{Decoder, Limits};

use super::args::SpanArgs;

/// Tweets of an author that are remembered; then it begins anew.
const MOST_TWEETS: usize = 1 << 20;

impl SpanArgs {
    /// Whether a time lies in it.
    pub(super) fn has(self, at_ns: i64) -> bool {
        self.from_ns.is_none_or(|from_ns| at_ns >= from_ns) && !self.is_over(at_ns)
    }

    /// Whether a time lies behind it.
    pub(super) fn is_over(self, at_ns: i64) -> bool {
        self.to_ns.is_some_and(|to_ns| at_ns >= to_ns)
    }
}

/// Takes frames apart, of any length.
pub(super) fn decoder() -> Decoder {
    Decoder::new(Limits { max_frame: stoop::tape::MAX_RECORD_BYTES, ..Limits::default() })
}

/// The handle of who is behind a frame, in lower case without @.
pub(super) fn author(event: &Event) -> Option<String> {
    let post = event.post.with(&event.strings).author();
    let actor = AuthorRef::new(&event.actor, &event.strings);
    post.handle().or_else(|| actor.handle()).map(str::to_lowercase)
}

/// What `tape cat` is asked for.
pub(super) struct Wanted {
    topic: Option<String>,
    span: SpanArgs,
    tweet: Option<String>,
    author: Option<String>,
    /// Tweets of the author so far.
    tweets: BTreeSet<String>,
    decoder: Decoder,
}

impl Wanted {
    pub(super) fn new(
        topic: Option<String>,
        span: SpanArgs,
        tweet: Option<String>,
        author: Option<&str>,
    ) -> Self {
        let author = author.map(|author| author.trim().trim_start_matches('@').to_lowercase());
        Self { topic, span, tweet, author, tweets: BTreeSet::new(), decoder: decoder() }
    }

    /// Whether this record is of the topic, if one is asked for.
    pub(super) fn is_of_topic(&self, record: &Record<'_>) -> bool {
        self.topic.as_ref().is_none_or(|topic| topic == record.topic())
    }

    /// The topic that is asked for, if it is none of those that every tape may have.
    pub(super) fn foreign_topic(&self) -> Option<&str> {
        self.topic.as_deref().filter(|topic| !["frames", "events", "decisions"].contains(topic))
    }

    /// Nothing that comes later is wanted.
    pub(super) fn is_over(&self, at_ns: i64) -> bool {
        self.span.is_over(at_ns)
    }

    /// Whether this record is wanted.
    pub(super) fn has(&mut self, record: &Record<'_>) -> bool {
        let about = match *record {
            // Looked at in any case: it may say whose tweet it is.
            Record::Frame { bytes, .. } => self.is_about(bytes),
            Record::Decision { line, .. } => self.is_decision_about(line),
            Record::Event { .. } | Record::Unknown { .. } => self.tweet.is_none() && self.author.is_none(),
        };
        about && self.span.has(record.at_ns()) && self.is_of_topic(record)
    }

    fn is_about(&mut self, frame: &[u8]) -> bool {
        let Self { tweet, author: wanted, tweets, decoder, .. } = self;
        if tweet.is_none() && wanted.is_none() {
            return true;
        }
        let mut is_wanted = false;
        decoder.decode(frame, |element: Result<&mut Event, Bad>| {
            let Ok(event) = element else { return };
            let id = event.op.is_tweet().then(|| event.tweet_id.to_string());
            let is_tweet = tweet.is_none() || tweet.is_some() && *tweet == id;
            let is_author = wanted.as_ref().is_none_or(|wanted| {
                let is_named = author(event).is_some_and(|author| author == *wanted);
                if let (true, Some(id)) = (is_named, &id) {
                    if tweets.len() >= MOST_TWEETS {
                        tweets.clear();
                    }
                    tweets.insert(id.clone());
                }
                is_named || id.as_ref().is_some_and(|id| tweets.contains(id))
            });
            is_wanted |= is_tweet && is_author;
        });
        is_wanted
    }

    fn is_decision_about(&self, line: &[u8]) -> bool {
        if self.tweet.is_none() && self.author.is_none() {
            return true;
        }
        let Ok(line) = serde_json::from_slice::<Value>(line) else { return false };
        let is = |member: &str, wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| line.get(member).and_then(Value::as_str) == Some(wanted))
        };
        is("tweet_id", &self.tweet) && is("author", &self.author)
    }
}
