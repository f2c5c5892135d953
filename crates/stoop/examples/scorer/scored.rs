//! A strategy that asks an outside model: it hands out the text of each post, and takes the post when the answer is
//! high enough.
//!
//! The engine waits for nobody. The question goes into a bounded channel, and the strategy refuses; the answer comes
//! back as an [`Message`], an input of the engine like a frame. The strategy is told it and then asked again about the
//! tweet. So what it decides follows from inputs alone: told the same answers in the same order, it decides the same,
//! whatever the model would say today.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stoop::crossbeam_channel::Sender;
use stoop::model::{Platform, TweetId};
use stoop::{Case, Judgement, Message, Strategy};

/// The name in its rule, and the address of its answers.
pub(crate) const NAME: &str = "scored";
/// Scores remembered; the oldest is forgotten first, and then counts as none.
const SCORES: usize = 1024;

/// A question to the model.
#[derive(Debug)]
pub(crate) struct Ask {
    tweet: TweetId,
    platform: Option<Platform>,
    /// The text of the post.
    pub(crate) text: String,
}

impl Ask {
    /// The answer, on its way to the engine.
    pub(crate) fn answer(self, score: u32) -> Message {
        let Self { tweet, platform, .. } = self;
        Message { strategy: Some(NAME.to_owned()), tweet: Some(tweet), platform, text: score.to_string() }
    }
}

/// Takes posts with a score of at least `least`.
pub(crate) struct Scored {
    least: u32,
    asks: Sender<Ask>,
    /// Questions that were not asked because the model was too slow. Read by the host; reaches no decision.
    unasked: Arc<AtomicU64>,
    scores: BTreeMap<TweetId, u32>,
    /// Tweets with a score, oldest first.
    ages: VecDeque<TweetId>,
}

impl Scored {
    /// A strategy that puts its questions into `asks`.
    pub(crate) fn new(least: u32, asks: Sender<Ask>, unasked: Arc<AtomicU64>) -> Self {
        Self { least, asks, unasked, scores: BTreeMap::new(), ages: VecDeque::new() }
    }

    fn ask(&self, case: &Case<'_>) {
        let Some(text) = case.view.post().text() else { return };
        let (tweet, platform) = (case.view.tweet_id.clone(), case.view.platform.clone());
        // Never `send`, which would wait for room: all frames behind this one would wait too.
        if self.asks.try_send(Ask { tweet, platform, text: text.to_owned() }).is_err() {
            self.unasked.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Strategy for Scored {
    fn rule(&self) -> String {
        format!("name = {NAME:?}\nparams = {{ least = {} }}", self.least)
    }

    fn judge(&mut self, case: &Case<'_>) -> Judgement {
        if case.is_first_content {
            self.ask(case);
        }
        match self.scores.get(&case.view.tweet_id) {
            Some(score) if *score >= self.least => Judgement::Take,
            Some(_) | None => Judgement::Refuse,
        }
    }

    fn message(&mut self, message: &Message, _now_ns: i64) {
        // From outside, so it may be anything: what is no score is no answer.
        let (Some(tweet), Ok(score)) = (&message.tweet, message.text.parse()) else { return };
        if self.scores.insert(tweet.clone(), score).is_none() {
            self.ages.push_back(tweet.clone());
        }
        if self.ages.len() > SCORES {
            let oldest = self.ages.pop_front();
            oldest.and_then(|oldest| self.scores.remove(&oldest));
        }
    }
}

#[cfg(test)]
mod tests {
    use stoop::crossbeam_channel::{Receiver, bounded};
    use stoop::{Harness, HarnessError, brief};

    use super::*;

    /// A strategy, what it asks, and how often it could not.
    fn scored(room: usize) -> (Vec<Box<dyn Strategy>>, Receiver<Ask>, Arc<AtomicU64>) {
        let (asks, asked) = bounded(room);
        let unasked = Arc::default();
        (vec![Box::new(Scored::new(3, asks, Arc::clone(&unasked)))], asked, unasked)
    }

    #[test]
    fn a_post_opens_when_its_answer_is_high_enough() -> Result<(), HarnessError> {
        let (strategies, asked, _) = scored(8);
        let mut harness = Harness::new("", strategies)?;
        assert_eq!(brief(&harness.post("1", "@ab", "one two three")?), [""; 0]);
        assert_eq!(brief(&harness.post("2", "@ab", "one")?), [""; 0]);
        for (score, expect) in [(3, &["open scored - external"][..]), (2, &[])] {
            let ask = asked.try_recv().expect("it was asked about each post");
            assert!(ask.text.starts_with("one"), "{ask:?}");
            assert_eq!(brief(&harness.message(ask.answer(score))?), expect);
        }
        Ok(())
    }

    #[test]
    fn the_answers_are_inputs_and_the_model_is_not_asked_for_them_again() -> Result<(), HarnessError> {
        let (strategies, asked, _) = scored(8);
        let mut harness = Harness::new("", strategies)?;
        harness.post("1", "@ab", "a")?;
        let ask = asked.try_recv().expect("it was asked");
        harness.message(ask.answer(9))?;
        harness.delete("1")?;
        assert_eq!(harness.decisions().len(), 2);
        // Nobody answers this one: it is told what the first was told.
        harness.repeat(scored(0).0)?;
        Ok(())
    }

    #[test]
    fn a_better_answer_opens_and_a_worse_one_cancels() -> Result<(), HarnessError> {
        let (strategies, asked, _) = scored(8);
        let mut harness = Harness::new("", strategies)?;
        harness.post("1", "@ab", "a")?;
        let ask = asked.try_recv().expect("it was asked");
        let answer = |text: &str| Message {
            strategy: Some(NAME.to_owned()),
            tweet: Some(ask.tweet.clone()),
            text: text.to_owned(),
            ..Message::default()
        };
        assert_eq!(brief(&harness.message(answer("2"))?), [""; 0]);
        assert_eq!(brief(&harness.message(answer("three"))?), [""; 0], "that is no score");
        assert_eq!(brief(&harness.message(answer("3"))?), ["open scored - external"]);
        assert_eq!(brief(&harness.message(answer("0"))?), ["cancel scored - external no_match"]);
        assert_eq!(harness.incidents(), []);
        Ok(())
    }

    #[test]
    fn a_slow_model_is_not_waited_for() -> Result<(), HarnessError> {
        let (strategies, asked, unasked) = scored(1);
        let mut harness = Harness::new("", strategies)?;
        for tweet in ["1", "2", "3"] {
            harness.post(tweet, "@ab", "a")?;
        }
        assert_eq!((asked.len(), unasked.load(Ordering::Relaxed)), (1, 2));
        Ok(())
    }

    #[test]
    fn its_memory_is_bounded() {
        let mut scored = Scored::new(3, bounded(0).0, Arc::default());
        for id in 0..3000_u64 {
            let tweet = Some(TweetId::Number(id % 2000));
            scored.message(&Message { tweet, text: "1".to_owned(), ..Message::default() }, 0);
        }
        assert_eq!((scored.scores.len(), scored.ages.len()), (SCORES, SCORES));
    }
}
