//! A strategy with a memory: a token counts when enough different authors have named it within a span of time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use stoop::{Case, Judgement, Strategy};

/// Symbols remembered; the one that has been silent the longest is forgotten first.
const SYMBOLS: usize = 1024;
/// Authors remembered for each symbol; the oldest mention is forgotten first.
const MENTIONS: usize = 64;

/// Takes a token once `authors` different authors have named it within `span`, this post among them.
pub(crate) struct Crowd {
    authors: usize,
    span: Duration,
    /// Who named each symbol, and when, oldest first. A map in order: the same run after run.
    mentions: BTreeMap<String, VecDeque<(i64, String)>>,
}

impl Crowd {
    /// A strategy that has heard nothing yet.
    pub(crate) fn new(authors: usize, span: Duration) -> Self {
        Self { authors, span, mentions: BTreeMap::new() }
    }

    /// Keeps that `author` has named `symbol`: once an author, at the last time.
    fn hear(&mut self, symbol: &str, author: &str, now_ns: i64) {
        if !self.mentions.contains_key(symbol) && self.mentions.len() >= SYMBOLS {
            let last = |mentions: &VecDeque<(i64, String)>| mentions.back().map(|(at_ns, _)| *at_ns);
            let silent = self.mentions.iter().min_by_key(|(_, mentions)| last(mentions));
            let silent = silent.map(|(symbol, _)| symbol.clone());
            silent.and_then(|symbol| self.mentions.remove(&symbol));
        }
        let mentions = self.mentions.entry(symbol.to_owned()).or_default();
        mentions.retain(|(_, known)| known != author);
        if mentions.len() >= MENTIONS {
            mentions.pop_front();
        }
        mentions.push_back((now_ns, author.to_owned()));
    }

    /// Enough authors have named it within the span before now.
    fn is_crowded(&self, symbol: &str, now_ns: i64) -> bool {
        let span_ns = i64::try_from(self.span.as_nanos()).unwrap_or(i64::MAX);
        let mentions = self.mentions.get(symbol).into_iter().flatten();
        mentions.filter(|(at_ns, _)| now_ns - at_ns < span_ns).count() >= self.authors
    }
}

impl Strategy for Crowd {
    /// Its settings stand in `params`: the consumer sees them, and `rule_hash` tells one setting from another.
    fn rule(&self) -> String {
        let Self { authors, span, .. } = self;
        format!(
            "name = \"crowd\"\nassets = {{ tokens = true }}\nside = \"buy\"\n\
             params = {{ authors = {authors}, span_s = {} }}",
            span.as_secs()
        )
    }

    /// Asked at the content, and again at every update and enrichment. What was taken stays taken: that the crowd has
    /// moved on since is no reason to cancel. A token that the tweet names no more is not among the assets, so that
    /// the engine cancels it by itself. A crowd that forms later is for the post that completes it.
    fn judge(&mut self, case: &Case<'_>) -> Judgement {
        let Some(author) = case.author.filter(|_| case.is_first_content) else { return Judgement::Keep };
        let mut places = Vec::new();
        for (place, asset) in case.assets().into_iter().enumerate() {
            let Some(symbol) = asset.symbol.map(|symbol| symbol.to_uppercase()) else { continue };
            self.hear(&symbol, author, case.now_ns);
            if self.is_crowded(&symbol, case.now_ns) {
                places.push(place);
            }
        }
        Judgement::Only(places)
    }
}

#[cfg(test)]
mod tests {
    use stoop::{Harness, HarnessError, brief};

    use super::*;

    const CONTRACT: &str = r#"{"detected":{"tokens":[{"symbol":"DOGE","contract":"c1","chain":"solana"}]}}"#;

    fn strategies() -> Vec<Box<dyn Strategy>> {
        vec![Box::new(Crowd::new(3, Duration::from_mins(1)))]
    }

    fn harness() -> Harness {
        Harness::new("", strategies()).expect("the rule is right")
    }

    #[test]
    fn the_third_author_within_the_span_opens() -> Result<(), HarnessError> {
        let mut harness = harness();
        assert_eq!(brief(&harness.post("1", "@a", "$DOGE")?), [""; 0]);
        harness.after(Duration::from_secs(20));
        assert_eq!(brief(&harness.post("2", "@b", "$doge to the moon")?), [""; 0]);
        harness.after(Duration::from_secs(20));
        let found = brief(&harness.post("3", "@c", "who would not buy $DOGE or $WIF?")?);
        assert_eq!(found, ["open crowd ticker:DOGE content"]);
        harness.repeat(strategies())?;
        Ok(())
    }

    #[test]
    fn one_author_is_no_crowd_and_neither_is_one_of_an_hour() -> Result<(), HarnessError> {
        let mut harness = harness();
        for (tweet, author) in [("1", "@a"), ("2", "@a"), ("3", "@A"), ("4", "@b")] {
            assert_eq!(brief(&harness.post(tweet, author, "$DOGE")?), [""; 0]);
        }
        harness.after(Duration::from_mins(1));
        assert_eq!(brief(&harness.post("5", "@c", "$DOGE")?), [""; 0]);
        assert_eq!(harness.incidents(), []);
        Ok(())
    }

    #[test]
    fn what_was_taken_is_resolved_after_the_crowd_has_gone() -> Result<(), HarnessError> {
        let mut harness = harness();
        for (tweet, author) in [("1", "@a"), ("2", "@b"), ("3", "@c")] {
            harness.post(tweet, author, "$DOGE")?;
        }
        assert_eq!(brief(&harness.after(Duration::from_mins(10))), ["lapse crowd ticker:DOGE timeout"]);
        assert_eq!(brief(&harness.meta("1", CONTRACT)?), [""; 0], "the first post completed no crowd");
        assert_eq!(brief(&harness.meta("3", CONTRACT)?), ["revise crowd token:solana:c1 meta"]);
        harness.repeat(strategies())?;
        Ok(())
    }

    #[test]
    fn a_tweet_that_names_it_no_more_is_cancelled() -> Result<(), HarnessError> {
        let mut harness = harness();
        for (tweet, author) in [("1", "@a"), ("2", "@b"), ("3", "@c")] {
            harness.post(tweet, author, "$DOGE")?;
        }
        let found = brief(&harness.update("3", r#"{"text":"never mind"}"#)?);
        assert_eq!(found, ["cancel crowd ticker:DOGE update unnamed"]);
        Ok(())
    }

    #[test]
    fn its_memory_is_bounded() {
        let mut crowd = Crowd::new(3, Duration::from_mins(1));
        for now_ns in 0..3000 {
            crowd.hear(&format!("S{now_ns}"), "a", now_ns);
            crowd.hear("DOGE", &now_ns.to_string(), now_ns);
        }
        assert_eq!((crowd.mentions.len(), crowd.mentions["DOGE"].len()), (SYMBOLS, MENTIONS));
        assert!(crowd.mentions.contains_key("S2999") && !crowd.mentions.contains_key("S0"));
    }
}
